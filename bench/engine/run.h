/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Executes one repetition of one case: a timed pass without tracing, then a
 * counted pass with counters and, where asked for, a traced one.
 */
#ifndef TB_RUN_H
#define TB_RUN_H

#include "base/sig.h"
#include "engine/case.h"
#include "machine/topo.h"

/**
 * struct tb_run_env - what runs share on one kernel
 * @undo: for what cases change of the machine
 * @icount_shift: of QEMU's instruction counting, negative elsewhere
 */
struct tb_run_env {
	const struct tb_topo *topo;
	struct tb_sig *sig;
	struct tb_undo *undo;
	int icount_shift;
};

/**
 * tb_run_case() - one repetition
 * @out: filled in any case; tb_result_fini() afterwards
 *
 * A workload that cannot run, fails or hangs is a result, not an error.
 *
 * Return: 0; -EINTR after Ctrl-C; -errno if the harness itself failed.
 */
int tb_run_case(const struct tb_run_env *env, const struct tb_case *cs,
		struct tb_result *out, struct tb_err *err);
void tb_result_fini(struct tb_result *r);

#endif
