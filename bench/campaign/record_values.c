// SPDX-License-Identifier: GPL-2.0-only
/* Values of a workload's own, as a member of a pass. */
#include "campaign/record.h"
#include "engine/values.h"

static void add_value(struct tb_json *j, const struct wl_metric *m,
		      const struct tb_clock *c, const struct tb_value *v)
{
	tb_json_obj(j, m->name);
	tb_json_str(j, "kind", tb_metric_kind_name(m->kind));
	if (tb_metric_is_time(m)) {
		tb_record_histogram(j, "histogram", tb_clock_unit(c), c,
				    &v->times);
	} else {
		tb_json_str(j, "unit", m->unit);
		tb_json_u64(j, "sum", v->sum);
	}
	if (tb_metric_is_level(m))
		tb_json_u64(j, "processes", v->nr);
	tb_json_obj_end(j);
}

void tb_record_values(struct tb_json *j, const struct wl_ops *ops,
		      const struct tb_clock *c, const struct tb_pass *p)
{
	unsigned int i;

	tb_json_obj(j, "values");
	for (i = 0; i < tb_nr_metrics(ops); i++)
		if (!tb_metric_is_field(&ops->metrics[i]))
			add_value(j, &ops->metrics[i], c, &p->values[i]);
	tb_json_obj_end(j);
}
