/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The threads of an instance: the hot loop and the loops of those it meets.
 */
#ifndef TB_THREAD_H
#define TB_THREAD_H

#include "base/clock.h"
#include "engine/case.h"
#include "engine/phase.h"

/**
 * struct tb_worker - one thread, in the memory of its instance
 * @slots: first slot of the instance in the arena, thread after thread
 * @nr_slots: threads of the instance
 * @counters: of the counted pass, else NULL
 * @use_fifo: run under SCHED_FIFO
 */
struct tb_worker {
	struct tb_arena *arena;
	struct tb_slot *slot;
	const struct tb_case *cs;
	const struct tb_clock *clock;
	unsigned int first_slot;
	unsigned int nr_slots;
	struct tb_counters *counters;
	bool use_fifo;
	struct wl_thread wl;
};

/* Body of a thread, for pthread_create(); @arg is a struct tb_worker. */
void *tb_thread_main(void *arg);

/* May this process use SCHED_FIFO? */
bool tb_thread_fifo_allowed(void);

#endif
