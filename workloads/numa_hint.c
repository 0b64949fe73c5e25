// SPDX-License-Identifier: GPL-2.0-only
/*
 * numa_hint: have the kernel ask who uses pages, while other CPUs use them.
 *
 * Automatic NUMA balancing takes access from pages that are mapped, so that
 * whoever uses one next faults. Read in 6.12: when a thread has run for long
 * enough, task_tick_numa() makes it do task_numa_work() before it goes back to
 * user mode: change_prot_numa() -> change_protection(MM_CP_PROT_NUMA), and
 * tlb_finish_mmu() -> flush_tlb_mm_range(): one flush of all entries that were
 * changed in one mapping, on its CPU and on that of each responder. The hint
 * fault, do_numa_page(), gives access back and flushes nothing. Per page that
 * is one fault, and 1 / pages of a flush.
 *
 * The op touches the pages over and over until each has faulted: it waits for
 * the kernel, so it is only a request. The time of a touch that faulted is in
 * the record (hint_fault_...).
 *
 * Only SCHED_OTHER threads are asked to scan, so the initiator is one. To have
 * it scan the range and nothing else, this has a policy that says so
 * (MPOL_F_NUMA_BALANCING), and the rest of the process one that does not. It
 * allows one node, so no page moves: that would be migrate.
 *
 * Not measured: how the kernel finds the pages, and what it does with what it
 * learns.
 */
#include <numaif.h>
#include <sys/resource.h>
#include <time.h>

#include "wl.h"
#include "wl_mem.h"
#include "wl_nodes.h"

#ifndef MPOL_F_NUMA_BALANCING
#define MPOL_F_NUMA_BALANCING (1 << 13)
#endif

#define BALANCING "/proc/sys/kernel/numa_balancing"
#define SCAN "/sys/kernel/debug/sched/numa_balancing/scan_"
/* The kernel scans at most 2560 MB/s, so it may do that little often. */
#define MIN_SCAN_MB 16
/* From one scan to the next, in which all pages are to fault. */
#define MIN_PERIOD_MS 10
#define FAULTS_PER_MS 8
#define TIMEOUT_S 8

/**
 * struct numa_hint
 * @range: the pages
 * @nr_faults: hint faults of the whole system, before the op
 */
struct numa_hint {
	struct wl_range range;
	uint64_t nr_faults;
};

enum value {
	HINT_FAULTS,
	HINT_FAULT
};

static void see_field(const char *line, void *arg)
{
	static const char field[] = "numa_hint_faults ";

	if (!strncmp(line, field, strlen(field)))
		*(uint64_t *)arg = strtoull(line + strlen(field), NULL, 10);
}

static int count_hint_faults(uint64_t *nr)
{
	*nr = UINT64_MAX;
	return wl_each_line("/proc/vmstat", see_field, nr);
}

static void probe(const struct wl_env *env, const void *conf,
		  struct wl_reasons *why)
{
	uint64_t nr;

	wl_mem_probe(env, conf, why);
	if (count_hint_faults(&nr) || nr == UINT64_MAX)
		wl_reason(why, "/proc/vmstat does not count hint faults: needs "
			       "NUMA_BALANCING");
	if (access(SCAN "size_mb", F_OK) && errno == ENOENT)
		wl_reason(why, "no " SCAN "...: needs debugfs, and SCHED_DEBUG "
			       "in the kernel");
}

static void set(struct wl_res *res, const char *path, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	wl_res_set(res, path, text);
}

static void prepare(struct wl_res *res, const void *conf)
{
	const struct wl_mem_conf *mem = conf;
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t ms = MIN_PERIOD_MS + mem->pages / FAULTS_PER_MS;

	if (mem->page_size == WL_THP)
		page_bytes = wl_huge_bytes(page_bytes);
	/* The range in one go, and then nothing is left of it. */
	set(res, SCAN "size_mb", MIN_SCAN_MB + (mem->pages * page_bytes >> 20));
	set(res, SCAN "delay_ms", 1);
	set(res, SCAN "period_min_ms", ms);
	set(res, SCAN "period_max_ms", ms);
	set(res, BALANCING, 1);
}

/* The node that the case asks for, else the first one. */
static int choose_node(const struct wl_ctx *c)
{
	int node = 0, nr;

	if (c->bindings[0].is_bound)
		return c->bindings[0].node;
	nr = wl_find_nodes(&node, 1);
	if (nr < 1)
		return nr ? nr : -ENODEV;
	return node;
}

static int set_policies(const struct wl_range *r)
{
	unsigned long nodes[WL_MAX_NODES / WL_LONG_BITS] = { 0 };
	int node = choose_node(r->ctx);

	if (node < 0)
		return node;
	nodes[node / WL_LONG_BITS] = 1UL << node % WL_LONG_BITS;
	if (mbind(r->addr, r->len_bytes, MPOL_BIND | MPOL_F_NUMA_BALANCING,
		  nodes, WL_MAX_NODES, 0) ||
	    set_mempolicy(MPOL_LOCAL, NULL, 0))
		return -errno;
	return wl_range_write(r);
}

static int setup(struct wl_ctx *c)
{
	int ret = wl_mem_make_mapped(c, sizeof(struct numa_hint), c->conf);

	if (ret)
		return ret;
	ret = set_policies(c->priv);
	if (ret)
		wl_mem_teardown(c);
	return ret;
}

static int thread_init(struct wl_thread *t)
{
	return t->role ? 0 : wl_run_fair();
}

static int rearm(struct wl_thread *t)
{
	struct numa_hint *s = t->ctx->priv;

	return count_hint_faults(&s->nr_faults);
}

static long nr_faults(void)
{
	struct rusage use = { 0 };

	getrusage(RUSAGE_THREAD, &use);
	return use.ru_minflt;
}

/* Touch each page; how many of them faulted. */
static uint64_t touch(struct wl_thread *t, const struct wl_range *r)
{
	long before = nr_faults(), after;
	uint64_t begin, ticks, nr = 0;
	size_t off;

	for (off = 0; off < r->len_bytes; off += r->page_bytes) {
		begin = wl_now(t->ctx);
		(void)*(volatile char *)(r->addr + off);
		ticks = wl_now(t->ctx) - begin;
		after = nr_faults();
		if (after == before)
			continue;
		before = after;
		wl_time(t, HINT_FAULT, ticks);
		nr++;
	}
	return nr;
}

static int op(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;
	time_t end = time(NULL) + TIMEOUT_S;
	uint64_t nr = 0;

	while (nr < r->conf.pages) {
		nr += touch(t, r);
		if (time(NULL) > end)
			return -ETIMEDOUT;
	}
	wl_add(t, HINT_FAULTS, nr);
	return 0;
}

static int check(struct wl_thread *t)
{
	const struct numa_hint *s = t->ctx->priv;
	uint64_t nr;
	int ret = count_hint_faults(&nr);

	if (ret)
		return ret;
	return nr - s->nr_faults < s->range.conf.pages ? -ENODATA : 0;
}

/* Of one page that faulted. */
static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct wl_mem_conf *conf = c->conf;
	double pages = (double)conf->pages, responders = c->nr_threads[1];

	wl_mem_expect_flushes(c, e, 1 / pages, 1 / pages);
	/* A responder that takes turns with others may do the work as well. */
	if (responders)
		e->ipis_received.min = (responders - 1) / pages;
	e->faults = (struct wl_bound){ 1, 1 };
}

static const struct wl_param params[] = {
	WL_PARAM_PAGES("fault in one op"),
	WL_PARAM_PAGE_SIZE_NO_HUGETLB,
	{ 0 },
};

static const struct wl_metric metrics[] = {
	[HINT_FAULTS] = {
		.name = "hint_faults",
		.unit = "faults",
		.help = "touches that found a page without access",
		.kind = WL_TOTAL,
		.better = WL_NEITHER,
	},
	[HINT_FAULT] = {
		.name = "hint_fault",
		.help = "time of a touch that found a page without access",
		.kind = WL_TIME,
		.better = WL_LOWER,
		.is_headline = true,
	},
	{ 0 },
};

static const struct wl_effect effect = {
	.event = "hint_fault",
	.metrics = (const char *const[]){ "hint_faults", NULL },
};

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("touches the pages until each has faulted", rearm),
	WL_ROLE_RESPONDER,
	{ 0 },
};

const struct wl_ops wl_numa_hint = {
	.abi = WL_ABI,
	.name = "numa_hint",
	.summary = "hint faults of automatic NUMA balancing, and the flush "
		   "before them, of pages that running CPUs have in their TLBs",
	.path = "change_prot_numa tlb_finish_mmu flush_tlb_mm_range",
	.tags = "everyday fault",
	.params = params,
	.conf_bytes = sizeof(struct wl_mem_conf),
	.roles = roles,
	.regions = wl_mem_regions,
	.metrics = metrics,
	.effect = &effect,
	.probe = probe,
	.prepare = prepare,
	.setup = setup,
	.thread_init = thread_init,
	.teardown = wl_mem_teardown,
	.expect = expect,
};
