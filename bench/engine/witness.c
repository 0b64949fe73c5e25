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

/* Shorter, and one interrupt more or less decides. */
#define MIN_WATCH_NS 10000000

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

/*
 * Watch until @phase is over, from its very begin to its very end: a bystander
 * that does not get to run loses all of that.
 */
static void watch(struct watcher *x, enum tb_phase phase,
		  struct tb_witness *seen, struct tb_hist *gaps)
{
	struct tb_arena *a = x->w->arena;
	uint64_t begin = a->begin_ticks[phase], last = begin, now;
	bool is_over;

	do {
		walk_one(x);
		is_over = tb_phase_now(a) != phase;
		now = is_over ? a->begin_ticks[phase + 1]
			      : tb_ticks_begin(&x->w->clock);
		seen->nr_loops += !is_over;
		if (now - last > x->gap_ticks) {
			seen->stolen_ticks += now - last;
			if (gaps)
				tb_hist_add(gaps, now - last);
		}
		last = now;
	} while (!is_over);
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
	watch(x, TB_PHASE_BASELINE, &s->watched[TB_WATCH_BASELINE], NULL);
	skip(x, TB_PHASE_WARMUP);
	watch(x, TB_PHASE_MEASURE, &s->watched[TB_WATCH_OPS], &s->latency);
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

/* Why there is no number, or NULL. */
static const char *why_absent(const struct tb_result *r)
{
	if (r->clock.kind == TB_CLOCK_ICOUNT)
		return "in exact mode all CPUs share one time, so none is "
		       "stolen";
	if (r->timed.elapsed_ns < MIN_WATCH_NS)
		return "the ops took less than 10 ms: too short to tell";
	return NULL;
}

static struct tb_metric *add(struct tb_result *r, const char *name,
			     const char *unit, const char *better, double value)
{
	struct tb_metric *m = tb_metric_add(r, unit, better, false, "%s", name);
	const char *why = why_absent(r);

	m->value = value;
	if (why)
		tb_metric_set_absent(m, "%s", why);
	return m;
}

static void note_noise(struct tb_result *r)
{
	double stolen = stolen_pct(&r->timed.baseline);

	if (r->clock.kind != TB_CLOCK_ICOUNT && stolen > NOISY_BASELINE_PCT)
		wl_reason(&r->caveats,
			  "%.1f %% of the bystanders' time was stolen before "
			  "any op: somebody else runs on their CPUs",
			  stolen);
}

void tb_witness_fill(const struct tb_case *cs, struct tb_result *r)
{
	const struct tb_pass *p = &r->timed;
	const struct tb_hist *gaps = &p->peers[cs->nr_roles].latency;
	double before = loops_per_tick(&p->baseline);
	double during = loops_per_tick(&p->witness);
	struct tb_metric *m;

	if (!cs->nr_bystanders)
		return;
	add(r, "bystander_stolen_pct", "%", "lower", stolen_pct(&p->witness));
	m = add(r, "bystander_lost_pct", "%", "lower",
		before > 0 ? 100.0 * (1 - during / before) : 0);
	if (!before)
		tb_metric_set_absent(m, "no bystander ran before the ops");
	add(r, "bystander_gaps_per_s", "gaps/s", "lower",
	    (double)gaps->count / tb_clock_value(&r->clock, 1e-9) /
		    (double)(p->witness.ticks ? p->witness.ticks : 1));
	m = add(r, "bystander_gap_p99_ns", "ns", "none",
		tb_clock_value(&r->clock, tb_hist_mean_at(gaps, 0.99)));
	if (!gaps->count)
		tb_metric_set_absent(m, "no gap was seen");
	note_noise(r);
}
