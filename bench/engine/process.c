// SPDX-License-Identifier: GPL-2.0-only
/* Start and end of the processes of an instance. */
#include "engine/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/crew.h"
#include "machine/place.h"

pid_t tb_process_fork(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid)
		return pid < 0 ? -errno : pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(TB_EXIT_FAIL);
	return 0;
}

int tb_process_pagemap(void)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* One process of a role, as its child sees it. */
struct process {
	const struct tb_worker *common;
	struct wl_ctx *ctx;
	unsigned int first_slot;
	unsigned int nr_slots;
};

static int run_threads(const struct process *p, struct tb_err *err)
{
	struct tb_crew crew;
	int ret = tb_crew_init(&crew, p->nr_slots, err);

	if (ret)
		return ret;
	ret = tb_crew_start(&crew, p->common, p->ctx, p->first_slot,
			    p->nr_slots, err);
	if (ret)
		tb_phase_fail(p->common->arena, err);
	tb_crew_join(&crew);
	return ret;
}

static int run_process(const struct process *p, struct tb_err *err)
{
	struct tb_slot *s = tb_arena_slot(p->common->arena, p->first_slot);
	const struct wl_ops *ops = p->common->cs->ops;
	int ret = tb_place_pin(s->cpu);

	if (ret)
		return tb_fail_errno(err, ret, "cannot pin to CPU %d", s->cpu);
	/* What was opened before the fork is the other's. */
	close(p->ctx->pagemap);
	p->ctx->pagemap = tb_process_pagemap();
	tb_slot_step(s, TB_STEP_PROCESS_INIT);
	ret = ops->process_init ? ops->process_init(p->ctx, s->role, s->process)
				: 0;
	if (ret)
		return tb_fail_errno(
			err, ret, "%s: process_init of %s process %u failed",
			ops->name, ops->roles[s->role].name, s->process);
	ret = run_threads(p, err);
	tb_slot_step(s, TB_STEP_PROCESS_EXIT);
	if (ops->process_exit)
		ops->process_exit(p->ctx, s->role, s->process);
	tb_slot_step(s, TB_STEP_END);
	return ret;
}

static pid_t start_one(const struct process *p, struct tb_err *err)
{
	const struct tb_slot *s =
		tb_arena_slot(p->common->arena, p->first_slot);
	pid_t pid = tb_process_fork();

	if (pid < 0)
		return tb_fail_errno(
			err, pid, "cannot fork process %u of role %s",
			s->process, p->common->cs->ops->roles[s->role].name);
	if (pid)
		return pid;
	if (run_process(p, err)) {
		tb_phase_fail(p->common->arena, err);
		_exit(TB_EXIT_FAIL);
	}
	_exit(TB_EXIT_OK);
}

/* The role's first slot is @first. */
static int start_role(struct tb_processes *ps, const struct tb_worker *common,
		      struct wl_ctx *ctx, unsigned int role, unsigned int first,
		      struct tb_err *err)
{
	unsigned int i, nr = ctx->nr_processes[role];
	pid_t pid;

	for (i = 0; i < nr; i++) {
		struct process p = {
			.common = common,
			.ctx = ctx,
			.nr_slots = ctx->nr_threads[role] / nr,
		};

		p.first_slot = first + i * p.nr_slots;
		pid = start_one(&p, err);
		if (pid < 0)
			return (int)pid;
		ps->pids[ps->nr++] = pid;
		ps->nr_left++;
	}
	return 0;
}

int tb_processes_start(struct tb_processes *p, const struct tb_worker *common,
		       struct wl_ctx *ctx, struct tb_err *err)
{
	unsigned int role, nr = 0, first = common->first_slot;
	int ret = 0;

	*p = (struct tb_processes){ 0 };
	for (role = 0; role < common->cs->nr_roles; role++)
		nr += ctx->nr_processes[role];
	if (!nr)
		return 0;
	p->pids = calloc(nr, sizeof(*p->pids));
	if (!p->pids)
		return tb_fail_errno(err, -ENOMEM, "cannot start processes");
	for (role = 0; role < common->cs->nr_roles && !ret; role++) {
		ret = start_role(p, common, ctx, role, first, err);
		first += ctx->nr_threads[role];
	}
	return ret;
}

/* The slot of a process's first thread; processes are in the order of slots. */
static const struct tb_slot *first_slot(const struct tb_worker *common,
					unsigned int process)
{
	const struct tb_case *cs = common->cs;
	unsigned int role = 0, slot = common->first_slot;

	while (process >= cs->nr_processes[role]) {
		process -= cs->nr_processes[role];
		slot += cs->nr_threads[role++];
	}
	slot += process * (cs->nr_threads[role] / cs->nr_processes[role]);
	return tb_arena_slot(common->arena, slot);
}

static void judge_end(const struct tb_worker *common, unsigned int process,
		      int status)
{
	const struct tb_slot *s = first_slot(common, process);
	const char *role = common->cs->ops->roles[s->role].name;
	struct tb_err err = { 0 };

	if (WIFSIGNALED(status))
		tb_fail(&err, -ECHILD,
			"process %u of role %s in instance %u was killed by "
			"signal %d (%s)",
			s->process, role, s->instance, WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) ||
		 tb_phase_now(common->arena) != TB_PHASE_DRAIN)
		tb_fail(&err, -ECHILD,
			"process %u of role %s in instance %u ended early",
			s->process, role, s->instance);
	/* If it has said itself why it fails, that stands. */
	if (err.code)
		tb_phase_fail(common->arena, &err);
}

void tb_processes_wait(struct tb_processes *p, const struct tb_worker *common)
{
	unsigned int i;
	int status;
	pid_t pid;

	while (p->nr_left) {
		/* Children of the workload are of other threads. */
		pid = waitpid(-1, &status, __WNOTHREAD);
		if (pid < 0 && errno != EINTR)
			break;
		for (i = 0; i < p->nr && p->pids[i] != pid; i++)
			;
		if (pid < 0 || i == p->nr)
			continue;
		p->pids[i] = 0;
		p->nr_left--;
		judge_end(common, i, status);
	}
	free(p->pids);
}
