/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instances: one process, so one mm, each with all roles of the workload.
 */
#ifndef TB_INSTANCE_H
#define TB_INSTANCE_H

#include "engine/thread.h"

/**
 * tb_instance_start() - fork one instance and start its threads
 * @first_slot: of this instance in the arena; its slots say role and CPU
 *
 * The child's main thread sets up and tears down on the initiator's CPU and
 * sleeps in between. It dies with its parent.
 *
 * Return: pid, or -errno.
 */
pid_t tb_instance_start(struct tb_arena *arena, const struct tb_case *cs,
			const struct tb_clock *clock, unsigned int first_slot,
			struct tb_counters *counters, bool use_fifo,
			struct tb_err *err);

#endif
