// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write-protection by userfaultfd: uffd_wp_range() -> change_protection()
 * gathers the range for tlb_finish_mmu(); hugetlb flushes in
 * hugetlb_change_protection() (read in 6.12). A write from then on must be
 * noticed.
 */
#include "litmus_uffd.h"

const struct litmus_ops litmus_uffd_wp = {
	.abi = LITMUS_ABI,
	.name = "uffd_wp",
	.summary = "the flush of userfaultfd's write-protection",
	.path = "uffd_wp_range hugetlb_change_protection tlb_finish_mmu "
		"flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP | LITMUS_HUGETLB,
	.one_writer = true,
	.write = LITMUS_KEPT,
	.probe = wl_uffd_probe,
	.setup = litmus_uffd_setup,
	.arm = litmus_uffd_arm,
	.act = litmus_uffd_protect,
	.noticed = litmus_uffd_noticed,
};
