/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frequency that CPUs really had: APERF over MPERF, by perf's PMU "msr".
 *
 * Both registers stand still in idle states. The events count and never
 * sample, and belong to CPUs, not tasks: they cost nothing while they run.
 */
#ifndef TB_FREQ_H
#define TB_FREQ_H

#include <stdbool.h>

#define TB_FREQ_CPUS 128

/**
 * struct tb_freq - a pair of events per CPU, of CPUs 0 to @nr_cpus - 1
 * @error: why there are none, a negative errno
 */
struct tb_freq {
	int error;
	unsigned int nr_cpus;
	int aperf[TB_FREQ_CPUS];
	int mperf[TB_FREQ_CPUS];
};

/* Open and start the events, unless @error says that it is useless. */
void tb_freq_begin(struct tb_freq *freq, int error);

/**
 * tb_freq_ratio() - mean frequency of some CPUs over that of the TSC
 * @is_used: by CPU number, @nr of them
 *
 * Return: 0; -ENOENT where the PMU is missing; -EACCES without privilege.
 */
int tb_freq_ratio(const struct tb_freq *freq, const bool *is_used,
		  unsigned int nr, double *ratio);
void tb_freq_fini(struct tb_freq *freq);

#endif
