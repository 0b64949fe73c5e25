/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The traced pass: how long the kernel itself takes for a shootdown, from the
 * send to the last responder done.
 *
 * It follows the counted pass, whose counts say how many events an op leaves:
 * the rings are sized for all ops, and where that is more than the memory set
 * aside, fewer ops are traced.
 */
#ifndef TB_TRACED_H
#define TB_TRACED_H

#include "engine/run.h"

/**
 * tb_traced_fit() - how many ops of each initiator can be traced
 * @nr_events: that each CPU's ring must have room for
 */
uint64_t tb_traced_fit(const struct tb_case *cs, const struct tb_result *r,
		       uint64_t *nr_events);

/**
 * tb_traced_run() - the pass; @r has the counts of the counted one
 *
 * Where shootdowns cannot be traced nothing runs, and the result says why.
 */
int tb_traced_run(const struct tb_run_env *env, const struct tb_case *cs,
		  struct tb_result *r, struct tb_err *err);

/**
 * tb_traced_fill() - metrics and caveats of a case that was to be traced
 *
 * shootdown_p50_ns and shootdown_p99_ns; absent in exact mode, where the clock
 * counts instructions of all CPUs, the tracer's among them.
 */
void tb_traced_fill(struct tb_result *r);

/* Why the result has no times of shootdowns; NULL: it has. */
const char *tb_traced_no_times(const struct tb_result *r);

#endif
