// SPDX-License-Identifier: GPL-2.0-only
/*
 * madvise_dontneed: drop pages that other CPUs have in their TLBs, keep the
 * mapping.
 *
 * Flushes in zap_page_range_single() -> tlb_finish_mmu() ->
 * flush_tlb_mm_range(), read in 6.12. One op causes one flush, local and by one
 * IPI to each responder, which runs user code of the same mm and so is never
 * lazy. No page table is freed, however long the range (kernels from 6.14 on
 * may free one that is empty then). Dirty pages of a file (memory = shared) are
 * flushed before zap_pte_range() lets go of a page-table page
 * (tlb_delay_rmap()), so once per page-table page.
 *
 * Not measured: faulting the pages in again (rearm), and the misses that follow
 * the flush. The pages of a memfd stay in the page cache.
 */
#include "wl.h"
#include "wl_mem.h"

static int op(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;

	return madvise(r->addr, r->len_bytes, MADV_DONTNEED) ? -errno : 0;
}

static int check(struct wl_thread *t)
{
	return wl_range_check_none(t->ctx->priv, WL_PM_PRESENT);
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct wl_mem_conf *conf = c->conf;
	double tables = 1;

	if (conf->memory == WL_SHARED && conf->page_size == WL_BASE)
		tables = wl_mem_tables(c);
	wl_mem_expect_flushes(c, e, tables, wl_mem_max_zaps(tables));
	if (tables > 1)
		e->pages = (struct wl_bound){ 1, (double)conf->pages };
}

static const struct wl_param params[] = {
	WL_PARAM_PAGES("one op drops"),
	WL_PARAM_PAGE_SIZE,
	WL_PARAM_MEMORY,
	{ 0 },
};

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("writes the pages and drops them", wl_mem_write),
	WL_ROLE_RESPONDER_OR_PROCESS,
	{ 0 },
};

const struct wl_ops wl_madvise_dontneed = {
	.abi = WL_ABI,
	.name = "madvise_dontneed",
	.summary =
		"MADV_DONTNEED of pages that running CPUs have in their TLBs",
	.path = "zap_page_range_single tlb_finish_mmu flush_tlb_mm_range",
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
