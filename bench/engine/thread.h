/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The threads of an instance, and what their loops share.
 */
#ifndef TB_THREAD_H
#define TB_THREAD_H

#include <sched.h>

#include "base/clock.h"
#include "engine/case.h"
#include "engine/observer.h"
#include "engine/phase.h"
#include "engine/values.h"

/**
 * struct tb_worker - one thread, in the memory of its instance
 * @first_slot: of the instance in the arena
 * @nr_slots: threads of the instance
 * @made: resources of the case
 * @observer: what to switch on for the ops
 * @use_fifo: run under SCHED_FIFO
 * @role: a copy: where the loops are, each page that they touch costs the op
 */
struct tb_worker {
	struct tb_arena *arena;
	struct tb_slot *slot;
	const struct tb_case *cs;
	struct tb_clock clock;
	unsigned int first_slot;
	unsigned int nr_slots;
	const struct tb_made *made;
	struct tb_observer observer;
	bool use_fifo;
	struct wl_role role;
	struct wl_thread wl;
	struct wl_values values;
};

/* Body of a thread, for pthread_create(); @arg is a struct tb_worker. */
void *tb_thread_main(void *arg);

/* May this process use SCHED_FIFO? */
bool tb_thread_fifo_allowed(void);

/* How a thread was scheduled. */
struct tb_thread_sched {
	int policy;
	struct sched_param param;
};

/**
 * tb_thread_rise() - run the calling thread above all threads of a case
 *
 * The coordinator sleeps, but where SCHED_FIFO threads hold every CPU it must
 * be able to take one when it wakes: for a signal, or for its watchdog.
 *
 * Return: false if it is not allowed, and then nothing has changed.
 */
bool tb_thread_rise(struct tb_thread_sched *before);
void tb_thread_sink(const struct tb_thread_sched *before);

/*
 * The loop of each kind, from the first edge to the end; 0, -ECANCELED if
 * another thread failed, or -errno.
 */
int tb_initiator_loop(struct tb_worker *w, struct tb_err *err);
int tb_peer_loop(struct tb_worker *w, struct tb_err *err);
int tb_bystander_loop(struct tb_worker *w, struct tb_err *err);

/* --- for these loops ----------------------------------------------------- */

static inline void tb_worker_step(struct tb_worker *w, enum tb_step step)
{
	atomic_store_explicit(&w->slot->step, step, memory_order_relaxed);
}

/* One turn of a wait. A thread that shares its CPU lets the others run. */
void tb_worker_relax(const struct tb_worker *w);

/* A callback of the workload failed: say which, where and in what phase. */
int tb_worker_failed(struct tb_worker *w, const char *what, int code,
		     struct tb_err *err);

/* rearm, or what else a role may lack; the phase's name is in the message. */
int tb_worker_call(struct tb_worker *w, enum tb_step step,
		   int (*callback)(struct wl_thread *t), struct tb_err *err);

/*
 * The op, timed, and its sample if it is in the measured window; dropped if it
 * begins or ends outside.
 */
int tb_worker_op(struct tb_worker *w, struct tb_err *err);

#endif
