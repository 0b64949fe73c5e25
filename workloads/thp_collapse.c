// SPDX-License-Identifier: GPL-2.0-only
/*
 * thp_collapse: make transparent huge pages of base pages that others use.
 *
 * MADV_COLLAPSE (Linux 6.1), read in 6.12: madvise_collapse() ->
 * collapse_huge_page() takes the page table out and flushes what it mapped
 * (pmdp_collapse_flush()), more pages than the ceiling and so everything: for
 * each huge page one flush on the CPU of the initiator and one on that of each
 * responder. After it tlb_remove_table_sync_one() interrupts all other CPUs
 * that are online; that is no flush, and not among the IPIs of the ledger.
 *
 * rearm drops the huge pages, which is one flush more, and writes base pages.
 *
 * Timed with it: allocating and copying the huge pages, and what MADV_COLLAPSE
 * does first: it waits until all CPUs have drained their LRU caches
 * (lru_add_drain_all()); those of the responders are empty. Not measured: the
 * misses that follow the flush, and khugepaged, which does the same when it
 * finds time and pages: how many it finds per op would not be exact. So it is
 * kept out: base pages come from PR_SET_THP_DISABLE and not from
 * MADV_NOHUGEPAGE, which only MADV_HUGEPAGE takes back; and that is what
 * khugepaged looks for, unless huge pages are for all
 * (transparent_hugepage/enabled).
 */
#include <sys/prctl.h>

#include "wl.h"
#include "wl_mem.h"

static void probe(const struct wl_env *env, const void *conf,
		  struct wl_reasons *why)
{
	struct wl_mem_conf mem = wl_mem_huge(conf);

	wl_mem_probe(env, &mem, why);
}

/* As wl_range_map(), but nobody asks for huge pages. */
static int map(const struct wl_range *r)
{
	if (mmap(r->addr, r->len_bytes, PROT_READ | PROT_WRITE,
		 MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		return -errno;
	return wl_place(r->ctx, r->region, r->addr, r->len_bytes);
}

static int setup(struct wl_ctx *c)
{
	struct wl_mem_conf mem = wl_mem_huge(c->conf);
	int ret = wl_mem_make(c, sizeof(struct wl_range), &mem);

	if (ret)
		return ret;
	ret = map(c->priv);
	if (ret)
		wl_mem_teardown(c);
	return ret;
}

static int advise(const struct wl_range *r, int advice)
{
	return madvise(r->addr, r->len_bytes, advice) ? -errno : 0;
}

/* Base pages, whatever the kernel gives by default. */
static int rearm(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;
	int ret = advise(r, MADV_DONTNEED);
	size_t off;

	if (ret)
		return ret;
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0))
		return -errno;
	for (off = 0; off < r->len_bytes; off += t->ctx->page_bytes)
		*(volatile char *)(r->addr + off) = 1;
	return prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0) ? -errno : 0;
}

static int op(struct wl_thread *t)
{
	return advise(t->ctx->priv, MADV_COLLAPSE);
}

static int check(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;
	long kib = wl_range_smaps_kib(r, "AnonHugePages:");

	if (kib < 0)
		return (int)kib;
	return (size_t)kib == r->len_bytes >> 10 ? 0 : -ENODATA;
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct wl_mem_conf *conf = c->conf;
	uint64_t per_table = c->page_bytes / sizeof(uint64_t);
	double flushes = (double)(conf->pages + 1);
	double faults = (double)(conf->pages * per_table);

	wl_mem_expect_flushes(c, e, flushes, flushes);
	e->faults = (struct wl_bound){ faults, faults };
}

static const struct wl_param params[] = {
	{
		.name = "pages",
		.help = "Huge pages that one op makes",
		.type = WL_UINT,
		.offset = offsetof(struct wl_mem_conf, pages),
		.def = 1,
		.min = 1,
		.max = 4096,
	},
	{ 0 },
};

/* All base pages that are going to be one huge page. */
static int load(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;
	size_t off;

	for (off = 0; off < r->len_bytes; off += t->ctx->page_bytes)
		(void)*(volatile char *)(r->addr + off);
	return wl_range_drain(r);
}

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("writes base pages and makes huge ones of them",
			  rearm),
	WL_ROLE_RESPONDER_AS("spins with the base pages in its TLB", load, 0),
	{ 0 },
};

const struct wl_ops wl_thp_collapse = {
	.abi = WL_ABI,
	.name = "thp_collapse",
	.summary = "MADV_COLLAPSE of base pages that running CPUs have in "
		   "their TLBs",
	.path = "collapse_huge_page pmdp_collapse_flush flush_tlb_mm_range",
	.tags = "everyday",
	.params = params,
	.conf_bytes = sizeof(struct wl_mem_conf),
	.roles = roles,
	.regions = wl_mem_regions,
	.probe = probe,
	.setup = setup,
	.teardown = wl_mem_teardown,
	.expect = expect,
};
