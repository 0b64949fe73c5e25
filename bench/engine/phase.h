/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What coordinator and threads of all instances share during a pass.
 *
 * The coordinator moves one word through the phases; at each edge the threads
 * concerned arrive and sleep on that word, so nothing runs but spinning
 * responders while counters are read. The arena is one shared mapping made
 * before the instances are forked.
 */
#ifndef TB_PHASE_H
#define TB_PHASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/case.h"

enum tb_phase {
	TB_PHASE_INIT,
	/* Nothing but bystanders work; skipped where there are none. */
	TB_PHASE_BASELINE,
	TB_PHASE_WARMUP,
	TB_PHASE_MEASURE,
	/* The end, in order or not: every loop leaves. */
	TB_PHASE_DRAIN,
};

/* Where a thread is, for the watchdog's message. */
enum tb_step {
	TB_STEP_START,
	TB_STEP_SETUP,
	TB_STEP_PROCESS_INIT,
	TB_STEP_THREAD_INIT,
	TB_STEP_EDGE,
	TB_STEP_REARM,
	TB_STEP_RENDEZVOUS,
	TB_STEP_OP,
	TB_STEP_CHECK,
	TB_STEP_THREAD_EXIT,
	TB_STEP_PROCESS_EXIT,
	TB_STEP_TEARDOWN,
	TB_STEP_END,
};

/*
 * The measured window, within the phase of the same name: from before the first
 * op to after the last one of all initiators. What is counted is counted there.
 */
enum tb_window {
	TB_WINDOW_SHUT,
	TB_WINDOW_OPEN,
	TB_WINDOW_DONE,
};

#define TB_CACHELINE_BYTES 64

/* Phases in which bystanders are counted. */
enum tb_watch {
	TB_WATCH_BASELINE,
	TB_WATCH_OPS,
	TB_NR_WATCHES
};

/**
 * struct tb_slot - one thread, on pages of its own
 * @epoch: rendezvous asked of this thread, or if it is the first initiator of
 *	several, the last one that all peers have done; see tb_epoch_word()
 * @ack: last rendezvous that it has done; of the first initiator: arrivals of
 *	the other initiators at all rendezvous
 * @nr_gone: of the first initiator: initiators that have left
 * @asked_ticks: when the rendezvous was asked
 * @step: enum tb_step
 * @progress: ops begun, so that the watchdog can tell slow from stuck
 * @tid: kernel thread id, set before it arrives at the first edge; of the
 *	process in a step that is the process's, see tb_slot_step()
 * @process: of the thread within its role
 * @watched: bystanders only
 */
struct tb_slot {
	_Alignas(TB_CACHELINE_BYTES) _Atomic uint32_t epoch[2];
	uint64_t asked_ticks;
	_Alignas(TB_CACHELINE_BYTES) _Atomic uint32_t ack;
	_Alignas(TB_CACHELINE_BYTES) _Atomic uint32_t step;
	_Atomic uint32_t progress;
	_Atomic uint32_t nr_gone;
	_Atomic pid_t tid;
	unsigned int instance;
	unsigned int role;
	unsigned int idx;
	unsigned int process;
	int cpu;
	uint64_t nr_ops;
	uint64_t nr_dropped;
	struct tb_witness watched[TB_NR_WATCHES];
	struct tb_hist latency;
};

/*
 * Where @epoch is stored, and who waits for it sleeps. Who comes late has not
 * slept when it finds the epoch; what was to wake it may then meet it asleep,
 * waiting for the next one, and a CPU that was to stay idle would not. So the
 * next one has another word, which nobody wakes before all have answered.
 */
static inline _Atomic uint32_t *tb_epoch_word(struct tb_slot *s, uint32_t epoch)
{
	return &s->epoch[epoch % 2];
}

/**
 * struct tb_arena - the shared mapping
 * @phase: enum tb_phase, a futex
 * @arrived: threads that have reached the next edge
 * @expected: how many make it complete
 * @nr_opened, @nr_closed: initiators that came to open and close the window
 * @window: enum tb_window
 * @opened_ticks, @closed_ticks: when it was
 * @begin_ticks: by phase, when it began; phases that were left out have 0
 * @edge_fd: eventfd that the last one, or a failing one, writes to
 * @is_failing: claimed by the first that fails, which fills @failure
 * @has_failed: @failure is there to read
 * @failure: what the first failing thread says
 */
struct tb_arena {
	_Alignas(TB_CACHELINE_BYTES) _Atomic uint32_t phase;
	_Alignas(TB_CACHELINE_BYTES) _Atomic uint32_t arrived;
	uint32_t expected;
	_Atomic uint32_t nr_opened;
	_Atomic uint32_t nr_closed;
	_Atomic uint32_t window;
	uint64_t opened_ticks;
	uint64_t closed_ticks;
	uint64_t begin_ticks[TB_PHASE_DRAIN + 1];
	int edge_fd;
	size_t slot_bytes;
	size_t total_bytes;
	unsigned int nr_slots;
	_Atomic uint32_t is_failing;
	_Atomic uint32_t has_failed;
	struct tb_err failure;
};

/* @more_bytes: behind each slot, all 0. */
int tb_arena_new(struct tb_arena **out, unsigned int nr_slots,
		 size_t more_bytes, struct tb_err *err);
void tb_arena_free(struct tb_arena *a);
struct tb_slot *tb_arena_slot(struct tb_arena *a, unsigned int i);

/* What the process of a thread does before and after the thread itself. */
void tb_slot_step(struct tb_slot *s, enum tb_step step);

static inline enum tb_phase tb_phase_now(struct tb_arena *a)
{
	return (enum tb_phase)atomic_load_explicit(&a->phase,
						   memory_order_acquire);
}

static inline bool tb_window_is_open(struct tb_arena *a)
{
	return atomic_load_explicit(&a->window, memory_order_acquire) ==
	       TB_WINDOW_OPEN;
}

/* Coordinator: name the threads of the next edge, move on, wake all. */
void tb_phase_set(struct tb_arena *a, const struct tb_clock *clock,
		  enum tb_phase phase, uint32_t expected);

/**
 * tb_phase_arrive() - report at the edge and sleep until the phase changes
 * @from: the phase that ends here
 *
 * Return: the phase that follows.
 */
enum tb_phase tb_phase_arrive(struct tb_arena *a, enum tb_phase from);

/* A thread gives up: keep @err if it is the first, end the phase for all. */
void tb_phase_fail(struct tb_arena *a, const struct tb_err *err);

/* Sleep while *@word is @value (any process), or until it is woken. */
void tb_futex_wait(_Atomic uint32_t *word, uint32_t value);

/* The same, for @limit_ms at most. */
void tb_futex_wait_for(_Atomic uint32_t *word, uint32_t value,
		       unsigned int limit_ms);
void tb_futex_wake(_Atomic uint32_t *word);

const char *tb_phase_name(enum tb_phase phase);
const char *tb_step_name(enum tb_step step);

#endif
