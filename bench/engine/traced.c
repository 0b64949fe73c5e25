// SPDX-License-Identifier: GPL-2.0-only
/* The traced pass: rings for as many ops as fit, then what was in them. */
#include "engine/traced.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/metric.h"
#include "engine/pass.h"
#include "machine/trace.h"
#include "machine/tracer.h"

/* Ring space for a quarter more than was counted, and for strangers. */
#define SLACK 1.25
#define STRANGERS 64

/* --- how many events there will be --------------------------------------- */

/* 0 if it was not counted: then the tracer cannot be opened either. */
static double counted_per_op(const struct tb_result *r, const char *name)
{
	const struct tb_counter *c = tb_counter_get(&r->counters, name);

	return c ? (double)c->value / (double)r->counted.nr_ops : 0;
}

/*
 * Events on one CPU while each initiator does an op, for the CPU that has
 * most. A sender leaves the send, its queues and the end of its own part. In
 * each shootdown of its instance a thread's CPU is asked at most once.
 */
static double events_per_op(const struct tb_case *cs, const struct tb_result *r)
{
	double sends = counted_per_op(r, "tlb_flush." TB_TRACE_IPI_SEND);
	double of_sender = 2 * sends + counted_per_op(r, "csd_flush");
	unsigned int per_instance = tb_case_threads_per_instance(cs);
	unsigned int nr = cs->instances * per_instance, i, k;
	double max = 0;

	for (i = 0; i < nr; i++) {
		double sum = 0;

		for (k = i; k < nr; k++) {
			if (r->cpus[k] != r->cpus[i])
				continue;
			sum += sends * cs->nr_threads[0];
			if (k % per_instance < cs->nr_threads[0])
				sum += of_sender;
		}
		max = fmax(max, sum);
	}
	return max;
}

/* --- the pass ------------------------------------------------------------ */

static void set_absent(struct tb_shootdown_result *s, const char *reason)
{
	s->status = TB_STATUS_ABSENT;
	snprintf(s->reason, sizeof(s->reason), "%s", reason);
}

uint64_t tb_traced_fit(const struct tb_case *cs, const struct tb_result *r,
		       uint64_t *nr_events)
{
	double per_op = SLACK * events_per_op(cs, r);
	double wanted = per_op * (double)cs->nr_ops + STRANGERS, fitting;

	*nr_events = tb_tracer_room((uint64_t)ceil(wanted), cs->nr_cpus);
	fitting = ((double)*nr_events - STRANGERS) / per_op;
	if (fitting >= (double)cs->nr_ops || per_op == 0)
		return cs->nr_ops;
	return fitting < 1 ? 1 : (uint64_t)fitting;
}

int tb_traced_run(const struct tb_run_env *env, const struct tb_case *cs,
		  struct tb_result *r, struct tb_err *err)
{
	struct tb_shootdown_result *s = &r->shootdown;
	struct tb_case traced = *cs;
	struct tb_observer observer = { 0 };
	uint64_t nr_events;
	char reason[TB_TRACER_REASON_BYTES];
	int ret;

	traced.nr_ops = tb_traced_fit(cs, r, &nr_events);
	ret = tb_tracer_open(&observer.tracer, r->cpus,
			     cs->instances * tb_case_threads_per_instance(cs),
			     nr_events, reason, err);
	if (ret)
		return ret;
	if (!observer.tracer) {
		set_absent(s, reason);
		return 0;
	}
	ret = tb_pass_run(env, &traced, r, &observer, &r->traced, err);
	if (!ret && tb_tracer_take(observer.tracer, &s->seen, &s->nr_lost))
		set_absent(s, "the kernel does not say how many were lost");
	tb_tracer_close(observer.tracer);
	return ret;
}

/* --- what came of it ----------------------------------------------------- */

const char *tb_traced_no_times(const struct tb_result *r)
{
	if (r->shootdown.status == TB_STATUS_ABSENT)
		return r->shootdown.reason;
	if (r->clock.kind == TB_CLOCK_ICOUNT)
		return "the clock counts instructions, the tracer's among them";
	if (!r->shootdown.seen.nr_complete)
		return "no shootdown was seen from end to end";
	return NULL;
}

static void add_quantile(struct tb_result *r, const char *name, double q)
{
	const struct tb_hist *h = &r->shootdown.seen.latency;
	struct tb_metric *m =
		tb_metric_add(r, "ns", "lower", false, "%s", name);
	const char *why = tb_traced_no_times(r);

	tb_metric_set_quantile(m, h, q, "shootdowns");
	if (why)
		tb_metric_set_absent(m, "%s", why);
}

static void note_gaps(struct tb_result *r)
{
	const struct tb_shootdown_result *s = &r->shootdown;

	if (s->nr_lost)
		wl_reason(
			&r->caveats,
			"%llu events of the shootdown trace were lost: some "
			"shootdowns are missing, some have too few responders",
			(unsigned long long)s->nr_lost);
	else if (s->seen.nr_incomplete || s->seen.nr_orphans)
		wl_reason(&r->caveats,
			  "shootdown trace: %llu shootdowns have no end and "
			  "%llu events no begin, although none was lost",
			  (unsigned long long)s->seen.nr_incomplete,
			  (unsigned long long)s->seen.nr_orphans);
}

void tb_traced_fill(struct tb_result *r)
{
	add_quantile(r, "shootdown_p50_ns", 0.5);
	add_quantile(r, "shootdown_p99_ns", 0.99);
	note_gaps(r);
}
