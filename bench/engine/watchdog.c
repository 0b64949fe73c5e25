// SPDX-License-Identifier: GPL-2.0-only
/* Progress, and the lack of it. */
#include "engine/watchdog.h"

#include <errno.h>

#include "machine/stack.h"

uint64_t tb_watchdog_progress(struct tb_arena *a)
{
	uint64_t sum = atomic_load(&a->arrived);
	unsigned int i;

	for (i = 0; i < a->nr_slots; i++)
		sum += atomic_load(&tb_arena_slot(a, i)->progress);
	return sum;
}

static enum tb_step step_of(const struct tb_slot *s)
{
	return (enum tb_step)atomic_load(&s->step);
}

/* At INIT and at the end all are awaited, in between the initiators. */
static bool is_awaited(struct tb_arena *a, const struct tb_case *cs,
		       const struct tb_slot *s)
{
	enum tb_phase phase = tb_phase_now(a);

	if (step_of(s) == TB_STEP_END)
		return false;
	if (phase == TB_PHASE_DRAIN)
		return true;
	if (step_of(s) == TB_STEP_EDGE)
		return false;
	return phase == TB_PHASE_INIT ||
	       tb_case_role(cs, s->role)->kind == WL_INITIATOR;
}

/* Who waits for others is less to blame than who does something. */
static const struct tb_slot *find_stuck(struct tb_arena *a,
					const struct tb_case *cs)
{
	const struct tb_slot *waiting = NULL;
	unsigned int i;

	for (i = 0; i < a->nr_slots; i++) {
		const struct tb_slot *s = tb_arena_slot(a, i);

		if (!is_awaited(a, cs, s))
			continue;
		if (step_of(s) != TB_STEP_RENDEZVOUS)
			return s;
		waiting = waiting ? waiting : s;
	}
	return waiting;
}

int tb_watchdog_report(struct tb_arena *a, const struct tb_case *cs,
		       const pid_t *pids, struct tb_err *err)
{
	const struct tb_slot *s = find_stuck(a, cs);
	char stack[TB_STACK_BYTES];
	unsigned int i = 0;

	if (s) {
		/* Without a thread id, its process has not come to threads. */
		tb_stack_read(s->tid ? s->tid : pids[s->instance], stack);
		return tb_fail(err, -ETIMEDOUT,
			       "%s %u of instance %u on CPU %d is stuck in %s, "
			       "phase %s, after %u s%s",
			       tb_case_role(cs, s->role)->name, s->idx,
			       s->instance, s->cpu, tb_step_name(step_of(s)),
			       tb_phase_name(tb_phase_now(a)), cs->timeout_s,
			       stack);
	}
	while (i < cs->instances && !pids[i])
		i++;
	tb_stack_read(pids[i], stack);
	return tb_fail(err, -ETIMEDOUT, "instance %u did not end within %u s%s",
		       i, cs->timeout_s, stack);
}
