// SPDX-License-Identifier: GPL-2.0-only
/*
 * Start and end of every thread, and the timed op.
 *
 * Only op() stands between the two tick reads.
 */
#include "engine/thread.h"

#include <errno.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/rendezvous.h"
#include "machine/place.h"

#define FIFO_PRIORITY 5

bool tb_thread_rise(struct tb_thread_sched *before)
{
	const struct sched_param above = {
		.sched_priority = FIFO_PRIORITY + 1,
	};

	before->policy = sched_getscheduler(0);
	if (before->policy < 0 || sched_getparam(0, &before->param))
		return false;
	/* Those that it forks ask for what they need themselves. */
	return !sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &above);
}

void tb_thread_sink(const struct tb_thread_sched *before)
{
	sched_setscheduler(0, before->policy, &before->param);
}

bool tb_thread_fifo_allowed(void)
{
	struct tb_thread_sched before;

	if (!tb_thread_rise(&before))
		return false;
	tb_thread_sink(&before);
	return true;
}

void tb_worker_relax(const struct tb_worker *w)
{
	if (w->cs->share_cpus)
		sched_yield();
	else
		tb_cpu_relax();
}

int tb_worker_failed(struct tb_worker *w, const char *what, int code,
		     struct tb_err *err)
{
	return tb_fail_errno(err, code, "%s: %s of %s %u failed in phase %s",
			     w->cs->ops->name, what, w->role.name, w->wl.idx,
			     tb_phase_name(tb_phase_now(w->arena)));
}

int tb_worker_call(struct tb_worker *w, enum tb_step step,
		   int (*callback)(struct wl_thread *t), struct tb_err *err)
{
	int ret;

	tb_worker_step(w, step);
	ret = callback ? callback(&w->wl) : 0;
	return ret ? tb_worker_failed(w, tb_step_name(step), ret, err) : 0;
}

int tb_worker_op(struct tb_worker *w, struct tb_err *err)
{
	bool is_measured = tb_window_is_open(w->arena);
	uint64_t begin, end;
	int ret;

	tb_worker_step(w, TB_STEP_OP);
	begin = tb_ticks_begin(&w->clock);
	ret = w->role.op(&w->wl);
	end = tb_ticks_end(&w->clock);
	if (ret)
		return tb_worker_failed(w, "op", ret, err);
	if (tb_window_is_open(w->arena) != is_measured) {
		w->slot->nr_dropped++;
	} else if (is_measured) {
		w->slot->nr_ops++;
		tb_hist_add(&w->slot->latency, end - begin);
	}
	return 0;
}

static int prepare(struct tb_worker *w, struct tb_err *err)
{
	struct sched_param fifo = { .sched_priority = FIFO_PRIORITY };
	int ret;

	ret = tb_place_pin(w->wl.cpu);
	if (ret)
		return tb_fail_errno(err, ret, "cannot pin %s %u to CPU %d",
				     w->role.name, w->wl.idx, w->wl.cpu);
	if (w->use_fifo && sched_setscheduler(0, SCHED_FIFO, &fifo))
		return tb_fail_errno(err, -errno, "cannot set SCHED_FIFO");
	w->slot->tid = (pid_t)syscall(SYS_gettid);
	/*
	 * First touch here: these pages belong to this thread's node, and no
	 * fault is left for the ops. Thousands of instances have no such ops.
	 */
	if (!w->cs->share_cpus) {
		tb_hist_init(&w->slot->latency);
		tb_values_touch(&w->values);
	}
	return 0;
}

static int loop(struct tb_worker *w, struct tb_err *err)
{
	switch (w->role.kind) {
	case WL_INITIATOR:
		return tb_initiator_loop(w, err);
	case WL_RESPONDER:
	case WL_SLEEPER:
		return tb_peer_loop(w, err);
	case WL_BYSTANDER:
		return tb_bystander_loop(w, err);
	}
	return tb_fail(err, -EINVAL, "a role without a kind");
}

/* The bystander's process is not the workload's. */
static int run(struct tb_worker *w, struct tb_err *err)
{
	const struct wl_ops *ops = w->cs->ops;
	bool is_ours = w->role.kind != WL_BYSTANDER;
	int ret = prepare(w, err);

	if (!ret && is_ours)
		ret = tb_worker_call(w, TB_STEP_THREAD_INIT, ops->thread_init,
				     err);
	if (ret)
		return ret;
	ret = loop(w, err);
	tb_worker_step(w, TB_STEP_THREAD_EXIT);
	if (is_ours && ops->thread_exit)
		ops->thread_exit(&w->wl);
	return ret;
}

void *tb_thread_main(void *arg)
{
	/* On the stack, because the loops touch that page anyway. */
	struct tb_worker here = *(const struct tb_worker *)arg, *w = &here;
	struct tb_err err = { 0 };
	int ret = run(w, &err);

	if (ret && ret != -ECANCELED)
		tb_phase_fail(w->arena, &err);
	if (w->role.kind == WL_INITIATOR)
		tb_peers_leave(w);
	tb_worker_step(w, TB_STEP_END);
	return NULL;
}
