/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records the events of shootdowns on the CPUs of a case, for the matcher.
 *
 * Three tracepoints, filtered in the kernel to what matters: tlb:tlb_flush
 * with the reason of a send, csd:csd_queue_cpu and csd:csd_function_exit of
 * flush_tlb_func(). Threads under SCHED_FIFO leave no CPU to a reader, so rings
 * are sized beforehand, and read when all is over. What runs on these CPUs
 * besides the case is recorded too.
 */
#ifndef TB_TRACER_H
#define TB_TRACER_H

#include "base/err.h"
#include "machine/shootdown.h"

struct tb_tracer;

/* Room for a sentence that says why shootdowns cannot be traced. */
#define TB_TRACER_REASON_BYTES 128

/**
 * tb_tracer_room() - events that each CPU's ring has room for
 * @nr_wanted: no more than that are asked for
 * @nr_cpus: that share the memory set aside for rings, at most 64 MiB and at
 *	most a sixteenth of all there is
 */
uint64_t tb_tracer_room(uint64_t nr_wanted, unsigned int nr_cpus);

/**
 * tb_tracer_open() - open the tracepoints, switched off
 * @out: NULL if shootdowns cannot be traced here, and then @reason says why
 * @cpus: in any order, some more than once
 * @nr_events: that each CPU's ring shall hold
 *
 * Return: 0, -ENOMEM.
 */
int tb_tracer_open(struct tb_tracer **out, const int *cpus, unsigned int nr,
		   uint64_t nr_events, char reason[TB_TRACER_REASON_BYTES],
		   struct tb_err *err);

/* The window; may be called in a forked child. */
void tb_tracer_enable(const struct tb_tracer *t);
void tb_tracer_disable(const struct tb_tracer *t);

/**
 * tb_tracer_take() - what was recorded, matched
 * @nr_lost: events that found no room, in a ring or thereafter
 *
 * Once; events leave the rings. Return: 0, or -errno if losses are not known.
 */
int tb_tracer_take(struct tb_tracer *t, struct tb_shootdowns *out,
		   uint64_t *nr_lost);
void tb_tracer_close(struct tb_tracer *t);

#endif
