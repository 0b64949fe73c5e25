// SPDX-License-Identifier: GPL-2.0-only
/*
 * ftruncate() of a memfd: truncate_pagecache() -> unmap_mapping_range() zaps
 * the pages in all processes that map them, and tlb_finish_mmu() flushes (read
 * in 6.12). Nobody may read or write beyond the end from then on.
 */
#include "litmus.h"

static int setup(struct litmus *l)
{
	return wl_range_map(&l->range);
}

static int arm(struct litmus *l)
{
	if (ftruncate(l->range.memfd, (off_t)l->range.len_bytes))
		return -errno;
	return litmus_fill(l);
}

static int act(struct litmus *l)
{
	int ret = ftruncate(l->range.memfd, 0);

	litmus_eat(l);
	return ret ? -errno : 0;
}

const struct litmus_ops litmus_truncate = {
	.abi = LITMUS_ABI,
	.name = "truncate",
	.summary = "the flush of a file that gets shorter",
	.path = "unmap_mapping_range unmap_hugepage_range tlb_finish_mmu "
		"flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP | LITMUS_HUGETLB,
	.memory = WL_SHARED,
	.is_shared = true,
	.read = LITMUS_FAULT,
	.write = LITMUS_FAULT,
	.setup = setup,
	.arm = arm,
	.act = act,
};
