/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of flushes, interrupts and faults, each with a status.
 *
 * The outer window is /proc, read at both ends; it needs no privilege. CPUs
 * of the case are those of initiators and targets:
 *
 *	irq_tlb            TLB row of /proc/interrupts on the CPUs of the
 *	                   targets: remote executions of flush_tlb_func(). By
 *	                   CPU: on all CPUs of the case. Not raised by
 *	                   flush_tlb_all() and flush_tlb_kernel_range()
 *	irq_tlb_elsewhere  the same where nobody of the case is flushed, that is
 *	                   outside it and on initiators' CPUs: foreign flushes
 *	irq_cal, irq_res   CAL row, RES row; by CPU. CAL includes TLB, and on
 *	                   each CPU but the one that switches the inner
 *	                   window two for each set of events: one switches it
 *	                   on, one off. The kernel's own events are one set,
 *	                   each event of the PMU is another
 *	irq_tlb_bystander, irq_cal_bystander
 *	                   on CPUs that only bystanders use: what an unrelated
 *	                   process suffers
 *	steal_ms           taken by the hypervisor; by CPU, in whole ticks
 *	nr_tlb_*           /proc/vmstat, needs CONFIG_DEBUG_TLBFLUSH.
 *	                   nr_tlb_remote_flush counts calls, also those that
 *	                   reach nobody; ..._received counts flush_tlb_all()
 *	                   on the calling CPU as well
 *	minor_faults_*, major_faults_*
 *	                   of initiators, and of the others of the case
 *	switches_*         context switches of the same threads: voluntary
 *	                   (slept) and involuntary (preempted)
 *
 *	...                fields of /proc/vmstat and memory.stat that the
 *	                   workload names
 *
 *	strategy.<name>    what the kernel's flush strategy counts, on all CPUs
 *	                   and for whomever; see strategywindow.h
 *
 * The inner window is events, counted on the CPUs of the case. Between its
 * ends lies nothing but ops with their rearm, rendezvous and check:
 *
 *	tlb_flush.<reason> tlb:tlb_flush by reason, reasons as the format file
 *	                   names them, but for CPUs that were up to date and
 *	                   did not flush (pages == 0)
 *	tlb_flush_full, tlb_flush_ranged
 *	                   all reasons but "remote ipi send" and "remote wrong
 *	                   cpu": flushes executed, of everything or of a range
 *	tlb_flush_pages    sum of pages of the ranged ones, local and remote
 *	                   (of the stride where that is larger); exact, or
 *	                   absent if one had more than 255
 *	csd_flush          csd:csd_queue_cpu of flush_tlb_func: one request per
 *	                   target CPU, what shootdowns ask for; the interrupt is
 *	                   left out where one is on its way already
 *	csd_flush_received csd:csd_function_entry of it, receivers only
 *	csd_flush_all, csd_flush_kernel
 *	                   the same requests of flush_tlb_all() and of
 *	                   flush_tlb_kernel_range(), which raise neither TLB nor
 *	                   tlb:tlb_flush: sent by CPUs of the case, to any CPU
 *	csd_flush_all_received, csd_flush_kernel_received
 *	                   those that CPUs of the case ran, from any CPU: also
 *	                   what somebody else's vfree() costs them
 *	csd_queued         requests of any function
 *	ipi_send_cpu       IPIs to one CPU
 *	ipi_send_cpumask_calls
 *	                   sends to several CPUs at once: no number of IPIs
 *	vector_*           call function and reschedule interrupts taken. On
 *	                   each CPU but the one that switches the window, the
 *	                   one that ends it is among them
 *
 *	idle_entries       sched:sched_switch to and from the idle task, by CPU;
 *	idle_exits         where exits are missing, so are flushes at switch-in
 *	idle_wakeups       power:cpu_idle, exits, by CPU: it left its idle state
 *	                   for whatever interrupt, also if it stays in the idle
 *	                   task, as after a flush
 *
 *	page_faults, user_faults.<kind>, kernel_faults
 *	                   all; of user code by x86's error code; of the kernel
 *
 *	context_switches, cpu_migrations
 *
 *	hyperv_flush_calls, xen_flush_calls
 *	                   only where the kernel has the tracepoint
 *	cycles, instructions, dtlb_load_misses, itlb_load_misses
 *	                   only where there is a PMU
 *
 * A value that cannot be seen is absent, with the reason; never 0. That holds
 * too where a mechanism without interrupts flushes (mech.h). Facts of 6.12 in
 * arch/x86/mm/tlb.c.
 */
#ifndef TB_COUNTERS_H
#define TB_COUNTERS_H

#include <stdint.h>

#include "base/err.h"
#include "machine/counter.h"
#include "machine/fieldwindow.h"
#include "machine/procwindow.h"
#include "machine/taskwindow.h"

struct tb_counters;
struct tb_mech;

/**
 * tb_counters_open() - open everything that can be opened here
 * @uses: of each thread's CPU, in any order, CPUs as often as they come; of
 *	several uses of a CPU the first of enum tb_use counts. Without any
 *	target the CPUs of the initiators count as one
 * @with_events: the inner window too, which slows down what is counted
 *
 * What cannot be opened is absent, not an error; -ENOMEM is one.
 */
int tb_counters_open(struct tb_counters **out, const struct tb_cpu_use *uses,
		     unsigned int nr_uses, bool with_events,
		     struct tb_err *err);

/**
 * tb_counters_add_fields() - have fields of the kernel's own read too
 * @memcg: directory of the memory cgroup of the case, or NULL
 *
 * Before the window starts. Return: see tb_field_window_add().
 */
int tb_counters_add_fields(struct tb_counters *c, const struct tb_field *fields,
			   unsigned int nr_fields, const char *memcg,
			   struct tb_err *err);

/**
 * tb_counters_start(), tb_counters_stop() - the outer window, of /proc
 * @threads: those of the case, until it stops
 *
 * Called by the process that opened them. Stop computes all values.
 */
int tb_counters_start(struct tb_counters *c,
		      const struct tb_thread_use *threads,
		      unsigned int nr_threads, struct tb_err *err);
int tb_counters_stop(struct tb_counters *c, struct tb_err *err);

/**
 * tb_counters_enable(), tb_counters_disable() - the inner window, of events
 *
 * May be called in a forked child. Between the two lies nothing but ops, no
 * switch to another process, so that events per op are exact.
 */
void tb_counters_enable(struct tb_counters *c);
void tb_counters_disable(struct tb_counters *c);

/* Make absent what cannot be believed on a kernel that flushes by @mech. */
void tb_counters_hide(struct tb_counter_list *list, const struct tb_mech *mech);

/* Move the values, after tb_counters_stop(), to @list, which is empty. */
void tb_counters_take(struct tb_counters *c, struct tb_counter_list *list);
void tb_counters_close(struct tb_counters *c);

#endif
