// SPDX-License-Identifier: GPL-2.0-only
/*
 * mremap() to another address: move_page_tables() flushes the old one by
 * flush_tlb_range(), before it drops the lock of the page table (read in 6.12).
 * Nobody may read or write there from then on.
 */
#include <stdlib.h>

#include "litmus.h"

static int setup(struct litmus *l)
{
	struct wl_range *other = calloc(1, sizeof(*other));

	l->priv = other;
	return other ? wl_range_init(other, l->range.ctx, 0, &l->range.conf)
		     : -ENOMEM;
}

static void teardown(struct litmus *l)
{
	wl_range_fini(l->priv);
	free(l->priv);
}

static int act(struct litmus *l)
{
	const struct wl_range *to = l->priv;
	size_t bytes = l->range.len_bytes;

	if (mremap(l->range.addr, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
		   to->addr) != to->addr)
		return -errno;
	return 0;
}

/* Both places stay ours. */
static void disarm(struct litmus *l)
{
	wl_range_close(l->priv);
	wl_range_close(&l->range);
}

const struct litmus_ops litmus_mremap = {
	.abi = LITMUS_ABI,
	.name = "mremap",
	.summary = "the flush of mremap() to another address",
	.path = "move_page_tables flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP | LITMUS_HUGETLB,
	.read = LITMUS_FAULT,
	.write = LITMUS_FAULT,
	.setup = setup,
	.arm = litmus_arm_any,
	.act = act,
	.disarm = disarm,
	.teardown = teardown,
};
