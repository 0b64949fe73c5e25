/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Values of a workload's own: where threads add to them, and what of all
 * threads came together.
 *
 * In the arena each thread's slot is followed by its cells, one for each of
 * wl_ops.metrics, and by a histogram for each of them that is a time. A
 * workload without metrics has none of that.
 */
#ifndef TB_VALUES_H
#define TB_VALUES_H

#include "engine/case.h"
#include "engine/phase.h"

/**
 * struct tb_cell - one value of one thread
 * @sum: WL_TOTAL: all that was added; WL_LEVEL: the last one that was set
 * @nr: how often that was; of a level 1 at most
 */
struct tb_cell {
	uint64_t sum;
	uint64_t nr;
};

/**
 * struct wl_values - where one thread adds
 * @arena: nothing counts but while its window is open
 * @times: by metric, NULL for those that are no time
 */
struct wl_values {
	struct tb_arena *arena;
	const struct wl_metric *metrics;
	unsigned int nr;
	struct tb_cell *cells;
	struct tb_hist *times[WL_MAX_METRICS];
};

/**
 * struct tb_value - one value of all threads
 * @sum, @nr: of the cells
 */
struct tb_value {
	uint64_t sum;
	uint64_t nr;
	struct tb_hist times;
};

unsigned int tb_nr_metrics(const struct wl_ops *ops);

/* The number of @name in @ops->metrics, or -1. */
int tb_metric_index(const struct wl_ops *ops, const char *name);

/* "total", "level", "time", "setup_time", "vmstat", "memstat". */
const char *tb_metric_kind_name(enum wl_metric_kind kind);

/* Is it read from the kernel, not added to by threads? */
bool tb_metric_is_field(const struct wl_metric *m);

/* A histogram, of times? */
bool tb_metric_is_time(const struct wl_metric *m);

/* The last that was said, by one process for itself or for the machine? */
bool tb_metric_is_level(const struct wl_metric *m);

/* What the values of one thread take behind its slot. */
size_t tb_values_bytes(const struct wl_ops *ops);

/* Lay the values out behind @slot. */
void tb_values_init(struct wl_values *v, const struct wl_ops *ops,
		    struct tb_arena *a, struct tb_slot *slot);

/* Touch what the thread will write, on its own node. */
void tb_values_touch(struct wl_values *v);

/* Add the values of one thread to @sum, tb_nr_metrics() of them. */
void tb_values_collect(struct tb_value *sum, const struct wl_values *v);

#endif
