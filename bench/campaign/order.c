// SPDX-License-Identifier: GPL-2.0-only
/* Slots, and repetitions within a slot. */
#include "campaign/order.h"

#include <errno.h>
#include <stdlib.h>

/* The @i-th of @nr in round @round, there and back again. */
static unsigned int turn(unsigned int round, unsigned int i, unsigned int nr)
{
	return round % 2 ? nr - 1 - i : i;
}

int tb_order_slots(struct tb_plan *plan, struct tb_err *err)
{
	unsigned int pair, i, n = 0;

	free(plan->slots);
	plan->nr_slots = plan->boots * plan->nr_kernels;
	plan->slots = calloc(plan->nr_slots + 1, sizeof(*plan->slots));
	if (!plan->slots)
		return tb_fail_errno(err, -ENOMEM, "plan");
	for (pair = 0; pair < plan->boots; pair++)
		for (i = 0; i < plan->nr_kernels; i++, n++)
			plan->slots[n] = (struct tb_slot_plan){
				.slot = n,
				.pair = pair,
				.kernel = turn(pair, i, plan->nr_kernels),
				.seed = plan->seed + pair,
			};
	return 0;
}

int tb_order_reps(struct tb_plan *plan, struct tb_err *err)
{
	unsigned int i, repetition, n = 0, most = 0;

	plan->nr_reps = 0;
	for (i = 0; i < plan->nr_cases; i++) {
		plan->nr_reps += plan->cases[i].repetitions;
		if (plan->cases[i].repetitions > most)
			most = plan->cases[i].repetitions;
	}
	plan->reps = calloc(plan->nr_reps + 1, sizeof(*plan->reps));
	if (!plan->reps)
		return tb_fail_errno(err, -ENOMEM, "plan");
	for (repetition = 0; repetition < most; repetition++)
		for (i = 0; i < plan->nr_cases; i++) {
			unsigned int cs = turn(repetition, i, plan->nr_cases);

			if (repetition < plan->cases[cs].repetitions)
				plan->reps[n++] = (struct tb_rep_plan){
					.cs = cs,
					.repetition = repetition,
				};
		}
	return 0;
}
