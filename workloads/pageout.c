// SPDX-License-Identifier: GPL-2.0-only
/*
 * pageout: reclaim pages that other CPUs use, because a program says so.
 *
 * MADV_PAGEOUT, read in 6.12: madvise_cold_or_pageout_pte_range() takes the
 * pages of one page-table page after the other through reclaim_pages() ->
 * shrink_folio_list() -> try_to_unmap_one(). The flushes are of everything
 * (arch_tlbbatch_flush()), on the CPU of the initiator and on that of each
 * responder, and how many there are depends on the pages:
 *
 * backing = file: clean pages of a file are unmapped in batches. There is a
 * flush for every 31 of them (PAGEVEC_SIZE), and for the rest.
 * backing = swap: dirty anonymous pages are flushed one by one, each before it
 * is written to the swap device (try_to_unmap_flush_dirty()).
 *
 * In both cases there is one more per page-table page, when the next walk finds
 * that some batch has left its mark on the mm (flush_tlb_batched_pending()):
 * that happens from the second op on. Where no other CPU has the mm loaded
 * nothing is batched, and each page is flushed by itself.
 *
 * Base pages only: a huge page goes whole if swap has room for it in a row,
 * else it is split. And no processes: what others map is left alone.
 *
 * Timed with it: all else that reclaim does, and writing to the swap device,
 * which compresses in memory. Not measured: faulting the pages in again (rearm)
 * and the misses that follow the flush.
 */
#include "wl.h"
#include "wl_mem.h"

#define BATCH_PAGES 31
#define MIN_SWAP_BYTES (16UL << 20)

enum backing {
	BY_FILE,
	BY_SWAP
};

static const char *const backings[] = { "file", "swap", NULL };

struct pageout_conf {
	struct wl_mem_conf mem;
	uint64_t backing;
};

static void probe(const struct wl_env *env, const void *conf,
		  struct wl_reasons *why)
{
	const struct pageout_conf *p = conf;

	wl_mem_probe(env, conf, why);
	if (p->backing == BY_FILE && env->nr_instances > 1)
		wl_reason(why, "backing = file: expected instances = 1: the "
			       "kernel leaves pages alone that others map");
}

static void prepare(struct wl_res *res, const void *conf)
{
	const struct pageout_conf *p = conf;
	uint64_t bytes = p->mem.pages * (uint64_t)sysconf(_SC_PAGESIZE);

	if (p->backing == BY_FILE)
		wl_res_file(res, WL_FS_DISK, bytes);
	else
		wl_res_swap(res, MIN_SWAP_BYTES + 2 * bytes);
}

/* Without MADV_RANDOM a fault would bring in pages around it. */
static int map(struct wl_range *r)
{
	int ret = wl_range_map(r);

	if (!ret && madvise(r->addr, r->len_bytes, MADV_RANDOM))
		ret = -errno;
	return ret;
}

static int setup(struct wl_ctx *c)
{
	const struct pageout_conf *conf = c->conf;
	int ret = wl_mem_make(c, sizeof(struct wl_range), &conf->mem);
	struct wl_range *r = c->priv;

	if (ret)
		return ret;
	if (conf->backing == BY_FILE) {
		r->memfd = fcntl(c->files[0], F_DUPFD_CLOEXEC, 0);
		if (r->memfd < 0)
			ret = -errno;
	}
	if (!ret)
		ret = map(r);
	if (ret)
		wl_mem_teardown(c);
	return ret;
}

static int rearm(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;

	if (r->memfd < 0)
		return wl_range_write(r);
	wl_range_read(r);
	return 0;
}

static int op(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;

	return madvise(r->addr, r->len_bytes, MADV_PAGEOUT) ? -errno : 0;
}

/* Not mapped, and not in the page cache either. */
static int check_gone(const struct wl_range *r)
{
	unsigned char resident;
	size_t off;

	for (off = 0; off < r->len_bytes; off += r->page_bytes) {
		if (mincore(r->addr + off, r->page_bytes, &resident))
			return -errno;
		if (resident & 1)
			return -EEXIST;
	}
	return wl_range_check_none(r, WL_PM_PRESENT);
}

static int check(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;

	return r->memfd < 0 ? wl_range_check_all(r, WL_PM_SWAP) : check_gone(r);
}

/* Flushes of one op by which a CPU of the mm is reached. */
static uint64_t count_flushes(const struct pageout_conf *conf,
			      uint64_t per_table)
{
	/* The range begins one page behind the first of a table. */
	uint64_t left = conf->mem.pages, fit = per_table - 1, n, nr = 0;

	for (; left; left -= n, fit = per_table) {
		n = left < fit ? left : fit;
		nr += 1 + (conf->backing == BY_SWAP
				   ? n
				   : (n + BATCH_PAGES - 1) / BATCH_PAGES);
	}
	return nr;
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct pageout_conf *conf = c->conf;
	uint64_t flushes = conf->mem.pages;

	if (c->nr_threads[1])
		flushes = count_flushes(conf, c->page_bytes / sizeof(uint64_t));
	wl_mem_expect_flushes(c, e, (double)flushes, (double)flushes);
	e->pages = (struct wl_bound){ 1, 1 };
}

static const struct wl_param params[] = {
	WL_PARAM_PAGES("one op reclaims"),
	{
		.name = "backing",
		.help = "Clean pages of a file on disk, or dirty anonymous "
			"pages and swap in compressed memory",
		.type = WL_ENUM,
		.offset = offsetof(struct pageout_conf, backing),
		.values = backings,
	},
	{ 0 },
};

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("faults the pages in and has them reclaimed", rearm),
	WL_ROLE_RESPONDER,
	{ 0 },
};

const struct wl_ops wl_pageout = {
	.abi = WL_ABI,
	.name = "pageout",
	.summary = "MADV_PAGEOUT of pages that running CPUs have in their TLBs",
	.path = "try_to_unmap_flush try_to_unmap_flush_dirty "
		"arch_tlbbatch_flush flush_tlb_batched_pending "
		"ptep_clear_flush",
	.tags = "everyday",
	.params = params,
	.conf_bytes = sizeof(struct pageout_conf),
	.roles = roles,
	.regions = wl_mem_regions,
	.probe = probe,
	.prepare = prepare,
	.setup = setup,
	.teardown = wl_mem_teardown,
	.expect = expect,
};
