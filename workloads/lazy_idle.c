// SPDX-License-Identifier: GPL-2.0-only
/*
 * lazy_idle: flush an mm that idle CPUs still have loaded (lazy TLB mode).
 *
 * Each sleeper reads the page and blocks; its CPU goes idle and keeps the mm
 * loaded lazily (enter_lazy_tlb()). Then the op flushes. What decides is
 * freed_tables of struct flush_tlb_info, read in 6.12:
 *
 *	dontneed, mprotect, munmap
 *	              tlb_finish_mmu() flushes PTEs only. should_flush_tlb()
 *	              leaves lazy CPUs out (lazy-tlbgen); lazy-ipi does not
 *	munmap_table  free_pgtables() frees the page-table page, so
 *	              tlb_finish_mmu() must reach lazy CPUs
 *	mremap        move_page_tables() -> flush_tlb_range(), which says so
 *	              always, as if tables were freed
 *	fork          dup_mmap() -> flush_tlb_mm(), likewise
 *
 * A lazy CPU that is interrupted leaves the mm, and is then not interrupted
 * until it has been woken: at most one IPI per sleeper and idle period. So what
 * counts is not the number of ops but how often sleepers are woken between two:
 * wake_every and wakes give 0, 1/n, 1 or n wake-ups per flush.
 *
 * The CPUs of sleepers are idle when the op runs, so ipis_received_per_op are
 * IPIs to idle CPUs; idle_wakeups counts, by CPU, whatever made one leave its
 * idle state. A sleeper is timed from its futex_wake() until it has read the
 * page, in which are the way out of idle, switch_mm_irqs_off() and its flush.
 *
 * Not measured: undoing the act (mprotect flushes once more for it, mremap has
 * no need, as the page moves there and back), and what the child of fork does:
 * it reads one byte and exits, on the CPU of the initiator.
 */
#include <math.h>
#include <stdlib.h>

#include "lazy_idle_acts.h"
#include "wl.h"
#include "wl_mem.h"

static void fini_ranges(struct lazy_idle *s, unsigned int nr)
{
	while (nr--)
		wl_range_fini(&s->range[nr]);
}

static unsigned int nr_ranges(const struct wl_ctx *c)
{
	return act_of(c) == &acts[MREMAP] ? 2 : 1;
}

static int init_range(struct lazy_idle *s, struct wl_ctx *c, unsigned int i,
		      uint64_t nr_pages)
{
	const struct wl_mem_conf conf = { .pages = nr_pages };
	int ret = wl_range_init(&s->range[i], c, 0, &conf);

	if (ret)
		return ret;
	ret = wl_range_map(&s->range[i]);
	if (ret)
		wl_range_fini(&s->range[i]);
	return ret;
}

/*
 * A range as long as two tables of pages has a table of its own, which is freed
 * with it; the page is the first in that.
 */
static int init_ranges(struct lazy_idle *s, struct wl_ctx *c)
{
	const uint64_t per_table = c->page_bytes / sizeof(uint64_t);
	const bool has_table = act_of(c) == &acts[MUNMAP_TABLE];
	unsigned int i;
	int ret;

	for (i = 0; i < nr_ranges(c); i++) {
		ret = init_range(s, c, i, has_table ? 2 * per_table : 1);
		if (ret) {
			fini_ranges(s, i);
			return ret;
		}
	}
	s->page = s->range[0];
	s->page.len_bytes = c->page_bytes;
	if (has_table)
		s->page.addr += (per_table - 1) * c->page_bytes;
	return place(s);
}

static int setup(struct wl_ctx *c)
{
	struct lazy_idle *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return -ENOMEM;
	ret = init_ranges(s, c);
	if (ret)
		free(s);
	else
		c->priv = s;
	return ret;
}

static void teardown(struct wl_ctx *c)
{
	fini_ranges(c->priv, nr_ranges(c));
	free(c->priv);
}

static int rearm(struct wl_thread *t)
{
	const struct act *a = act_of(t->ctx);
	struct lazy_idle *s = t->ctx->priv;
	int ret = a->undo ? a->undo(s) : 0;

	return ret ? ret : wl_range_write(&s->page);
}

static int op(struct wl_thread *t)
{
	return act_of(t->ctx)->op(t->ctx->priv);
}

static int check(struct wl_thread *t)
{
	return act_of(t->ctx)->check(t->ctx->priv);
}

static uint64_t rendezvous_every(const void *conf)
{
	return ((const struct lazy_idle_conf *)conf)->wake_every;
}

static uint64_t rendezvous_times(const void *conf)
{
	return ((const struct lazy_idle_conf *)conf)->wakes;
}

/* Rendezvous per op. */
static double wake_rate(const struct wl_ctx *c)
{
	const struct lazy_idle_conf *conf = c->conf;
	double ops = (double)c->nr_ops, every = (double)conf->wake_every;

	return every > 0 && every < ops ? ceil(ops / every) / ops : 1 / ops;
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct lazy_idle_conf *conf = c->conf;
	const struct act *a = act_of(c);
	double hit = c->nr_threads[1] * wake_rate(c);

	/* None where idle CPUs are left out, or leave the mm by themselves. */
	e->ipis_received = (struct wl_bound){ 0, hit };
	e->flushes = a->flushes;
	/* At most one on the way into the mm and one out of it, per wake-up. */
	if (e->flushes.max >= 0)
		e->flushes.max += 2 * hit * (double)conf->wakes;
	e->faults = a->faults;
	e->pages = (struct wl_bound){ 1, 1 };
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
	{
		.name = "wakes",
		.help = "Wake them so many times then, one after the other",
		.type = WL_UINT,
		.offset = offsetof(struct lazy_idle_conf, wakes),
		.def = 1,
		.min = 1,
		.max = 1000,
	},
	{
		.name = "act",
		.help = "What the op does to the page; the first three leave "
			"lazy CPUs alone, the others must reach them",
		.type = WL_ENUM,
		.offset = offsetof(struct lazy_idle_conf, act),
		.values = act_names,
	},
	{ 0 },
};

static const struct wl_role roles[] = {
	{
		.name = "initiator",
		.help = "writes the page and does the act",
		.kind = WL_INITIATOR,
		.def_threads = 1,
		.rearm = rearm,
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
	{ .name = "page", .help = "the page that the op is about" },
	{ 0 },
};

const struct wl_ops wl_lazy_idle = {
	.abi = WL_ABI,
	.name = "lazy_idle",
	.summary = "a flush of an mm that idle CPUs keep loaded lazily",
	.path = "tlb_finish_mmu move_page_tables dup_mmap flush_tlb_mm_range",
	.tags = "lazy idle",
	.params = params,
	.conf_bytes = sizeof(struct lazy_idle_conf),
	.roles = roles,
	.regions = regions,
	.rendezvous_every = rendezvous_every,
	.rendezvous_times = rendezvous_times,
	.setup = setup,
	.teardown = teardown,
	.expect = expect,
};
