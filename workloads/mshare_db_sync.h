/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How processes of the database wait for each other, in shared memory. Every
 * wait is bounded: who holds a latch may have been killed.
 */
#ifndef MSHARE_DB_SYNC_H
#define MSHARE_DB_SYNC_H

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Who holds a latch may wait for its CPU behind thousands of servers. */
#define DB_WAIT_NS 120000000000ULL
#define DB_NAP_NS 50000
#define DB_YIELDS 16

/* A wait that yields first, then naps, then gives up. */
struct db_wait {
	unsigned int nr;
	uint64_t until_ns;
};

static inline uint64_t db_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* One turn; 0 or -ETIMEDOUT. */
static inline int db_wait(struct db_wait *w)
{
	const struct timespec nap = { .tv_nsec = DB_NAP_NS };

	if (w->nr++ < DB_YIELDS) {
		sched_yield();
		return 0;
	}
	if (!w->until_ns)
		w->until_ns = db_now_ns() + DB_WAIT_NS;
	else if (db_now_ns() > w->until_ns)
		return -ETIMEDOUT;
	nanosleep(&nap, NULL);
	return 0;
}

#define LATCH_EXCLUSIVE UINT32_MAX

/* Readers are counted. */
static inline bool latch_try(_Atomic uint32_t *latch, bool is_exclusive)
{
	uint32_t now = atomic_load_explicit(latch, memory_order_relaxed);

	if (now == LATCH_EXCLUSIVE || (is_exclusive && now))
		return false;
	return atomic_compare_exchange_strong_explicit(
		latch, &now, is_exclusive ? LATCH_EXCLUSIVE : now + 1,
		memory_order_acquire, memory_order_relaxed);
}

static inline int latch_take(_Atomic uint32_t *latch, bool is_exclusive)
{
	struct db_wait w = { 0 };
	int ret = 0;

	while (!ret && !latch_try(latch, is_exclusive))
		ret = db_wait(&w);
	return ret;
}

static inline void latch_drop(_Atomic uint32_t *latch, bool is_exclusive)
{
	if (is_exclusive)
		atomic_store_explicit(latch, 0, memory_order_release);
	else
		atomic_fetch_sub_explicit(latch, 1, memory_order_release);
}

/* Sleep while *@word is @value, for at most a few naps. */
static inline void db_sleep_on(_Atomic uint32_t *word, uint32_t value)
{
	const struct timespec limit = { .tv_nsec = 100 * DB_NAP_NS };

	syscall(SYS_futex, word, FUTEX_WAIT, value, &limit, NULL, 0);
}

static inline void db_wake_all(_Atomic uint32_t *word)
{
	atomic_fetch_add(word, 1);
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

#endif
