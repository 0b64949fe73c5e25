// SPDX-License-Identifier: GPL-2.0-only
/* The list of metrics, and how one is made of what was seen. */
#include "engine/metric.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct tb_metric *tb_metric_add(struct tb_result *r, const char *unit,
				const char *better, bool is_headline,
				const char *fmt, ...)
{
	/* What does not fit lands in one that is never shown. */
	struct tb_metric *m = &r->metrics[r->nr_metrics];
	va_list ap;

	if (r->nr_metrics < TB_MAX_METRICS)
		r->nr_metrics++;
	else
		wl_reason(&r->caveats, "metric '%s' left out: too many", fmt);
	*m = (struct tb_metric){
		.better = better,
		.is_headline = is_headline,
	};
	snprintf(m->unit, sizeof(m->unit), "%s", unit);
	va_start(ap, fmt);
	vsnprintf(m->name, sizeof(m->name), fmt, ap);
	va_end(ap);
	return m;
}

void tb_metric_set_absent(struct tb_metric *m, const char *fmt, ...)
{
	va_list ap;

	m->status = TB_STATUS_ABSENT;
	va_start(ap, fmt);
	vsnprintf(m->reason, sizeof(m->reason), fmt, ap);
	va_end(ap);
}

void tb_metric_set_counter(struct tb_metric *m, const struct tb_counter *c,
			   double divisor)
{
	if (!c || c->status == TB_STATUS_ABSENT) {
		tb_metric_set_absent(m, "%s", c ? c->reason : "not counted");
		return;
	}
	m->status = c->status;
	m->value = (double)c->value / divisor;
}

/* A quantile that fewer values lie beyond is a value, not a quantile. */
#define MIN_BEYOND 10

void tb_metric_set_quantile(struct tb_metric *m, const struct tb_hist *h,
			    double q, const char *what)
{
	m->value = tb_hist_mean_at(h, q);
	if (!h->count)
		tb_metric_set_absent(m, "no %s were seen", what);
	else if (q > 0.5 && (double)h->count * (1 - q) < MIN_BEYOND - 1e-6)
		tb_metric_set_absent(m, "needs %.0f %s",
				     ceil(MIN_BEYOND / (1 - q) - 1e-6), what);
}

/* Of a histogram of ticks. */
static void add_quantile(struct tb_result *r, const struct tb_hist *h,
			 const char *what, double q, struct tb_metric *m)
{
	tb_metric_set_quantile(m, h, q, what);
	m->value = tb_clock_value(&r->clock, m->value);
}

struct tb_metric *tb_metric_add_times(struct tb_result *r, const char *name,
				      const char *what, const struct tb_hist *h,
				      bool is_headline, bool has_p999)
{
	static const struct {
		const char *suffix;
		double q;
	} all[] = { { "p50", 0.5 }, { "p99", 0.99 }, { "p999", 0.999 } };
	unsigned int i, nr = has_p999 ? 3 : 2;
	struct tb_metric *m;

	if (r->clock.kind == TB_CLOCK_ICOUNT) {
		/* The median: a few ops meet a timer tick, the others agree. */
		m = tb_metric_add(r, "instructions", "lower", is_headline,
				  "%s_instructions", name);
		add_quantile(r, h, what, 0.5, m);
		return m;
	}
	for (i = 0; i < nr; i++) {
		m = tb_metric_add(r, "ns", "lower", is_headline, "%s_%s_ns",
				  name, all[i].suffix);
		add_quantile(r, h, what, all[i].q, m);
	}
	return NULL;
}

void tb_metric_set_rate(const struct tb_result *r, struct tb_metric *m,
			double nr, double ns)
{
	if (r->clock.kind == TB_CLOCK_ICOUNT)
		tb_metric_set_absent(m, "exact mode counts instructions, "
					"it has no seconds");
	else if (ns <= 0)
		tb_metric_set_absent(m, "not counted");
	else
		m->value = nr * 1e9 / ns;
}

const struct tb_metric *tb_metric_find(const struct tb_result *r,
				       const char *name)
{
	unsigned int i;

	for (i = 0; i < r->nr_metrics; i++)
		if (!strcmp(r->metrics[i].name, name))
			return &r->metrics[i];
	return NULL;
}
