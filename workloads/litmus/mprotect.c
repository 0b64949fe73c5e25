// SPDX-License-Identifier: GPL-2.0-only
/*
 * mprotect() to read-only: change_protection() gathers the range for
 * tlb_finish_mmu() (read in 6.12). A write on another CPU must fault from then
 * on. Every other range is two VMAs.
 */
#include "litmus.h"

static int arm(struct litmus *l)
{
	const struct wl_range *r = &l->range;
	int ret = litmus_arm_any(l);

	if (!ret && l->try_nr % 2 &&
	    madvise(r->addr, r->page_bytes, MADV_DONTDUMP))
		ret = -errno;
	return ret;
}

const struct litmus_ops litmus_mprotect = {
	.abi = LITMUS_ABI,
	.name = "mprotect",
	.summary = "the flush of mprotect() to read-only",
	.path = "change_protection tlb_finish_mmu flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP | LITMUS_HUGETLB,
	.write = LITMUS_FAULT,
	.arm = arm,
	.act = litmus_protect,
};
