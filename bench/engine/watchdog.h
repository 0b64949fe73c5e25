/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The watchdog: has anything moved, and if not, who is stuck where?
 */
#ifndef TB_WATCHDOG_H
#define TB_WATCHDOG_H

#include "engine/phase.h"

/* Grows as long as threads arrive at edges or begin ops. */
uint64_t tb_watchdog_progress(struct tb_arena *a);

/**
 * tb_watchdog_report() - name the thread that the others wait for
 * @pids: of the instances and of the bystanders' process, 0 if it has ended
 *
 * With its phase, what it was doing, and its kernel stack where that can be
 * read.
 *
 * Return: -ETIMEDOUT.
 */
int tb_watchdog_report(struct tb_arena *a, const struct tb_case *cs,
		       const pid_t *pids, struct tb_err *err);

#endif
