/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One pass: all instances from their start to their end, through the phases.
 */
#ifndef TB_PASS_H
#define TB_PASS_H

#include "engine/observer.h"
#include "engine/run.h"

/**
 * tb_pass_run() - start the instances, lead them through the phases, end them
 * @observer: its window is the measured phase
 * @out: filled if all went well
 *
 * Nothing is left running, whatever happens.
 *
 * Return: 0, -EINTR after Ctrl-C, -ETIMEDOUT if a thread is stuck, or what an
 * instance failed with.
 */
int tb_pass_run(const struct tb_run_env *env, const struct tb_case *cs,
		struct tb_result *r, const struct tb_observer *observer,
		struct tb_pass *out, struct tb_err *err);

#endif
