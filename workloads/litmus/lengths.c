// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ranges of every length from 1 to 1024 pages, one after the other, of one
 * path: mprotect() to read-only, see mprotect.c. Others try some of them. The
 * pages stay there, and few are looked at, so that a try takes no time.
 */
#include "litmus.h"

#define MAX_PAGES 1024

static int setup(struct litmus *l)
{
	int ret = wl_range_map(&l->range);

	l->priv = l->range.addr;
	if (!ret)
		ret = wl_range_write(&l->range);
	return ret;
}

static int arm(struct litmus *l)
{
	struct wl_range *r = &l->range;

	r->addr = l->priv;
	r->conf.pages = 1 + l->try_nr % MAX_PAGES;
	r->len_bytes = r->conf.pages * r->page_bytes;
	return mprotect(r->addr, r->len_bytes, PROT_READ | PROT_WRITE) ? -errno
								       : 0;
}

const struct litmus_ops litmus_lengths = {
	.abi = LITMUS_ABI,
	.name = "lengths",
	.summary = "the flush of a range of some number of pages",
	.path = "change_protection tlb_finish_mmu flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE,
	.states = 1U << LITMUS_RUNNING,
	.effort = 64,
	.max_watched = 6,
	.write = LITMUS_FAULT,
	.setup = setup,
	.arm = arm,
	.act = litmus_protect,
};
