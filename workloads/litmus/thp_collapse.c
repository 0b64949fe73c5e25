// SPDX-License-Identifier: GPL-2.0-only
/*
 * MADV_COLLAPSE: collapse_huge_page() takes the page table out and flushes what
 * it mapped, by pmdp_collapse_flush() (read in 6.12). Others must use the huge
 * page from then on, and not the base pages that it was made of.
 */
#include "litmus.h"

/* Base pages, where huge ones may be. */
static int arm(struct litmus *l)
{
	const struct wl_range *r = &l->range;
	int ret = wl_range_map(r);

	if (!ret && madvise(r->addr, r->len_bytes, MADV_NOHUGEPAGE))
		ret = -errno;
	if (ret)
		return ret;
	litmus_stamp(l);
	return madvise(r->addr, r->len_bytes, MADV_HUGEPAGE) ? -errno : 0;
}

static int act(struct litmus *l)
{
	if (madvise(l->range.addr, l->range.len_bytes, MADV_COLLAPSE))
		return -errno;
	litmus_renew(l);
	return 0;
}

const struct litmus_ops litmus_thp_collapse = {
	.abi = LITMUS_ABI,
	.name = "thp_collapse",
	.summary = "the flush of base pages that become a huge one",
	.path = "collapse_huge_page pmdp_collapse_flush flush_tlb_mm_range",
	.page_sizes = LITMUS_THP,
	.read = LITMUS_NEW,
	.write = LITMUS_KEPT,
	.arm = arm,
	.act = act,
};
