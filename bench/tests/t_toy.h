/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Workloads made for tests of the engine, whose callbacks do next to nothing.
 */
#ifndef T_TOY_H
#define T_TOY_H

#include "tests/t_engine.h"

/* Of the last run; too large for a stack. */
static struct tb_result result;

static inline int nothing(struct wl_thread *t)
{
	(void)t;
	return 0;
}

static inline int toy_setup(struct wl_ctx *c)
{
	(void)c;
	return 0;
}

static inline void toy_teardown(struct wl_ctx *c)
{
	(void)c;
}

static const struct wl_role with_responder[] = {
	{ .name = "initiator",
	  .kind = WL_INITIATOR,
	  .def_threads = 1,
	  .rearm = nothing,
	  .op = nothing,
	  .check = nothing },
	{ .name = "responder", .kind = WL_RESPONDER, .op = nothing },
	{ 0 },
};

static const struct wl_role with_sleeper[] = {
	{ .name = "initiator",
	  .kind = WL_INITIATOR,
	  .def_threads = 1,
	  .op = nothing },
	{ .name = "sleeper", .kind = WL_SLEEPER, .op = nothing },
	{ 0 },
};

static const struct wl_ops toy = {
	.abi = WL_ABI,
	.name = "toy",
	.roles = with_responder,
	.setup = toy_setup,
	.teardown = toy_teardown,
};

static const struct wl_ops sleepy_toy = {
	.abi = WL_ABI,
	.name = "sleepy_toy",
	.roles = with_sleeper,
};

#define NAP_NS 20000000

static inline int nap(struct wl_thread *t)
{
	const struct timespec time = { .tv_nsec = NAP_NS };

	(void)t;
	return clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

static const struct wl_role free_roles[] = {
	{ .name = "initiator",
	  .kind = WL_INITIATOR,
	  .def_threads = 1,
	  .op = nap },
	{ .name = "faulter",
	  .kind = WL_RESPONDER,
	  .rearm = nothing,
	  .op = nothing,
	  .check = nothing },
	{ 0 },
};

static const struct wl_ops free_toy = {
	.abi = WL_ABI,
	.name = "free_toy",
	.roles = free_roles,
	.runs_free = true,
};

static const struct wl_role with_processes[] = {
	{ .name = "initiator",
	  .kind = WL_INITIATOR,
	  .def_threads = 1,
	  .op = nothing },
	{ .name = "responder",
	  .kind = WL_RESPONDER,
	  .max_processes = 4096,
	  .def_processes = 1,
	  .op = nothing },
	{ .name = "sleeper",
	  .kind = WL_SLEEPER,
	  .max_processes = 4096,
	  .op = nothing },
	{ 0 },
};

static const struct wl_ops forked_toy = {
	.abi = WL_ABI,
	.name = "forked_toy",
	.roles = with_processes,
	.setup = toy_setup,
	.teardown = toy_teardown,
};

/* --- running one ------------------------------------------------------- */

static inline unsigned int done(enum t_call call, unsigned int role)
{
	return atomic_load(&t_counts->done[call][role]);
}

static inline void share(struct tb_case *cs, unsigned int initiators,
			 unsigned int responders)
{
	cs->share_cpus = true;
	cs->nr_cpus = t_topo.nr_cpus;
	cs->nr_threads[0] = initiators;
	cs->nr_threads[1] = responders;
}

/* Run @cs, which must end in @state; only @result's numbers outlive it. */
static inline void run(struct tb_case *cs, enum tb_state state)
{
	t_run_case(cs, &result);
	if (result.state != state)
		fail_msg("%s: %s", tb_state_name(result.state),
			 result.reasons.text[0]);
	tb_result_fini(&result);
	free(cs->conf);
}

#endif
