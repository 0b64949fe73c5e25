// SPDX-License-Identifier: GPL-2.0-only
/* The initiator's process of a litmus test: all its tries, start and end. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/litmus_initiator.h"
#include "engine/process.h"

/* What could never be done until then, cannot be done. */
#define MAX_MISSED 3
#define EATEN_PAGES 64
#define EATEN_HUGE_PAGES 1

/* --- all tries of a state ----------------------------------------------------
 */

/* See litmus.h: there was no such try, or this user may not make it. */
static bool is_missed(int ret)
{
	return ret == -EAGAIN || ret == -EBUSY || ret == -ENOMEM ||
	       ret == -EPERM;
}

/* Not before the first try: that one has a bound of its own. */
static bool is_time_up(const struct tb_litmus_initiator *in, unsigned int t,
		       uint64_t begin_ns)
{
	return t && tb_now_ns() - begin_ns >= in->job->env->limit_ns;
}

static int run_state(struct tb_litmus_initiator *in, enum litmus_state state)
{
	unsigned int t, nr = tb_litmus_nr_tries(in, state);
	uint64_t begin_ns = tb_now_ns();
	int ret = 0;

	atomic_store(&in->arena->state, state);
	in->result = &in->arena->results[state];
	for (t = 0; t < nr && !ret; t++) {
		in->result->was_cut = is_time_up(in, t, begin_ns);
		if (in->result->was_cut)
			break;
		tb_litmus_choose_try(in, t);
		ret = tb_litmus_make_try(in, state);
		atomic_store(&in->arena->nr_tried, ++in->n);
		if (!is_missed(ret))
			continue;
		in->result->why = ret;
		ret = 0;
		if (++in->result->nr_missed >= MAX_MISSED &&
		    !in->result->nr_tries)
			break;
	}
	in->result->took_ms =
		(unsigned int)((tb_now_ns() - begin_ns) / 1000000);
	return ret ? tb_fail_errno(in->err, ret, "%s %s, try %u",
				   tb_litmus_ops_of(in)->name,
				   tb_litmus_state_name(state), t - 1)
		   : 0;
}

/* --- start and end -----------------------------------------------------------
 */

static int make_range(struct tb_litmus_initiator *in)
{
	struct wl_mem_conf conf = {
		.pages = tb_litmus_max_pages(tb_litmus_ops_of(in),
					     in->job->page_size),
		.page_size = in->job->page_size,
		.memory = tb_litmus_ops_of(in)->memory,
	};
	struct wl_mem_conf eaten = conf;
	int ret;

	if (tb_litmus_may_move(in))
		conf.pages += TB_LITMUS_TABLE_PAGES;
	ret = wl_range_init(&in->l.range, &in->ctx, 0, &conf);
	if (ret)
		return ret;
	in->l.range.conf.pages = eaten.pages;
	in->l.range.len_bytes = eaten.pages * in->l.range.page_bytes;
	in->first = in->l.range.addr;
	eaten.memory = WL_ANONYMOUS;
	eaten.pages =
		conf.page_size == WL_BASE ? EATEN_PAGES : EATEN_HUGE_PAGES;
	ret = wl_range_init(&in->eaten, &in->ctx, 0, &eaten);
	if (!ret)
		ret = wl_range_map(&in->eaten);
	in->l.eaten = in->eaten.addr;
	in->l.eaten_bytes = in->eaten.len_bytes;
	return ret;
}

static int fork_threads(struct tb_litmus_initiator *in,
			int (*start)(struct tb_litmus_arena *a,
				     struct tb_err *err))
{
	pid_t pid = tb_process_fork();

	if (pid < 0)
		return tb_fail_errno(in->err, pid, "cannot fork");
	if (pid) {
		in->pids[in->nr_pids++] = pid;
		return 0;
	}
	if (!start(in->arena, in->err))
		for (;;)
			pause();
	_exit(TB_EXIT_FAIL);
}

/* They have mapped the range; who made it can take it away only then. */
static void end_processes(struct tb_litmus_initiator *in)
{
	while (in->nr_pids) {
		pid_t pid = in->pids[--in->nr_pids];

		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static int start_victims(struct tb_litmus_initiator *in)
{
	unsigned int i;
	int ret = 0;

	if (in->job->states & 1U << LITMUS_SWITCHED)
		ret = fork_threads(in, tb_litmus_partners_start);
	if (!ret)
		ret = tb_litmus_ticker_start(in->arena, in->err);
	if (!ret && in->job->states == 1U << LITMUS_PROCESS) {
		ret = fork_threads(in, tb_litmus_victims_start);
		in->l.victims = in->pids[0];
	} else if (!ret) {
		ret = tb_litmus_victims_start(in->arena, in->err);
	}
	/* Their start maps memory, so none of it may happen later. */
	for (i = 0; i < in->arena->nr_victims && !ret; i++) {
		const struct tb_litmus_victim *v = &in->arena->victims[i];
		uint64_t until_ns = tb_now_ns() + TB_LITMUS_TIMEOUT_NS;

		while (!atomic_load(&v->tid) && !ret) {
			sched_yield();
			if (tb_now_ns() > until_ns)
				ret = tb_litmus_late(in, v, "start");
		}
	}
	return ret;
}

int tb_litmus_instance(const struct tb_litmus_job *job, struct tb_err *err)
{
	static struct tb_litmus_initiator in;
	const struct litmus_ops *ops = job->ops;
	unsigned int state;
	int ret;

	in = (struct tb_litmus_initiator){ .job = job,
					   .arena = job->arena,
					   .err = err };
	in.ctx.page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	in.ctx.pagemap = tb_process_pagemap();
	in.l.files = job->files;
	in.l.file = -1;
	ret = make_range(&in);
	if (!ret && ops->setup)
		ret = ops->setup(&in.l);
	if (ret)
		return tb_fail_errno(err, ret, "%s: cannot set up", ops->name);
	ret = start_victims(&in);
	for (state = 0; state < LITMUS_NR_STATES && !ret; state++)
		if (job->states & 1U << state)
			ret = run_state(&in, (enum litmus_state)state);
	end_processes(&in);
	if (ops->teardown)
		ops->teardown(&in.l);
	return ret;
}
