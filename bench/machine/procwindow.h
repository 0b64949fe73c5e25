/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The unprivileged counters: /proc read at both ends of a window.
 */
#ifndef TB_PROCWINDOW_H
#define TB_PROCWINDOW_H

#include "base/err.h"
#include "machine/counter.h"

/**
 * struct tb_cpu_use - one CPU of the case
 * @is_target: runs responders or sleepers, so flushes are sent to it
 */
struct tb_cpu_use {
	int cpu;
	bool is_target;
};

/**
 * struct tb_proc_window - what is read, and for which CPUs
 * @has_target: some CPU is a target; else all of them count as one
 * @max_cpus: CPU numbers below this have a place in @irq_by_cpu
 */
struct tb_proc_window {
	struct tb_cpu_use *cpus;
	unsigned int nr_cpus;
	bool has_target;
	unsigned int max_cpus;
	uint64_t *irq_by_cpu;
};

/* Add the counters to @list; 0 or -ENOMEM, and then fini as well. */
int tb_proc_window_init(struct tb_proc_window *w, struct tb_counter_list *list,
			const struct tb_cpu_use *cpus, unsigned int nr_cpus);

/* What /proc says now, times @sign: -1 at the start, 1 at the end. */
int tb_proc_window_account(struct tb_proc_window *w,
			   struct tb_counter_list *list, int sign,
			   struct tb_err *err);
void tb_proc_window_fini(struct tb_proc_window *w);

#endif
