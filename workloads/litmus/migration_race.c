// SPDX-License-Identifier: GPL-2.0-only
/*
 * MADV_DONTNEED and mprotect() of pages whose entries somebody else has cleared
 * and left the flush to a batch: a migration of many pages, which flushes when
 * all are unmapped. Who changes what is left of these entries must ask
 * flush_tlb_batched_pending() before: zap_pte_range() and change_pte_range() do
 * (read in 6.12). Reclaim has such batches, too, but shorter ones. Others read
 * zeroes, or may not write, once the first of the two has returned.
 */
#include <stdlib.h>

#include "litmus_migrate.h"
#include "litmus_rival.h"

/* One batch, NR_MAX_BATCHED_MIGRATION. */
#define ALL_PAGES 512
#define MAX_PAGES 8

/* The first member is what litmus_migrate.h takes for l->priv. */
struct migration_race {
	struct litmus_migration migration;
	struct litmus_rival rival;
};

static void move_all(struct litmus_rival *r)
{
	struct litmus_migration *m = r->l->priv;

	(void)!move_pages(0, ALL_PAGES, m->page, m->want, m->status,
			  MPOL_MF_MOVE);
}

static int setup(struct litmus *l)
{
	struct migration_race *m = calloc(1, sizeof(*m));

	l->priv = m;
	if (!m || wl_find_nodes(m->migration.node, 2) != 2)
		return -ENOMEM;
	return litmus_rival_start(&m->rival, l, move_all);
}

static int arm(struct litmus *l)
{
	struct migration_race *m = l->priv;
	struct wl_range *r = &l->range;
	size_t bytes = r->len_bytes;
	int ret;

	r->len_bytes = ALL_PAGES * r->page_bytes;
	ret = litmus_arm(l);
	r->len_bytes = bytes;
	return ret ? ret : litmus_migrate_plan(&m->migration, r, ALL_PAGES);
}

/* Entries of pages that are on their way look like those of swap. */
static int await_unmapped(const struct litmus *l)
{
	const struct migration_race *m = l->priv;
	long nr;

	while ((nr = litmus_pagemap(l, litmus_pages(l) - 1, WL_PM_SWAP)) == 0 &&
	       !atomic_load(&m->rival.has_ended))
		litmus_pause();
	return nr < 0 ? (int)nr : 0;
}

/* If the other one has ended before, it was not a try. */
static int act(struct litmus *l)
{
	struct migration_race *m = l->priv;
	const struct wl_range *r = &l->range;
	int ret;

	litmus_rival_begin(&m->rival);
	ret = await_unmapped(l);
	if (ret)
		return ret;
	if (l->is_write ? mprotect(r->addr, r->len_bytes, PROT_READ)
			: madvise(r->addr, r->len_bytes, MADV_DONTNEED))
		return -errno;
	return atomic_load(&m->rival.has_ended) ? -EAGAIN : 0;
}

static void disarm(struct litmus *l)
{
	struct migration_race *m = l->priv;

	litmus_rival_end(&m->rival);
}

const struct litmus_ops litmus_migration_race = {
	.abi = LITMUS_ABI,
	.name = "migration_race",
	.summary = "the flush of entries that a batch has cleared",
	.path = "flush_tlb_batched_pending flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE,
	.states = 1U << LITMUS_RUNNING,
	.races = true,
	.max_pages = MAX_PAGES,
	.read = LITMUS_ZERO,
	.write = LITMUS_FAULT,
	.probe = litmus_migrate_probe,
	.setup = setup,
	.arm = arm,
	.act = act,
	.disarm = disarm,
};
