// SPDX-License-Identifier: GPL-2.0-only
/*
 * punch_hole: take pages out of a file that others have mapped.
 *
 * fallocate(FALLOC_FL_PUNCH_HOLE) on a memfd, read in 6.12. Base and
 * transparent huge pages take shmem_fallocate() -> unmap_mapping_range() ->
 * zap_page_range_single() for one mapping after the other, so each mm that
 * has the pages mapped is flushed by itself; hugetlb takes
 * hugetlbfs_punch_hole() -> unmap_hugepage_range(). Each ends in
 * tlb_finish_mmu() -> flush_tlb_mm_range(). No page-table page goes.
 *
 * One op causes one flush on the CPU of the initiator and one on that of each
 * responder. But where dirty base pages were unmapped, the flush comes before
 * the page-table lock is dropped (zap_present_folio_ptes() sets force_flush):
 * there is one for each page-table page of an mm that wrote to them, which is
 * the initiator's. Responders that are processes only read.
 *
 * Not measured: allocating and faulting the pages in again (rearm), and the
 * misses that follow the flush.
 */
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>

#include "wl.h"
#include "wl_mem.h"

static void probe(const struct wl_env *env, const void *conf,
		  struct wl_reasons *why)
{
	struct wl_mem_conf mem = wl_mem_shared(conf);

	wl_mem_probe(env, &mem, why);
}

static int setup(struct wl_ctx *c)
{
	struct wl_mem_conf mem = wl_mem_shared(c->conf);

	return wl_mem_make_mapped(c, sizeof(struct wl_range), &mem);
}

static int op(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;

	return fallocate(r->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 0, (off_t)r->len_bytes)
		       ? -errno
		       : 0;
}

static int check(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;
	struct stat st;

	if (fstat(r->memfd, &st))
		return -errno;
	return st.st_blocks ? -EEXIST : wl_range_check_none(r, WL_PM_PRESENT);
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct wl_mem_conf *conf = c->conf;
	double responders = c->nr_threads[1];
	double tables = conf->page_size == WL_BASE ? wl_mem_tables(c) : 1;

	wl_mem_expect_reached(c, e, responders, tables,
			      wl_mem_max_zaps(tables));
	e->pages.min = 1;
	if (!c->nr_processes[1])
		return;
	/* Each has page tables of its own, without a dirty page. */
	e->ipis_received = (struct wl_bound){ responders, responders };
	e->flushes.min = tables + responders;
	e->flushes.max = wl_mem_max_zaps(tables) + responders;
	e->faults.max *= 1 + responders;
}

static const struct wl_param params[] = {
	WL_PARAM_PAGES("one op takes out of the file"),
	WL_PARAM_PAGE_SIZE,
	{ 0 },
};

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("writes the pages and punches a hole where they are",
			  wl_mem_write),
	WL_ROLE_RESPONDER_OR_PROCESS,
	{ 0 },
};

const struct wl_ops wl_punch_hole = {
	.abi = WL_ABI,
	.name = "punch_hole",
	.summary = "fallocate(PUNCH_HOLE) of pages of a memfd that running "
		   "CPUs have in their TLBs",
	.path = "unmap_mapping_range zap_page_range_single "
		"unmap_hugepage_range tlb_finish_mmu flush_tlb_mm_range",
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
