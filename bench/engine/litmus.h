/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs litmus tests on the running kernel. See workloads/litmus/litmus.h.
 */
#ifndef TB_LITMUS_H
#define TB_LITMUS_H

#include "base/ktap.h"
#include "base/sig.h"
#include "engine/litmus_arena.h"
#include "machine/topo.h"
#include "machine/undo.h"

/**
 * struct tb_litmus_env - where and how much
 * @topo: CPUs that victims run on; two or more
 * @undo: of what tests change on the machine
 * @effort: multiplies the tries; 0: as few as make sense
 * @limit_ns: when tries with pages of one size in one state of the victims end,
 *	made or not; see TB_LITMUS_LIMIT_NS
 */
struct tb_litmus_env {
	const struct tb_topo *topo;
	struct tb_undo *undo;
	struct tb_sig *sig;
	unsigned int effort;
	uint64_t limit_ns;
};

/* Emulated CPUs, 64 of them, take seconds. */
#define TB_LITMUS_LIMIT_NS 60000000000ULL

/* By its name, or NULL. */
const struct litmus_ops *tb_litmus_find(const char *name);

/**
 * tb_litmus_run() - one test: all its sizes of pages and states
 * @ktap: gets a subtest of one result for each
 *
 * Return: 0, or -errno if nothing more can run: -EINTR after Ctrl-C.
 */
int tb_litmus_run(const struct tb_litmus_env *env, const struct litmus_ops *ops,
		  struct tb_ktap *ktap, struct tb_err *err);

/* "running", ... */
const char *tb_litmus_state_name(enum litmus_state state);

/* In which states its victims are, a set of 1U << enum litmus_state. */
unsigned int tb_litmus_states(const struct litmus_ops *ops);

/* --- between the parts of the engine ---------------------------------------
 */

/**
 * struct tb_litmus_job - one process: a test with pages of one size
 * @states: set of 1U << enum litmus_state, of which LITMUS_PROCESS stands alone
 */
struct tb_litmus_job {
	const struct tb_litmus_env *env;
	const struct litmus_ops *ops;
	enum wl_page_size page_size;
	unsigned int states;
	const int *files;
	struct tb_litmus_arena *arena;
};

/* Pages of the longest range, in units of the page size. */
unsigned int tb_litmus_max_pages(const struct litmus_ops *ops,
				 enum wl_page_size page_size);

/* In a process of its own: make all tries of a job, leave results in its arena.
 */
int tb_litmus_instance(const struct tb_litmus_job *job, struct tb_err *err);

#endif
