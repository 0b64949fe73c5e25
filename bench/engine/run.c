// SPDX-License-Identifier: GPL-2.0-only
/*
 * The coordinator. It belongs to no instance, so its mm is never flushed by
 * the ops it watches; it sleeps on the initiator's CPU while they run, so it
 * wakes no CPU that is meant to be idle.
 */
#include "engine/run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/instance.h"
#include "engine/ledger.h"
#include "machine/place.h"

/* By how much threads that wait for each other give up before we do. */
#define THREADS_FIRST_MS 250
/* What the others get to leave, once one is known not to. */
#define GRACE_OF_STUCK_NS 200000000ULL
#define GRACE_POLL_MS 50
#define KILL_NS 5000000000ULL

/* One pass in the making. */
struct pass {
	const struct tb_run_env *env;
	const struct tb_case *cs;
	const struct tb_result *result;
	struct tb_arena *arena;
	pid_t *pids;
	unsigned int nr_alive;
	struct tb_counters *counters;
	struct tb_pass *out;
};

static void label_slots(struct pass *p)
{
	const struct tb_case *cs = p->cs;
	unsigned int instance, role, idx, i = 0;

	for (instance = 0; instance < cs->instances; instance++)
		for (role = 0; role < cs->nr_roles; role++)
			for (idx = 0; idx < cs->nr_threads[role]; idx++) {
				struct tb_slot *s = tb_arena_slot(p->arena, i);

				s->instance = instance;
				s->role = role;
				s->idx = idx;
				s->cpu = p->result->cpus[i++];
			}
}

static int start_instances(struct pass *p, struct tb_err *err)
{
	unsigned int per_instance = tb_case_threads_per_instance(p->cs);
	bool use_fifo = !strcmp(p->result->sched, "fifo");
	unsigned int i;

	for (i = 0; i < p->cs->instances; i++) {
		pid_t pid = tb_instance_start(
			p->arena, p->cs, &p->result->clock, i * per_instance,
			p->counters, use_fifo, err);

		if (pid < 0)
			return (int)pid;
		p->pids[i] = pid;
		p->nr_alive++;
	}
	return 0;
}

/* Reap what has ended; an instance that did not end well is a failure. */
static int reap(struct pass *p, bool may_end, struct tb_err *err)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < p->cs->instances; i++) {
		int status;

		if (!p->pids[i] || waitpid(p->pids[i], &status, WNOHANG) <= 0)
			continue;
		p->pids[i] = 0;
		p->nr_alive--;
		if (WIFSIGNALED(status))
			ret = tb_fail(
				err, -ECHILD,
				"instance %u was killed by signal %d (%s)", i,
				WTERMSIG(status), strsignal(WTERMSIG(status)));
		else if (WEXITSTATUS(status) || !may_end)
			ret = -ECHILD;
	}
	return ret;
}

/* Who has not arrived, and what it was doing. */
static int report_stuck(struct pass *p, struct tb_err *err)
{
	enum tb_phase phase = tb_phase_now(p->arena);
	unsigned int i;

	for (i = 0; i < p->arena->nr_slots; i++) {
		const struct tb_slot *s = tb_arena_slot(p->arena, i);
		enum tb_step step = (enum tb_step)atomic_load(&s->step);
		bool is_awaited =
			phase == TB_PHASE_INIT ||
			p->cs->ops->roles[s->role].kind == WL_INITIATOR;

		if (is_awaited && step != TB_STEP_EDGE && step != TB_STEP_END)
			return tb_fail(err, -ETIMEDOUT,
				       "%s %u of instance %u on CPU %d is "
				       "stuck in %s, phase %s, after %u s",
				       p->cs->ops->roles[s->role].name, s->idx,
				       s->instance, s->cpu, tb_step_name(step),
				       tb_phase_name(phase), p->cs->timeout_s);
	}
	return tb_fail(err, -ETIMEDOUT,
		       "a thread did not end within %u s (phase %s)",
		       p->cs->timeout_s, tb_phase_name(phase));
}

/* Ops begun by all threads. */
static uint64_t progress_of(const struct pass *p)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < p->arena->nr_slots; i++)
		sum += atomic_load(&tb_arena_slot(p->arena, i)->progress);
	return sum;
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
	uint64_t count, before, now = progress_of(p);
	int ret;

	for (;;) {
		ret = poll(fds, ARRAY_SIZE(fds),
			   (int)p->cs->timeout_s * 1000 + THREADS_FIRST_MS);
		if (ret < 0)
			return tb_fail_errno(err, -errno, "poll");
		before = now;
		now = progress_of(p);
		if (!ret && now == before)
			return report_stuck(p, err);
		if (!ret)
			continue;
		tb_sig_drain(p->env->sig);
		if (p->env->sig->was_interrupted)
			return tb_fail(err, -EINTR, "interrupted");
		ret = reap(p, false, err);
		if (atomic_load(&p->arena->has_failed)) {
			*err = p->arena->failure;
			return err->code;
		}
		if (ret)
			return tb_fail(err, ret, "an instance ended early");
		if (read(p->arena->edge_fd, &count, sizeof(count)) > 0)
			return 0;
	}
}

/* Let the threads go and see them end. */
static int drain(struct pass *p, struct tb_err *err)
{
	struct pollfd fd = { .fd = p->env->sig->fd, .events = POLLIN };
	int ret;

	tb_phase_set(p->arena, TB_PHASE_DRAIN, 0);
	for (;;) {
		tb_sig_drain(p->env->sig);
		ret = reap(p, true, err);
		if (atomic_load(&p->arena->has_failed)) {
			*err = p->arena->failure;
			return err->code;
		}
		if (ret || !p->nr_alive)
			return ret;
		if (poll(&fd, 1, (int)p->cs->timeout_s * 1000) == 0)
			return report_stuck(p, err);
	}
}

/* Reap for at most @limit_ns; what still lives then is in @p->pids. */
static void reap_for(struct pass *p, uint64_t limit_ns)
{
	struct pollfd fd = { .fd = p->env->sig->fd, .events = POLLIN };
	uint64_t until_ns = tb_now_ns() + limit_ns;
	struct tb_err ignored = { 0 };

	while (p->nr_alive && tb_now_ns() < until_ns) {
		poll(&fd, 1, GRACE_POLL_MS);
		tb_sig_drain(p->env->sig);
		reap(p, true, &ignored);
	}
}

/*
 * Nothing is left running, whatever happened before. All that can leave do so
 * by themselves, so that teardown() runs; the rest is killed.
 */
static void end_instances(struct pass *p, int ret)
{
	uint64_t grace_ns = ret == -ETIMEDOUT
				    ? GRACE_OF_STUCK_NS
				    : p->cs->timeout_s * 1000000000ULL;
	unsigned int i;

	tb_phase_set(p->arena, TB_PHASE_DRAIN, 0);
	reap_for(p, grace_ns);
	for (i = 0; i < p->cs->instances; i++)
		if (p->pids[i])
			kill(p->pids[i], SIGKILL);
	/* Not for ever: a task that hangs in the kernel cannot be killed. */
	reap_for(p, KILL_NS);
	for (i = 0; i < p->cs->instances; i++)
		if (p->pids[i])
			fprintf(stderr,
				"tlbbench: instance %u (pid %d) cannot be "
				"killed: it hangs in the kernel\n",
				i, p->pids[i]);
}

static void collect(struct pass *p)
{
	unsigned int i;

	tb_hist_init(&p->out->latency);
	for (i = 0; i < p->arena->nr_slots; i++) {
		const struct tb_slot *s = tb_arena_slot(p->arena, i);

		if (p->cs->ops->roles[s->role].kind != WL_INITIATOR)
			continue;
		p->out->nr_ops += s->nr_ops;
		p->out->nr_dropped += s->nr_dropped;
		tb_hist_merge(&p->out->latency, &s->latency);
	}
}

static int open_counters(struct pass *p, struct tb_err *err)
{
	unsigned int i, nr = p->arena->nr_slots;
	struct tb_cpu_use *cpus = calloc(nr, sizeof(*cpus));
	int ret;

	if (!cpus)
		return tb_fail_errno(err, -ENOMEM, "counters");
	for (i = 0; i < nr; i++) {
		const struct tb_slot *s = tb_arena_slot(p->arena, i);

		cpus[i].cpu = s->cpu;
		cpus[i].is_target =
			p->cs->ops->roles[s->role].kind != WL_INITIATOR;
	}
	ret = tb_counters_open(&p->counters, cpus, nr, true, err);
	free(cpus);
	return ret;
}

static int step_through(struct pass *p, struct tb_err *err)
{
	unsigned int initiators = p->cs->instances * p->cs->nr_threads[0];
	uint64_t begin_ns;
	int ret;

	ret = wait_edge(p, err);
	if (ret)
		return ret;
	tb_phase_set(p->arena, TB_PHASE_WARMUP, initiators);
	ret = wait_edge(p, err);
	if (!ret && p->counters)
		ret = tb_counters_start(p->counters, err);
	if (ret)
		return ret;
	begin_ns = tb_now_ns();
	tb_phase_set(p->arena, TB_PHASE_MEASURE, initiators);
	ret = wait_edge(p, err);
	p->out->elapsed_ns = tb_now_ns() - begin_ns;
	if (!ret && p->counters)
		ret = tb_counters_stop(p->counters, err);
	if (ret)
		return ret;
	collect(p);
	return drain(p, err);
}

static void keep_counters(struct pass *p, struct tb_result *r)
{
	const struct tb_counter *values =
		tb_counters_values(p->counters, &r->nr_counters);

	if (r->nr_counters > TB_MAX_COUNTERS)
		r->nr_counters = TB_MAX_COUNTERS;
	memcpy(r->counters, values, r->nr_counters * sizeof(*values));
}

static int run_pass(const struct tb_run_env *env, const struct tb_case *cs,
		    struct tb_result *r, bool counted, struct tb_err *err)
{
	struct pass p = {
		.env = env,
		.cs = cs,
		.result = r,
		.out = counted ? &r->counted : &r->timed,
	};
	int ret;

	p.pids = calloc(cs->instances, sizeof(*p.pids));
	if (!p.pids)
		return tb_fail_errno(err, -ENOMEM, "cannot start instances");
	ret = tb_arena_new(&p.arena, cs->nr_cpus, err);
	if (ret)
		goto out_pids;
	r->arena_pages = p.arena->total_bytes / (uint64_t)sysconf(_SC_PAGESIZE);
	label_slots(&p);
	p.arena->expected = cs->nr_cpus;
	/* Before the instances: they switch them on and off. */
	ret = counted ? open_counters(&p, err) : 0;
	if (!ret)
		ret = start_instances(&p, err);
	if (!ret)
		ret = step_through(&p, err);
	end_instances(&p, ret);
	if (!ret && counted)
		keep_counters(&p, r);
	tb_counters_close(p.counters);
	tb_arena_free(p.arena);
out_pids:
	free(p.pids);
	return ret;
}

static int resolve(const struct tb_run_env *env, const struct tb_case *cs,
		   struct tb_result *r, struct tb_err *err)
{
	bool may_fifo;
	int ret;

	r->cpus = calloc(cs->nr_cpus, sizeof(*r->cpus));
	if (!r->cpus)
		return tb_fail_errno(err, -ENOMEM, "placement");
	ret = tb_case_place(cs, env->topo, r->cpus, err);
	if (ret)
		return ret;
	may_fifo = cs->sched != TB_SCHED_OTHER && tb_thread_fifo_allowed();
	r->sched = may_fifo ? "fifo" : "other";
	if (cs->sched == TB_SCHED_FIFO && !may_fifo)
		wl_reason(&r->reasons, "sched = fifo: not allowed here "
				       "(needs root or CAP_SYS_NICE)");
	if (cs->sched == TB_SCHED_AUTO && !may_fifo)
		wl_reason(&r->caveats,
			  "SCHED_FIFO not allowed: a responder that is "
			  "preempted gets no IPI, counts may be too low");
	return 0;
}

static void probe(const struct tb_case *cs, struct tb_result *r)
{
	const struct wl_env env = {
		.nr_cpus = cs->nr_cpus,
		.page_bytes = (size_t)sysconf(_SC_PAGESIZE),
	};

	if (cs->ops->probe)
		cs->ops->probe(&env, cs->conf, &r->reasons);
}

/* Sort what went wrong into states; only the harness's own faults go on. */
static int settle(struct tb_result *r, int ret, struct tb_err *err)
{
	if (!ret || ret == -EINTR)
		return ret;
	r->state = ret == -ETIMEDOUT ? TB_STATE_TIMEOUT : TB_STATE_FAILED;
	wl_reason(&r->reasons, "%s", err->text);
	*err = (struct tb_err){ 0 };
	return 0;
}

int tb_run_case(const struct tb_run_env *env, const struct tb_case *cs,
		struct tb_result *out, struct tb_err *err)
{
	struct bitmask *before;
	int ret;

	*out = (struct tb_result){ .sched = "other" };
	ret = resolve(env, cs, out, err);
	if (ret)
		return ret;
	probe(cs, out);
	if (out->reasons.nr) {
		out->state = TB_STATE_SKIPPED;
		return 0;
	}
	/* Where the initiator runs, so that no other CPU is woken. */
	before = tb_place_save();
	ret = tb_place_pin(out->cpus[0]);
	if (ret) {
		tb_fail_errno(err, ret, "cannot pin to CPU %d", out->cpus[0]);
		goto out_affinity;
	}
	tb_clock_init(&out->clock, env->icount_shift);
	ret = run_pass(env, cs, out, false, err);
	if (!ret)
		ret = run_pass(env, cs, out, true, err);
	tb_clock_finish(&out->clock);
	ret = settle(out, ret, err);
	if (!ret && out->state == TB_STATE_OK)
		tb_ledger_fill(cs, out);
out_affinity:
	/* Or the next to ask which CPUs it may use would see one. */
	tb_place_restore(before);
	return ret;
}

void tb_result_fini(struct tb_result *r)
{
	free(r->cpus);
	r->cpus = NULL;
}
