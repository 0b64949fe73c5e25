// SPDX-License-Identifier: GPL-2.0-only
/*
 * MADV_COLLAPSE: collapse_huge_page() takes the page table out and flushes what
 * it mapped, by pmdp_collapse_flush() (read in 6.12). Others must use the huge
 * page from then on, and not the base pages that it was made of.
 */
#include "litmus_thp.h"

const struct litmus_ops litmus_thp_collapse = {
	.abi = LITMUS_ABI,
	.name = "thp_collapse",
	.summary = "the flush of base pages that become a huge one",
	.path = "collapse_huge_page pmdp_collapse_flush flush_tlb_mm_range",
	.page_sizes = LITMUS_THP,
	.keeps_writes = true,
	.read = LITMUS_NEW,
	.write = LITMUS_KEPT,
	.arm = litmus_arm_apart,
	.act = litmus_collapse,
};
