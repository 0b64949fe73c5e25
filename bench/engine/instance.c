// SPDX-License-Identifier: GPL-2.0-only
/* One instance of a workload in a process of its own. */
#include "engine/instance.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "engine/region.h"
#include "machine/place.h"

static void init_worker(struct tb_worker *w, const struct tb_worker *common,
			struct wl_ctx *ctx, unsigned int i)
{
	*w = *common;
	w->slot = tb_arena_slot(common->arena, common->first_slot + i);
	w->role = *tb_case_role(common->cs, w->slot->role);
	w->wl = (struct wl_thread){
		.ctx = ctx,
		.role = w->slot->role,
		.idx = w->slot->idx,
		.cpu = w->slot->cpu,
		.values = &w->values,
	};
	tb_values_init(&w->values, common->cs->ops, common->arena, w->slot);
}

/* Start all threads and wait for their end. */
static int run_threads(const struct tb_worker *common, struct wl_ctx *ctx,
		       struct tb_err *err)
{
	unsigned int i, nr = common->nr_slots;
	struct tb_worker *workers = calloc(nr, sizeof(*workers));
	pthread_t *threads = calloc(nr, sizeof(*threads));
	unsigned int started = 0;
	int ret = 0;

	if (!workers || !threads) {
		ret = -ENOMEM;
		tb_fail_errno(err, ret, "cannot start threads");
		goto out;
	}
	for (i = 0; i < nr && !ret; i++) {
		init_worker(&workers[i], common, ctx, i);
		ret = -pthread_create(&threads[i], NULL, tb_thread_main,
				      &workers[i]);
		if (ret)
			tb_fail_errno(err, ret, "cannot start thread %u", i);
		else
			started++;
	}
	/* Those that run must not wait for those that do not. */
	if (ret)
		tb_phase_fail(common->arena, err);
	for (i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
out:
	free(workers);
	free(threads);
	return ret;
}

static int run_workload(const struct tb_worker *common, struct tb_err *err)
{
	const struct tb_case *cs = common->cs;
	struct wl_ctx ctx = {
		.conf = cs->conf,
		.nr_ops = cs->nr_ops,
		.page_bytes = (size_t)sysconf(_SC_PAGESIZE),
		.clock = &common->clock,
	};
	int ret;

	memcpy(ctx.nr_threads, cs->nr_threads, sizeof(ctx.nr_threads));
	memcpy(ctx.files, common->made->files, sizeof(ctx.files));
	tb_region_init(cs, &ctx);
	ret = cs->ops->setup ? cs->ops->setup(&ctx) : 0;
	if (ret)
		return tb_fail_errno(err, ret, "%s: setup failed",
				     cs->ops->name);
	ret = run_threads(common, &ctx, err);
	if (cs->ops->teardown)
		cs->ops->teardown(&ctx);
	return ret;
}

static int run(const struct tb_worker *common, struct tb_err *err)
{
	const struct tb_slot *first =
		tb_arena_slot(common->arena, common->first_slot);
	int ret = tb_place_pin(first->cpu);

	if (ret)
		return tb_fail_errno(err, ret, "cannot pin to CPU %d",
				     first->cpu);
	if (tb_case_role(common->cs, first->role)->kind == WL_BYSTANDER)
		return run_threads(common, NULL, err);
	ret = tb_made_join(common->made, err);
	return ret ? ret : run_workload(common, err);
}

pid_t tb_instance_start(const struct tb_worker *common, struct tb_err *err)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		return tb_fail_errno(err, -errno, "cannot fork an instance");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(TB_EXIT_FAIL);
	if (run(common, err)) {
		tb_phase_fail(common->arena, err);
		_exit(TB_EXIT_FAIL);
	}
	_exit(TB_EXIT_OK);
}
