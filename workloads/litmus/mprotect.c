// SPDX-License-Identifier: GPL-2.0-only
/*
 * mprotect() to read-only: change_protection() gathers the range for
 * tlb_finish_mmu() (read in 6.12). A write on another CPU must fault from then
 * on.
 */
#include "litmus.h"

static int act(struct litmus *l)
{
	return mprotect(l->range.addr, l->range.len_bytes, PROT_READ) ? -errno
								      : 0;
}

const struct litmus_ops litmus_mprotect = {
	.abi = LITMUS_ABI,
	.name = "mprotect",
	.summary = "the flush of mprotect() to read-only",
	.path = "change_protection tlb_finish_mmu flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP | LITMUS_HUGETLB,
	.write = LITMUS_FAULT,
	.arm = litmus_arm_any,
	.act = act,
};
