// SPDX-License-Identifier: GPL-2.0-only
/*
 * The initiator: the hot loop, and the window of the observer around it.
 *
 * All waiting is bounded by the coordinator's watchdog, which ends the phase.
 * Every spin executes pause, without which an emulated CPU burns its whole
 * slice.
 */
#include <errno.h>

#include "engine/region.h"
#include "engine/rendezvous.h"
#include "engine/thread.h"

/* Only this thread writes it: no need for a locked instruction. */
static void note_progress(struct tb_worker *w)
{
	uint32_t done =
		atomic_load_explicit(&w->slot->progress, memory_order_relaxed);

	atomic_store_explicit(&w->slot->progress, done + 1,
			      memory_order_relaxed);
}

/* One op with all that belongs to it. */
static int run_op(struct tb_worker *w, struct tb_peers *p, bool is_first,
		  bool meets, struct tb_err *err)
{
	int ret;

	note_progress(w);
	ret = tb_worker_call(w, TB_STEP_REARM, w->role.rearm, err);
	if (!ret && is_first)
		ret = tb_region_check(w->cs, w->wl.ctx, err);
	if (!ret && meets) {
		tb_worker_step(w, TB_STEP_RENDEZVOUS);
		ret = tb_rendezvous(w, p, err);
	}
	if (!ret)
		ret = tb_worker_op(w, err);
	return ret ? ret : tb_worker_call(w, TB_STEP_CHECK, w->role.check, err);
}

/* Wait for the initiator that moves the window, but not beyond the end. */
static void await_window(struct tb_worker *w, enum tb_window window)
{
	while (atomic_load(&w->arena->window) < window &&
	       tb_phase_now(w->arena) != TB_PHASE_DRAIN)
		tb_worker_relax(w);
}

/*
 * The last initiator that comes switches the observer on, so that no switch to
 * another one is in the window, and all ops come after. Where CPUs are shared
 * the first does: waiting would only take time from others.
 */
static void open_window(struct tb_worker *w)
{
	uint32_t nr = atomic_fetch_add(&w->arena->nr_opened, 1) + 1;

	if (nr != (w->cs->share_cpus ? 1 : tb_case_nr_initiators(w->cs))) {
		await_window(w, TB_WINDOW_OPEN);
		return;
	}
	tb_observer_enable(&w->observer);
	w->arena->opened_ticks = tb_ticks_begin(&w->clock);
	atomic_store(&w->arena->window, TB_WINDOW_OPEN);
}

/*
 * The last one switches it off. In every pass all stay awake until then, so
 * that its last ops meet the CPUs that its first ones met. Where CPUs are
 * shared somebody always sleeps.
 */
static void close_window(struct tb_worker *w)
{
	uint32_t nr = atomic_fetch_add(&w->arena->nr_closed, 1) + 1;

	if (nr < tb_case_nr_initiators(w->cs)) {
		if (!w->cs->share_cpus)
			await_window(w, TB_WINDOW_DONE);
		return;
	}
	w->arena->closed_ticks = tb_ticks_begin(&w->clock);
	tb_observer_disable(&w->observer);
	atomic_store(&w->arena->window, TB_WINDOW_DONE);
}

static bool meets_before(const struct tb_peers *p, uint64_t op)
{
	if (!p->meets)
		return false;
	return p->every ? op % p->every == 0 : op == 0;
}

static uint64_t ops_of(const struct tb_case *cs, enum tb_phase phase)
{
	switch (phase) {
	case TB_PHASE_WARMUP:
		return cs->nr_warmup_ops;
	case TB_PHASE_MEASURE:
		return cs->nr_ops;
	default:
		return 0;
	}
}

static int run_phase(struct tb_worker *w, struct tb_peers *p,
		     enum tb_phase phase, struct tb_err *err)
{
	uint64_t i, nr_ops = ops_of(w->cs, phase);
	int ret = 0;

	if (phase == TB_PHASE_MEASURE)
		open_window(w);
	for (i = 0; i < nr_ops && !ret; i++) {
		if (tb_phase_now(w->arena) != phase)
			return -ECANCELED;
		ret = run_op(w, p, !i, meets_before(p, i), err);
	}
	if (phase == TB_PHASE_MEASURE)
		close_window(w);
	return ret;
}

int tb_initiator_loop(struct tb_worker *w, struct tb_err *err)
{
	enum tb_phase phase;
	struct tb_peers p;
	int ret;

	/*
	 * Nothing is on yet. But faults are counted from before the window is
	 * opened, and what opens it is mapped by this.
	 */
	tb_observer_disable(&w->observer);
	tb_worker_step(w, TB_STEP_EDGE);
	phase = tb_phase_arrive(w->arena, TB_PHASE_INIT);
	ret = tb_peers_init(w, &p, err);
	while (!ret && phase != TB_PHASE_DRAIN) {
		ret = run_phase(w, &p, phase, err);
		if (ret)
			break;
		tb_worker_step(w, TB_STEP_EDGE);
		phase = tb_phase_arrive(w->arena, phase);
	}
	tb_peers_fini(&p);
	return ret;
}
