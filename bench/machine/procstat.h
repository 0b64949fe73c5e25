/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parsers of counters that need no privilege: /proc/interrupts, /proc/stat,
 * /proc/vmstat, and what a thread has under /proc/PID/task/TID.
 */
#ifndef TB_PROCSTAT_H
#define TB_PROCSTAT_H

#include <stdint.h>

/**
 * tb_irq_row() - per-CPU counts of one row of /proc/interrupts
 * @text: the whole file; its header names the CPUs that are online
 * @label: "TLB", "CAL", "RES", without the colon
 * @by_cpu: indexed by CPU number; CPUs without a column stay untouched
 * @max_cpus: length of @by_cpu; columns of higher CPUs are skipped
 *
 * Return: 0, -ENOENT if there is no such row, -EBADMSG if it is malformed.
 */
int tb_irq_row(const char *text, const char *label, uint64_t *by_cpu,
	       unsigned int max_cpus);

/* Value of "@name N" in @text (/proc/vmstat); 0 or -ENOENT. */
int tb_vmstat_value(const char *text, const char *name, uint64_t *value);

/**
 * tb_stat_steal() - time that the hypervisor took, from /proc/stat
 * @by_cpu: in ticks of sysconf(_SC_CLK_TCK), else as in tb_irq_row()
 *
 * Return: 0, -ENOENT if the kernel does not tell.
 */
int tb_stat_steal(const char *text, uint64_t *by_cpu, unsigned int max_cpus);

/**
 * struct tb_task_counts - what one thread has done since it began
 * @nr_voluntary: it slept; @nr_involuntary: it was preempted
 */
struct tb_task_counts {
	uint64_t nr_minor_faults;
	uint64_t nr_major_faults;
	uint64_t nr_voluntary;
	uint64_t nr_involuntary;
};

/* From the text of stat and of status; 0 or -EBADMSG. */
int tb_task_counts(const char *stat, const char *status,
		   struct tb_task_counts *counts);

#endif
