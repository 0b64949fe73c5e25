// SPDX-License-Identifier: GPL-2.0-only
/*
 * MADV_COLLAPSE of shared memory: collapse_file() unmaps the base pages of the
 * file in all processes, by try_to_unmap(), and flushes by
 * try_to_unmap_flush() before it copies them (read in 6.12). Others must use
 * the huge page from then on.
 */
#include "litmus_thp.h"

const struct litmus_ops litmus_thp_collapse_shared = {
	.abi = LITMUS_ABI,
	.name = "thp_collapse_shared",
	.summary = "the flush of shared base pages that become a huge one",
	.path = "collapse_file try_to_unmap_flush arch_tlbbatch_flush",
	.page_sizes = LITMUS_THP,
	.memory = WL_SHARED,
	.keeps_writes = true,
	.read = LITMUS_NEW,
	.write = LITMUS_KEPT,
	.arm = litmus_arm_apart,
	.act = litmus_collapse,
};
