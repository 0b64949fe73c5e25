// SPDX-License-Identifier: GPL-2.0-only
/*
 * KSM: write_protect_page() protects a page by ptep_clear_flush(), then it is
 * merged with an equal one by replace_page(), which flushes once more (read in
 * 6.12). What other threads write from then on must not be in the page that
 * was equal; and what they read is not in the page that was freed.
 *
 * Of two equal pages the one that is scanned first is replaced, that with the
 * lower address. It is freed on ksmd's CPU, so that is the initiator's. Between
 * the two flushes there is little time, in which victims that go on reading get
 * entries again; so each has few pages.
 */
#include <stdlib.h>

#include "litmus_ksm.h"

/**
 * struct ksm
 * @twin: the equal pages; @place: where they are, or the range in their place
 */
struct ksm {
	struct litmus_ksmd ksmd;
	struct wl_range twin;
	char *place;
};

static void prepare(struct wl_res *res, uint64_t bytes)
{
	(void)bytes;
	litmus_ksm_prepare(res, "1");
}

static int setup(struct litmus *l)
{
	struct ksm *k = calloc(1, sizeof(*k));
	int ret;

	l->priv = k;
	if (!k)
		return -ENOMEM;
	ret = wl_range_init(&k->twin, l->range.ctx, 0, &l->range.conf);
	k->place = k->twin.addr;
	litmus_ksmd_find(&k->ksmd);
	return ret;
}

static void teardown(struct litmus *l)
{
	const struct ksm *k = l->priv;

	litmus_ksmd_unpin(&k->ksmd);
}

static int arm(struct litmus *l)
{
	struct ksm *k = l->priv;
	struct wl_range *twin = &k->twin;
	int ret;

	litmus_ksmd_pin(&k->ksmd, sched_getcpu());
	twin->addr = k->place;
	if (l->try_nr & 4) {
		twin->addr = l->range.addr;
		l->range.addr = k->place;
	}
	twin->len_bytes = l->range.len_bytes;
	ret = wl_range_map(twin);
	if (!ret)
		ret = litmus_arm(l);
	if (!ret)
		memcpy(twin->addr, l->range.addr, l->range.len_bytes);
	return ret;
}

static int act(struct litmus *l)
{
	const struct ksm *k = l->priv;
	size_t bytes = l->range.len_bytes;
	int ret;

	if (madvise(l->range.addr, bytes, MADV_MERGEABLE) ||
	    madvise(k->twin.addr, bytes, MADV_MERGEABLE))
		return -errno;
	ret = litmus_ksm_await(&l->range);
	if (!ret)
		litmus_eat(l);
	return ret;
}

/* What was written is in one of the two. */
static int noticed(struct litmus *l, size_t page)
{
	const struct ksm *k = l->priv;
	size_t i, page_bytes = l->range.ctx->page_bytes;
	const volatile uint64_t *words =
		(const volatile uint64_t *)(k->twin.addr + page * page_bytes);

	for (i = 1; i < page_bytes / sizeof(*words); i++)
		if (words[i])
			return 0;
	return 1;
}

const struct litmus_ops litmus_ksm = {
	.abi = LITMUS_ABI,
	.name = "ksm",
	.summary = "the flush of pages that are merged",
	.path = "write_protect_page replace_page ptep_clear_flush",
	.page_sizes = LITMUS_BASE,
	.races = true,
	.one_writer = true,
	.effort = 2,
	.max_watched = 3,
	.max_pages = 8,
	.read = LITMUS_OLD,
	.write = LITMUS_KEPT,
	.probe = litmus_ksm_probe,
	.prepare = prepare,
	.setup = setup,
	.arm = arm,
	.act = act,
	.noticed = noticed,
	.teardown = teardown,
};
