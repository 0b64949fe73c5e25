// SPDX-License-Identifier: GPL-2.0-only
/* Metrics made of a workload's own values, and rates. */
#include "engine/value_metrics.h"

#include <stdio.h>
#include <string.h>

#include "engine/metric.h"
#include "engine/values.h"

static const char *better(const struct wl_metric *m)
{
	static const char *const names[] = { "lower", "higher", "none" };

	return names[m->better];
}

static double in_ns(const struct tb_result *r, uint64_t ticks)
{
	return tb_clock_value(&r->clock, (double)ticks);
}

/* --- totals -------------------------------------------------------------- */

/**
 * struct total - a number of a window
 * @nr_ops: of the initiators in the same window
 * @ns: its length
 */
struct total {
	double value;
	double nr_ops;
	double ns;
};

/* Per second is what matters, unless there are no seconds. */
static void add_total(struct tb_result *r, const struct wl_metric *m,
		      const struct total *t, const char *why)
{
	bool has_time = r->clock.kind != TB_CLOCK_ICOUNT;
	struct tb_metric *to;
	char unit[48];

	snprintf(unit, sizeof(unit), "%s/op", m->unit);
	to = tb_metric_add(r, unit, better(m), m->is_headline && !has_time,
			   "%s_per_op", m->name);
	if (why)
		tb_metric_set_absent(to, "%s", why);
	else if (!t->nr_ops)
		tb_metric_set_absent(to, "not counted");
	else
		to->value = t->value / t->nr_ops;
	snprintf(unit, sizeof(unit), "%s/s", m->unit);
	to = tb_metric_add(r, unit, better(m), m->is_headline && has_time,
			   "%s_per_s", m->name);
	if (why)
		tb_metric_set_absent(to, "%s", why);
	else
		tb_metric_set_rate(r, to, t->value, t->ns);
}

static const struct tb_counter *field(const struct tb_result *r,
				      const struct wl_metric *m)
{
	return tb_counter_get(&r->counters, m->name);
}

/* The counters' outer window is the phase. */
static void add_field(struct tb_result *r, const struct wl_metric *m)
{
	const struct tb_counter *c = field(r, m);
	bool is_there = c && c->status != TB_STATUS_ABSENT;
	const struct total t = {
		.value = is_there ? (double)c->value : 0,
		.nr_ops = (double)r->counted.nr_ops,
		.ns = (double)r->counted.elapsed_ns,
	};

	add_total(r, m, &t, is_there ? NULL : c ? c->reason : "not counted");
}

static bool is_event(const struct wl_effect *effect, const struct wl_metric *m)
{
	const char *const *name;

	for (name = effect->metrics; *name; name++)
		if (!strcmp(*name, m->name))
			return true;
	return false;
}

/* Where costs are per event, so is a field that counts something else. */
static void add_per_event(const struct tb_case *cs, struct tb_result *r,
			  const struct wl_metric *m)
{
	const struct tb_counter *c = field(r, m);
	const char *event = cs->ops->effect->event;
	char unit[48], why[128] = "";
	double nr_events = tb_effect_events(cs, r, why, sizeof(why));
	struct tb_metric *to;

	snprintf(unit, sizeof(unit), "%s/%s", m->unit, event);
	to = tb_metric_add(r, unit, better(m), false, "%s_per_%s", m->name,
			   event);
	if (!c || c->status == TB_STATUS_ABSENT)
		tb_metric_set_absent(to, "%s", c ? c->reason : "not counted");
	else if (why[0])
		tb_metric_set_absent(to, "%s", why);
	else
		to->value = (double)c->value / nr_events;
}

static void add_own_total(struct tb_result *r, const struct wl_metric *m,
			  const struct tb_value *v)
{
	const struct total t = {
		.value = (double)v->sum,
		.nr_ops = (double)r->timed.nr_ops,
		.ns = in_ns(r, r->timed.window_ticks),
	};

	add_total(r, m, &t, NULL);
}

/* --- levels -------------------------------------------------------------- */

static void add_level(struct tb_result *r, const struct wl_metric *m,
		      const struct tb_value *v)
{
	char unit[48];
	struct tb_metric *sum = tb_metric_add(r, m->unit, better(m),
					      m->is_headline, "%s", m->name);
	struct tb_metric *mean;

	if (v->nr)
		sum->value = (double)v->sum;
	else
		tb_metric_set_absent(sum, "no process has said it");
	if (m->kind == WL_LEVEL_OF_ALL)
		return;
	snprintf(unit, sizeof(unit), "%s/process", m->unit);
	mean = tb_metric_add(r, unit, better(m), false, "%s_per_process",
			     m->name);
	if (v->nr)
		mean->value = (double)v->sum / (double)v->nr;
	else
		tb_metric_set_absent(mean, "no process has said it");
}

/* --- all ----------------------------------------------------------------- */

static void add_value(const struct tb_case *cs, struct tb_result *r,
		      const struct wl_metric *m, const struct tb_value *v)
{
	const struct wl_effect *effect = cs->ops->effect;

	switch (m->kind) {
	case WL_TOTAL:
		add_own_total(r, m, v);
		break;
	case WL_LEVEL:
	case WL_LEVEL_OF_ALL:
		add_level(r, m, v);
		break;
	case WL_TIME:
	case WL_SETUP_TIME:
		tb_metric_add_times(r, m->name, "values", &v->times,
				    m->is_headline, false);
		break;
	case WL_VMSTAT:
	case WL_MEMSTAT:
		add_field(r, m);
		if (effect && !is_event(effect, m))
			add_per_event(cs, r, m);
		break;
	}
}

static void add_rate(struct tb_result *r, const char *name, uint64_t nr_ops)
{
	struct tb_metric *m =
		tb_metric_add(r, "ops/s", "higher", true, "%s", name);

	/* Those that begin before the window or end after it do not count. */
	if (!nr_ops)
		tb_metric_set_absent(m, "no op of it lies within the window: "
					"ask for more ops");
	else
		tb_metric_set_rate(r, m, (double)nr_ops,
				   in_ns(r, r->timed.window_ticks));
}

/* A sleeper has no loop of its own. */
static bool runs_free(const struct tb_case *cs, unsigned int role)
{
	return tb_case_meet(cs) == TB_MEET_NONE && cs->nr_threads[role] &&
	       cs->ops->roles[role].kind == WL_RESPONDER;
}

static void add_rates(const struct tb_case *cs, struct tb_result *r)
{
	unsigned int i;
	char name[64];

	if (cs->ops->effect)
		add_rate(r, "ops_per_s", r->timed.nr_ops);
	for (i = 1; i < cs->nr_roles; i++) {
		if (!runs_free(cs, i))
			continue;
		snprintf(name, sizeof(name), "%s_ops_per_s",
			 cs->ops->roles[i].name);
		add_rate(r, name, r->timed.peers[i].nr_ops);
	}
}

void tb_value_metrics_fill(const struct tb_case *cs, struct tb_result *r)
{
	unsigned int i;

	for (i = 0; i < tb_nr_metrics(cs->ops); i++)
		add_value(cs, r, &cs->ops->metrics[i], &r->timed.values[i]);
	add_rates(cs, r);
}

double tb_effect_events(const struct tb_case *cs, const struct tb_result *r,
			char *why, size_t why_bytes)
{
	const struct wl_effect *effect = cs->ops->effect;
	const char *const *name;
	double sum = 0;

	for (name = effect->metrics; *name; name++) {
		int i = tb_metric_index(cs->ops, *name);
		const struct wl_metric *m = &cs->ops->metrics[i];
		const struct tb_counter *c;

		if (!tb_metric_is_field(m)) {
			sum += r->counted.values
				       ? (double)r->counted.values[i].sum
				       : 0;
			continue;
		}
		c = field(r, m);
		if (!c || c->status == TB_STATUS_ABSENT) {
			snprintf(why, why_bytes, "%s: %s", *name,
				 c ? c->reason : "not counted");
			return 0;
		}
		sum += (double)c->value;
	}
	if (!sum)
		snprintf(why, why_bytes, "no %s was seen", effect->event);
	return sum;
}
