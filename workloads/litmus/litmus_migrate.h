/* SPDX-License-Identifier: GPL-2.0-only */
/* Moving the pages of a litmus test to another node. */
#ifndef LITMUS_MIGRATE_H
#define LITMUS_MIGRATE_H

#include <stdlib.h>

#include "../wl_nodes.h"
#include "litmus.h"

#define LITMUS_MOVED_PAGES 1024

struct litmus_migration {
	int node[2];
	void *page[LITMUS_MOVED_PAGES];
	int want[LITMUS_MOVED_PAGES];
	int status[LITMUS_MOVED_PAGES];
};

static inline void litmus_migrate_probe(struct wl_reasons *why)
{
	int node[2];

	if (wl_find_nodes(node, 2) < 2)
		wl_reason(why, "needs two NUMA nodes with memory");
}

static inline int litmus_migrate_setup(struct litmus *l)
{
	struct litmus_migration *m = calloc(1, sizeof(*m));

	l->priv = m;
	return m && wl_find_nodes(m->node, 2) == 2 ? 0 : -ENOMEM;
}

/* The first @nr pages of the range are to move, from where the first one is. */
static inline int litmus_migrate_plan(struct litmus_migration *m,
				      const struct wl_range *r, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		m->page[i] = r->addr + i * r->page_bytes;
	if (move_pages(0, 1, m->page, NULL, m->status, 0))
		return -errno;
	for (i = 0; i < nr; i++)
		m->want[i] = m->node[m->status[0] == m->node[0]];
	return 0;
}

/* All pages, as move_pages() does with @flags, and new values then. */
static inline int litmus_migrate(struct litmus *l, int flags)
{
	struct litmus_migration *m = l->priv;
	size_t nr = l->range.conf.pages;
	int ret = litmus_migrate_plan(m, &l->range, nr);
	long left;

	if (ret)
		return ret;
	left = move_pages(0, nr, m->page, m->want, m->status, flags);
	if (left)
		return left < 0 ? -errno : -EAGAIN;
	litmus_renew(l);
	return 0;
}

#endif
