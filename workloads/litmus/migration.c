// SPDX-License-Identifier: GPL-2.0-only
/*
 * move_pages() to another node: try_to_migrate_one() leaves the flush of base
 * pages to a batch (try_to_unmap_flush()); huge ones are flushed one by one
 * (read in 6.12). Others must use the new pages from then on.
 */
#include "litmus_migrate.h"

static int act(struct litmus *l)
{
	return litmus_migrate(l, MPOL_MF_MOVE);
}

const struct litmus_ops litmus_migration = {
	.abi = LITMUS_ABI,
	.name = "migration",
	.summary = "the flush of pages that move to another node",
	.path = "try_to_unmap_flush arch_tlbbatch_flush pmdp_invalidate "
		"huge_ptep_clear_flush flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP | LITMUS_HUGETLB,
	.keeps_writes = true,
	.read = LITMUS_NEW,
	.write = LITMUS_KEPT,
	.probe = litmus_migrate_probe,
	.setup = litmus_migrate_setup,
	.act = act,
};
