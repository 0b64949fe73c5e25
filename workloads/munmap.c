// SPDX-License-Identifier: GPL-2.0-only
/*
 * munmap: unmap pages that other CPUs have in their TLBs.
 *
 * Flushes in __unmap_region() -> tlb_finish_mmu() -> flush_tlb_mm_range(),
 * read in 6.12. The page-table page stays (see struct wl_range), so
 * freed_tables is not set; a longer range than the parameter allows would have
 * a page-table page of its own in the middle, which is freed. One op causes one
 * local flush and one IPI to each responder, which runs user code of the same
 * mm and so is never lazy.
 *
 * Not measured: mapping and faulting the pages in again (rearm), and the
 * misses that follow the flush.
 */
#include <stdlib.h>

#include "wl.h"
#include "wl_mem.h"

struct munmap_conf {
	uint64_t pages;
};

static int setup(struct wl_ctx *c)
{
	const struct munmap_conf *conf = c->conf;
	struct wl_range *r = calloc(1, sizeof(*r));
	int ret;

	if (!r)
		return -ENOMEM;
	ret = wl_range_reserve(c, 0, r, conf->pages * c->page_bytes);
	if (ret) {
		free(r);
		return ret;
	}
	c->priv = r;
	return 0;
}

static void teardown(struct wl_ctx *c)
{
	wl_range_unmap(c->priv);
	free(c->priv);
}

static int rearm(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;
	int ret = wl_range_map(r);

	if (!ret)
		wl_range_write(r, t->ctx->page_bytes);
	return ret;
}

static int op(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;

	return munmap(r->addr, r->len_bytes) ? -errno : 0;
}

static int check(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;
	unsigned char resident;

	/* ENOMEM is mincore's word for "nothing is mapped here". */
	if (!mincore(r->addr, t->ctx->page_bytes, &resident))
		return -EEXIST;
	return errno == ENOMEM ? 0 : -errno;
}

static int load(struct wl_thread *t)
{
	wl_range_read(t->ctx->priv, t->ctx->page_bytes);
	return 0;
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct munmap_conf *conf = c->conf;
	double responders = c->nr_threads[1], pages = (double)conf->pages;

	e->ipis_received = (struct wl_bound){ responders, responders };
	e->flushes = (struct wl_bound){ responders + 1, responders + 1 };
	e->pages = (struct wl_bound){ pages, pages };
	/* One fault may bring in several pages (large folios). */
	e->faults = (struct wl_bound){ 1, pages };
}

static const struct wl_param params[] = {
	{
		.name = "pages",
		.help = "Pages that one op unmaps",
		.type = WL_UINT,
		.offset = offsetof(struct munmap_conf, pages),
		.def = 1,
		.min = 1,
		.max = 1022,
	},
	{ 0 },
};

static const struct wl_role roles[] = {
	{
		.name = "initiator",
		.help = "maps, writes and unmaps the pages",
		.kind = WL_INITIATOR,
		.def_threads = 1,
		.rearm = rearm,
		.op = op,
		.check = check,
	},
	{
		.name = "responder",
		.help = "spins with the pages in its TLB",
		.kind = WL_RESPONDER,
		.fills_cpus = true,
		.op = load,
	},
	{ 0 },
};

static const struct wl_region regions[] = {
	{ .name = "range", .help = "the pages that the op unmaps" },
	{ 0 },
};

const struct wl_ops wl_munmap = {
	.abi = WL_ABI,
	.name = "munmap",
	.summary = "munmap() of pages that running CPUs have in their TLBs",
	.path = "tlb_finish_mmu flush_tlb_mm_range",
	.tags = "everyday unmap",
	.params = params,
	.conf_bytes = sizeof(struct munmap_conf),
	.roles = roles,
	.regions = regions,
	.setup = setup,
	.teardown = teardown,
	.expect = expect,
};
