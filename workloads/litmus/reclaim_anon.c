// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reclaim of anonymous pages that are swapped out: try_to_unmap_one() leaves
 * the flush to a batch, try_to_unmap_flush_dirty() and try_to_unmap_flush() do
 * it before a page is written and freed (read in 6.12). Others must use the
 * page that comes back from then on.
 */
#include "litmus.h"

#define MIN_SWAP_BYTES (16UL << 20)

static void prepare(struct wl_res *res, uint64_t bytes)
{
	wl_res_swap(res, MIN_SWAP_BYTES + 2 * bytes);
}

static int act(struct litmus *l)
{
	long nr;

	if (madvise(l->range.addr, l->range.len_bytes, MADV_PAGEOUT))
		return -errno;
	nr = wl_range_count(&l->range, WL_PM_SWAP);
	/* Victims that go on writing may have brought all back. */
	if (nr < 0 || (!nr && !l->is_write))
		return nr ? (int)nr : -EAGAIN;
	litmus_eat(l);
	litmus_renew(l);
	return 0;
}

const struct litmus_ops litmus_reclaim_anon = {
	.abi = LITMUS_ABI,
	.name = "reclaim_anon",
	.summary = "the batched flush of pages that are swapped out",
	.path = "try_to_unmap_flush_dirty try_to_unmap_flush "
		"arch_tlbbatch_flush",
	.page_sizes = LITMUS_BASE | LITMUS_THP,
	.max_pages = 64,
	.keeps_writes = true,
	.read = LITMUS_NEW,
	.write = LITMUS_KEPT,
	.prepare = prepare,
	.act = act,
};
