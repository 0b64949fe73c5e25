// SPDX-License-Identifier: GPL-2.0-only
/*
 * Short turns for litmus tests whose threads race.
 *
 * Emulated CPUs that take turns give way to others at a pause, when they halt,
 * or where a timer ends. A thread that sleeps again and again for a moment
 * makes timers end all the time, for all of them.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/clock.h"
#include "engine/litmus_arena.h"

/* Some thousand instructions of an emulated CPU. */
#define TURN_NS 50000
#define TURNS_TO_BEGIN 8

static void *ticker_main(void *arg)
{
	const struct timespec turn = { .tv_nsec = TURN_NS };
	struct tb_litmus_arena *a = arg;

	prctl(PR_SET_TIMERSLACK, 1);
	for (;;) {
		while (!atomic_load(&a->ticks))
			tb_futex_wait(&a->ticks, 0);
		nanosleep(&turn, NULL);
	}
	return NULL;
}

int tb_litmus_ticker_start(struct tb_litmus_arena *a, struct tb_err *err)
{
	pthread_t thread;
	int ret = -pthread_create(&thread, NULL, ticker_main, a);

	if (!ret)
		ret = -pthread_detach(thread);
	return ret ? tb_fail_errno(err, ret, "cannot start a thread") : 0;
}

/* Who turns it on may enter the kernel then, so the ticker has its turn now. */
void tb_litmus_tick(struct tb_litmus_arena *a, bool is_on)
{
	unsigned int i;

	if (is_on == atomic_load(&a->ticks))
		return;
	atomic_store(&a->ticks, is_on);
	if (!is_on)
		return;
	tb_futex_wake(&a->ticks);
	for (i = 0; i < TURNS_TO_BEGIN; i++)
		tb_cpu_relax();
}
