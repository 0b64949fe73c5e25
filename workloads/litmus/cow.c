// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copy on write: wp_page_copy() puts another page into an entry, and flushes it
 * by ptep_clear_flush() (read in 6.12). Others must read the new page from then
 * on; of hugetlb in hugetlb_wp(). The pages are shared with a child, see
 * fork.c, or they are the page of zeros, which is copied, too, or those of a
 * file; hugetlb has neither here.
 */
#include <stdlib.h>

#include "../wl_fork.h"
#include "litmus.h"

#define MAX_PAGES 34

static int setup(struct litmus *l)
{
	l->priv = calloc(1, sizeof(struct wl_fork));
	return l->priv ? wl_fork_thread_init() : -ENOMEM;
}

/* Of a THP, which is taken apart, each base page is a flush, too. */
static void shorten(struct litmus *l)
{
	size_t max_bytes = MAX_PAGES * l->range.ctx->page_bytes;

	if (l->range.conf.page_size == WL_THP && l->range.len_bytes > max_bytes)
		l->range.len_bytes = max_bytes;
}

static int arm(struct litmus *l)
{
	int ret = wl_fork_keep(l->priv, &l->range);

	if (!ret)
		ret = wl_range_map(&l->range);
	if (ret)
		return ret;
	if (l->try_nr % 3 == 1 && l->range.conf.page_size != WL_HUGETLB) {
		wl_range_read(&l->range);
		shorten(l);
		return 0;
	}
	if (l->try_nr % 3 == 2 && l->range.conf.page_size == WL_BASE)
		return litmus_arm_file(l);
	ret = litmus_fill(l);
	shorten(l);
	return ret ? ret : wl_fork_start(l->priv);
}

static int act(struct litmus *l)
{
	litmus_renew(l);
	return 0;
}

static void disarm(struct litmus *l)
{
	wl_fork_end(l->priv);
}

const struct litmus_ops litmus_cow = {
	.abi = LITMUS_ABI,
	.name = "cow",
	.summary = "the flush of a copy on write",
	.path = "wp_page_copy ptep_clear_flush hugetlb_wp "
		"huge_ptep_clear_flush "
		"flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP | LITMUS_HUGETLB,
	.max_pages = MAX_PAGES,
	.read = LITMUS_NEW,
	.probe = wl_fork_probe,
	.setup = setup,
	.arm = arm,
	.act = act,
	.disarm = disarm,
};
