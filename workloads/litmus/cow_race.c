// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies on write on two CPUs at a time: each flushes a page by IPI, with a TLB
 * generation of its own. A CPU that gets both may flush single pages only if
 * it knows that there is nothing else: flush_tlb_func() compares its own
 * generation, that of the flush and that of the mm (read in 6.12). Others must
 * read the new pages from then on.
 */
#include <stdlib.h>

#include "litmus_rival.h"

/* One that is copied again and again. */
struct cow_race {
	struct litmus_rival rival;
	struct wl_range page;
};

static void copy(struct litmus_rival *r)
{
	struct cow_race *c = r->l->priv;

	while (!atomic_load(&r->is_over)) {
		madvise(c->page.addr, c->page.len_bytes, MADV_DONTNEED);
		wl_range_read(&c->page);
		*(volatile char *)c->page.addr = 1;
	}
}

static int setup(struct litmus *l)
{
	const struct wl_mem_conf conf = { .pages = 1 };
	struct cow_race *c = calloc(1, sizeof(*c));
	int ret;

	l->priv = c;
	if (!c)
		return -ENOMEM;
	ret = wl_range_init(&c->page, l->range.ctx, 0, &conf);
	if (!ret)
		ret = wl_range_map(&c->page);
	return ret ? ret : litmus_rival_start(&c->rival, l, copy);
}

/* The page of zeroes. */
static int arm(struct litmus *l)
{
	int ret = wl_range_map(&l->range);

	wl_range_read(&l->range);
	return ret;
}

static int act(struct litmus *l)
{
	struct cow_race *c = l->priv;

	litmus_rival_begin(&c->rival);
	litmus_renew(l);
	return 0;
}

static void disarm(struct litmus *l)
{
	struct cow_race *c = l->priv;

	litmus_rival_end(&c->rival);
}

const struct litmus_ops litmus_cow_race = {
	.abi = LITMUS_ABI,
	.name = "cow_race",
	.summary = "one of two flushes at the same time",
	.path = "flush_tlb_func wp_page_copy ptep_clear_flush",
	.page_sizes = LITMUS_BASE,
	.states = 1U << LITMUS_RUNNING,
	.races = true,
	.effort = 4,
	.max_pages = 34,
	.read = LITMUS_NEW,
	.setup = setup,
	.arm = arm,
	.act = act,
	.disarm = disarm,
};
