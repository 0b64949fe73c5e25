// SPDX-License-Identifier: GPL-2.0-only
/*
 * mprotect: change the rights to pages that other CPUs have in their TLBs.
 *
 * Flushes in mprotect_fixup() -> change_protection() -> tlb_finish_mmu() ->
 * flush_tlb_mm_range(), read in 6.12; change_huge_pmd() marks the same gather.
 * One op causes one flush, local and by one IPI to each responder. Giving the
 * right to write flushes too (pte_flags_need_flush(): any change of _PAGE_RW),
 * though an old entry would only cost a fault.
 *
 * So rearm, which takes the change back by mprotect(), flushes as well, and per
 * op there are two flushes. There is only one where the way back is from no
 * access: an entry that is not present is in no TLB (pte_needs_flush()).
 *
 * Pages of hugetlb are flushed twice for each mprotect(), whatever changes:
 * hugetlb_change_protection() flushes its range, and the end of its gather, as
 * another one is open around it, everything (mm_tlb_flush_nested()). Giving the
 * right to write leaves their entries without it, so that rearm faults.
 *
 * Not measured: the split and merge of VMAs, as the range is always the whole
 * VMA; faults after the change.
 */
#include <sys/uio.h>

#include "wl.h"
#include "wl_mem.h"

enum change {
	DOWN,
	UP,
	NONE
};

static const char *const changes[] = { "down", "up", "none", NULL };

struct mprotect_conf {
	struct wl_mem_conf mem;
	uint64_t change;
};

static int protect(struct wl_thread *t, int prot)
{
	const struct wl_range *r = t->ctx->priv;

	return mprotect(r->addr, r->len_bytes, prot) ? -errno : 0;
}

static int rearm(struct wl_thread *t)
{
	const struct mprotect_conf *conf = t->ctx->conf;
	int ret = 0;

	if (conf->change != UP)
		ret = protect(t, PROT_READ | PROT_WRITE);
	if (!ret)
		ret = wl_mem_write(t);
	if (!ret && conf->change == UP)
		ret = protect(t, PROT_READ);
	return ret;
}

static int op(struct wl_thread *t)
{
	static const int to[] = {
		[DOWN] = PROT_READ,
		[UP] = PROT_READ | PROT_WRITE,
		[NONE] = PROT_NONE,
	};
	const struct mprotect_conf *conf = t->ctx->conf;

	return protect(t, to[conf->change]);
}

/* By calls that respect the rights of a mapping and fail without a fault. */
static int check(struct wl_thread *t)
{
	const struct mprotect_conf *conf = t->ctx->conf;
	const struct wl_range *r = t->ctx->priv;
	bool may_read = conf->change != NONE, may_write = conf->change == UP;
	char byte = 1;
	struct iovec here = { &byte, 1 }, there = { r->addr, 1 };
	pid_t self = getpid();

	for (; there.iov_base < (void *)(r->addr + r->len_bytes);
	     there.iov_base = (char *)there.iov_base + r->page_bytes) {
		ssize_t got = process_vm_readv(self, &here, 1, &there, 1, 0);
		ssize_t put = process_vm_writev(self, &here, 1, &there, 1, 0);

		if ((got == 1) != may_read || (put == 1) != may_write)
			return -EACCES;
	}
	return 0;
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct mprotect_conf *conf = c->conf;
	double flushes = conf->change == NONE ? 1 : 2;

	if (conf->mem.page_size == WL_HUGETLB)
		flushes = 4;
	wl_mem_expect_flushes(c, e, flushes, flushes);
	wl_mem_expect_no_faults(c, e);
}

static const struct wl_param params[] = {
	WL_PARAM_PAGES("one op changes"),
	WL_PARAM_PAGE_SIZE,
	WL_PARAM_MEMORY,
	{
		.name = "change",
		.help = "Down: from writable to read-only, up: back, none: "
			"from writable to no access",
		.type = WL_ENUM,
		.offset = offsetof(struct mprotect_conf, change),
		.values = changes,
	},
	{ 0 },
};

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("writes the pages and changes the rights to them",
			  rearm),
	WL_ROLE_RESPONDER_OR_PROCESS,
	{ 0 },
};

const struct wl_ops wl_mprotect = {
	.abi = WL_ABI,
	.name = "mprotect",
	.summary = "mprotect() of pages that running CPUs have in their TLBs",
	.path = "change_protection tlb_finish_mmu flush_tlb_mm_range",
	.tags = "everyday protect",
	.params = params,
	.conf_bytes = sizeof(struct mprotect_conf),
	.roles = roles,
	.regions = wl_mem_regions,
	.probe = wl_mem_probe,
	.setup = wl_mem_setup_mapped,
	.process_init = wl_mem_process_init,
	.teardown = wl_mem_teardown,
	.expect = expect,
};
