// SPDX-License-Identifier: GPL-2.0-only
/*
 * lazy_idle: flush an mm that idle CPUs still have loaded (lazy TLB mode).
 *
 * Each sleeper reads the page and blocks; its CPU goes idle and keeps the mm
 * loaded lazily (enter_lazy_tlb()). The op drops the page with MADV_DONTNEED:
 * zap_page_range_single() -> tlb_finish_mmu() -> flush_tlb_mm_range(), with
 * PTEs only, freed_tables not set; read in 6.12.
 *
 * One op causes one local flush. What the idle CPUs pay is the strategy's
 * choice: none is interrupted on 6.12 as is (lazy-tlbgen: should_flush_tlb()
 * skips them, they compare tlb_gen when they wake), each is on lazy-ipi, but
 * once per idle period only, because the IPI makes it leave the mm. So what
 * counts is how often the sleepers are woken between two ops: wake_every.
 *
 * Not measured: waking the sleepers, and the flush they pay at wake-up.
 */
#include <stdlib.h>

#include "wl.h"
#include "wl_mem.h"

struct lazy_idle_conf {
	uint64_t wake_every;
};

static int setup(struct wl_ctx *c)
{
	static const struct wl_mem_conf one_page = { .pages = 1 };
	struct wl_range *r = malloc(sizeof(*r));
	int ret;

	if (!r)
		return -ENOMEM;
	ret = wl_range_init(r, c, 0, &one_page);
	if (ret)
		goto out_free;
	ret = wl_range_map(r);
	if (ret)
		goto out_fini;
	c->priv = r;
	return 0;

out_fini:
	wl_range_fini(r);
out_free:
	free(r);
	return ret;
}

static int op(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;

	return madvise(r->addr, r->len_bytes, MADV_DONTNEED) ? -errno : 0;
}

static int check(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;
	unsigned char resident;

	/*
	 * Not by reading: that would map the zero page, and the next rearm
	 * would flush when it replaces it.
	 */
	if (mincore(r->addr, r->len_bytes, &resident))
		return -errno;
	return resident & 1 ? -EEXIST : 0;
}

static uint64_t rendezvous_every(const void *conf)
{
	return ((const struct lazy_idle_conf *)conf)->wake_every;
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	double sleepers = c->nr_threads[1];

	e->ipis_received = (struct wl_bound){ 0, sleepers };
	/* Local, remote, and the flush at a sleeper's switch-in. */
	e->flushes = (struct wl_bound){ 1, 1 + 2 * sleepers };
	e->pages = (struct wl_bound){ 1, 1 };
	e->faults = (struct wl_bound){ 1, 1 };
}

static const struct wl_param params[] = {
	{
		.name = "wake_every",
		.help = "Wake the sleepers before every n-th op; 0: only once, "
			"before the first",
		.type = WL_UINT,
		.offset = offsetof(struct lazy_idle_conf, wake_every),
		.def = 1,
		.min = 0,
		.max = 1000000,
	},
	{ 0 },
};

static const struct wl_role roles[] = {
	{
		.name = "initiator",
		.help = "writes the page and drops it with MADV_DONTNEED",
		.kind = WL_INITIATOR,
		.def_threads = 1,
		.rearm = wl_mem_write,
		.op = op,
		.check = check,
	},
	{
		.name = "sleeper",
		.help = "reads the page and leaves its CPU idle, mm loaded",
		.kind = WL_SLEEPER,
		.fills_cpus = true,
		.op = wl_mem_load,
	},
	{ 0 },
};

static const struct wl_region regions[] = {
	{ .name = "page", .help = "the page that the op drops" },
	{ 0 },
};

const struct wl_ops wl_lazy_idle = {
	.abi = WL_ABI,
	.name = "lazy_idle",
	.summary = "MADV_DONTNEED in an mm that idle CPUs keep loaded lazily",
	.path = "zap_page_range_single tlb_finish_mmu flush_tlb_mm_range",
	.tags = "lazy idle",
	.params = params,
	.conf_bytes = sizeof(struct lazy_idle_conf),
	.roles = roles,
	.regions = regions,
	.rendezvous_every = rendezvous_every,
	.setup = setup,
	.teardown = wl_mem_teardown,
	.expect = expect,
};
