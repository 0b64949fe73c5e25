/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The initiator of a litmus test, between its parts: litmus_instance.c starts
 * and ends it, litmus_choice.c says who does what, litmus_try.c makes a try.
 */
#ifndef TB_LITMUS_INITIATOR_H
#define TB_LITMUS_INITIATOR_H

#include "engine/litmus.h"

/* Base pages that one page table maps. */
#define TB_LITMUS_TABLE_PAGES 512
/* How long for a victim. */
#define TB_LITMUS_TIMEOUT_NS 30000000000ULL

/**
 * struct tb_litmus_initiator - one job on its way
 * @first: where a range begins that is not moved
 * @active: victims of this try, by index
 * @n: tries of this instance so far, so that no value comes twice
 * @result: of the state that runs
 * @pids: processes in which others run
 */
struct tb_litmus_initiator {
	const struct tb_litmus_job *job;
	struct tb_litmus_arena *arena;
	struct wl_ctx ctx;
	struct litmus l;
	struct wl_range eaten;
	char *first;
	unsigned int active[TB_LITMUS_MAX_VICTIMS];
	unsigned int nr_active;
	unsigned int n;
	struct tb_litmus_result *result;
	pid_t pids[2];
	unsigned int nr_pids;
	struct tb_err *err;
};

static inline const struct litmus_ops *
tb_litmus_ops_of(const struct tb_litmus_initiator *in)
{
	return in->job->ops;
}

static inline struct tb_litmus_victim *
tb_litmus_victim_of(const struct tb_litmus_initiator *in, unsigned int i)
{
	return &in->arena->victims[in->active[i]];
}

/* Does each try map the range, so that it may be anywhere? */
bool tb_litmus_may_move(const struct tb_litmus_initiator *in);

/* How many tries there are in this state. */
unsigned int tb_litmus_nr_tries(const struct tb_litmus_initiator *in,
				enum litmus_state state);

/* The @t-th try of a state: its range, and whether victims read or write. */
void tb_litmus_choose_try(struct tb_litmus_initiator *in, unsigned int t);

/* Who are victims in this try, and what they are to do. */
void tb_litmus_give_orders(struct tb_litmus_initiator *in,
			   enum litmus_state state, unsigned int initiator);

/* One try, from arm to disarm; what it found is in the result. 0 or -errno. */
int tb_litmus_make_try(struct tb_litmus_initiator *in, enum litmus_state state);

/* Record that a victim did not do @what in time; -ETIMEDOUT. */
int tb_litmus_late(struct tb_litmus_initiator *in,
		   const struct tb_litmus_victim *v, const char *what);

#endif
