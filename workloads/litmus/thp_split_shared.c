// SPDX-License-Identifier: GPL-2.0-only
/*
 * A hole that is punched into a part of a huge page of a file: of shared memory
 * __split_huge_pmd() takes the whole entry away, by pmdp_huge_clear_flush(),
 * and nothing is left to be flushed after it (read in 6.12). Others read zeroes
 * from then on, and what they write is in the file.
 *
 * The hole is all of one huge page but the first base page.
 */
#include "litmus_thp.h"

static int act(struct litmus *l)
{
	int ret = fallocate(
		l->range.memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		(off_t)l->range.ctx->page_bytes, (off_t)l->range.len_bytes);

	litmus_eat(l);
	return ret ? -errno : 0;
}

const struct litmus_ops litmus_thp_split_shared = {
	.abi = LITMUS_ABI,
	.name = "thp_split_shared",
	.summary = "the flush where a hole is a part of a huge page",
	.path = "unmap_mapping_range __split_huge_pmd pmdp_huge_clear_flush "
		"flush_tlb_mm_range",
	.page_sizes = LITMUS_THP,
	.memory = WL_SHARED,
	.read = LITMUS_ZERO,
	.write = LITMUS_KEPT,
	.arm = litmus_arm_part,
	.act = act,
};
