// SPDX-License-Identifier: GPL-2.0-only
/*
 * uffd_wp: write-protect pages by userfaultfd, as snapshots and garbage
 * collectors do.
 *
 * UFFDIO_WRITEPROTECT, read in 6.12: mwriteprotect_range() -> uffd_wp_range()
 * -> change_protection(), which gathers the range for tlb_finish_mmu() ->
 * flush_tlb_mm_range(); hugetlb flushes by itself before, in
 * hugetlb_change_protection(), so twice. Else one op causes one flush on the
 * CPU of the initiator and one on that of each responder.
 *
 * The protection is of the kind WP_ASYNC (Linux 6.7): the write fault of rearm
 * lifts it without a flush and without a handler. Such a fault splits a
 * transparent huge page, so there rearm lifts the protection by the ioctl,
 * which flushes once more, because it changes the write bit: page_size = thp
 * shows two flushes per op, of which one is timed. Huge pages of shared memory
 * are not write-protected: pgtable_split_needed() has them unmapped instead.
 *
 * Not measured: write faults and lifting the protection (rearm), and the misses
 * that follow the flush.
 */
#include "wl.h"
#include "wl_mem.h"
#include "wl_uffd.h"

struct uffd_wp {
	struct wl_range range;
	int fd;
};

static void probe(const struct wl_env *env, const void *conf,
		  struct wl_reasons *why)
{
	const struct wl_mem_conf *mem = conf;

	if (mem->page_size == WL_THP && mem->memory == WL_SHARED)
		wl_reason(why, "page_size = thp: of memory = shared the kernel "
			       "unmaps huge pages instead; "
			       "expected memory = anonymous");
	wl_mem_probe(env, conf, why);
	wl_uffd_probe(why);
}

static int protect(const struct uffd_wp *u, bool is_on)
{
	return wl_uffd_protect(u->fd, &u->range, is_on);
}

static int add_range(struct uffd_wp *u)
{
	int ret;

	u->fd = wl_uffd_open();
	if (u->fd < 0)
		return u->fd;
	ret = wl_uffd_register(u->fd, &u->range);
	if (ret)
		close(u->fd);
	return ret;
}

static int setup(struct wl_ctx *c)
{
	int ret = wl_mem_make_mapped(c, sizeof(struct uffd_wp), c->conf);

	if (ret)
		return ret;
	ret = add_range(c->priv);
	if (ret)
		wl_mem_teardown(c);
	return ret;
}

static void teardown(struct wl_ctx *c)
{
	struct uffd_wp *u = c->priv;

	close(u->fd);
	wl_mem_teardown(c);
}

static int rearm(struct wl_thread *t)
{
	const struct uffd_wp *u = t->ctx->priv;
	int ret = 0;

	if (u->range.conf.page_size == WL_THP)
		ret = protect(u, false);
	return ret ? ret : wl_range_write(&u->range);
}

static int op(struct wl_thread *t)
{
	return protect(t->ctx->priv, true);
}

static int check(struct wl_thread *t)
{
	return wl_range_check_all(t->ctx->priv, WL_PM_UFFD_WP);
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct wl_mem_conf *conf = c->conf;
	bool is_thp = conf->page_size == WL_THP;
	double flushes = conf->page_size == WL_BASE ? 1 : 2;

	/* hugetlb_change_protection() flushes, and tlb_finish_mmu() after it.
	 */
	wl_mem_expect_flushes(c, e, flushes, flushes);
	/* The first rearm faults the pages in, the others meet none there. */
	if (is_thp)
		e->faults = (struct wl_bound){ 0, 0 };
}

static const struct wl_param params[] = {
	WL_PARAM_PAGES("one op write-protects"),
	WL_PARAM_PAGE_SIZE,
	WL_PARAM_MEMORY,
	{ 0 },
};

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("writes the pages and write-protects them", rearm),
	WL_ROLE_RESPONDER_OR_PROCESS,
	{ 0 },
};

const struct wl_ops wl_uffd_wp = {
	.abi = WL_ABI,
	.name = "uffd_wp",
	.summary = "userfaultfd's write-protection of pages that running CPUs "
		   "have in their TLBs",
	.path = "uffd_wp_range hugetlb_change_protection tlb_finish_mmu "
		"flush_tlb_mm_range",
	.tags = "everyday",
	.params = params,
	.conf_bytes = sizeof(struct wl_mem_conf),
	.roles = roles,
	.regions = wl_mem_regions,
	.probe = probe,
	.setup = setup,
	.process_init = wl_mem_process_init,
	.teardown = teardown,
	.expect = expect,
};
