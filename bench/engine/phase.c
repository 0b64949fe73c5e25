// SPDX-License-Identifier: GPL-2.0-only
/* The arena and the phase word. */
#include "engine/phase.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static size_t round_up(size_t bytes, size_t to_bytes)
{
	return (bytes + to_bytes - 1) / to_bytes * to_bytes;
}

int tb_arena_new(struct tb_arena **out, unsigned int nr_slots,
		 size_t more_bytes, struct tb_err *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t slot_bytes = round_up(sizeof(struct tb_slot) + more_bytes, page);
	size_t total =
		round_up(sizeof(struct tb_arena), page) + nr_slots * slot_bytes;
	struct tb_arena *a;

	a = mmap(NULL, total, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (a == MAP_FAILED)
		return tb_fail_errno(err, -errno, "cannot map the arena");
	a->edge_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (a->edge_fd < 0) {
		int ret = -errno;

		munmap(a, total);
		return tb_fail_errno(err, ret, "eventfd");
	}
	a->slot_bytes = slot_bytes;
	a->total_bytes = total;
	a->nr_slots = nr_slots;
	*out = a;
	return 0;
}

void tb_arena_free(struct tb_arena *a)
{
	close(a->edge_fd);
	munmap(a, a->total_bytes);
}

struct tb_slot *tb_arena_slot(struct tb_arena *a, unsigned int i)
{
	size_t slots = a->total_bytes - a->nr_slots * a->slot_bytes;

	return (struct tb_slot *)((char *)a + slots + i * a->slot_bytes);
}

void tb_slot_step(struct tb_slot *s, enum tb_step step)
{
	s->tid = getpid();
	atomic_store(&s->step, step);
}

void tb_futex_wait(_Atomic uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

void tb_futex_wait_for(_Atomic uint32_t *word, uint32_t value,
		       unsigned int limit_ms)
{
	const struct timespec limit = {
		.tv_sec = limit_ms / 1000,
		.tv_nsec = limit_ms % 1000 * 1000000L,
	};

	syscall(SYS_futex, word, FUTEX_WAIT, value, &limit, NULL, 0);
}

void tb_futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

static void signal_edge(struct tb_arena *a)
{
	uint64_t one = 1;

	/* Cannot fail but by overflow, and then it is readable anyway. */
	if (write(a->edge_fd, &one, sizeof(one)) < 0)
		return;
}

void tb_phase_set(struct tb_arena *a, const struct tb_clock *clock,
		  enum tb_phase phase, uint32_t expected)
{
	a->expected = expected;
	a->begin_ticks[phase] = tb_ticks_begin(clock);
	atomic_store(&a->arrived, 0);
	/* Pairs with the acquire load in tb_phase_now(). */
	atomic_store_explicit(&a->phase, phase, memory_order_release);
	tb_futex_wake(&a->phase);
}

enum tb_phase tb_phase_arrive(struct tb_arena *a, enum tb_phase from)
{
	if (atomic_fetch_add(&a->arrived, 1) + 1 == a->expected)
		signal_edge(a);
	while (tb_phase_now(a) == from)
		tb_futex_wait(&a->phase, from);
	return tb_phase_now(a);
}

void tb_phase_fail(struct tb_arena *a, const struct tb_err *err)
{
	/* Who fails second has nothing to add, and must not wake anybody yet.
	 */
	if (atomic_exchange(&a->is_failing, 1))
		return;
	a->failure = *err;
	/* After the copy: who sees it set may read the failure. */
	atomic_store(&a->has_failed, 1);
	atomic_store_explicit(&a->phase, TB_PHASE_DRAIN, memory_order_release);
	tb_futex_wake(&a->phase);
	signal_edge(a);
}

const char *tb_phase_name(enum tb_phase phase)
{
	static const char *const names[] = { "INIT", "BASELINE", "WARMUP",
					     "MEASURE", "DRAIN" };

	return names[phase];
}

const char *tb_step_name(enum tb_step step)
{
	static const char *const names[] = {
		[TB_STEP_START] = "start",
		[TB_STEP_SETUP] = "setup",
		[TB_STEP_PROCESS_INIT] = "process_init",
		[TB_STEP_THREAD_INIT] = "thread_init",
		[TB_STEP_EDGE] = "the edge",
		[TB_STEP_REARM] = "rearm",
		[TB_STEP_RENDEZVOUS] = "rendezvous",
		[TB_STEP_OP] = "op",
		[TB_STEP_CHECK] = "check",
		[TB_STEP_THREAD_EXIT] = "thread_exit",
		[TB_STEP_PROCESS_EXIT] = "process_exit",
		[TB_STEP_TEARDOWN] = "teardown",
		[TB_STEP_END] = "end",
	};

	return names[step];
}
