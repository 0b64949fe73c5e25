// SPDX-License-Identifier: GPL-2.0-only
/*
 * mremap() to another address: move_page_tables() flushes the old one by
 * flush_tlb_range(), before it drops the lock of the page table (read in 6.12).
 * Nobody may read or write there from then on. What has a page table of its own
 * in both places moves with it, and has a flush of its own: the first one, if
 * the range begins there, or another one before it would hide it.
 */
#include <stdlib.h>

#include "litmus.h"

/* The other place, and where it begins. */
struct other {
	struct wl_range range;
	char *first;
};

static int setup(struct litmus *l)
{
	struct other *o = calloc(1, sizeof(*o));
	struct wl_mem_conf conf = l->range.conf;
	int ret;

	l->priv = o;
	if (!o)
		return -ENOMEM;
	/* As far as the range may be moved. */
	if (conf.page_size == WL_BASE)
		conf.pages += l->range.ctx->page_bytes / sizeof(uint64_t);
	ret = wl_range_init(&o->range, l->range.ctx, 0, &conf);
	o->first = o->range.addr;
	return ret;
}

static void teardown(struct litmus *l)
{
	struct other *o = l->priv;

	wl_range_fini(&o->range);
	free(o);
}

/* As far behind the begin of a page table as the range is. */
static void move(struct other *o, const struct wl_range *r)
{
	size_t table_bytes = wl_huge_bytes(r->ctx->page_bytes);
	size_t off = ((uintptr_t)r->addr - r->page_bytes) & (table_bytes - 1);

	o->range.len_bytes = r->len_bytes;
	o->range.addr = o->first;
	if (r->conf.page_size == WL_BASE)
		o->range.addr += off;
}

static int act(struct litmus *l)
{
	size_t bytes = l->range.len_bytes;
	struct other *o = l->priv;

	move(o, &l->range);
	if (mremap(l->range.addr, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
		   o->range.addr) != o->range.addr)
		return -errno;
	return 0;
}

/* Both places stay ours. */
static void disarm(struct litmus *l)
{
	const struct other *o = l->priv;

	wl_range_close(&o->range);
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
