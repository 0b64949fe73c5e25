// SPDX-License-Identifier: GPL-2.0-only
/*
 * munmap: unmap pages that other CPUs have in their TLBs.
 *
 * Flushes in vms_clear_ptes() -> tlb_finish_mmu() -> flush_tlb_mm_range(), read
 * in 6.12. One op causes one flush, local and by one IPI to each responder,
 * which runs user code of the same mm and so is never lazy. It is a flush of
 * the range up to tlb_single_page_flush_ceiling (33) pages, else of all.
 *
 * Up to 1022 pages the page-table pages stay (see struct wl_range). Above, one
 * is freed in the middle, so freed_tables is set: it is the same one flush
 * (free_pgtables() runs under the same gather), but of everything, and lazy
 * CPUs, if there were any, would be interrupted too.
 *
 * Dirty pages of a file (memory = shared) are flushed earlier: before
 * zap_pte_range() lets go of a page-table page (tlb_delay_rmap()), so once per
 * page-table page. If one is freed then, it is flushed for by itself: a range
 * of entries of the level above, which the kernel traces as one of 0 pages if
 * there is but one such table. Then it is in the IPIs and not in the flushes.
 *
 * Not measured: mapping and faulting the pages in again (rearm), and the
 * misses that follow the flush.
 */
#include "wl.h"
#include "wl_mem.h"

static int rearm(struct wl_thread *t)
{
	int ret = wl_range_map(t->ctx->priv);

	return ret ? ret : wl_range_write(t->ctx->priv);
}

static int op(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;

	return munmap(r->addr, r->len_bytes) ? -errno : 0;
}

static int check(struct wl_thread *t)
{
	return wl_range_check_unmapped(t->ctx->priv);
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct wl_mem_conf *conf = c->conf;
	double tables = 1;
	bool frees = false;

	if (conf->memory == WL_SHARED && conf->page_size == WL_BASE) {
		tables = wl_mem_tables(c);
		frees = conf->pages > 2 * c->page_bytes / sizeof(uint64_t) - 2;
	}
	wl_mem_expect_flushes(c, e, tables, wl_mem_max_zaps(tables) + frees);
	/* What a table that goes costs is in the IPIs in any case. */
	if (e->ipis_received.min > 0)
		e->ipis_received.min += frees * c->nr_threads[1];
	if (tables > 1)
		e->pages = (struct wl_bound){ 0, (double)conf->pages };
}

static const struct wl_param params[] = {
	WL_PARAM_PAGES("one op unmaps"),
	WL_PARAM_PAGE_SIZE,
	WL_PARAM_MEMORY,
	{ 0 },
};

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("maps, writes and unmaps the pages", rearm),
	WL_ROLE_RESPONDER_OR_PROCESS,
	{ 0 },
};

const struct wl_ops wl_munmap = {
	.abi = WL_ABI,
	.name = "munmap",
	.summary = "munmap() of pages that running CPUs have in their TLBs",
	.path = "vms_clear_ptes tlb_finish_mmu flush_tlb_mm_range",
	.tags = "everyday unmap",
	.params = params,
	.conf_bytes = sizeof(struct wl_mem_conf),
	.roles = roles,
	.regions = wl_mem_regions,
	.probe = wl_mem_probe,
	.setup = wl_mem_setup,
	.process_init = wl_mem_process_init,
	.teardown = wl_mem_teardown,
	.expect = expect,
};
