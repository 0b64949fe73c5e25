// SPDX-License-Identifier: GPL-2.0-only
/*
 * mprotect() to no access: change_protection() gathers the range for
 * tlb_finish_mmu() (read in 6.12). Nobody may read or write there from then on.
 */
#include "litmus.h"

static int act(struct litmus *l)
{
	return mprotect(l->range.addr, l->range.len_bytes, PROT_NONE) ? -errno
								      : 0;
}

const struct litmus_ops litmus_mprotect_none = {
	.abi = LITMUS_ABI,
	.name = "mprotect_none",
	.summary = "the flush of mprotect() to no access",
	.path = "change_protection tlb_finish_mmu flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP | LITMUS_HUGETLB,
	.read = LITMUS_FAULT,
	.write = LITMUS_FAULT,
	.arm = litmus_arm_any,
	.act = act,
};
