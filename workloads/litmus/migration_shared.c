// SPDX-License-Identifier: GPL-2.0-only
/*
 * move_pages() to another node of pages that several processes map, with
 * MPOL_MF_MOVE_ALL: try_to_migrate() goes through all of them, and the batch of
 * try_to_unmap_flush() has the CPUs of all (read in 6.12). Others must use the
 * new pages from then on.
 */
#include <linux/capability.h>

#include "litmus_migrate.h"

static void probe(struct wl_reasons *why)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	struct __user_cap_data_struct caps[2] = { 0 };

	litmus_migrate_probe(why);
	if (syscall(SYS_capget, &head, caps) ||
	    !(caps[0].effective & 1U << CAP_SYS_NICE))
		wl_reason(why, "MPOL_MF_MOVE_ALL needs CAP_SYS_NICE");
}

static int setup(struct litmus *l)
{
	int ret = wl_range_map(&l->range);

	return ret ? ret : litmus_migrate_setup(l);
}

static int arm(struct litmus *l)
{
	return litmus_fill(l);
}

static int act(struct litmus *l)
{
	return litmus_migrate(l, MPOL_MF_MOVE_ALL);
}

const struct litmus_ops litmus_migration_shared = {
	.abi = LITMUS_ABI,
	.name = "migration_shared",
	.summary = "the flush of pages of several processes that move",
	.path = "try_to_unmap_flush arch_tlbbatch_flush pmdp_invalidate "
		"huge_ptep_clear_flush flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP | LITMUS_HUGETLB,
	.states = 1U << LITMUS_RUNNING | 1U << LITMUS_WOKEN |
		  1U << LITMUS_PROCESS,
	.memory = WL_SHARED,
	.is_shared = true,
	.keeps_writes = true,
	.read = LITMUS_NEW,
	.write = LITMUS_KEPT,
	.probe = probe,
	.setup = setup,
	.arm = arm,
	.act = act,
};
