/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What workloads share that flush a range of pages: its parameters, the
 * responder that has it in its TLB, what it needs and what it causes. What is
 * left to an act is rearm, op, check, and its bounds.
 *
 * The simple form: the conf is, or begins with, a struct wl_mem_conf, and
 * wl_mem_setup() makes ctx->priv the range. A workload with a state of its own
 * lets that begin with the range, and calls wl_mem_make() in its setup().
 */
#ifndef WL_MEM_H
#define WL_MEM_H

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wl.h"
#include "wl_needs.h"
#include "wl_range.h"

static const char *const wl_page_sizes[] = { "base", "thp", "hugetlb", NULL };
static const char *const wl_page_sizes_no_hugetlb[] = { "base", "thp", NULL };
static const char *const wl_memories[] = { "anonymous", "shared", NULL };

/* For the params table of a workload whose conf begins with wl_mem_conf. */
#define WL_PARAM_PAGES(what)                                                  \
	{                                                                     \
		.name = "pages", .help = "Pages that " what, .type = WL_UINT, \
		.offset = offsetof(struct wl_mem_conf, pages), .def = 1,      \
		.min = 1, .max = 4096                                         \
	}

#define WL_PARAM_PAGE_SIZE                                         \
	{                                                          \
		.name = "page_size",                               \
		.help = "Base pages, transparent huge pages or "   \
			"pages of hugetlb",                        \
		.type = WL_ENUM,                                   \
		.offset = offsetof(struct wl_mem_conf, page_size), \
		.values = wl_page_sizes                            \
	}

#define WL_PARAM_PAGE_SIZE_NO_HUGETLB                              \
	{                                                          \
		.name = "page_size",                               \
		.help = "Base pages or transparent huge pages",    \
		.type = WL_ENUM,                                   \
		.offset = offsetof(struct wl_mem_conf, page_size), \
		.values = wl_page_sizes_no_hugetlb                 \
	}

/* What madvise() is told, for workloads that let one choose. */
enum wl_advice {
	WL_DONTNEED,
	WL_FREE,
	WL_COLD
};

static const char *const wl_advices[] = { "dontneed", "free", "cold", NULL };

static inline int wl_advice(uint64_t advice)
{
	static const int numbers[] = {
		[WL_DONTNEED] = MADV_DONTNEED,
		[WL_FREE] = MADV_FREE,
		[WL_COLD] = MADV_COLD,
	};

	return numbers[advice];
}

/* For a struct that begins with wl_mem_conf and has a member advice. */
#define WL_PARAM_ADVICE(type_, def_)                                \
	{                                                           \
		.name = "advice",                                   \
		.help = "MADV_DONTNEED, MADV_FREE or MADV_COLD",    \
		.type = WL_ENUM, .offset = offsetof(type_, advice), \
		.def = def_, .values = wl_advices                   \
	}

#define WL_PARAM_MEMORY                                         \
	{                                                       \
		.name = "memory",                               \
		.help = "Private anonymous memory, or a memfd " \
			"that is mapped shared",                \
		.type = WL_ENUM,                                \
		.offset = offsetof(struct wl_mem_conf, memory), \
		.values = wl_memories                           \
	}

/* --- callbacks ----------------------------------------------------------- */

static inline void wl_mem_teardown(struct wl_ctx *c)
{
	wl_range_fini(c->priv);
	free(c->priv);
}

/*
 * Make ctx->priv a state of @bytes, zeroed, that begins with a struct wl_range
 * as @conf has it; nothing is mapped there. wl_mem_teardown() undoes it.
 */
static inline int wl_mem_make(struct wl_ctx *c, size_t bytes,
			      const struct wl_mem_conf *conf)
{
	int ret;

	c->priv = calloc(1, bytes);
	if (!c->priv)
		return -ENOMEM;
	ret = wl_range_init(c->priv, c, 0, conf);
	if (ret)
		free(c->priv);
	return ret;
}

/* The same, with the range mapped. */
static inline int wl_mem_make_mapped(struct wl_ctx *c, size_t bytes,
				     const struct wl_mem_conf *conf)
{
	int ret = wl_mem_make(c, bytes, conf);

	if (ret)
		return ret;
	ret = wl_range_map(c->priv);
	if (ret)
		wl_mem_teardown(c);
	return ret;
}

/* setup() of a workload whose state is the range alone. */
static inline int wl_mem_setup(struct wl_ctx *c)
{
	return wl_mem_make(c, sizeof(struct wl_range), c->conf);
}

static inline int wl_mem_setup_mapped(struct wl_ctx *c)
{
	return wl_mem_make_mapped(c, sizeof(struct wl_range), c->conf);
}

/* The range of a workload that has this kind of memory or of pages only. */
static inline struct wl_mem_conf wl_mem_shared(const void *conf)
{
	struct wl_mem_conf mem = *(const struct wl_mem_conf *)conf;

	mem.memory = WL_SHARED;
	return mem;
}

static inline struct wl_mem_conf wl_mem_huge(const void *conf)
{
	struct wl_mem_conf mem = *(const struct wl_mem_conf *)conf;

	mem.page_size = WL_THP;
	return mem;
}

/* rearm() that writes each page. */
static inline int wl_mem_write(struct wl_thread *t)
{
	return wl_range_write(t->ctx->priv);
}

/* op() of a responder or sleeper. */
static inline int wl_mem_load(struct wl_thread *t)
{
	wl_range_read(t->ctx->priv);
	return 0;
}

/*
 * Have this thread take turns with others on its CPU, as those do that the
 * kernel does something for besides: work of its own, or a kernel thread's.
 */
static inline int wl_run_fair(void)
{
	const struct sched_param none = { 0 };

	return sched_setscheduler(0, SCHED_OTHER, &none) ? -errno : 0;
}

/* The initiator of a file whose op() and check() have these names. */
#define WL_ROLE_INITIATOR(text, rearm_)                                     \
	{                                                                   \
		.name = "initiator", .help = text, .kind = WL_INITIATOR,    \
		.def_threads = 1, .rearm = rearm_, .op = op, .check = check \
	}

/* check(): has the kernel done with all pages what @advice is for? */
static inline int wl_mem_check_advice(const struct wl_range *r, uint64_t advice)
{
	switch (advice) {
	case WL_COLD:
		return wl_range_check_smaps(r, "Referenced:");
	case WL_DONTNEED:
		return wl_range_check_none(r, WL_PM_PRESENT);
	default:
		return wl_range_check_smaps(r, "Private_Dirty:");
	}
}

#define WL_MAX_PROCESSES 4096

/* A responder of @op_; with @max_processes_ it may have an mm of its own. */
#define WL_ROLE_RESPONDER_AS(text, op_, max_processes_)                        \
	{                                                                      \
		.name = "responder", .help = text, .kind = WL_RESPONDER,       \
		.fills_cpus = true, .max_processes = max_processes_, .op = op_ \
	}

#define WL_RESPONDER_HELP "spins with the pages in its TLB"
#define WL_ROLE_RESPONDER \
	WL_ROLE_RESPONDER_AS(WL_RESPONDER_HELP, wl_mem_load, 0)

/* The act is on one mm: in processes of their own, nobody is to notice it. */
#define WL_ROLE_RESPONDER_OR_PROCESS \
	WL_ROLE_RESPONDER_AS(WL_RESPONDER_HELP, wl_mem_load, WL_MAX_PROCESSES)

/* process_init(): maps the range anew; a fork leaves page tables out. */
static inline int wl_mem_process_init(struct wl_ctx *c, unsigned int role,
				      unsigned int process)
{
	(void)role;
	(void)process;
	return wl_range_map(c->priv);
}

static const struct wl_region wl_mem_regions[] = {
	{ .name = "range", .help = "the pages that the op is about" },
	{ 0 },
};

/* --- what it causes ------------------------------------------------------- */

/* Page-table pages that have the entries of a range of base pages. */
static inline double wl_mem_tables(const struct wl_ctx *c)
{
	const struct wl_mem_conf *conf = c->conf;
	uint64_t tables = conf->pages / (c->page_bytes / sizeof(uint64_t)) + 1;

	/* The range begins one page behind the first of a table. */
	return (double)tables;
}

/*
 * At most so many flushes while dirty pages of a file are unmapped: one before
 * zap_pte_range() lets go of each table, and one more where it does so half way
 * because somebody else is to run (need_resched()). Short ranges are over soon.
 */
static inline double wl_mem_max_zaps(double tables)
{
	return tables > 1 ? 2 * tables : tables;
}

static inline void wl_mem_probe_advice(const struct wl_env *env,
				       const struct wl_mem_conf *conf,
				       uint64_t advice, struct wl_reasons *why)
{
	bool is_shared = conf->memory == WL_SHARED;

	if (advice == WL_FREE && is_shared)
		wl_reason(why, "advice = free: the kernel takes MADV_FREE for "
			       "memory = anonymous only");
	if (advice == WL_COLD && is_shared && env->nr_processes[1])
		wl_reason(why, "advice = cold: the kernel leaves pages alone "
			       "that other processes map");
}

/*
 * Bounds of an op that flushes the range @min to @max times, on the
 * initiator's CPU and on those of @responders, and that faults each page in
 * once, in rearm.
 */
static inline void wl_mem_expect_reached(const struct wl_ctx *c,
					 struct wl_expect *e, double responders,
					 double min, double max)
{
	const struct wl_mem_conf *conf = c->conf;
	double pages = (double)conf->pages;

	e->ipis_received =
		(struct wl_bound){ min * responders, max * responders };
	e->flushes = (struct wl_bound){ min * (responders + 1),
					max * (responders + 1) };
	e->pages = (struct wl_bound){ pages, pages };
	e->faults = (struct wl_bound){ pages, pages };
}

/* The same of an act on one mm: responders (role 1) have it, or their own. */
static inline void wl_mem_expect_flushes(const struct wl_ctx *c,
					 struct wl_expect *e, double min,
					 double max)
{
	double others = c->nr_threads[1];

	wl_mem_expect_reached(c, e, c->nr_processes[1] ? 0 : others, min, max);
	/* Each faults the pages in once, in the warm-up if there is one. */
	if (c->nr_processes[1])
		e->faults.max += e->faults.max * others / (double)c->nr_ops;
}

/* The pages stay; those of the first op are faulted in before it is measured.
 */
static inline void wl_mem_expect_no_faults(const struct wl_ctx *c,
					   struct wl_expect *e)
{
	const struct wl_mem_conf *conf = c->conf;

	/* By each process whose own pages they are, too. */
	e->faults = (struct wl_bound){ 0, (double)conf->pages *
						  (1 + c->nr_processes[1]) };
}

#endif
