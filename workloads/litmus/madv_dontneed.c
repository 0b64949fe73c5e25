// SPDX-License-Identifier: GPL-2.0-only
/*
 * MADV_DONTNEED of anonymous memory: zap_page_range_single() gathers the range
 * for tlb_finish_mmu() (read in 6.12). Others read zeroes from then on, and
 * what they write is in the new page.
 */
#include "litmus.h"

static int act(struct litmus *l)
{
	int ret = madvise(l->range.addr, l->range.len_bytes, MADV_DONTNEED);

	litmus_eat(l);
	return ret ? -errno : 0;
}

const struct litmus_ops litmus_madv_dontneed = {
	.abi = LITMUS_ABI,
	.name = "madv_dontneed",
	.summary = "the flush of MADV_DONTNEED",
	.path = "zap_page_range_single tlb_finish_mmu flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP | LITMUS_HUGETLB,
	.read = LITMUS_ZERO,
	.write = LITMUS_KEPT,
	.act = act,
};
