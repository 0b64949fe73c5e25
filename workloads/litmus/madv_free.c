// SPDX-License-Identifier: GPL-2.0-only
/*
 * MADV_FREE: madvise_free_single_vma() makes entries clean and gathers them for
 * tlb_finish_mmu() (read in 6.12). A write on another CPU must make them dirty
 * again, or reclaim takes the page away with it: so the initiator has the pages
 * reclaimed, which drops those that are clean, and looks for what was written.
 */
#include "litmus.h"

static int act(struct litmus *l)
{
	return madvise(l->range.addr, l->range.len_bytes, MADV_FREE) ? -errno
								     : 0;
}

static int look(struct litmus *l)
{
	return madvise(l->range.addr, l->range.len_bytes, MADV_PAGEOUT) ? -errno
									: 0;
}

const struct litmus_ops litmus_madv_free = {
	.abi = LITMUS_ABI,
	.name = "madv_free",
	.summary = "the flush of MADV_FREE",
	.path = "madvise_free_single_vma tlb_finish_mmu flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP,
	.one_writer = true,
	.write = LITMUS_KEPT,
	.act = act,
	.look = look,
};
