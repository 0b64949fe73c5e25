// SPDX-License-Identifier: GPL-2.0-only
/*
 * The coordinator of one pass. It belongs to no instance, so its mm is never
 * flushed by the ops it watches; it sleeps on the initiator's CPU while they
 * run, so it wakes no CPU that is meant to be idle.
 */
#include "engine/pass.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/instance.h"
#include "engine/values.h"
#include "engine/watchdog.h"
#include "engine/witness.h"

/* By how much threads that wait for each other give up before we do. */
#define THREADS_FIRST_MS 250
/* What the others get to leave, once one is known not to. */
#define GRACE_OF_STUCK_NS 200000000ULL
#define GRACE_POLL_MS 50
#define KILL_NS 5000000000ULL

/* One pass in the making; the bystanders' process is the last of @pids. */
struct pass {
	const struct tb_run_env *env;
	const struct tb_case *cs;
	const struct tb_result *result;
	struct tb_arena *arena;
	pid_t *pids;
	unsigned int nr_pids;
	/*
	 * Their process group, so that we reap these and no others: also those
	 * that an instance forked and left to us when it was killed.
	 */
	pid_t group;
	bool is_alive;
	struct tb_observer observer;
	struct tb_pass *out;
};

/* --- processes ----------------------------------------------------------- */

static void label(struct pass *p, unsigned int i, unsigned int instance,
		  unsigned int role, unsigned int idx)
{
	struct tb_slot *s = tb_arena_slot(p->arena, i);

	s->instance = instance;
	s->role = role;
	s->idx = idx;
	s->process = tb_case_process(p->cs, role, idx);
	s->cpu = p->result->cpus[i];
}

static void label_slots(struct pass *p)
{
	const struct tb_case *cs = p->cs;
	unsigned int instance, role, idx, i = 0;

	for (instance = 0; instance < cs->instances; instance++)
		for (role = 0; role < cs->nr_roles; role++)
			for (idx = 0; idx < cs->nr_threads[role]; idx++)
				label(p, i++, instance, role, idx);
	for (idx = 0; idx < cs->nr_bystanders; idx++)
		label(p, i++, cs->instances, cs->nr_roles, idx);
}

static int start_one(struct pass *p, unsigned int first_slot,
		     unsigned int nr_slots, struct tb_err *err)
{
	const struct tb_worker common = {
		.arena = p->arena,
		.cs = p->cs,
		.clock = p->result->clock,
		.first_slot = first_slot,
		.nr_slots = nr_slots,
		.made = &p->result->made,
		.observer = p->observer,
		.use_fifo = !strcmp(p->result->sched, "fifo"),
	};
	pid_t pid = tb_instance_start(&common, p->group, err);

	if (pid < 0)
		return (int)pid;
	if (!p->group)
		p->group = pid;
	setpgid(pid, p->group);
	p->pids[p->nr_pids++] = pid;
	p->is_alive = true;
	return 0;
}

static int start_all(struct pass *p, struct tb_err *err)
{
	unsigned int per_instance = tb_case_threads_per_instance(p->cs);
	unsigned int i;
	int ret = 0;

	for (i = 0; i < p->cs->instances && !ret; i++)
		ret = start_one(p, i * per_instance, per_instance, err);
	if (!ret && p->cs->nr_bystanders)
		ret = start_one(p, i * per_instance, p->cs->nr_bystanders, err);
	return ret;
}

static const char *process_name(const struct pass *p, unsigned int i,
				char name[32])
{
	if (i < p->cs->instances)
		snprintf(name, 32, "instance %u", i);
	else
		snprintf(name, 32, "the bystanders' process");
	return name;
}

/* One of ours has ended: was it to, and did it end well? */
static int judge_end(struct pass *p, pid_t pid, int status, bool may_end,
		     struct tb_err *err)
{
	char name[32];
	unsigned int i = 0;

	while (i < p->nr_pids && p->pids[i] != pid)
		i++;
	/* What became of its instance has been said. */
	if (i == p->nr_pids)
		return 0;
	p->pids[i] = 0;
	if (WIFSIGNALED(status))
		return tb_fail(err, -ECHILD, "%s was killed by signal %d (%s)",
			       process_name(p, i, name), WTERMSIG(status),
			       strsignal(WTERMSIG(status)));
	return WEXITSTATUS(status) || !may_end ? -ECHILD : 0;
}

/* Reap what has ended; an instance that did not end well is a failure. */
static int reap(struct pass *p, bool may_end, struct tb_err *err)
{
	int status, ended, ret = 0;
	pid_t pid;

	while (p->is_alive &&
	       (pid = waitpid(-p->group, &status, WNOHANG)) != 0) {
		ended = pid > 0 ? judge_end(p, pid, status, may_end, err) : 0;
		ret = ret ? ret : ended;
		/* -1 is ECHILD: the group is empty. */
		p->is_alive = pid > 0;
	}
	return ret;
}

/* Reap for at most @limit_ns; what still lives then is in @p->pids. */
static void reap_for(struct pass *p, uint64_t limit_ns)
{
	struct pollfd fd = { .fd = p->env->sig->fd, .events = POLLIN };
	uint64_t until_ns = tb_now_ns() + limit_ns;
	struct tb_err ignored = { 0 };

	while (p->is_alive && tb_now_ns() < until_ns) {
		poll(&fd, 1, GRACE_POLL_MS);
		tb_sig_drain(p->env->sig);
		reap(p, true, &ignored);
	}
}

static void tell_unkillable(const struct pass *p)
{
	char name[32];
	unsigned int i;

	for (i = 0; i < p->nr_pids; i++)
		if (p->pids[i])
			fprintf(stderr,
				"tlbbench: %s (pid %d) cannot be killed: it "
				"hangs in the kernel\n",
				process_name(p, i, name), p->pids[i]);
}

/*
 * Nothing is left running, whatever happened before. All that can leave do so
 * by themselves, so that teardown() runs; the rest is killed.
 */
static void end_all(struct pass *p, int ret)
{
	uint64_t grace_ns = ret == -ETIMEDOUT
				    ? GRACE_OF_STUCK_NS
				    : p->cs->timeout_s * 1000000000ULL;

	tb_phase_set(p->arena, &p->result->clock, TB_PHASE_DRAIN, 0);
	reap_for(p, grace_ns);
	if (p->is_alive)
		kill(-p->group, SIGKILL);
	/* Not for ever: a task that hangs in the kernel cannot be killed. */
	reap_for(p, KILL_NS);
	tell_unkillable(p);
}

/* --- phases -------------------------------------------------------------- */

static int report_stuck(struct pass *p, struct tb_err *err)
{
	return tb_watchdog_report(p->arena, p->cs, p->pids, err);
}

/* What any thread has failed with. */
static int failure_of(const struct pass *p, struct tb_err *err)
{
	if (!atomic_load(&p->arena->has_failed))
		return 0;
	*err = p->arena->failure;
	return err->code;
}

/* A signal has come: what does it mean for the pass? */
static int handle_signals(struct pass *p, struct tb_err *err)
{
	int ret;

	tb_sig_drain(p->env->sig);
	if (p->env->sig->was_interrupted)
		return tb_fail(err, -EINTR, "interrupted");
	ret = reap(p, false, err);
	if (failure_of(p, err))
		return err->code;
	return ret ? tb_fail(err, ret, "an instance ended early") : 0;
}

/*
 * Sleep until the edge is complete, somebody fails or nothing has moved for
 * the time that one op may take; many ops may take longer. Threads that
 * wait for one another are given up by themselves: they know for whom.
 */
static int wait_edge(struct pass *p, struct tb_err *err)
{
	struct pollfd fds[] = {
		{ .fd = p->arena->edge_fd, .events = POLLIN },
		{ .fd = p->env->sig->fd, .events = POLLIN },
	};
	uint64_t count, before, now = tb_watchdog_progress(p->arena);
	int ret;

	for (;;) {
		ret = poll(fds, ARRAY_SIZE(fds),
			   (int)p->cs->timeout_s * 1000 + THREADS_FIRST_MS);
		if (ret < 0)
			return tb_fail_errno(err, -errno, "poll");
		before = now;
		now = tb_watchdog_progress(p->arena);
		if (!ret && now == before)
			return report_stuck(p, err);
		if (!ret)
			continue;
		ret = handle_signals(p, err);
		if (ret)
			return ret;
		if (read(p->arena->edge_fd, &count, sizeof(count)) > 0)
			return 0;
	}
}

/* Let the threads go and see them end. */
static int drain(struct pass *p, struct tb_err *err)
{
	struct pollfd fd = { .fd = p->env->sig->fd, .events = POLLIN };
	int ret;

	tb_phase_set(p->arena, &p->result->clock, TB_PHASE_DRAIN, 0);
	for (;;) {
		tb_sig_drain(p->env->sig);
		ret = reap(p, true, err);
		if (failure_of(p, err))
			return err->code;
		if (ret || !p->is_alive)
			return ret;
		if (poll(&fd, 1, (int)p->cs->timeout_s * 1000) == 0)
			return report_stuck(p, err);
	}
}

/* Only bystanders work, for a while. */
static int watch_baseline(struct pass *p, struct tb_err *err)
{
	struct pollfd fd = { .fd = p->env->sig->fd, .events = POLLIN };
	int ret;

	tb_phase_set(p->arena, &p->result->clock, TB_PHASE_BASELINE,
		     tb_case_nr_initiators(p->cs));
	ret = wait_edge(p, err);
	if (!ret && poll(&fd, 1, TB_WITNESS_BASELINE_MS) > 0)
		ret = handle_signals(p, err);
	return ret;
}

/* The threads are known once they have arrived. */
static int start_counters(struct pass *p, struct tb_err *err)
{
	unsigned int i, nr = p->arena->nr_slots;
	struct tb_thread_use *threads = calloc(nr, sizeof(*threads));
	int ret;

	if (!threads)
		return tb_fail_errno(err, -ENOMEM, "counters");
	for (i = 0; i < nr; i++) {
		const struct tb_slot *s = tb_arena_slot(p->arena, i);
		enum wl_kind kind = tb_case_role(p->cs, s->role)->kind;

		threads[i].tid = s->tid;
		threads[i].use = kind == WL_INITIATOR	? TB_USE_INITIATOR
				 : kind == WL_BYSTANDER ? TB_USE_BYSTANDER
							: TB_USE_TARGET;
	}
	ret = tb_counters_start(p->observer.counters, threads, nr, err);
	free(threads);
	return ret;
}

static int measure(struct pass *p, struct tb_err *err)
{
	uint64_t begin_ns;
	struct tb_counters *counters = p->observer.counters;
	int ret = counters ? start_counters(p, err) : 0;

	if (ret)
		return ret;
	begin_ns = tb_now_ns();
	tb_phase_set(p->arena, &p->result->clock, TB_PHASE_MEASURE,
		     tb_case_nr_initiators(p->cs));
	ret = wait_edge(p, err);
	p->out->elapsed_ns = tb_now_ns() - begin_ns;
	return ret || !counters ? ret : tb_counters_stop(counters, err);
}

/* --- what came of it ----------------------------------------------------- */

static void add_witness(struct tb_witness *to, const struct tb_witness *from)
{
	to->nr_loops += from->nr_loops;
	to->ticks += from->ticks;
	to->stolen_ticks += from->stolen_ticks;
}

static void collect_values(struct pass *p, struct tb_slot *s)
{
	struct wl_values values;

	tb_values_init(&values, p->cs->ops, p->arena, s);
	tb_values_collect(p->out->values, &values);
}

static void collect_slot(struct pass *p, struct tb_slot *s)
{
	struct tb_peer_pass *peer = &p->out->peers[s->role];

	collect_values(p, s);
	p->out->nr_dropped += s->nr_dropped;
	if (tb_case_role(p->cs, s->role)->kind == WL_INITIATOR) {
		p->out->nr_ops += s->nr_ops;
		tb_hist_merge(&p->out->latency, &s->latency);
		return;
	}
	peer->nr_ops += s->nr_ops;
	tb_hist_merge(&peer->latency, &s->latency);
	add_witness(&p->out->baseline, &s->watched[TB_WATCH_BASELINE]);
	add_witness(&p->out->witness, &s->watched[TB_WATCH_OPS]);
}

/* After the end of all: bystanders count until then. */
static int collect(struct pass *p, struct tb_err *err)
{
	unsigned int i, nr_values = tb_nr_metrics(p->cs->ops);

	if (nr_values) {
		p->out->values = calloc(nr_values, sizeof(*p->out->values));
		if (!p->out->values)
			return tb_fail_errno(err, -ENOMEM, "values");
	}
	p->out->window_ticks = p->arena->closed_ticks - p->arena->opened_ticks;
	for (i = 0; i < p->arena->nr_slots; i++)
		collect_slot(p, tb_arena_slot(p->arena, i));
	return 0;
}

static int step_through(struct pass *p, struct tb_err *err)
{
	int ret = start_all(p, err);

	if (!ret)
		ret = wait_edge(p, err);
	if (!ret && p->cs->nr_bystanders)
		ret = watch_baseline(p, err);
	if (!ret) {
		tb_phase_set(p->arena, &p->result->clock, TB_PHASE_WARMUP,
			     tb_case_nr_initiators(p->cs));
		ret = wait_edge(p, err);
	}
	if (!ret)
		ret = measure(p, err);
	return ret ? ret : drain(p, err);
}

int tb_pass_run(const struct tb_run_env *env, const struct tb_case *cs,
		struct tb_result *r, const struct tb_observer *observer,
		struct tb_pass *out, struct tb_err *err)
{
	unsigned int nr = tb_case_nr_threads(cs);
	struct pass p = {
		.env = env,
		.cs = cs,
		.result = r,
		.observer = *observer,
		.out = out,
		.pids = calloc(cs->instances + 1, sizeof(*p.pids)),
	};
	int ret, was_reaper = 0;

	if (!p.pids)
		return tb_fail_errno(err, -ENOMEM, "cannot start instances");
	ret = tb_arena_new(&p.arena, nr, tb_values_bytes(cs->ops), err);
	if (ret)
		goto out_pids;
	r->arena_pages = p.arena->total_bytes / (uint64_t)sysconf(_SC_PAGESIZE);
	label_slots(&p);
	p.arena->expected = nr;
	/* Orphans of an instance that is killed are ours to see off. */
	prctl(PR_GET_CHILD_SUBREAPER, &was_reaper);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ret = step_through(&p, err);
	end_all(&p, ret);
	prctl(PR_SET_CHILD_SUBREAPER, was_reaper);
	if (!ret)
		ret = collect(&p, err);
	tb_arena_free(p.arena);
out_pids:
	free(p.pids);
	return ret;
}
