// SPDX-License-Identifier: GPL-2.0-only
/*
 * mprotect() of a part of a huge page: __split_huge_pmd() takes the entry
 * apart, pmdp_invalidate() flushes it, and base pages are changed then (read
 * in 6.12). Others may not write there from then on.
 *
 * The range is all of one huge page but the first base page.
 */
#include "litmus_thp.h"

const struct litmus_ops litmus_thp_split_protect = {
	.abi = LITMUS_ABI,
	.name = "thp_split_protect",
	.summary = "the flush where a part of a huge page is protected",
	.path = "__split_huge_pmd pmdp_invalidate tlb_finish_mmu "
		"flush_tlb_mm_range",
	.page_sizes = LITMUS_THP,
	.write = LITMUS_FAULT,
	.arm = litmus_arm_part,
	.act = litmus_protect,
};
