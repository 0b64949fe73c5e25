// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hot loop.
 *
 * Only op() stands between the two tick reads. All waiting is bounded: each
 * spin looks at the clock now and then, and names who did not answer. Every
 * spin executes pause, without which an emulated CPU burns its whole slice.
 */
#include "engine/thread.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/rendezvous.h"
#include "machine/place.h"

#define FIFO_PRIORITY 5

static const struct wl_role *role_of(const struct tb_worker *w)
{
	return &w->cs->ops->roles[w->wl.role];
}

static void set_step(struct tb_worker *w, enum tb_step step)
{
	atomic_store_explicit(&w->slot->step, step, memory_order_relaxed);
}

/* Only this thread writes it: no need for a locked instruction. */
static void note_progress(struct tb_worker *w)
{
	uint32_t done =
		atomic_load_explicit(&w->slot->progress, memory_order_relaxed);

	atomic_store_explicit(&w->slot->progress, done + 1,
			      memory_order_relaxed);
}

/* A callback of the workload failed: say which, where and in what phase. */
static int callback_failed(struct tb_worker *w, const char *what, int code,
			   struct tb_err *err)
{
	return tb_fail_errno(err, code, "%s: %s of %s %u failed in phase %s",
			     w->cs->ops->name, what, role_of(w)->name,
			     w->wl.idx, tb_phase_name(tb_phase_now(w->arena)));
}

bool tb_thread_fifo_allowed(void)
{
	struct sched_param fifo = { .sched_priority = FIFO_PRIORITY };
	struct sched_param other = { 0 };

	if (sched_setscheduler(0, SCHED_FIFO, &fifo))
		return false;
	sched_setscheduler(0, SCHED_OTHER, &other);
	return true;
}

/* --- initiator ----------------------------------------------------------- */

static bool meets_before(uint64_t op, uint64_t every)
{
	return every ? op % every == 0 : op == 0;
}

/* One op with all that belongs to it; adds its time if @phase is measured. */
static int run_op(struct tb_worker *w, struct tb_peers *p, enum tb_phase phase,
		  bool meets, struct tb_err *err)
{
	const struct wl_role *role = role_of(w);
	uint64_t begin, end;
	int ret;

	note_progress(w);
	set_step(w, TB_STEP_REARM);
	ret = role->rearm ? role->rearm(&w->wl) : 0;
	if (ret)
		return callback_failed(w, "rearm", ret, err);
	if (meets) {
		set_step(w, TB_STEP_RENDEZVOUS);
		ret = tb_rendezvous(w, p, err);
		if (ret)
			return ret;
	}
	set_step(w, TB_STEP_OP);
	begin = tb_ticks_begin(w->clock);
	ret = role->op(&w->wl);
	end = tb_ticks_end(w->clock);
	if (ret)
		return callback_failed(w, "op", ret, err);
	if (tb_phase_now(w->arena) != phase) {
		w->slot->nr_dropped++;
	} else if (phase == TB_PHASE_MEASURE) {
		w->slot->nr_ops++;
		tb_hist_add(&w->slot->latency, end - begin);
	}
	set_step(w, TB_STEP_CHECK);
	ret = role->check ? role->check(&w->wl) : 0;
	if (ret)
		return callback_failed(w, "check", ret, err);
	return 0;
}

/* Wait for the initiator that moves the window, but not beyond the end. */
static void await_window(struct tb_worker *w, enum tb_window window)
{
	while (atomic_load(&w->arena->window) < window &&
	       tb_phase_now(w->arena) != TB_PHASE_DRAIN)
		tb_cpu_relax();
}

/* The first initiator switches the counters on, and all ops come after. */
static void open_window(struct tb_worker *w)
{
	if (!w->counters)
		return;
	if (atomic_fetch_add(&w->arena->nr_opened, 1)) {
		await_window(w, TB_WINDOW_OPEN);
		return;
	}
	tb_counters_enable(w->counters);
	atomic_store(&w->arena->window, TB_WINDOW_OPEN);
}

/* The last one switches them off, before anybody goes to sleep. */
static void close_window(struct tb_worker *w)
{
	if (!w->counters)
		return;
	if (atomic_fetch_add(&w->arena->nr_closed, 1) + 1 < w->cs->instances) {
		await_window(w, TB_WINDOW_DONE);
		return;
	}
	tb_counters_disable(w->counters);
	atomic_store(&w->arena->window, TB_WINDOW_DONE);
}

static int run_phase(struct tb_worker *w, struct tb_peers *p,
		     enum tb_phase phase, uint64_t nr_ops, struct tb_err *err)
{
	uint64_t every = tb_case_rendezvous_every(w->cs);
	uint64_t i;
	int ret = 0;

	if (phase == TB_PHASE_MEASURE)
		open_window(w);
	for (i = 0; i < nr_ops && !ret; i++) {
		if (tb_phase_now(w->arena) != phase)
			return -ECANCELED;
		ret = run_op(w, p, phase, meets_before(i, every), err);
	}
	if (phase == TB_PHASE_MEASURE)
		close_window(w);
	return ret;
}

static int run_initiator(struct tb_worker *w, struct tb_err *err)
{
	struct tb_peers p;
	enum tb_phase phase;
	int ret;

	set_step(w, TB_STEP_EDGE);
	phase = tb_phase_arrive(w->arena, TB_PHASE_INIT);
	ret = tb_peers_init(w, &p, err);
	while (!ret && phase != TB_PHASE_DRAIN) {
		ret = run_phase(w, &p, phase,
				phase == TB_PHASE_WARMUP ? w->cs->nr_warmup_ops
							 : w->cs->nr_ops,
				err);
		if (ret)
			break;
		set_step(w, TB_STEP_EDGE);
		phase = tb_phase_arrive(w->arena, phase);
	}
	tb_peers_fini(&p);
	return ret;
}

/* --- responders and sleepers --------------------------------------------- */

/*
 * Spin or sleep until asked for a rendezvous newer than @done; false at the
 * end. The end is an epoch as well, or a sleeper could miss it between looking
 * and sleeping.
 */
static bool await_epoch(struct tb_worker *w, uint32_t done, bool asleep,
			uint32_t *epoch)
{
	for (;;) {
		/* Pairs with the release store in publish() of rendezvous.c. */
		*epoch = atomic_load_explicit(&w->slot->epoch,
					      memory_order_acquire);
		if (*epoch != done)
			return *epoch != TB_EPOCH_END;
		if (asleep)
			tb_futex_wait(&w->slot->epoch, done);
		else
			tb_cpu_relax();
	}
}

static int answer(struct tb_worker *w, bool asleep, struct tb_err *err)
{
	uint32_t done = 0, epoch;
	int ret;

	set_step(w, TB_STEP_EDGE);
	tb_phase_arrive(w->arena, TB_PHASE_INIT);
	set_step(w, TB_STEP_RENDEZVOUS);
	while (await_epoch(w, done, asleep, &epoch)) {
		ret = role_of(w)->op(&w->wl);
		if (ret)
			return callback_failed(w, "op", ret, err);
		done = epoch;
		/* Pairs with the acquire load in wait_ack() of rendezvous.c. */
		atomic_store_explicit(&w->slot->ack, done,
				      memory_order_release);
	}
	return 0;
}

/* --- start and end ------------------------------------------------------- */

static int prepare(struct tb_worker *w, struct tb_err *err)
{
	struct sched_param fifo = { .sched_priority = FIFO_PRIORITY };
	int ret;

	ret = tb_place_pin(w->wl.cpu);
	if (ret)
		return tb_fail_errno(err, ret, "cannot pin %s %u to CPU %d",
				     role_of(w)->name, w->wl.idx, w->wl.cpu);
	if (w->use_fifo && sched_setscheduler(0, SCHED_FIFO, &fifo))
		return tb_fail_errno(err, -errno, "cannot set SCHED_FIFO");
	w->slot->tid = (pid_t)syscall(SYS_gettid);
	/* First touch here: these pages belong to this thread's node. */
	if (role_of(w)->kind == WL_INITIATOR)
		tb_hist_init(&w->slot->latency);
	return 0;
}

static int run(struct tb_worker *w, struct tb_err *err)
{
	const struct wl_ops *ops = w->cs->ops;
	int ret = prepare(w, err);

	if (ret)
		return ret;
	set_step(w, TB_STEP_THREAD_INIT);
	ret = ops->thread_init ? ops->thread_init(&w->wl) : 0;
	if (ret)
		return callback_failed(w, "thread_init", ret, err);
	switch (role_of(w)->kind) {
	case WL_INITIATOR:
		ret = run_initiator(w, err);
		break;
	case WL_RESPONDER:
		ret = answer(w, false, err);
		break;
	case WL_SLEEPER:
		ret = answer(w, true, err);
		break;
	}
	set_step(w, TB_STEP_THREAD_EXIT);
	if (ops->thread_exit)
		ops->thread_exit(&w->wl);
	return ret;
}

void *tb_thread_main(void *arg)
{
	struct tb_worker *w = arg;
	struct tb_err err = { 0 };
	int ret = run(w, &err);

	if (ret && ret != -ECANCELED)
		tb_phase_fail(w->arena, &err);
	if (role_of(w)->kind == WL_INITIATOR)
		tb_peers_dismiss(w);
	set_step(w, TB_STEP_END);
	return NULL;
}
