// SPDX-License-Identifier: GPL-2.0-only
/*
 * mremap: move pages that other CPUs have in their TLBs to another address.
 *
 * Flushes in move_page_tables(), read in 6.12, by flush_tlb_range() of the old
 * addresses, before the lock of the page table is dropped: once for all entries
 * of one page-table page (move_ptes()), once for a whole page-table page that
 * is moved as it is (move_normal_pmd()), once for each transparent huge page
 * (move_huge_pmd()), once for all pages of hugetlb. flush_tlb_range() always
 * says that page tables are freed, so lazy CPUs are not spared. One op causes
 * that many flushes, local and by one IPI to each responder for each.
 *
 * There and back: every second op moves the pages back, so nothing is faulted
 * in again. Rearm reserves the place that was left. Not measured: growing or
 * shrinking, and the misses that follow the flush.
 */
#include "wl.h"
#include "wl_mem.h"

/**
 * struct mremap_state
 * @r: where the pages are
 * @other: a range as long, where they go next; its place alone is used
 */
struct mremap_state {
	struct wl_range r;
	struct wl_range other;
};

static int setup(struct wl_ctx *c)
{
	int ret = wl_mem_make_mapped(c, sizeof(struct mremap_state), c->conf);
	struct mremap_state *s = c->priv;

	if (ret)
		return ret;
	ret = wl_range_init(&s->other, c, 0, c->conf);
	if (ret)
		wl_mem_teardown(c);
	return ret;
}

static void teardown(struct wl_ctx *c)
{
	struct mremap_state *s = c->priv;

	wl_range_fini(&s->other);
	wl_mem_teardown(c);
}

static int rearm(struct wl_thread *t)
{
	struct mremap_state *s = t->ctx->priv;
	int ret = wl_range_close(&s->other);

	return ret ? ret : wl_mem_write(t);
}

static int op(struct wl_thread *t)
{
	struct mremap_state *s = t->ctx->priv;
	char *from = s->r.addr, *to = s->other.addr;
	size_t len_bytes = s->r.len_bytes;

	if (mremap(from, len_bytes, len_bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
		   to) != to)
		return -errno;
	s->r.addr = to;
	s->other.addr = from;
	return 0;
}

static int check(struct wl_thread *t)
{
	const struct mremap_state *s = t->ctx->priv;
	int ret = wl_range_check_unmapped(&s->other);

	return ret ? ret : wl_range_check_all(&s->r, WL_PM_PRESENT);
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct wl_mem_conf *conf = c->conf;
	double flushes = 1;

	if (conf->page_size == WL_THP)
		flushes = (double)conf->pages;
	else if (conf->page_size == WL_BASE)
		flushes = wl_mem_tables(c);
	wl_mem_expect_flushes(c, e, flushes, flushes);
	wl_mem_expect_no_faults(c, e);
	if (flushes > 1)
		e->pages = (struct wl_bound){ 1, (double)conf->pages };
}

static const struct wl_param params[] = {
	WL_PARAM_PAGES("one op moves"),
	WL_PARAM_PAGE_SIZE,
	WL_PARAM_MEMORY,
	{ 0 },
};

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("writes the pages and moves them", rearm),
	WL_ROLE_RESPONDER_OR_PROCESS,
	{ 0 },
};

const struct wl_ops wl_mremap = {
	.abi = WL_ABI,
	.name = "mremap",
	.summary = "mremap() of pages that running CPUs have in their TLBs",
	.path = "move_page_tables flush_tlb_mm_range",
	.tags = "everyday move",
	.params = params,
	.conf_bytes = sizeof(struct wl_mem_conf),
	.roles = roles,
	.regions = wl_mem_regions,
	.probe = wl_mem_probe,
	.setup = setup,
	.process_init = wl_mem_process_init,
	.teardown = teardown,
	.expect = expect,
};
