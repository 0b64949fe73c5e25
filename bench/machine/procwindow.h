/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The unprivileged counters of CPUs and of the system: /proc read at both ends
 * of a window.
 */
#ifndef TB_PROCWINDOW_H
#define TB_PROCWINDOW_H

#include "base/err.h"
#include "machine/counter.h"

/* What a thread, or the CPU that it runs on, is to the case. */
enum tb_use {
	TB_USE_INITIATOR,
	/* Responder or sleeper: flushes are sent to it. */
	TB_USE_TARGET,
	/* Of an unrelated process. */
	TB_USE_BYSTANDER,
};

struct tb_cpu_use {
	int cpu;
	enum tb_use use;
};

/*
 * Sort by CPU and keep each once; of several uses the first of enum tb_use.
 * Return: how many are left.
 */
unsigned int tb_cpu_uses_merge(struct tb_cpu_use *uses, unsigned int nr);

/**
 * struct tb_proc_window - what is read, and for which CPUs
 * @uses: as tb_cpu_uses_merge() leaves them
 * @has_target: some CPU is a target; else those of initiators count as one
 * @max_cpus: CPU numbers below this have a place in @by_cpu
 */
struct tb_proc_window {
	struct tb_cpu_use *uses;
	unsigned int nr_uses;
	bool has_target;
	bool has_bystander;
	unsigned int max_cpus;
	uint64_t *by_cpu;
};

/**
 * tb_proc_window_init() - add the counters to @list
 * @uses: merged; those of the case are the CPUs of @list
 * @has_bystander: bystanders run, if only on CPUs that others use too
 *
 * Return: 0 or -ENOMEM, and then fini as well.
 */
int tb_proc_window_init(struct tb_proc_window *w, struct tb_counter_list *list,
			const struct tb_cpu_use *uses, unsigned int nr_uses,
			bool has_bystander);

/* What /proc says now, times @sign: -1 at the start, 1 at the end. */
int tb_proc_window_account(struct tb_proc_window *w,
			   struct tb_counter_list *list, int sign,
			   struct tb_err *err);
void tb_proc_window_fini(struct tb_proc_window *w);

#endif
