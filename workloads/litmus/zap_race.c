// SPDX-License-Identifier: GPL-2.0-only
/*
 * MADV_DONTNEED of pages whose entries another MADV_DONTNEED has cleared, which
 * has yet to flush: tlb_finish_mmu() flushes all if it sees by
 * mm_tlb_flush_nested() that there is another one (read in 6.12). The other one
 * goes on with many pages behind these. Others read zeroes once the first of
 * the two has returned.
 */
#include <stdlib.h>

#include "litmus_rival.h"

#define ALL_PAGES 1024
#define MAX_PAGES 8

static size_t all_bytes(const struct litmus *l)
{
	return ALL_PAGES * l->range.page_bytes;
}

static void zap_all(struct litmus_rival *r)
{
	madvise(r->l->range.addr, all_bytes(r->l), MADV_DONTNEED);
}

static int setup(struct litmus *l)
{
	struct litmus_rival *rival = malloc(sizeof(*rival));

	l->priv = rival;
	return rival ? litmus_rival_start(rival, l, zap_all) : -ENOMEM;
}

static int arm(struct litmus *l)
{
	struct wl_range *r = &l->range;
	int ret;

	r->len_bytes = all_bytes(l);
	ret = litmus_arm(l);
	r->len_bytes = MAX_PAGES * r->page_bytes;
	return ret;
}

/* If the other one has ended before, it was not a try. */
static int act(struct litmus *l)
{
	struct litmus_rival *rival = l->priv;

	litmus_rival_begin(rival);
	if (madvise(l->range.addr, l->range.len_bytes, MADV_DONTNEED))
		return -errno;
	return atomic_load(&rival->has_ended) ? -EAGAIN : 0;
}

static void disarm(struct litmus *l)
{
	litmus_rival_end(l->priv);
}

const struct litmus_ops litmus_zap_race = {
	.abi = LITMUS_ABI,
	.name = "zap_race",
	.summary = "the flush of entries that somebody else has cleared",
	.path = "tlb_finish_mmu flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE,
	.states = 1U << LITMUS_RUNNING,
	.races = true,
	.read = LITMUS_ZERO,
	.setup = setup,
	.arm = arm,
	.act = act,
	.disarm = disarm,
};
