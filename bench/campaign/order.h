/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In which order a campaign runs.
 *
 *	slots            A B  B A  A B ...: the kernels of a pair are adjacent,
 *	                 and their order turns around from pair to pair
 *	within a slot    repetition 0 of all cases, repetition 1 of all ...,
 *	                 and the order of the cases turns around each time
 *
 * So a linear drift of the machine falls on all kernels alike, and one within
 * a boot on all cases that have the same even number of repetitions. Every
 * slot has the same order within: the kernels of a pair see each case at the
 * same place and after the same predecessor. It is not shuffled, because in
 * exact mode a case must not depend on what a seed put before it.
 */
#ifndef TB_ORDER_H
#define TB_ORDER_H

#include "campaign/plan.h"

/* Fill @plan->slots, once more if the kernels have changed, from its kernels,
 * boots and seed. */
int tb_order_slots(struct tb_plan *plan, struct tb_err *err);

/* Fill @plan->reps from its cases. */
int tb_order_reps(struct tb_plan *plan, struct tb_err *err);

#endif
