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
void tb_metric_set_absent(struct tb_metric *m, const char *reason);

/* The metric called @name, or NULL. */
const struct tb_metric *tb_metric_find(const struct tb_result *r,
				       const char *name);

#endif
