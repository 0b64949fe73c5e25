// SPDX-License-Identifier: GPL-2.0-only
/*
 * move_pages() to another node: try_to_migrate_one() leaves the flush of base
 * pages to a batch (try_to_unmap_flush()); huge ones are flushed one by one
 * (read in 6.12). Others must use the new pages from then on.
 */
#include <numaif.h>
#include <stdlib.h>

#include "litmus.h"

#define MAX_PAGES 1024
#define MAX_NODES 1024
#define LONG_BITS (8 * (int)sizeof(long))

struct migration {
	int node[2];
	void *page[MAX_PAGES];
	int want[MAX_PAGES];
	int status[MAX_PAGES];
};

/* The first two nodes that may be used; how many of them there are. */
static int find_nodes(int node[2])
{
	unsigned long allowed[MAX_NODES / LONG_BITS] = { 0 };
	int i, nr = 0;

	if (get_mempolicy(NULL, allowed, MAX_NODES, NULL, MPOL_F_MEMS_ALLOWED))
		return -errno;
	for (i = 0; i < MAX_NODES && nr < 2; i++)
		if (allowed[i / LONG_BITS] >> i % LONG_BITS & 1)
			node[nr++] = i;
	return nr;
}

static void probe(struct wl_reasons *why)
{
	int node[2];

	if (find_nodes(node) < 2)
		wl_reason(why, "needs two NUMA nodes with memory");
}

static int setup(struct litmus *l)
{
	struct migration *m = calloc(1, sizeof(*m));
	size_t i;

	l->priv = m;
	if (!m || find_nodes(m->node) < 2)
		return -ENOMEM;
	for (i = 0; i < l->range.conf.pages; i++)
		m->page[i] = l->range.addr + i * l->range.page_bytes;
	return 0;
}

static int act(struct litmus *l)
{
	struct migration *m = l->priv;
	size_t i, nr = l->range.conf.pages;
	long left;

	if (move_pages(0, 1, m->page, NULL, m->status, 0))
		return -errno;
	for (i = 0; i < nr; i++)
		m->want[i] = m->node[m->status[0] == m->node[0]];
	left = move_pages(0, nr, m->page, m->want, m->status, MPOL_MF_MOVE);
	if (left)
		return left < 0 ? -errno : -EAGAIN;
	litmus_renew(l);
	return 0;
}

const struct litmus_ops litmus_migration = {
	.abi = LITMUS_ABI,
	.name = "migration",
	.summary = "the flush of pages that move to another node",
	.path = "try_to_unmap_flush arch_tlbbatch_flush pmdp_invalidate "
		"huge_ptep_clear_flush flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP | LITMUS_HUGETLB,
	.read = LITMUS_NEW,
	.write = LITMUS_KEPT,
	.probe = probe,
	.setup = setup,
	.act = act,
};
