/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Metrics of a result: what a record offers for comparison.
 */
#ifndef TB_METRIC_H
#define TB_METRIC_H

#include "engine/case.h"

/* A new metric of value 0 and status ok; @fmt is its name. */
struct tb_metric *tb_metric_add(struct tb_result *r, const char *unit,
				const char *better, bool is_headline,
				const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* It has no value: say why. */
void tb_metric_set_absent(struct tb_metric *m, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The value of a counter over @divisor, or why there is none. */
void tb_metric_set_counter(struct tb_metric *m, const struct tb_counter *c,
			   double divisor);

/**
 * tb_metric_set_quantile() - the quantile @q of @h, in its unit
 * @what: the values, in the plural: "needs 1000 ops"
 *
 * Absent above the median where fewer than ten values lie beyond it.
 */
void tb_metric_set_quantile(struct tb_metric *m, const struct tb_hist *h,
			    double q, const char *what);

/**
 * tb_metric_add_times() - what a histogram of ticks says
 * @what: is timed, in the plural: "needs 1000 ops"
 *
 * NAME_p50_ns and NAME_p99_ns, with @has_p999 NAME_p999_ns; or
 * NAME_instructions where the clock counts these, and then this metric is
 * returned, else NULL.
 */
struct tb_metric *tb_metric_add_times(struct tb_result *r, const char *name,
				      const char *what, const struct tb_hist *h,
				      bool is_headline, bool has_p999);

/**
 * tb_metric_set_rate() - @nr events in @ns
 *
 * Absent where the clock does not tell time.
 */
void tb_metric_set_rate(const struct tb_result *r, struct tb_metric *m,
			double nr, double ns);

/* The metric called @name, or NULL. */
const struct tb_metric *tb_metric_find(const struct tb_result *r,
				       const char *name);

#endif
