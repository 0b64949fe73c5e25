// SPDX-License-Identifier: GPL-2.0-only
/* Responders and sleepers. */
#include <errno.h>

#include "engine/rendezvous.h"
#include "engine/thread.h"

/*
 * Spin or sleep until asked for rendezvous @epoch; false at the end. The end is
 * an epoch as well, or a sleeper could miss it between looking and sleeping.
 */
static bool await_epoch(struct tb_worker *w, uint32_t epoch)
{
	bool is_asleep = tb_peer_waits_asleep(w->cs, &w->role);
	_Atomic uint32_t *word = tb_epoch_word(w->slot, epoch);
	uint32_t now;

	/* Pairs with the release store in publish() of rendezvous.c. */
	while ((now = atomic_load_explicit(word, memory_order_acquire)) !=
	       epoch) {
		if (now == TB_EPOCH_END)
			return false;
		if (is_asleep)
			tb_futex_wait(word, now);
		else
			tb_cpu_relax();
	}
	return true;
}

/* A sleeper is timed from being asked, so its wake-up is in it. */
static int answer_one(struct tb_worker *w, bool was_asleep, struct tb_err *err)
{
	bool is_measured = tb_window_is_open(w->arena);
	uint64_t begin, end;
	int ret;

	begin = tb_ticks_begin(&w->clock);
	ret = w->role.op(&w->wl);
	end = tb_ticks_end(&w->clock);
	if (ret)
		return tb_worker_failed(w, "op", ret, err);
	if (was_asleep)
		begin = w->slot->asked_ticks;
	if (is_measured) {
		w->slot->nr_ops++;
		tb_hist_add(&w->slot->latency, end - begin);
	}
	return 0;
}

static int answer(struct tb_worker *w, struct tb_err *err)
{
	bool was_asleep = w->role.kind == WL_SLEEPER;
	uint32_t epoch;
	int ret;

	tb_worker_step(w, TB_STEP_RENDEZVOUS);
	for (epoch = 1; await_epoch(w, epoch); epoch++) {
		ret = answer_one(w, was_asleep, err);
		if (ret)
			return ret;
		/* Pairs with the acquire load in wait_word() of rendezvous.c.
		 */
		atomic_store_explicit(&w->slot->ack, epoch,
				      memory_order_release);
		if (w->cs->share_cpus)
			tb_futex_wake(&w->slot->ack);
	}
	return 0;
}

/* Without rendezvous: rearm, op, check until the end. */
static int run_free(struct tb_worker *w, struct tb_err *err)
{
	int ret = 0;

	while (!ret && tb_phase_now(w->arena) != TB_PHASE_DRAIN) {
		ret = tb_worker_call(w, TB_STEP_REARM, w->role.rearm, err);
		if (!ret)
			ret = tb_worker_op(w, err);
		if (!ret)
			ret = tb_worker_call(w, TB_STEP_CHECK, w->role.check,
					     err);
		/* An emulated CPU would burn its slice; others may share it. */
		tb_worker_relax(w);
	}
	return ret;
}

int tb_peer_loop(struct tb_worker *w, struct tb_err *err)
{
	enum tb_phase phase;

	tb_worker_step(w, TB_STEP_EDGE);
	phase = tb_phase_arrive(w->arena, TB_PHASE_INIT);
	/* Bystanders are watched alone first. */
	while (phase == TB_PHASE_BASELINE) {
		tb_futex_wait(&w->arena->phase, phase);
		phase = tb_phase_now(w->arena);
	}
	if (tb_case_meet(w->cs) != TB_MEET_NONE || w->role.kind == WL_SLEEPER)
		return answer(w, err);
	return run_free(w, err);
}
