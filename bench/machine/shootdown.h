/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From traced events to shootdowns and how long the kernel took for each.
 *
 * On the sender's CPU tlb:tlb_flush with reason "remote ipi send" begins a
 * shootdown. One csd:csd_queue_cpu of flush_tlb_func() follows for each CPU
 * that is asked to flush; lazy CPUs are not asked. The responder's end is
 * csd:csd_function_exit with the same csd, a structure that belongs to one
 * pair of CPUs and is locked until then, so who answered whom is never a
 * guess. The sender does its own part as well, which has no csd. It returns
 * when all are done, so it never has two shootdowns under way.
 *
 * Pure: events in, histograms out. Events may come CPU after CPU; only their
 * times are compared, which must be of one clock for all CPUs.
 */
#ifndef TB_SHOOTDOWN_H
#define TB_SHOOTDOWN_H

#include <stddef.h>
#include <stdint.h>

#include "base/hist.h"

/* In causal order, which decides between equal times. */
enum tb_shootdown_kind {
	TB_SHOOTDOWN_SEND,
	TB_SHOOTDOWN_QUEUE,
	TB_SHOOTDOWN_DONE,
};

/* CPUs from 0 on of which is told who interrupted whom. */
#define TB_SHOOTDOWN_MAP_CPUS 64

/* Pages of a flush of all there is, TLB_FLUSH_ALL in the kernel. */
#define TB_SHOOTDOWN_FULL UINT64_MAX

/**
 * struct tb_shootdown_event - one traced event
 * @cpu: where it happened
 * @pages: of a send
 * @csd: of the others; 0 when the sender is done with its own part
 * @done_ns, @queued_before_ns: the matcher's, of a queue: when the responder
 *	was done, and when the same csd was queued before; 0 if not seen
 * @done_cpu: where the responder was done
 */
struct tb_shootdown_event {
	enum tb_shootdown_kind kind;
	uint32_t cpu;
	uint64_t time_ns;
	uint64_t pages;
	uint64_t csd;
	uint64_t done_ns;
	uint64_t queued_before_ns;
	uint32_t done_cpu;
};

/**
 * struct tb_shootdown_log - events, in memory that is there before they are
 * @nr_not_kept: events that came when it was full
 */
struct tb_shootdown_log {
	struct tb_shootdown_event *events;
	size_t nr;
	size_t capacity;
	uint64_t nr_not_kept;
};

/* Room for @capacity events; 0 or -ENOMEM. */
int tb_shootdown_log_init(struct tb_shootdown_log *log, size_t capacity);
void tb_shootdown_log_add(struct tb_shootdown_log *log,
			  const struct tb_shootdown_event *event);
void tb_shootdown_log_fini(struct tb_shootdown_log *log);

/**
 * struct tb_shootdowns - all shootdowns of a log
 * @nr: sends; the sum of the next three
 * @nr_complete: all that were asked were seen to be done
 * @nr_incomplete: some were not
 * @nr_without_responder: nobody was asked: all other CPUs were lazy
 * @nr_full: of @nr, flushes of all there is; the others are of a range
 * @nr_own_parts: ends of the part that a sender does itself
 * @nr_done: responders seen to be done
 * @nr_from_to: of @nr_done, by CPU of sender and of responder
 * @nr_not_mapped: those that have a CPU beyond
 * @nr_orphans: events of shootdowns whose begin was not seen
 * @latency: of complete ones, send to last responder done, in ns
 * @first_queue: of all with responders, send to first csd queued, in ns
 * @responders: asked by each send
 * @pages: of each send of a range
 *
 * Every event of the log is in exactly one of @nr, @responders.sum, @nr_done,
 * @nr_own_parts and @nr_orphans.
 */
struct tb_shootdowns {
	uint64_t nr;
	uint64_t nr_complete;
	uint64_t nr_incomplete;
	uint64_t nr_without_responder;
	uint64_t nr_full;
	uint64_t nr_own_parts;
	uint64_t nr_done;
	uint32_t nr_from_to[TB_SHOOTDOWN_MAP_CPUS][TB_SHOOTDOWN_MAP_CPUS];
	uint64_t nr_not_mapped;
	uint64_t nr_orphans;
	struct tb_hist latency;
	struct tb_hist first_queue;
	struct tb_hist responders;
	struct tb_hist pages;
};

/* Match all events of @log, which is sorted anew; @out is overwritten. */
void tb_shootdown_match(struct tb_shootdown_log *log,
			struct tb_shootdowns *out);

#endif
