// SPDX-License-Identifier: GPL-2.0-only
/*
 * PAGEMAP_SCAN with PM_SCAN_WP_MATCHING (Linux 6.7): write-protects pages as
 * userfaultfd does, but with flushes of its own, in pagemap_scan_pmd_entry(),
 * pagemap_scan_thp_entry() and pagemap_scan_hugetlb_entry() (read in 6.12). A
 * write from then on must be noticed.
 */
#include "litmus_uffd.h"

/* Debian 12's headers are those of 6.1. */
#ifndef PAGEMAP_SCAN
#define PM_SCAN_WP_MATCHING (1 << 0)
#define PAGEMAP_SCAN _IOWR('f', 16, struct pm_scan_arg)

struct pm_scan_arg {
	uint64_t size;
	uint64_t flags;
	uint64_t start;
	uint64_t end;
	uint64_t walk_end;
	uint64_t vec;
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t category_inverted;
	uint64_t category_mask;
	uint64_t category_anyof_mask;
	uint64_t return_mask;
};
#endif

static int act(struct litmus *l)
{
	const struct wl_range *r = &l->range;
	struct pm_scan_arg arg = {
		.size = sizeof(arg),
		.flags = PM_SCAN_WP_MATCHING,
		.start = (uintptr_t)r->addr,
		.end = (uintptr_t)r->addr + r->len_bytes,
	};

	return ioctl(r->ctx->pagemap, PAGEMAP_SCAN, &arg) < 0 ? -errno : 0;
}

const struct litmus_ops litmus_pagemap_scan = {
	.abi = LITMUS_ABI,
	.name = "pagemap_scan",
	.summary = "the flush of write-protection by PAGEMAP_SCAN",
	.path = "pagemap_scan_pmd_entry pagemap_scan_thp_entry "
		"pagemap_scan_hugetlb_entry flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP | LITMUS_HUGETLB,
	.one_writer = true,
	.write = LITMUS_KEPT,
	.probe = wl_uffd_probe,
	.setup = litmus_uffd_setup,
	.arm = litmus_uffd_arm,
	.act = act,
	.noticed = litmus_uffd_noticed,
};
