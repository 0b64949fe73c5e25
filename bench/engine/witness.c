// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bystander: a thread of a process that has nothing to do with the case.
 *
 * It walks over a few pages and reads the clock at each step. A step that takes
 * much longer than the others is a gap: its CPU did something else, for a
 * flush of the others or for the machine. Steps per second are its throughput,
 * which also falls when its own translations are flushed. It is watched first
 * while nobody works, then during the ops; the difference is what the case
 * costs an unrelated process.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/metric.h"
#include "engine/thread.h"
#include "engine/witness.h"

/* More than the first level of a data TLB holds, less than the second. */
#define NR_PAGES 256
/* A cache line per page, each in another set of the cache. */
#define NR_LINES 61

/* What a quiet CPU loses to the timer tick is far less. */
#define NOISY_BASELINE_PCT 2.0

struct watcher {
	struct tb_worker *w;
	volatile char *pages;
	size_t page_bytes;
	uint64_t gap_ticks;
	uint64_t step;
};

static void walk_one(struct watcher *x)
{
	uint64_t step = x->step++;

	(void)x->pages[step % NR_PAGES * x->page_bytes +
		       step % NR_LINES * TB_CACHELINE_BYTES];
	tb_cpu_relax();
}

/* Watch until @phase is over. */
static void watch(struct watcher *x, enum tb_phase phase,
		  struct tb_witness *seen, struct tb_hist *gaps)
{
	uint64_t begin = tb_ticks_begin(&x->w->clock), last = begin, now;

	do {
		walk_one(x);
		now = tb_ticks_begin(&x->w->clock);
		seen->nr_loops++;
		if (now - last > x->gap_ticks) {
			seen->stolen_ticks += now - last;
			if (gaps)
				tb_hist_add(gaps, now - last);
		}
		last = now;
	} while (tb_phase_now(x->w->arena) == phase);
	seen->ticks += now - begin;
}

static void skip(struct watcher *x, enum tb_phase phase)
{
	while (tb_phase_now(x->w->arena) == phase)
		walk_one(x);
}

static int watch_all(struct watcher *x)
{
	struct tb_slot *s = x->w->slot;

	tb_worker_step(x->w, TB_STEP_EDGE);
	tb_phase_arrive(x->w->arena, TB_PHASE_INIT);
	tb_worker_step(x->w, TB_STEP_OP);
	if (tb_phase_now(x->w->arena) == TB_PHASE_BASELINE)
		watch(x, TB_PHASE_BASELINE, &s->watched[TB_WATCH_BASELINE],
		      NULL);
	skip(x, TB_PHASE_WARMUP);
	if (tb_phase_now(x->w->arena) == TB_PHASE_MEASURE)
		watch(x, TB_PHASE_MEASURE, &s->watched[TB_WATCH_OPS],
		      &s->latency);
	s->nr_ops = s->latency.count;
	return 0;
}

int tb_bystander_loop(struct tb_worker *w, struct tb_err *err)
{
	struct watcher x = {
		.w = w,
		.page_bytes = (size_t)sysconf(_SC_PAGESIZE),
		.gap_ticks = (uint64_t)(TB_WITNESS_GAP_NS * w->clock.hz / 1e9),
	};
	void *pages =
		mmap(NULL, NR_PAGES * x.page_bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	int ret;

	if (pages == MAP_FAILED)
		return tb_fail_errno(err, -errno, "bystander: no memory");
	x.pages = pages;
	ret = watch_all(&x);
	munmap(pages, NR_PAGES * x.page_bytes);
	return ret;
}

/* --- what it tells ------------------------------------------------------- */

static double loops_per_tick(const struct tb_witness *w)
{
	return w->ticks ? (double)w->nr_loops / (double)w->ticks : 0;
}

static double stolen_pct(const struct tb_witness *w)
{
	return w->ticks ? 100.0 * (double)w->stolen_ticks / (double)w->ticks
			: 0;
}

static void add(struct tb_result *r, const char *name, const char *unit,
		double value)
{
	struct tb_metric *m =
		tb_metric_add(r, unit, "lower", false, "%s", name);

	m->value = value;
	if (r->clock.kind == TB_CLOCK_ICOUNT)
		tb_metric_set_absent(m, "in exact mode all CPUs share one "
					"time, so none is stolen");
	else if (!r->timed.witness.ticks || !r->timed.baseline.ticks)
		tb_metric_set_absent(m, "no bystander got to run");
}

void tb_witness_fill(const struct tb_case *cs, struct tb_result *r)
{
	const struct tb_pass *p = &r->timed;
	double before = loops_per_tick(&p->baseline);
	double during = loops_per_tick(&p->witness);

	if (!cs->nr_bystanders)
		return;
	if (r->clock.kind != TB_CLOCK_ICOUNT &&
	    stolen_pct(&p->baseline) > NOISY_BASELINE_PCT)
		wl_reason(&r->caveats,
			  "%.1f %% of the bystanders' time was stolen before "
			  "any op: somebody else runs on their CPUs",
			  stolen_pct(&p->baseline));
	add(r, "bystander_stolen_pct", "%", stolen_pct(&p->witness));
	add(r, "bystander_lost_pct", "%", 100.0 * (1 - during / before));
	add(r, "bystander_gap_p99_ns", "ns",
	    tb_clock_value(&r->clock,
			   (double)tb_hist_quantile(
				   &p->peers[cs->nr_roles].latency, 0.99)));
}
