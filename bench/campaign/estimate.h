/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long a plan will take, from how long its parts took before.
 *
 * A part is a repetition of a case on a kernel, or a boot: all of a slot that
 * is no repetition. Each is looked up among the durations that are known, the
 * finest first: the same part; the same on another kernel; one of the same
 * workload with other ops, parameters or CPUs, scaled by ops; else a guess,
 * and said to be one. Scaling is rough: it has to guess the fixed part.
 */
#ifndef TB_ESTIMATE_H
#define TB_ESTIMATE_H

#include "base/text.h"
#include "campaign/durations.h"
#include "campaign/plan.h"

enum tb_basis {
	TB_BASIS_SAME,
	TB_BASIS_OTHER_KERNEL,
	TB_BASIS_SCALED,
	TB_BASIS_GUESS,
	TB_NR_BASES
};

/**
 * struct tb_estimate - seconds of all parts
 * @case_s: of one repetition, by kernel, then by case
 * @boot_s: by kernel
 * @nr_by_basis: cases and boots of all kernels
 */
struct tb_estimate {
	const struct tb_plan *plan;
	double *case_s;
	double *boot_s;
	unsigned int nr_by_basis[TB_NR_BASES];
};

int tb_estimate_make(struct tb_estimate *e, const struct tb_plan *plan,
		     const struct tb_durations *known, struct tb_err *err);
void tb_estimate_fini(struct tb_estimate *e);

/* Seconds of the @rep-th repetition of a slot, and of a whole one. */
double tb_estimate_rep(const struct tb_estimate *e, unsigned int kernel,
		       unsigned int rep);
double tb_estimate_slot(const struct tb_estimate *e, unsigned int kernel);

/* The duration of such a part, all but its seconds. */
void tb_estimate_key_case(const struct tb_plan *plan, unsigned int kernel,
			  unsigned int cs, struct tb_duration *key);
void tb_estimate_key_boot(const struct tb_plan *plan, unsigned int kernel,
			  struct tb_duration *key);

/**
 * tb_estimate_text() - "8 slots to run: about 20 s, ...", without a newline
 * @seconds, @nr_slots: of what is left to run
 */
void tb_estimate_text(const struct tb_estimate *e, double seconds,
		      unsigned int nr_slots, struct tb_buf *b);

/* "of the cases and boots 12 as measured here before, ..." */
void tb_estimate_basis(const struct tb_estimate *e, struct tb_buf *b);

/* "0.4 s", "12 s", "3 min 20 s", "2 h 5 min". */
void tb_seconds_text(double seconds, struct tb_buf *b);

#endif
