// SPDX-License-Identifier: GPL-2.0-only
/*
 * Other memory at the same address: mmap(MAP_FIXED) over a mapping, and every
 * third and fourth try munmap() first. Both unmap by vms_clear_ptes(), which
 * gathers for tlb_finish_mmu() (read in 6.12). Others must use the new pages
 * from then on.
 */
#include "litmus.h"

static int act(struct litmus *l)
{
	int ret = 0;

	if (l->try_nr & 2 && munmap(l->range.addr, l->range.len_bytes))
		return -errno;
	litmus_eat(l);
	ret = wl_range_map(&l->range);
	if (!ret)
		litmus_renew(l);
	return ret;
}

const struct litmus_ops litmus_mmap_over = {
	.abi = LITMUS_ABI,
	.name = "mmap_over",
	.summary = "the flush where a mapping takes the place of another",
	.path = "vms_clear_ptes tlb_finish_mmu flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP | LITMUS_HUGETLB,
	.read = LITMUS_NEW,
	.write = LITMUS_KEPT,
	.arm = litmus_arm_any,
	.act = act,
};
