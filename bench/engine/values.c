// SPDX-License-Identifier: GPL-2.0-only
/* Values of a workload's own. */
#include "engine/values.h"

#include <assert.h>
#include <string.h>

unsigned int tb_nr_metrics(const struct wl_ops *ops)
{
	unsigned int nr = 0;

	while (ops->metrics && ops->metrics[nr].name)
		nr++;
	return nr;
}

int tb_metric_index(const struct wl_ops *ops, const char *name)
{
	unsigned int i;

	for (i = 0; i < tb_nr_metrics(ops); i++)
		if (!strcmp(ops->metrics[i].name, name))
			return (int)i;
	return -1;
}

bool tb_metric_is_field(const struct wl_metric *m)
{
	return m->kind == WL_VMSTAT || m->kind == WL_MEMSTAT;
}

bool tb_metric_is_time(const struct wl_metric *m)
{
	return m->kind == WL_TIME || m->kind == WL_SETUP_TIME;
}

bool tb_metric_is_level(const struct wl_metric *m)
{
	return m->kind == WL_LEVEL || m->kind == WL_LEVEL_OF_ALL;
}

const char *tb_metric_kind_name(enum wl_metric_kind kind)
{
	static const char *const names[] = {
		[WL_TOTAL] = "total",		[WL_LEVEL] = "level",
		[WL_LEVEL_OF_ALL] = "level",	[WL_TIME] = "time",
		[WL_SETUP_TIME] = "setup_time", [WL_VMSTAT] = "vmstat",
		[WL_MEMSTAT] = "memstat",
	};

	return names[kind];
}

size_t tb_values_bytes(const struct wl_ops *ops)
{
	size_t bytes = 0;
	unsigned int i;

	for (i = 0; i < tb_nr_metrics(ops); i++)
		bytes += sizeof(struct tb_cell) +
			 (tb_metric_is_time(&ops->metrics[i])
				  ? sizeof(struct tb_hist)
				  : 0);
	return bytes;
}

void tb_values_init(struct wl_values *v, const struct wl_ops *ops,
		    struct tb_arena *a, struct tb_slot *slot)
{
	struct tb_hist *next;
	unsigned int i;

	*v = (struct wl_values){
		.arena = a,
		.metrics = ops->metrics,
		.nr = tb_nr_metrics(ops),
		.cells = (struct tb_cell *)(slot + 1),
	};
	next = (struct tb_hist *)(v->cells + v->nr);
	for (i = 0; i < v->nr; i++)
		if (tb_metric_is_time(&v->metrics[i]))
			v->times[i] = next++;
}

void tb_values_touch(struct wl_values *v)
{
	unsigned int i;

	memset(v->cells, 0, v->nr * sizeof(*v->cells));
	for (i = 0; i < v->nr; i++)
		if (v->times[i])
			tb_hist_init(v->times[i]);
}

void tb_values_collect(struct tb_value *sum, const struct wl_values *v)
{
	unsigned int i;

	for (i = 0; i < v->nr; i++) {
		sum[i].sum += v->cells[i].sum;
		sum[i].nr += v->cells[i].nr;
		if (v->times[i])
			tb_hist_merge(&sum[i].times, v->times[i]);
	}
}

/* --- the workload's side ------------------------------------------------- */

uint64_t wl_now(const struct wl_ctx *c)
{
	return tb_ticks_begin(c->clock);
}

void wl_add(struct wl_thread *t, unsigned int metric, uint64_t n)
{
	struct wl_values *v = t->values;

	assert(metric < v->nr && v->metrics[metric].kind == WL_TOTAL);
	if (!tb_window_is_open(v->arena))
		return;
	v->cells[metric].sum += n;
	v->cells[metric].nr++;
}

void wl_level(struct wl_thread *t, unsigned int metric, uint64_t value)
{
	struct wl_values *v = t->values;

	assert(metric < v->nr && tb_metric_is_level(&v->metrics[metric]));
	v->cells[metric] = (struct tb_cell){ .sum = value, .nr = 1 };
}

void wl_time(struct wl_thread *t, unsigned int metric, uint64_t ticks)
{
	struct wl_values *v = t->values;

	assert(metric < v->nr && v->times[metric]);
	if (v->metrics[metric].kind == WL_SETUP_TIME ||
	    tb_window_is_open(v->arena))
		tb_hist_add(v->times[metric], ticks);
}
