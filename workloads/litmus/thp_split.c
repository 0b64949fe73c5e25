// SPDX-License-Identifier: GPL-2.0-only
/*
 * MADV_DONTNEED of a part of a huge page: __split_huge_pmd() takes the entry
 * apart, pmdp_invalidate() flushes it, and base pages are changed then (read
 * in 6.12). Others read zeroes there from then on, and what they write is in
 * new pages.
 *
 * The range is all of one huge page but the first base page.
 */
#include "litmus_thp.h"

static int act(struct litmus *l)
{
	int ret = madvise(l->range.addr, l->range.len_bytes, MADV_DONTNEED);

	litmus_eat(l);
	return ret ? -errno : 0;
}

const struct litmus_ops litmus_thp_split = {
	.abi = LITMUS_ABI,
	.name = "thp_split",
	.summary = "the flush where a part of a huge page is dropped",
	.path = "__split_huge_pmd pmdp_invalidate tlb_finish_mmu "
		"flush_tlb_mm_range",
	.page_sizes = LITMUS_THP,
	.read = LITMUS_ZERO,
	.write = LITMUS_KEPT,
	.arm = litmus_arm_part,
	.act = act,
};
