// SPDX-License-Identifier: GPL-2.0-only
/* The list of metrics. */
#include "engine/metric.h"

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
		.unit = unit,
		.better = better,
		.is_headline = is_headline,
	};
	va_start(ap, fmt);
	vsnprintf(m->name, sizeof(m->name), fmt, ap);
	va_end(ap);
	return m;
}

void tb_metric_set_absent(struct tb_metric *m, const char *reason)
{
	m->status = TB_STATUS_ABSENT;
	snprintf(m->reason, sizeof(m->reason), "%s", reason);
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
