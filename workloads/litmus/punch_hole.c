// SPDX-License-Identifier: GPL-2.0-only
/*
 * fallocate(PUNCH_HOLE) of a memfd: unmap_mapping_range() zaps the pages in all
 * processes that map them, and tlb_finish_mmu() flushes (read in 6.12); hugetlb
 * in unmap_hugepage_range(). Others read zeroes from then on, and what they
 * write is in the file.
 */
#include "litmus.h"

static int setup(struct litmus *l)
{
	return wl_range_map(&l->range);
}

static int arm(struct litmus *l)
{
	return litmus_fill(l);
}

static int act(struct litmus *l)
{
	int ret = fallocate(l->range.memfd,
			    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			    (off_t)l->range.len_bytes);

	litmus_eat(l);
	return ret ? -errno : 0;
}

const struct litmus_ops litmus_punch_hole = {
	.abi = LITMUS_ABI,
	.name = "punch_hole",
	.summary = "the flush of a hole that is punched into a file",
	.path = "unmap_mapping_range unmap_hugepage_range tlb_finish_mmu "
		"flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP | LITMUS_HUGETLB,
	.memory = WL_SHARED,
	.is_shared = true,
	.read = LITMUS_ZERO,
	.write = LITMUS_KEPT,
	.setup = setup,
	.arm = arm,
	.act = act,
};
