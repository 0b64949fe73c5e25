// SPDX-License-Identifier: GPL-2.0-only
/*
 * munmap(): vms_clear_ptes() gathers the range for tlb_finish_mmu() (read in
 * 6.12). Nobody may read or write there from then on. Every third and fourth
 * try unmaps the neighbours as well, so that page tables are freed, too.
 */
#include "litmus.h"

static bool frees_tables(const struct litmus *l)
{
	return l->try_nr & 2;
}

static int act(struct litmus *l)
{
	const struct wl_range *r = &l->range;
	int ret = frees_tables(l) ? munmap(r->base, r->total_bytes)
				  : munmap(r->addr, r->len_bytes);

	litmus_eat(l);
	return ret ? -errno : 0;
}

/* Nobody else may get that place. */
static void disarm(struct litmus *l)
{
	const struct wl_range *r = &l->range;

	if (frees_tables(l))
		(void)!mmap(r->base, r->total_bytes, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
				    MAP_FIXED,
			    -1, 0);
	else
		wl_range_close(r);
}

const struct litmus_ops litmus_munmap = {
	.abi = LITMUS_ABI,
	.name = "munmap",
	.summary = "the flush of munmap()",
	.path = "vms_clear_ptes tlb_finish_mmu flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP | LITMUS_HUGETLB,
	.read = LITMUS_FAULT,
	.write = LITMUS_FAULT,
	.arm = litmus_arm_any,
	.act = act,
	.disarm = disarm,
};
