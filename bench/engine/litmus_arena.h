/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the initiator of a litmus test and its victims share.
 *
 * The initiator moves each victim from stage to stage: it writes its orders,
 * then the word "go"; the victim acts and writes "done". What victims see they
 * leave here, for the initiator to judge.
 */
#ifndef TB_LITMUS_ARENA_H
#define TB_LITMUS_ARENA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "engine/phase.h"
#include "workloads/litmus/litmus.h"

#define TB_LITMUS_WINDOW 64
/* A word of 64 bits in each base page, behind the initiator's. */
#define TB_LITMUS_MAX_VICTIMS 500

/* Stages of one try; a word "go" or "done" is TB_NR_STAGES * try + stage. */
enum tb_litmus_stage {
	TB_STAGE_NONE,
	/* Load the window, go into the state. */
	TB_STAGE_LOAD,
	/* Wake up, or begin to hammer, and wait on. */
	TB_STAGE_RISE,
	/* Look at the window. */
	TB_STAGE_LOOK,
	TB_NR_STAGES
};

/**
 * enum tb_litmus_fault - what a victim may find wrong
 * @TB_SAW_VALUE: read another value than it had to
 * @TB_SAW_NO_FAULT: an access that had to fault did not
 * @TB_SAW_FAULT: one that must not fault did
 * @TB_SAW_LOST: what it wrote was gone
 * @TB_SAW_UNNOTICED: the kernel does not know that the page was written
 */
enum tb_litmus_fault {
	TB_SAW_NOTHING,
	TB_SAW_VALUE,
	TB_SAW_NO_FAULT,
	TB_SAW_FAULT,
	TB_SAW_LOST,
	TB_SAW_UNNOTICED,
};

/**
 * struct tb_litmus_find - the first thing that was wrong
 * @cpu: of the victim
 * @value, @wanted: of the word
 */
struct tb_litmus_find {
	enum tb_litmus_fault fault;
	int cpu;
	int initiator_cpu;
	bool is_write;
	unsigned int try_nr;
	size_t page;
	size_t nr_pages;
	uint64_t value;
	uint64_t wanted;
};

/**
 * struct tb_litmus_order - of one try, for all victims
 * @sight: of the access of this try
 * @spins_reading: while it waits, a running victim goes on reading
 */
struct tb_litmus_order {
	enum litmus_state state;
	enum litmus_sight sight;
	bool is_write;
	bool hammers;
	bool spins_reading;
	unsigned int try_nr;
	int initiator_cpu;
	char *addr;
	size_t page_bytes;
	size_t nr_pages;
};

struct tb_litmus_arena;

/**
 * struct tb_litmus_victim - one victim, on cache lines of its own
 * @arena: of which it is
 * @go: futex of the victim; @done: of the initiator
 * @swap: stage that asks the other process on this CPU to run; futex
 * @swapped: stage for which it does
 * @writer: for litmus_value(), and the word that is this victim's
 * @loads: it has the entries before the act
 * @window: pages to watch, @nr_window of them; looked at from @first on
 * @nr_looks: accesses after an act, so far
 */
struct tb_litmus_victim {
	struct tb_litmus_arena *arena;
	_Alignas(TB_CACHELINE_BYTES) _Atomic uint32_t go;
	_Alignas(TB_CACHELINE_BYTES) _Atomic uint32_t done;
	_Alignas(TB_CACHELINE_BYTES) _Atomic uint32_t swap;
	_Atomic uint32_t swapped;
	_Atomic pid_t tid;
	int cpu;
	unsigned int writer;
	bool loads;
	unsigned int nr_window;
	unsigned int first;
	uint32_t window[TB_LITMUS_WINDOW];
	uint64_t nr_looks;
	struct tb_litmus_find find;
};

/**
 * struct tb_litmus_result - of one state
 * @nr_missed: tries that could not be made, the last one for @why
 * @was_cut: there would have been more, but the time was up
 * @took_ms: all tries together
 * @nr_bad: tries in which something was wrong, the first of which is @find
 */
struct tb_litmus_result {
	unsigned int nr_tries;
	unsigned int nr_missed;
	unsigned int nr_bad;
	unsigned int nr_victims;
	bool was_cut;
	unsigned int took_ms;
	uint64_t nr_looks;
	int why;
	struct tb_litmus_find find;
};

/**
 * struct tb_litmus_arena - one shared mapping
 * @state: enum litmus_state that runs
 * @nr_tried: tries so far, missed ones too
 * @is_over: victims leave
 * @ticks: the ticker works
 * @failure: why the instance has ended early
 */
struct tb_litmus_arena {
	struct tb_litmus_order order;
	_Atomic uint32_t state;
	_Atomic uint32_t nr_tried;
	_Atomic uint32_t is_over;
	_Atomic uint32_t ticks;
	struct tb_err failure;
	struct tb_litmus_result results[LITMUS_NR_STATES];
	unsigned int nr_victims;
	struct tb_litmus_victim victims[];
};

static inline uint32_t tb_litmus_stage(unsigned int try_nr,
				       enum tb_litmus_stage stage)
{
	return TB_NR_STAGES * (uint32_t)try_nr + stage;
}

/* Do victims sleep in this state while the act runs? */
static inline bool tb_litmus_sleeps(enum litmus_state state)
{
	return state == LITMUS_WOKEN || state == LITMUS_WAKING ||
	       state == LITMUS_MOVED || state == LITMUS_SWITCHED;
}

/* The word of @page that belongs to @writer. */
static inline volatile uint64_t *tb_litmus_word(const struct tb_litmus_order *o,
						size_t page,
						unsigned int writer)
{
	volatile uint64_t *words =
		(volatile uint64_t *)(o->addr + page * o->page_bytes);

	return words + 1 + (writer - LITMUS_BY_VICTIM);
}

/* Keep what was wrong with a page of a victim, if it is the first such thing.
 */
static inline void tb_litmus_report(struct tb_litmus_victim *v, size_t page,
				    enum tb_litmus_fault fault, uint64_t value,
				    uint64_t wanted)
{
	const struct tb_litmus_order *o = &v->arena->order;

	if (v->find.fault)
		return;
	v->find = (struct tb_litmus_find){
		.fault = fault,
		.cpu = v->cpu,
		.initiator_cpu = o->initiator_cpu,
		.is_write = o->is_write,
		.try_nr = o->try_nr,
		.page = page,
		.nr_pages = o->nr_pages,
		.value = value,
		.wanted = wanted,
	};
}

/* Start the threads of all victims, or of those that run elsewhere. */
int tb_litmus_victims_start(struct tb_litmus_arena *a, struct tb_err *err);

/* A thread that shortens the turns of emulated CPUs while it is asked to. */
int tb_litmus_ticker_start(struct tb_litmus_arena *a, struct tb_err *err);
void tb_litmus_tick(struct tb_litmus_arena *a, bool is_on);

/* Threads that do nothing but run where victims leave their CPUs to them. */
int tb_litmus_partners_start(struct tb_litmus_arena *a, struct tb_err *err);

#endif
