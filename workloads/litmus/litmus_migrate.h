/* SPDX-License-Identifier: GPL-2.0-only */
/* Moving the pages of a litmus test to another node. */
#ifndef LITMUS_MIGRATE_H
#define LITMUS_MIGRATE_H

#include <numaif.h>
#include <stdlib.h>

#include "litmus.h"

#define LITMUS_MOVED_PAGES 1024
#define LITMUS_MAX_NODES 1024
#define LITMUS_LONG_BITS (8 * (int)sizeof(long))

struct litmus_migration {
	int node[2];
	void *page[LITMUS_MOVED_PAGES];
	int want[LITMUS_MOVED_PAGES];
	int status[LITMUS_MOVED_PAGES];
};

/* The first two nodes that may be used; how many of them there are. */
static inline int litmus_find_nodes(int node[2])
{
	unsigned long allowed[LITMUS_MAX_NODES / LITMUS_LONG_BITS] = { 0 };
	int i, nr = 0;

	if (get_mempolicy(NULL, allowed, LITMUS_MAX_NODES, NULL,
			  MPOL_F_MEMS_ALLOWED))
		return -errno;
	for (i = 0; i < LITMUS_MAX_NODES && nr < 2; i++)
		if (allowed[i / LITMUS_LONG_BITS] >> i % LITMUS_LONG_BITS & 1)
			node[nr++] = i;
	return nr;
}

static inline void litmus_migrate_probe(struct wl_reasons *why)
{
	int node[2];

	if (litmus_find_nodes(node) < 2)
		wl_reason(why, "needs two NUMA nodes with memory");
}

static inline int litmus_migrate_setup(struct litmus *l)
{
	struct litmus_migration *m = calloc(1, sizeof(*m));
	size_t i;

	l->priv = m;
	if (!m || litmus_find_nodes(m->node) < 2)
		return -ENOMEM;
	for (i = 0; i < l->range.conf.pages; i++)
		m->page[i] = l->range.addr + i * l->range.page_bytes;
	return 0;
}

/* All pages, as move_pages() does with @flags, and new values then. */
static inline int litmus_migrate(struct litmus *l, int flags)
{
	struct litmus_migration *m = l->priv;
	size_t i, nr = l->range.conf.pages;
	long left;

	if (move_pages(0, 1, m->page, NULL, m->status, 0))
		return -errno;
	for (i = 0; i < nr; i++)
		m->want[i] = m->node[m->status[0] == m->node[0]];
	left = move_pages(0, nr, m->page, m->want, m->status, flags);
	if (left)
		return left < 0 ? -errno : -EAGAIN;
	litmus_renew(l);
	return 0;
}

#endif
