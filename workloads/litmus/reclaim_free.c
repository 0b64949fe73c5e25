// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reclaim of pages that MADV_FREE gave away, which needs no swap: it drops them
 * as they are, try_to_unmap_one() with a flush that try_to_unmap_flush() does
 * for all, huge ones by pmdp_huge_clear_flush() (read in 6.12). Others read
 * zeroes from then on, or the old value of a page that was kept, but nothing of
 * whoever has the page now.
 */
#include "litmus.h"

static int arm(struct litmus *l)
{
	int ret = litmus_arm(l);

	if (!ret && madvise(l->range.addr, l->range.len_bytes, MADV_FREE))
		ret = -errno;
	return ret;
}

/* Those that victims go on reading are there again, but they are empty. */
static bool was_dropped(const struct litmus *l)
{
	size_t i;

	for (i = 0; i < litmus_pages(l) && *litmus_word(l, i); i++)
		;
	return i < litmus_pages(l);
}

static int act(struct litmus *l)
{
	if (madvise(l->range.addr, l->range.len_bytes, MADV_PAGEOUT))
		return -errno;
	litmus_eat(l);
	return was_dropped(l) ? 0 : -EAGAIN;
}

const struct litmus_ops litmus_reclaim_free = {
	.abi = LITMUS_ABI,
	.name = "reclaim_free",
	.summary = "the flush of pages that nobody needs any more",
	.path = "try_to_unmap_flush arch_tlbbatch_flush "
		"pmdp_huge_clear_flush",
	.page_sizes = LITMUS_BASE | LITMUS_THP,
	.max_pages = 64,
	.read = LITMUS_OLD_OR_ZERO,
	.arm = arm,
	.act = act,
};
