// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write-protection by userfaultfd: uffd_wp_range() -> change_protection()
 * gathers the range for tlb_finish_mmu(); hugetlb flushes in
 * hugetlb_change_protection() (read in 6.12). A write from then on must be
 * noticed: with WP_ASYNC the kernel takes the protection away, which pagemap
 * shows.
 */
#include <stdlib.h>

#include "../wl_uffd.h"
#include "litmus.h"

static int setup(struct litmus *l)
{
	int *fd = malloc(sizeof(*fd));

	l->priv = fd;
	if (!fd)
		return -ENOMEM;
	*fd = wl_uffd_open();
	return *fd < 0 ? *fd : 0;
}

static int arm(struct litmus *l)
{
	const int *fd = l->priv;
	int ret = litmus_arm(l);

	return ret ? ret : wl_uffd_register(*fd, &l->range);
}

static int act(struct litmus *l)
{
	const int *fd = l->priv;

	return wl_uffd_protect(*fd, &l->range, true);
}

static int noticed(struct litmus *l, size_t page)
{
	long nr = litmus_pagemap(l, page, WL_PM_UFFD_WP);

	return nr < 0 ? (int)nr : !nr;
}

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
	.setup = setup,
	.arm = arm,
	.act = act,
	.noticed = noticed,
};
