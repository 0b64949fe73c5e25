// SPDX-License-Identifier: GPL-2.0-only
/* One instance of a workload in a process of its own. */
#include "engine/instance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/crew.h"
#include "engine/process.h"
#include "engine/region.h"
#include "engine/rendezvous.h"
#include "machine/place.h"

/* Those that are not in processes of their own. */
static int start_threads(struct tb_crew *crew, const struct tb_worker *common,
			 struct wl_ctx *ctx, struct tb_err *err)
{
	unsigned int role, first = common->first_slot;
	int ret = tb_crew_init(crew, common->nr_slots, err);

	if (!ret && !ctx)
		return tb_crew_start(crew, common, NULL, first,
				     common->nr_slots, err);
	for (role = 0; role < common->cs->nr_roles && !ret; role++) {
		if (!ctx->nr_processes[role])
			ret = tb_crew_start(crew, common, ctx, first,
					    ctx->nr_threads[role], err);
		first += ctx->nr_threads[role];
	}
	return ret;
}

/*
 * Above the threads, which may never leave a CPU to this one: who waits for a
 * process that was killed is to be told that, not that it did not answer.
 */
static void await_processes(struct tb_processes *p,
			    const struct tb_worker *common)
{
	struct tb_thread_sched before;

	if (common->use_fifo && p->nr_left)
		tb_thread_rise(&before);
	tb_processes_wait(p, common);
}

/* Processes first: who forks them has no other thread yet. */
static int run_roles(const struct tb_worker *common, struct wl_ctx *ctx,
		     struct tb_err *err)
{
	struct tb_processes processes = { 0 };
	struct tb_crew crew = { 0 };
	int ret = ctx ? tb_processes_start(&processes, common, ctx, err) : 0;

	if (!ret)
		ret = start_threads(&crew, common, ctx, err);
	/* Those that run must not wait for those that do not. */
	if (ret) {
		tb_phase_fail(common->arena, err);
		tb_peers_release(common);
	}
	await_processes(&processes, common);
	tb_crew_join(&crew);
	return ret;
}

/*
 * The context is in the heap, where setup() puts what the ops need: these share
 * a page then, and pages that the loops touch cost after each flush.
 */
static int run_workload(const struct tb_worker *common, struct tb_slot *first,
			struct tb_err *err)
{
	const struct tb_case *cs = common->cs;
	struct wl_ctx *ctx = malloc(sizeof(*ctx));
	int ret;

	if (!ctx)
		return tb_fail_errno(err, -ENOMEM, "cannot set up");
	*ctx = tb_case_ctx(cs);
	ctx->clock = &common->clock;
	ctx->pagemap = tb_process_pagemap();
	memcpy(ctx->files, common->made->files, sizeof(ctx->files));
	tb_region_init(cs, ctx);
	tb_slot_step(first, TB_STEP_SETUP);
	ret = cs->ops->setup ? cs->ops->setup(ctx) : 0;
	if (ret) {
		tb_fail_errno(err, ret, "%s: setup failed", cs->ops->name);
		goto out_ctx;
	}
	ret = run_roles(common, ctx, err);
	tb_slot_step(first, TB_STEP_TEARDOWN);
	if (cs->ops->teardown)
		cs->ops->teardown(ctx);
	tb_slot_step(first, TB_STEP_END);
out_ctx:
	close(ctx->pagemap);
	free(ctx);
	return ret;
}

static int run(const struct tb_worker *common, struct tb_err *err)
{
	struct tb_slot *first =
		tb_arena_slot(common->arena, common->first_slot);
	int ret = tb_place_pin(first->cpu);

	if (ret)
		return tb_fail_errno(err, ret, "cannot pin to CPU %d",
				     first->cpu);
	if (tb_case_role(common->cs, first->role)->kind == WL_BYSTANDER)
		return run_roles(common, NULL, err);
	ret = tb_made_join(common->made, err);
	return ret ? ret : run_workload(common, first, err);
}

pid_t tb_instance_start(const struct tb_worker *common, pid_t group,
			struct tb_err *err)
{
	pid_t pid = tb_process_fork();

	if (pid < 0)
		return tb_fail_errno(err, pid, "cannot fork an instance");
	if (pid)
		return pid;
	/* Whom it forks is in the group as well. */
	setpgid(0, group);
	if (run(common, err)) {
		tb_phase_fail(common->arena, err);
		_exit(TB_EXIT_FAIL);
	}
	_exit(TB_EXIT_OK);
}
