/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of flushes and interrupts, each with a status.
 *
 * Two sources. The unprivileged one, read at both ends of the window:
 *
 *	irq_tlb            TLB row of /proc/interrupts on the CPUs of the other
 *	                   threads: remote executions of flush_tlb_func()
 *	irq_tlb_elsewhere  the same on CPUs outside the case: foreign flushes
 *	irq_cal, irq_res   CAL row (includes the TLB ones), RES row, case CPUs
 *	nr_tlb_*           /proc/vmstat, needs CONFIG_DEBUG_TLBFLUSH
 *
 * and tracepoints through libperf, counted on the CPUs of the case:
 *
 *	tlb_flush.<reason> tlb:tlb_flush by reason, reasons as the format file
 *	                   names them; "flush on task switch" without the
 *	                   switches that did not flush (pages == 0)
 *	csd_flush          csd:csd_queue_cpu of flush_tlb_func: one request per
 *	                   target CPU, the IPIs sent by shootdowns
 *	idle_entries       sched:sched_switch to and from the idle task; where
 *	idle_exits         exits are missing, so are flushes at switch-in
 *
 * A value that cannot be seen is absent, with the reason; never 0. Traps:
 * facts of 6.12 in arch/x86/mm/tlb.c; flush_tlb_all() raises neither TLB nor
 * tlb:tlb_flush.
 */
#ifndef TB_COUNTERS_H
#define TB_COUNTERS_H

#include <stdint.h>

#include "base/err.h"
#include "machine/counter.h"
#include "machine/procwindow.h"

struct tb_counters;

/**
 * tb_counters_open() - open everything that can be opened here
 * @cpus: the CPUs of the case; without any target all of them count as one
 * @with_trace: tracepoints too, which slows down what is counted
 *
 * What cannot be opened is absent, not an error; -ENOMEM is one.
 */
int tb_counters_open(struct tb_counters **out, const struct tb_cpu_use *cpus,
		     unsigned int nr_cpus, bool with_trace, struct tb_err *err);

/**
 * tb_counters_start(), tb_counters_stop() - the outer window, of /proc
 *
 * Called by the process that opened them. Stop computes all values.
 */
int tb_counters_start(struct tb_counters *c, struct tb_err *err);
int tb_counters_stop(struct tb_counters *c, struct tb_err *err);

/**
 * tb_counters_enable(), tb_counters_disable() - the inner window, of events
 *
 * May be called in a forked child. Between the two lies nothing but ops, no
 * switch to another process, so that events per op are exact.
 */
void tb_counters_enable(struct tb_counters *c);
void tb_counters_disable(struct tb_counters *c);

/* Values after tb_counters_stop(), valid until tb_counters_close(). */
const struct tb_counter *tb_counters_values(const struct tb_counters *c,
					    unsigned int *nr);
void tb_counters_close(struct tb_counters *c);

#endif
