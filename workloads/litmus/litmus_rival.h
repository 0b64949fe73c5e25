/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Somebody who changes memory of the same process while the act of a litmus
 * test does: a thread, on another CPU than the initiator's. It may go on when
 * the act has ended, so what one of the two left to the other is not done yet.
 */
#ifndef LITMUS_RIVAL_H
#define LITMUS_RIVAL_H

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

#include "litmus.h"

/**
 * struct litmus_rival
 * @work: what it does in each try; it may look at @is_over
 * @has_begun: to work; @has_ended; @is_over: it need not go on
 * @runs: in this try
 */
struct litmus_rival {
	struct litmus *l;
	void (*work)(struct litmus_rival *r);
	pthread_t thread;
	sem_t go;
	sem_t done;
	_Atomic bool has_begun;
	_Atomic bool has_ended;
	_Atomic bool is_over;
	bool runs;
	cpu_set_t cpus;
};

static inline void *litmus_rival_main(void *arg)
{
	struct litmus_rival *r = arg;

	for (;;) {
		while (sem_wait(&r->go))
			;
		atomic_store(&r->has_begun, true);
		r->work(r);
		atomic_store(&r->has_ended, true);
		sem_post(&r->done);
	}
	return NULL;
}

static inline int litmus_rival_start(struct litmus_rival *r, struct litmus *l,
				     void (*work)(struct litmus_rival *r))
{
	*r = (struct litmus_rival){ .l = l, .work = work };
	if (sem_init(&r->go, 0, 0) || sem_init(&r->done, 0, 0) ||
	    sched_getaffinity(0, sizeof(r->cpus), &r->cpus))
		return -errno;
	return -pthread_create(&r->thread, NULL, litmus_rival_main, r);
}

/* At the begin of the act: the two work from now on. */
static inline void litmus_rival_begin(struct litmus_rival *r)
{
	cpu_set_t others = r->cpus;

	CPU_CLR(sched_getcpu(), &others);
	pthread_setaffinity_np(r->thread, sizeof(others), &others);
	atomic_store(&r->has_begun, false);
	atomic_store(&r->has_ended, false);
	atomic_store(&r->is_over, false);
	r->runs = true;
	sem_post(&r->go);
	while (!atomic_load(&r->has_begun))
		litmus_pause();
}

/* Where the try ends. */
static inline void litmus_rival_end(struct litmus_rival *r)
{
	if (!r->runs)
		return;
	atomic_store(&r->is_over, true);
	while (sem_wait(&r->done))
		;
	r->runs = false;
}

#endif
