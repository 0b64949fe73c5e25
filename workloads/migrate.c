// SPDX-License-Identifier: GPL-2.0-only
/*
 * migrate: move pages to another NUMA node while other CPUs use them.
 *
 * move_pages(2), read in 6.12: do_pages_move() -> migrate_pages() ->
 * try_to_migrate_one(). Base pages are unmapped in batches of at most 512
 * (NR_MAX_BATCHED_MIGRATION), and each batch is flushed at once, of everything
 * (try_to_unmap_flush() -> arch_tlbbatch_flush()), on the initiator's CPU and
 * on that of each responder. But where no other CPU has the mm loaded nothing
 * is batched (should_defer_flush()): each page is flushed by itself
 * (ptep_clear_flush()). Transparent huge pages are flushed one by one, each as
 * more pages than the ceiling and so of everything (pmdp_invalidate()), those
 * of hugetlb one by one, too (huge_ptep_clear_flush()).
 *
 * No processes: pages that others map are moved for root alone.
 *
 * The pages go forth and back between the first two nodes that the process may
 * use, so there is nothing to rearm, and no page fault.
 *
 * Timed with it: allocating and copying the pages, and what move_pages() does
 * first: it waits for an expedited RCU grace period and until all CPUs have
 * drained their LRU caches (lru_cache_disable()); those of the responders are
 * empty. Not measured: the misses that follow the flush.
 */
#include <numaif.h>

#include "wl.h"
#include "wl_mem.h"
#include "wl_nodes.h"

#define BATCH_PAGES 512

/**
 * struct migrate - the range, and the arguments of move_pages()
 * @node: the two nodes
 * @to: index of the one where the next op moves the pages
 * @page, @want, @status: by page
 */
struct migrate {
	struct wl_range range;
	int node[2];
	unsigned int to;
	void **page;
	int *want;
	int *status;
};

static void probe(const struct wl_env *env, const void *conf,
		  struct wl_reasons *why)
{
	int node[2], nr = wl_find_nodes(node, 2);

	wl_mem_probe(env, conf, why);
	if (nr < 0)
		wl_reason(why, "get_mempolicy: %s", strerror(-nr));
	else if (nr < 2)
		wl_reason(why,
			  "needs two NUMA nodes with memory, there is one");
}

/* Move all pages to their node, or with a NULL @want see where they are. */
static int move(struct migrate *m, const int *want)
{
	long left = move_pages(0, m->range.conf.pages, m->page, want, m->status,
			       want ? MPOL_MF_MOVE : 0);

	if (left < 0)
		return -errno;
	return left ? -EBUSY : 0;
}

static void aim(struct migrate *m, unsigned int to)
{
	uint64_t i;

	m->to = to;
	for (i = 0; i < m->range.conf.pages; i++)
		m->want[i] = m->node[to];
}

static int check_moved(struct migrate *m)
{
	int ret = move(m, NULL);
	uint64_t i;

	for (i = 0; i < m->range.conf.pages && !ret; i++)
		if (m->status[i] != m->want[i])
			ret = m->status[i] < 0 ? m->status[i] : -EXDEV;
	return ret;
}

static void free_lists(struct migrate *m)
{
	free(m->page);
	free(m->want);
	free(m->status);
}

static int make_lists(struct migrate *m)
{
	uint64_t i, pages = m->range.conf.pages;

	m->page = calloc(pages, sizeof(*m->page));
	m->want = calloc(pages, sizeof(*m->want));
	m->status = calloc(pages, sizeof(*m->status));
	if (!m->page || !m->want || !m->status)
		return -ENOMEM;
	for (i = 0; i < pages; i++)
		m->page[i] = m->range.addr + i * m->range.page_bytes;
	return 0;
}

/* Have all pages on the first node. */
static int fill(struct migrate *m)
{
	int ret = wl_find_nodes(m->node, 2);

	if (ret < 2)
		return ret < 0 ? ret : -ENODEV;
	ret = wl_range_write(&m->range);
	aim(m, 0);
	if (!ret)
		ret = move(m, m->want);
	return ret ? ret : check_moved(m);
}

static void teardown(struct wl_ctx *c)
{
	free_lists(c->priv);
	wl_mem_teardown(c);
}

static int setup(struct wl_ctx *c)
{
	int ret = wl_mem_make_mapped(c, sizeof(struct migrate), c->conf);

	if (ret)
		return ret;
	ret = make_lists(c->priv);
	if (!ret)
		ret = fill(c->priv);
	if (ret)
		teardown(c);
	return ret;
}

static int rearm(struct wl_thread *t)
{
	struct migrate *m = t->ctx->priv;

	aim(m, !m->to);
	return 0;
}

static int op(struct wl_thread *t)
{
	struct migrate *m = t->ctx->priv;

	return move(m, m->want);
}

static int check(struct wl_thread *t)
{
	return check_moved(t->ctx->priv);
}

/* Not at each rendezvous: it would flush what a batch has left pending. */
static int thread_init(struct wl_thread *t)
{
	return wl_range_drain(t->ctx->priv);
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct wl_mem_conf *conf = c->conf;
	uint64_t flushes = conf->pages;

	if (conf->page_size == WL_BASE && c->nr_threads[1])
		flushes = (conf->pages + BATCH_PAGES - 1) / BATCH_PAGES;
	wl_mem_expect_flushes(c, e, (double)flushes, (double)flushes);
	/* The initiator sleeps until all CPUs have drained, and may come back
	 * from another mm. */
	e->flushes.max += 1;
	e->pages = (struct wl_bound){ 1, 1 };
	e->faults = (struct wl_bound){ 0, 0 };
}

static const struct wl_param params[] = {
	WL_PARAM_PAGES("one op moves"),
	WL_PARAM_PAGE_SIZE,
	{ 0 },
};

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("moves the pages from one node to the other", rearm),
	WL_ROLE_RESPONDER,
	{ 0 },
};

const struct wl_ops wl_migrate = {
	.abi = WL_ABI,
	.name = "migrate",
	.summary = "move_pages() to another NUMA node, of pages that running "
		   "CPUs have in their TLBs",
	.path = "try_to_unmap_flush arch_tlbbatch_flush ptep_clear_flush "
		"pmdp_invalidate huge_ptep_clear_flush flush_tlb_mm_range",
	.tags = "everyday",
	.params = params,
	.conf_bytes = sizeof(struct wl_mem_conf),
	.roles = roles,
	.probe = probe,
	.setup = setup,
	.thread_init = thread_init,
	.teardown = teardown,
	.expect = expect,
};
