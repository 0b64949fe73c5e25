/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Roles in processes of their own: children of the instance, forked after
 * setup() and before it has threads.
 *
 * They share the arena, so to the others they are threads like any. The
 * instance waits for them and says which one was killed; if it dies itself,
 * they die with it, and the coordinator reaps them.
 */
#ifndef TB_PROCESS_H
#define TB_PROCESS_H

#include "engine/thread.h"

/**
 * tb_process_fork() - fork a process that does not outlive the caller
 *
 * Return: 0 in the child, its id in the parent, or -errno.
 */
pid_t tb_process_fork(void);

/**
 * tb_process_pagemap() - open /proc/self/pagemap, for wl_ctx.pagemap
 *
 * Return: a file, or -errno where there is none.
 */
int tb_process_pagemap(void);

/**
 * struct tb_processes - those of one instance
 * @pids: in the order of their slots, 0 if it has ended
 * @nr_left: that have not
 */
struct tb_processes {
	pid_t *pids;
	unsigned int nr;
	unsigned int nr_left;
};

/**
 * tb_processes_start() - fork the processes of all roles that have any
 * @common: of the instance
 * @ctx: filled by setup()
 *
 * After an error all others must be told, by tb_phase_fail(). In either case
 * tb_processes_wait() follows.
 */
int tb_processes_start(struct tb_processes *p, const struct tb_worker *common,
		       struct wl_ctx *ctx, struct tb_err *err);

/* Wait for the end of all; who ends before the others fails for all. */
void tb_processes_wait(struct tb_processes *p, const struct tb_worker *common);

#endif
