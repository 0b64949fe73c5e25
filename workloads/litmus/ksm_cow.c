// SPDX-License-Identifier: GPL-2.0-only
/*
 * A write to a page of KSM copies it: wp_page_copy() puts another page into the
 * entry, and flushes it by ptep_clear_flush(). MADV_UNMERGEABLE copies by the
 * same function, without a write (read in 6.12). Others must read the new page
 * from then on.
 *
 * To merge takes long, so many pages are merged at a time, and each try copies
 * some of them.
 */
#include <stdlib.h>

#include "litmus_ksm.h"

#define MERGED_PAGES 512
/* Of one page there are so many. */
#define EQUAL_PAGES 8

/**
 * struct ksm_cow
 * @all: the pages that are merged; @used: how many are merged no more
 */
struct ksm_cow {
	struct wl_range all;
	size_t used;
};

static void prepare(struct wl_res *res, uint64_t bytes)
{
	(void)bytes;
	litmus_ksm_prepare(res, "1");
}

static int setup(struct litmus *l)
{
	const struct wl_mem_conf conf = { .pages = MERGED_PAGES };
	struct ksm_cow *k = calloc(1, sizeof(*k));

	l->priv = k;
	if (!k)
		return -ENOMEM;
	k->used = MERGED_PAGES;
	return wl_range_init(&k->all, l->range.ctx, 0, &conf);
}

static int merge(struct ksm_cow *k)
{
	int ret = litmus_ksm_map(&k->all, EQUAL_PAGES);

	k->used = MERGED_PAGES;
	if (!ret)
		ret = litmus_ksm_await(&k->all);
	if (!ret)
		k->used = 0;
	return ret;
}

static int arm(struct litmus *l)
{
	struct ksm_cow *k = l->priv;
	size_t nr = litmus_pages(l);
	int ret = 0;

	if (k->used + nr > MERGED_PAGES)
		ret = merge(k);
	if (ret)
		return ret;
	l->range.addr = k->all.addr + k->used * k->all.page_bytes;
	k->used += nr;
	return 0;
}

static int act(struct litmus *l)
{
	if (l->try_nr % 2 &&
	    madvise(l->range.addr, l->range.len_bytes, MADV_UNMERGEABLE))
		return -errno;
	litmus_renew(l);
	return 0;
}

const struct litmus_ops litmus_ksm_cow = {
	.abi = LITMUS_ABI,
	.name = "ksm_cow",
	.summary = "the flush where a page of KSM is copied",
	.path = "wp_page_copy break_ksm ptep_clear_flush",
	.page_sizes = LITMUS_BASE,
	.max_pages = 34,
	.read = LITMUS_NEW,
	.probe = litmus_ksm_probe,
	.prepare = prepare,
	.setup = setup,
	.arm = arm,
	.act = act,
};
