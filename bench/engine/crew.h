/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The threads of a process: those of an instance, or of one of its processes.
 */
#ifndef TB_CREW_H
#define TB_CREW_H

#include <pthread.h>

#include "engine/thread.h"

/* Threads that were started, and room for more. */
struct tb_crew {
	struct tb_worker *workers;
	pthread_t *threads;
	unsigned int nr;
};

/* @max: how many will be started. */
int tb_crew_init(struct tb_crew *c, unsigned int max, struct tb_err *err);

/**
 * tb_crew_start() - start threads for @nr slots from @first on
 * @ctx: NULL for bystanders
 *
 * After an error all others must be told, by tb_phase_fail(), or those that run
 * wait for those that do not.
 */
int tb_crew_start(struct tb_crew *c, const struct tb_worker *common,
		  struct wl_ctx *ctx, unsigned int first, unsigned int nr,
		  struct tb_err *err);

/* Wait for the end of all and free what they had. */
void tb_crew_join(struct tb_crew *c);

#endif
