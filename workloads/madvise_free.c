// SPDX-License-Identifier: GPL-2.0-only
/*
 * madvise_free: tell the kernel that it may drop pages, which other CPUs have
 * in their TLBs.
 *
 * MADV_FREE takes the dirty and the accessed bit from each entry, so that a
 * later write is seen, and flushes in madvise_free_single_vma() ->
 * tlb_finish_mmu() -> flush_tlb_mm_range(), read in 6.12. One op causes one
 * flush, local and by one IPI to each responder; no page table is freed. A
 * transparent huge page is also flushed by itself, as a full flush that lazy
 * CPUs are not spared (madvise_free_huge_pmd() -> pmdp_invalidate()).
 *
 * Rearm writes the pages: the CPU sets both bits again, without a fault as long
 * as no memory is reclaimed. Not measured: that reclaim, which drops the pages.
 */
#include "wl.h"
#include "wl_mem.h"

static int op(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;

	return madvise(r->addr, r->len_bytes, MADV_FREE) ? -errno : 0;
}

static int check(struct wl_thread *t)
{
	return wl_range_check_smaps(t->ctx->priv, "Private_Dirty:");
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct wl_mem_conf *conf = c->conf;
	double flushes = 1;

	if (conf->page_size == WL_THP)
		flushes += (double)conf->pages;
	wl_mem_expect_flushes(c, e, flushes, flushes);
	wl_mem_expect_no_faults(c, e);
}

static const struct wl_param params[] = {
	WL_PARAM_PAGES("one op gives up"),
	WL_PARAM_PAGE_SIZE_NO_HUGETLB,
	{ 0 },
};

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("writes the pages and gives them up", wl_mem_write),
	WL_ROLE_RESPONDER_OR_PROCESS,
	{ 0 },
};

const struct wl_ops wl_madvise_free = {
	.abi = WL_ABI,
	.name = "madvise_free",
	.summary = "MADV_FREE of pages that running CPUs have in their TLBs",
	.path = "madvise_free_single_vma tlb_finish_mmu flush_tlb_mm_range",
	.tags = "everyday discard",
	.params = params,
	.conf_bytes = sizeof(struct wl_mem_conf),
	.roles = roles,
	.regions = wl_mem_regions,
	.probe = wl_mem_probe,
	.setup = wl_mem_setup_mapped,
	.process_init = wl_mem_process_init,
	.teardown = wl_mem_teardown,
	.expect = expect,
};
