// SPDX-License-Identifier: GPL-2.0-only
/*
 * Matching by sorting twice. By csd, a queue and the end that answers it are
 * neighbours; by CPU, a send and its queues are.
 */
#include "machine/shootdown.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* --- the log ------------------------------------------------------------- */

int tb_shootdown_log_init(struct tb_shootdown_log *log, size_t capacity)
{
	*log = (struct tb_shootdown_log){
		.events = calloc(capacity, sizeof(*log->events)),
		.capacity = capacity,
	};
	return log->events ? 0 : -ENOMEM;
}

void tb_shootdown_log_add(struct tb_shootdown_log *log,
			  const struct tb_shootdown_event *event)
{
	if (log->nr < log->capacity)
		log->events[log->nr++] = *event;
	else
		log->nr_not_kept++;
}

void tb_shootdown_log_fini(struct tb_shootdown_log *log)
{
	free(log->events);
}

/* --- who answered whom --------------------------------------------------- */

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_times(const struct tb_shootdown_event *a,
			 const struct tb_shootdown_event *b)
{
	int order = compare(a->time_ns, b->time_ns);

	return order ? order : (int)a->kind - (int)b->kind;
}

static int by_csd(const void *left, const void *right)
{
	const struct tb_shootdown_event *a = left, *b = right;
	int order = compare(a->csd, b->csd);

	return order ? order : compare_times(a, b);
}

static int by_cpu(const void *left, const void *right)
{
	const struct tb_shootdown_event *a = left, *b = right;
	int order = compare(a->cpu, b->cpu);

	return order ? order : compare_times(a, b);
}

/* Give each queue its end; an end that nobody waits for is an orphan. */
static void pair_queues(struct tb_shootdown_log *log, struct tb_shootdowns *out)
{
	struct tb_shootdown_event *waiting = NULL, *queued = NULL, *e;

	qsort(log->events, log->nr, sizeof(*e), by_csd);
	for (e = log->events; e < log->events + log->nr; e++) {
		if (!e->csd)
			continue;
		if (queued && queued->csd != e->csd)
			waiting = queued = NULL;
		if (e->kind == TB_SHOOTDOWN_QUEUE) {
			e->done_ns = 0;
			e->queued_before_ns = queued ? queued->time_ns : 0;
			waiting = queued = e;
		} else if (waiting) {
			waiting->done_ns = e->time_ns;
			waiting->done_cpu = e->cpu;
			waiting = NULL;
		} else {
			out->nr_orphans++;
		}
	}
}

/* --- whose queue it was -------------------------------------------------- */

/* What a sender did from a send on. */
struct span {
	const struct tb_shootdown_event *send;
	uint64_t nr_queued;
	uint64_t nr_done;
	uint64_t first_queue_ns;
	uint64_t last_done_ns;
};

static void add_to_map(struct tb_shootdowns *out, uint32_t from, uint32_t to)
{
	if (from < TB_SHOOTDOWN_MAP_CPUS && to < TB_SHOOTDOWN_MAP_CPUS)
		out->nr_from_to[from][to]++;
	else
		out->nr_not_mapped++;
}

/* An event whose send is lost, and its end if it was seen. */
static void add_orphan(struct tb_shootdowns *out,
		       const struct tb_shootdown_event *e)
{
	out->nr_orphans += e->kind == TB_SHOOTDOWN_QUEUE && e->done_ns ? 2 : 1;
}

/*
 * Two queues of one csd are two shootdowns: a send between them is lost. And
 * an end after the sender's next send belongs to a queue that is lost.
 */
static void add_queue(struct span *s, const struct tb_shootdown_event *e,
		      uint64_t next_send_ns, struct tb_shootdowns *out)
{
	if (e->queued_before_ns >= s->send->time_ns) {
		add_orphan(out, e);
		return;
	}
	if (!s->nr_queued++)
		s->first_queue_ns = e->time_ns;
	if (!e->done_ns)
		return;
	if (e->done_ns > next_send_ns) {
		out->nr_orphans++;
		return;
	}
	s->nr_done++;
	add_to_map(out, e->cpu, e->done_cpu);
	if (e->done_ns > s->last_done_ns)
		s->last_done_ns = e->done_ns;
}

static void add_shootdown(const struct span *s, struct tb_shootdowns *out)
{
	uint64_t begin_ns = s->send->time_ns;

	out->nr++;
	out->nr_done += s->nr_done;
	tb_hist_add(&out->responders, s->nr_queued);
	if (s->send->pages == TB_SHOOTDOWN_FULL)
		out->nr_full++;
	else
		tb_hist_add(&out->pages, s->send->pages);
	if (!s->nr_queued) {
		out->nr_without_responder++;
		return;
	}
	tb_hist_add(&out->first_queue, s->first_queue_ns - begin_ns);
	if (s->nr_done < s->nr_queued) {
		out->nr_incomplete++;
		return;
	}
	out->nr_complete++;
	tb_hist_add(&out->latency, s->last_done_ns - begin_ns);
}

/* Ends of responders were paired; where they happened does not matter. */
static bool is_of_sender(const struct tb_shootdown_event *e)
{
	return e->kind != TB_SHOOTDOWN_DONE || !e->csd;
}

/* From a send to the next one on its CPU, which is where it returns. */
static const struct tb_shootdown_event *
match_one(const struct tb_shootdown_event *send,
	  const struct tb_shootdown_event *end, struct tb_shootdowns *out)
{
	const struct tb_shootdown_event *e, *next = send + 1;
	struct span s = { .send = send };
	uint64_t next_send_ns;

	while (next < end && next->cpu == send->cpu &&
	       next->kind != TB_SHOOTDOWN_SEND)
		next++;
	next_send_ns = next < end && next->cpu == send->cpu ? next->time_ns
							    : UINT64_MAX;
	for (e = send + 1; e < next; e++) {
		if (e->kind == TB_SHOOTDOWN_QUEUE)
			add_queue(&s, e, next_send_ns, out);
		else if (is_of_sender(e))
			out->nr_own_parts++;
	}
	add_shootdown(&s, out);
	return next;
}

void tb_shootdown_match(struct tb_shootdown_log *log, struct tb_shootdowns *out)
{
	const struct tb_shootdown_event *e = log->events;
	const struct tb_shootdown_event *end = e + log->nr;

	memset(out, 0, sizeof(*out));
	pair_queues(log, out);
	qsort(log->events, log->nr, sizeof(*e), by_cpu);
	while (e < end) {
		if (e->kind == TB_SHOOTDOWN_SEND) {
			e = match_one(e, end, out);
			continue;
		}
		if (is_of_sender(e))
			add_orphan(out, e);
		e++;
	}
}
