// SPDX-License-Identifier: GPL-2.0-only
/* From counters to numbers per op. */
#include "engine/ledger.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/metric.h"
#include "machine/mech.h"
#include "machine/trace.h"

#define REASON_PREFIX "tlb_flush."
/* Counters see all that runs on a CPU; others run there too, but in a VM. */
#define SHARED_SLACK 0.01
/* A share of the window. */
#define STEAL_LIMIT 0.001

static const struct tb_counter *counter(const struct tb_result *r,
					const char *name)
{
	return tb_counter_get(&r->counters, name);
}

/* @m is @c over @divisor. */
static void set_from(struct tb_metric *m, const struct tb_counter *c,
		     double divisor)
{
	if (!c || c->status == TB_STATUS_ABSENT) {
		tb_metric_set_absent(m, c ? c->reason : "not counted");
		return;
	}
	m->status = c->status;
	m->value = (double)c->value / divisor;
}

/* @m is @a over @b, which may be none: @none says so. */
static void set_ratio(struct tb_metric *m, const struct tb_counter *a,
		      const struct tb_counter *b, const char *none)
{
	if (!b || b->status == TB_STATUS_ABSENT) {
		set_from(m, b, 1);
		return;
	}
	if (!b->value) {
		tb_metric_set_absent(m, none);
		return;
	}
	set_from(m, a, (double)b->value);
	if (m->status < b->status)
		m->status = b->status;
}

static void add_flushes(struct tb_result *r, double ops)
{
	struct tb_metric *sum =
		tb_metric_add(r, "flushes/op", "lower", true, "flushes_per_op");
	unsigned int i, nr_reasons = 0;

	for (i = 0; i < r->counters.nr; i++) {
		const struct tb_counter *c = &r->counters.all[i];
		const char *reason = c->name + strlen(REASON_PREFIX);

		if (strncmp(c->name, REASON_PREFIX, strlen(REASON_PREFIX)))
			continue;
		set_from(tb_metric_add(r, "events/op", "lower", false,
				       "flushes_per_op.%s", reason),
			 c, ops);
		if (!tb_trace_is_executed(reason))
			continue;
		nr_reasons++;
		if (c->status > sum->status) {
			sum->status = c->status;
			snprintf(sum->reason, sizeof(sum->reason), "%s",
				 c->reason);
		}
		sum->value += (double)c->value / ops;
	}
	if (!nr_reasons) {
		const struct tb_counter *c = counter(r, "tlb_flush");

		if (c && c->status != TB_STATUS_ABSENT)
			tb_metric_set_absent(sum, "reasons of tlb:tlb_flush "
						  "cannot be read");
		else
			tb_metric_set_absent(sum,
					     c ? c->reason : "not counted");
	}
}

/* Of what kind the flushes are, and how far one reaches. */
static void add_shape(struct tb_result *r, double ops)
{
	const struct tb_counter *ranged = counter(r, "tlb_flush_ranged");

	set_from(tb_metric_add(r, "flushes/op", "lower", false,
			       "full_flushes_per_op"),
		 counter(r, "tlb_flush_full"), ops);
	set_from(tb_metric_add(r, "flushes/op", "lower", false,
			       "ranged_flushes_per_op"),
		 ranged, ops);
	set_ratio(tb_metric_add(r, "pages/flush", "none", false,
				"pages_per_flush"),
		  counter(r, "tlb_flush_pages"), ranged,
		  "no flush of a range was seen");
	set_ratio(tb_metric_add(r, "requests/shootdown", "lower", false,
				"fan_out"),
		  counter(r, "csd_flush"),
		  counter(r, "tlb_flush.remote_ipi_send"),
		  "no shootdown was seen");
}

/* All faults of all threads; nothing if one of the parts is not known. */
static void add_faults(struct tb_result *r, double ops)
{
	static const char *const parts[] = { "minor_faults_initiators",
					     "minor_faults_others",
					     "major_faults_initiators",
					     "major_faults_others" };
	struct tb_metric *m =
		tb_metric_add(r, "faults/op", "lower", false, "faults_per_op");
	double sum = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		set_from(m, counter(r, parts[i]), ops);
		if (m->status == TB_STATUS_ABSENT)
			return;
		sum += m->value;
	}
	m->value = sum;
}

/* What an unrelated process suffers, where there is one. */
static void add_bystanders(struct tb_result *r, double ops)
{
	const struct tb_counter *c = counter(r, "irq_tlb_bystander");

	if (c)
		set_from(tb_metric_add(r, "ipis/op", "lower", false,
				       "bystander_ipis_per_op"),
			 c, ops);
}

/* A quantile that fewer ops lie beyond is an op, not a quantile. */
#define MIN_BEYOND 10

static void add_quantile(struct tb_result *r, const struct tb_hist *h,
			 const char *name, double q, bool is_headline)
{
	struct tb_metric *m =
		tb_metric_add(r, "ns", "lower", is_headline, "%s", name);

	m->value = tb_clock_value(&r->clock, tb_hist_mean_at(h, q));
	if (q <= 0.5 || (double)h->count * (1 - q) >= MIN_BEYOND - 1e-6)
		return;
	m->status = TB_STATUS_ABSENT;
	snprintf(m->reason, sizeof(m->reason), "needs %.0f ops",
		 ceil(MIN_BEYOND / (1 - q) - 1e-6));
}

static void add_times(const struct tb_case *cs, struct tb_result *r)
{
	const struct tb_hist *h = &r->timed.latency;
	struct tb_metric *m;

	if (r->clock.kind == TB_CLOCK_ICOUNT) {
		/* The median: a few ops meet a timer tick, the others agree. */
		m = tb_metric_add(r, "instructions", "lower", true,
				  "op_instructions");
		m->value = tb_clock_value(&r->clock, tb_hist_mean_at(h, 0.5));
		/* The clock counts what all CPUs do meanwhile. */
		if (cs->instances > 1)
			tb_metric_set_absent(
				m, "with several instances an op's "
				   "instructions include the others' work");
		return;
	}
	add_quantile(r, h, "op_p50_ns", 0.5, true);
	add_quantile(r, h, "op_p99_ns", 0.99, true);
	add_quantile(r, h, "op_p999_ns", 0.999, true);
}

/* Of a role that is not the initiator's, see struct tb_peer_pass. */
static void add_peer_times(struct tb_result *r, const char *role,
			   const struct tb_hist *h)
{
	static const struct {
		const char *suffix;
		double q;
	} quantiles[] = { { "p50", 0.5 }, { "p99", 0.99 } };
	char name[64];
	unsigned int i;

	if (!h->count)
		return;
	if (r->clock.kind == TB_CLOCK_ICOUNT) {
		tb_metric_add(r, "instructions", "lower", false,
			      "%s_instructions", role)
			->value =
			tb_clock_value(&r->clock, tb_hist_mean_at(h, 0.5));
		return;
	}
	for (i = 0; i < ARRAY_SIZE(quantiles); i++) {
		snprintf(name, sizeof(name), "%s_%s_ns", role,
			 quantiles[i].suffix);
		add_quantile(r, h, name, quantiles[i].q, false);
	}
}

static void add_all_peer_times(const struct tb_case *cs, struct tb_result *r)
{
	unsigned int i;

	for (i = 1; i < cs->nr_roles; i++)
		add_peer_times(r, cs->ops->roles[i].name,
			       &r->timed.peers[i].latency);
}

static void check_bound(struct tb_result *r, const char *name,
			const struct wl_bound *b)
{
	const struct tb_metric *m = tb_metric_find(r, name);
	double slack = r->clock.kind == TB_CLOCK_ICOUNT ? 0 : SHARED_SLACK;

	if (!m || m->status == TB_STATUS_ABSENT)
		return;
	if (m->value < b->min * (1 - slack))
		wl_reason(&r->caveats, "%s is %.4g, expected at least %.4g%s",
			  name, m->value, b->min,
			  m->value == 0 && !strncmp(name, "ipis", 4)
				  ? ": no remote flush was seen"
				  : "");
	else if (b->max >= 0 && m->value > b->max * (1 + slack))
		wl_reason(&r->caveats, "%s is %.4g, expected at most %.4g",
			  name, m->value, b->max);
}

static void check_expectations(const struct tb_case *cs, struct tb_result *r)
{
	struct wl_expect e = { { 0, -1 }, { 0, -1 }, { 0, -1 }, { 0, -1 } };
	const struct tb_metric *ranged =
		tb_metric_find(r, "ranged_flushes_per_op");
	struct wl_ctx ctx = {
		.conf = cs->conf,
		.nr_ops = cs->nr_ops,
		.page_bytes = (size_t)sysconf(_SC_PAGESIZE),
	};

	/* On a CPU that is shared, anybody may run when the flush comes. */
	if (!cs->ops->expect || cs->share_cpus || tb_case_bystanders_share(cs))
		return;
	memcpy(ctx.nr_threads, cs->nr_threads, sizeof(ctx.nr_threads));
	cs->ops->expect(&ctx, &e);
	check_bound(r, "ipis_received_per_op", &e.ipis_received);
	check_bound(r, "flushes_per_op", &e.flushes);
	check_bound(r, "faults_per_op", &e.faults);
	/* Where ops flush everything, ranges are somebody else's. */
	if (ranged && ranged->value >= 1 - SHARED_SLACK)
		check_bound(r, "pages_per_flush", &e.pages);
}

/* A sleeper's CPU is lazy only if nobody else runs there meanwhile. */
static void note_busy_sleepers(const struct tb_case *cs, struct tb_result *r)
{
	const struct tb_counter *c = counter(r, "idle_entries");
	uint64_t every = tb_case_rendezvous_every(cs), sleeps = 0;
	unsigned int i;

	for (i = 0; i < cs->nr_roles; i++)
		if (cs->ops->roles[i].kind == WL_SLEEPER)
			sleeps += cs->nr_threads[i];
	sleeps *=
		every ? (r->counted.nr_ops + every - 1) / every : cs->instances;
	if (!c || c->status == TB_STATUS_ABSENT ||
	    (double)c->value >= (double)sleeps * (1 - SHARED_SLACK))
		return;
	wl_reason(&r->caveats,
		  "sleepers went to sleep %llu times, but their CPUs went idle "
		  "%llu times: somebody else runs there",
		  (unsigned long long)sleeps, (unsigned long long)c->value);
}

/*
 * Real-time throttling, or the deadline server that came after it, takes the
 * CPU away from a FIFO thread that runs for longer than this in a second.
 */
static void note_throttling(struct tb_result *r)
{
	uint64_t limit_us, longest_ns = r->timed.elapsed_ns;
	char line[32];

	if (r->counted.elapsed_ns > longest_ns)
		longest_ns = r->counted.elapsed_ns;
	if (r->traced.elapsed_ns > longest_ns)
		longest_ns = r->traced.elapsed_ns;
	/* -1 is no number: there is no limit. */
	if (strcmp(r->sched, "fifo") ||
	    tb_read_line("/proc/sys/kernel/sched_rt_runtime_us", line,
			 sizeof(line)) ||
	    !tb_parse_u64(line, &limit_us) || longest_ns < limit_us * 1000)
		return;
	wl_reason(&r->caveats,
		  "SCHED_FIFO threads ran for %.1f s, more than "
		  "sched_rt_runtime_us allows at a stretch: the kernel may "
		  "have stopped them meanwhile; ask for fewer ops",
		  (double)longest_ns / 1e9);
}

static void note_foreign_flushes(struct tb_result *r)
{
	const struct tb_counter *c = counter(r, "irq_tlb_elsewhere");

	if (c && c->status != TB_STATUS_ABSENT && c->value)
		wl_reason(&r->caveats,
			  "%llu TLB shootdowns where the case causes none: "
			  "somebody else flushes on this machine",
			  (unsigned long long)c->value);
}

/* Neither TLB interrupts nor flushes count these. */
static void note_hidden_flushes(struct tb_result *r)
{
	static const struct {
		const char *counter, *function;
	} hidden[] = { { "csd_flush_all", "flush_tlb_all" },
		       { "csd_flush_kernel", "flush_tlb_kernel_range" } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hidden); i++) {
		const struct tb_counter *c = counter(r, hidden[i].counter);

		if (c && c->status != TB_STATUS_ABSENT && c->value)
			wl_reason(&r->caveats,
				  "%llu CPUs were interrupted by %s(), which "
				  "is in no count of flushes or TLB interrupts",
				  (unsigned long long)c->value,
				  hidden[i].function);
	}
}

/* What is certain of a time in whole ticks: all but one of them. */
static uint64_t certain_ms(uint64_t ms)
{
	uint64_t tick_ms = 1000 / (uint64_t)sysconf(_SC_CLK_TCK);

	return ms > tick_ms ? ms - tick_ms : 0;
}

static void note_steal(struct tb_result *r)
{
	const struct tb_counter *c = counter(r, "steal_ms");
	double window_ms = (double)r->counted.elapsed_ns / 1e6, worst = 0;
	unsigned int i, cpu = 0;

	if (!c || c->status == TB_STATUS_ABSENT || !c->by_cpu || !window_ms)
		return;
	for (i = 0; i < r->counters.nr_cpus; i++) {
		double share = (double)certain_ms(c->by_cpu[i]) / window_ms;

		if (share <= worst)
			continue;
		worst = share;
		cpu = i;
	}
	if (worst > STEAL_LIMIT)
		wl_reason(&r->caveats,
			  "the hypervisor took at least %.2g %% of CPU %d's "
			  "time in the counted pass: times are too long, and "
			  "IPIs may be missing",
			  worst * 100, r->counters.cpus[cpu]);
}

void tb_ledger_fill(const struct tb_case *cs, struct tb_result *r)
{
	const struct tb_counter *irq = counter(r, "irq_tlb");
	double ops = (double)r->counted.nr_ops;
	struct tb_mech mech = tb_mech_detect();
	char text[256];

	set_from(tb_metric_add(r, "ipis/op", "lower", true,
			       "ipis_received_per_op"),
		 irq, ops);
	set_from(tb_metric_add(r, "requests/op", "lower", true,
			       "ipis_sent_per_op"),
		 counter(r, "csd_flush"), ops);
	add_flushes(r, ops);
	add_shape(r, ops);
	add_faults(r, ops);
	add_bystanders(r, ops);
	add_times(cs, r);
	add_all_peer_times(cs, r);
	set_from(tb_metric_add(r, "ipis", "lower", false, "ipis_received"), irq,
		 1);
	check_expectations(cs, r);
	note_busy_sleepers(cs, r);
	note_throttling(r);
	note_foreign_flushes(r);
	note_hidden_flushes(r);
	note_steal(r);
	if (tb_clock_caveat(&r->clock, text, sizeof(text)))
		wl_reason(&r->caveats, "%s", text);
	if (mech.caveat)
		wl_reason(&r->caveats, "%s", mech.caveat);
}
