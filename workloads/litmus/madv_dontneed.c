// SPDX-License-Identifier: GPL-2.0-only
/*
 * MADV_DONTNEED of anonymous memory: zap_page_range_single() gathers the range
 * for tlb_finish_mmu() (read in 6.12). Others read zeroes from then on, and
 * what they write is in the new page. Some huge pages are mapped as base pages:
 * zap_present_folio_ptes() takes many of these at a time.
 */
#include "litmus.h"

static int arm(struct litmus *l)
{
	const struct wl_range *r = &l->range;
	size_t page_bytes = r->ctx->page_bytes;
	int ret = litmus_arm(l);

	if (ret || r->conf.page_size != WL_THP || !(l->try_nr & 4))
		return ret;
	return mprotect(r->addr, page_bytes, PROT_READ) ||
			       mprotect(r->addr, page_bytes,
					PROT_READ | PROT_WRITE)
		       ? -errno
		       : 0;
}

static int act(struct litmus *l)
{
	int ret = madvise(l->range.addr, l->range.len_bytes, MADV_DONTNEED);

	litmus_eat(l);
	return ret ? -errno : 0;
}

const struct litmus_ops litmus_madv_dontneed = {
	.abi = LITMUS_ABI,
	.name = "madv_dontneed",
	.summary = "the flush of MADV_DONTNEED",
	.path = "zap_page_range_single tlb_finish_mmu flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP | LITMUS_HUGETLB,
	.read = LITMUS_ZERO,
	.write = LITMUS_KEPT,
	.arm = arm,
	.act = act,
};
