// SPDX-License-Identifier: GPL-2.0-only
/* From counters to numbers per op, or per event where the op is no flush. */
#include "engine/ledger.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/caveats.h"
#include "engine/metric.h"
#include "engine/value_metrics.h"
#include "machine/strategywindow.h"
#include "machine/trace.h"

#define REASON_PREFIX "tlb_flush."

/**
 * struct per - what costs are divided by
 * @name: "op", or the event of wl_ops.effect
 * @nr: of them in the counted pass
 * @why: it is not known; else ""
 */
struct per {
	const char *name;
	double nr;
	char why[128];
};

static const struct tb_counter *counter(const struct tb_result *r,
					const char *name)
{
	return tb_counter_get(&r->counters, name);
}

static struct per find_per(const struct tb_case *cs, const struct tb_result *r)
{
	const struct wl_effect *effect = cs->ops->effect;
	struct per per = { .name = "op", .nr = (double)r->counted.nr_ops };

	if (!effect)
		return per;
	per.name = effect->event;
	per.nr = tb_effect_events(cs, r, per.why, sizeof(per.why));
	return per;
}

/* "NAME_per_op", in "UNIT/op"; @suffix follows. Not yet a value. */
static struct tb_metric *add_per(struct tb_result *r, const struct per *per,
				 const char *unit, bool is_headline,
				 const char *name, const char *suffix)
{
	struct tb_metric *m =
		tb_metric_add(r, unit, "lower", is_headline, "%s_per_%s%s",
			      name, per->name, suffix);
	size_t len = strlen(m->unit);

	snprintf(m->unit + len, sizeof(m->unit) - len, "/%s", per->name);
	if (*per->why)
		tb_metric_set_absent(m, "%s", per->why);
	return m;
}

/* The same, of a counter. */
static struct tb_metric *add_cost(struct tb_result *r, const struct per *per,
				  const char *unit, bool is_headline,
				  const char *name, const struct tb_counter *c)
{
	struct tb_metric *m = add_per(r, per, unit, is_headline, name, "");

	if (m->status != TB_STATUS_ABSENT)
		tb_metric_set_counter(m, c, per->nr);
	return m;
}

/* @m is @a over @b, which may be none: @none says so. */
static void set_ratio(struct tb_metric *m, const struct tb_counter *a,
		      const struct tb_counter *b, const char *none)
{
	if (!b || b->status == TB_STATUS_ABSENT) {
		tb_metric_set_counter(m, b, 1);
		return;
	}
	if (!b->value) {
		tb_metric_set_absent(m, "%s", none);
		return;
	}
	tb_metric_set_counter(m, a, (double)b->value);
	if (m->status < b->status)
		m->status = b->status;
}

/* One reason more, which counts unless it is no flush of its own. */
static void add_reason(struct tb_result *r, const struct per *per,
		       const struct tb_counter *c, struct tb_metric *sum,
		       unsigned int *nr_reasons)
{
	const char *reason = c->name + strlen(REASON_PREFIX);
	char suffix[64];
	struct tb_metric *m;

	snprintf(suffix, sizeof(suffix), ".%s", reason);
	m = add_per(r, per, "events", false, "flushes", suffix);
	if (m->status != TB_STATUS_ABSENT)
		tb_metric_set_counter(m, c, per->nr);
	if (!tb_trace_is_executed(reason))
		return;
	++*nr_reasons;
	if (c->status > sum->status) {
		sum->status = c->status;
		snprintf(sum->reason, sizeof(sum->reason), "%s", c->reason);
	}
	sum->value += (double)c->value / per->nr;
}

static void add_flushes(struct tb_result *r, const struct per *per)
{
	struct tb_metric *sum = add_per(r, per, "flushes", true, "flushes", "");
	const struct tb_counter *all = counter(r, "tlb_flush");
	unsigned int i, nr_reasons = 0;

	for (i = 0; i < r->counters.nr; i++)
		if (!strncmp(r->counters.all[i].name, REASON_PREFIX,
			     strlen(REASON_PREFIX)))
			add_reason(r, per, &r->counters.all[i], sum,
				   &nr_reasons);
	if (nr_reasons || *per->why)
		return;
	if (all && all->status != TB_STATUS_ABSENT)
		tb_metric_set_absent(sum, "reasons of tlb:tlb_flush cannot be "
					  "read");
	else
		tb_metric_set_counter(sum, all, 1);
}

/* Of what kind the flushes are, and how far one reaches. */
static void add_shape(struct tb_result *r, const struct per *per)
{
	const struct tb_counter *ranged = counter(r, "tlb_flush_ranged");

	add_cost(r, per, "flushes", false, "full_flushes",
		 counter(r, "tlb_flush_full"));
	add_cost(r, per, "flushes", false, "ranged_flushes", ranged);
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
static void add_faults(struct tb_result *r, const struct per *per)
{
	static const char *const parts[] = { "minor_faults_initiators",
					     "minor_faults_others",
					     "major_faults_initiators",
					     "major_faults_others" };
	struct tb_metric *m = add_per(r, per, "faults", false, "faults", "");
	double sum = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		if (m->status == TB_STATUS_ABSENT)
			return;
		tb_metric_set_counter(m, counter(r, parts[i]), per->nr);
		sum += m->value;
	}
	if (m->status != TB_STATUS_ABSENT)
		m->value = sum;
}

/* What the kernel's flush strategy says it did. */
static void add_strategy(struct tb_result *r, const struct per *per)
{
	unsigned int i;

	for (i = 0; i < r->counters.nr; i++) {
		const struct tb_counter *c = &r->counters.all[i];

		if (!strncmp(c->name, TB_STRATEGY_PREFIX,
			     strlen(TB_STRATEGY_PREFIX)))
			add_cost(r, per, "events", false, c->name, c)->better =
				"none";
	}
}

/* What an unrelated process suffers, where there is one. */
static void add_bystanders(struct tb_result *r, const struct per *per)
{
	const struct tb_counter *c = counter(r, "irq_tlb_bystander");

	if (c)
		add_cost(r, per, "ipis", false, "bystander_ipis", c);
}

/* How often the CPUs of sleepers were woken, by whatever interrupt. */
static void add_idle(const struct tb_case *cs, struct tb_result *r,
		     const struct per *per)
{
	if (tb_case_nr_sleepers(cs))
		add_cost(r, per, "wakeups", false, "idle_wakeups",
			 counter(r, "idle_wakeups"));
}

/* Of an op that does not flush itself, the time is that of a request. */
static void add_times(const struct tb_case *cs, struct tb_result *r)
{
	bool is_op = !cs->ops->effect;
	struct tb_metric *m =
		tb_metric_add_times(r, is_op ? "op" : "request", "ops",
				    &r->timed.latency, is_op, true);

	/* The clock counts what all CPUs do meanwhile. */
	if (m && cs->instances > 1)
		tb_metric_set_absent(m,
				     "with several instances an op's "
				     "instructions include the others' work");
}

static void add_all_peer_times(const struct tb_case *cs, struct tb_result *r)
{
	unsigned int i;

	for (i = 1; i < cs->nr_roles; i++)
		if (r->timed.peers[i].latency.count)
			tb_metric_add_times(r, cs->ops->roles[i].name, "ops",
					    &r->timed.peers[i].latency, false,
					    false);
}

/*
 * Exact counts are exact, but an op of hundreds of flushes lasts long enough
 * for a kernel thread to have a CPU in between: there one less is no doubt.
 */
static double slack_of(const struct tb_result *r, double bound)
{
	if (r->clock.kind != TB_CLOCK_ICOUNT)
		return TB_SHARED_SLACK;
	return bound > 100 ? 0.001 : 0;
}

static void check_bound(struct tb_result *r, const struct tb_metric *m,
			const struct wl_bound *b)
{
	if (!m || m->status == TB_STATUS_ABSENT)
		return;
	if (m->value < b->min * (1 - slack_of(r, b->min)))
		wl_reason(&r->caveats, "%s is %.6g, expected at least %.6g%s",
			  m->name, m->value, b->min,
			  m->value == 0 && !strncmp(m->name, "ipis", 4)
				  ? ": no remote flush was seen"
				  : "");
	else if (b->max >= 0 && m->value > b->max * (1 + slack_of(r, b->max)))
		wl_reason(&r->caveats, "%s is %.6g, expected at most %.6g",
			  m->name, m->value, b->max);
}

static const struct tb_metric *
find_cost(const struct tb_result *r, const struct per *per, const char *name)
{
	char full[64];

	snprintf(full, sizeof(full), "%s_per_%s", name, per->name);
	return tb_metric_find(r, full);
}

static void check_expectations(const struct tb_case *cs, struct tb_result *r,
			       const struct per *per)
{
	struct wl_expect e = { { 0, -1 }, { 0, -1 }, { 0, -1 }, { 0, -1 } };
	const struct tb_metric *ranged = find_cost(r, per, "ranged_flushes");
	struct wl_ctx ctx = tb_case_ctx(cs);

	/* On a CPU that is shared, anybody may run when the flush comes. */
	if (!cs->ops->expect || cs->share_cpus || tb_case_bystanders_share(cs))
		return;
	cs->ops->expect(&ctx, &e);
	check_bound(r, find_cost(r, per, "ipis_received"), &e.ipis_received);
	check_bound(r, find_cost(r, per, "flushes"), &e.flushes);
	check_bound(r, find_cost(r, per, "faults"), &e.faults);
	/* Where ops flush everything, ranges are somebody else's. */
	if (ranged && ranged->value >= 1 - TB_SHARED_SLACK)
		check_bound(r, tb_metric_find(r, "pages_per_flush"), &e.pages);
}

void tb_ledger_fill(const struct tb_case *cs, struct tb_result *r)
{
	const struct tb_counter *irq = counter(r, "irq_tlb");
	struct per per = find_per(cs, r);

	add_cost(r, &per, "ipis", true, "ipis_received", irq);
	add_cost(r, &per, "requests", true, "ipis_sent",
		 counter(r, "csd_flush"));
	add_flushes(r, &per);
	add_shape(r, &per);
	add_faults(r, &per);
	add_bystanders(r, &per);
	add_idle(cs, r, &per);
	add_strategy(r, &per);
	add_times(cs, r);
	add_all_peer_times(cs, r);
	tb_metric_set_counter(
		tb_metric_add(r, "ipis", "lower", false, "ipis_received"), irq,
		1);
	tb_value_metrics_fill(cs, r);
	check_expectations(cs, r, &per);
	tb_caveats_fill(cs, r);
}
