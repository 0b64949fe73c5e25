/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of the kernel that need no privilege: /proc/interrupts per CPU
 * and /proc/vmstat.
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

#endif
