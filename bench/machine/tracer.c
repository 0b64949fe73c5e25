// SPDX-License-Identifier: GPL-2.0-only
/* Tracepoints of shootdowns, into rings, out of them and into the log. */
#include "machine/tracer.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "machine/mech.h"
#include "machine/perf.h"
#include "machine/trace.h"

#define NR_SOURCES 3
#define FILTER_BYTES 48
/* Of all rings together. */
#define MAX_RINGS_BYTES (64ULL << 20)
#define MAX_SHARE_OF_MEMORY 16
/* Raw data of csd_queue_cpu: what all have, a CPU, and three pointers. */
#define MAX_RECORD_BYTES record_bytes(40)
/* Raw data of the others: what all have, and two values. */
#define MIN_RECORD_BYTES record_bytes(24)

/* One tracepoint: where its records have its id, and what the matcher wants. */
struct source {
	enum tb_shootdown_kind kind;
	const char *tracepoint;
	const char *field;
	uint64_t id;
	struct tb_trace_field type;
	struct tb_trace_field value;
};

struct tb_tracer {
	struct tb_perf *perf;
	unsigned int nr_cpus;
	/* By number in @perf. */
	struct source sources[NR_SOURCES];
	struct tb_shootdown_log log;
};

/* --- how much room ------------------------------------------------------- */

static uint64_t record_bytes(uint64_t raw_bytes)
{
	return (TB_PERF_RECORD_BYTES + raw_bytes + TB_PERF_RECORD_ALIGN - 1) &
	       -(uint64_t)TB_PERF_RECORD_ALIGN;
}

/* The largest power of two up to @n. */
static uint64_t power_below(uint64_t n)
{
	return n ? 1ULL << (63 - __builtin_clzll(n)) : 0;
}

static uint64_t power_above(uint64_t n)
{
	uint64_t below = power_below(n);

	return below == n ? n : below << 1;
}

static uint64_t ring_limit_bytes(unsigned int nr_cpus)
{
	uint64_t memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) *
				(uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t all_bytes = memory_bytes / MAX_SHARE_OF_MEMORY;

	if (all_bytes > MAX_RINGS_BYTES)
		all_bytes = MAX_RINGS_BYTES;
	return power_below(all_bytes / nr_cpus);
}

static uint64_t ring_bytes_of(uint64_t nr_events)
{
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t bytes = power_above(nr_events * MAX_RECORD_BYTES);

	return bytes < page_bytes ? page_bytes : bytes;
}

uint64_t tb_tracer_room(uint64_t nr_wanted, unsigned int nr_cpus)
{
	uint64_t room = ring_limit_bytes(nr_cpus) / MAX_RECORD_BYTES;

	return nr_wanted < room ? nr_wanted : room;
}

/* --- opening ------------------------------------------------------------- */

static void cannot(char *reason, const char *tracepoint, const char *why)
{
	snprintf(reason, TB_TRACER_REASON_BYTES, "%s: %s", tracepoint, why);
}

/* Number of the reason that a send has; -1 if the kernel has none. */
static int send_reason(void)
{
	struct tb_flush_reason reasons[TB_MAX_FLUSH_REASONS];
	unsigned int i, nr = tb_trace_flush_reasons(reasons);

	for (i = 0; i < nr; i++)
		if (!strcmp(reasons[i].word, TB_TRACE_IPI_SEND))
			return (int)reasons[i].number;
	return -1;
}

/* A filter that leaves only what belongs to shootdowns. */
static bool make_filter(enum tb_shootdown_kind kind, char filter[FILTER_BYTES],
			char *reason)
{
	unsigned long long func;
	int number;

	if (kind == TB_SHOOTDOWN_SEND) {
		number = send_reason();
		snprintf(filter, FILTER_BYTES, "reason==%d", number);
		if (number < 0)
			cannot(reason, "tlb/tlb_flush",
			       "this kernel does not trace sends");
		return number >= 0;
	}
	func = tb_trace_flush_funcs("/proc/kallsyms").of_mm;
	snprintf(filter, FILTER_BYTES, "func==0x%llx", func);
	if (!func)
		cannot(reason, "flush_tlb_func",
		       "address not in /proc/kallsyms (needs root)");
	return func;
}

static bool look_up(struct source *s, char *reason)
{
	if (tb_trace_id(s->tracepoint, &s->id) &&
	    tb_trace_field(s->tracepoint, "common_type", &s->type) &&
	    s->type.size_bytes == sizeof(uint16_t) &&
	    tb_trace_field(s->tracepoint, s->field, &s->value) &&
	    s->value.size_bytes == sizeof(uint64_t))
		return true;
	cannot(reason, s->tracepoint,
	       tb_trace_root() ? "this kernel does not have it"
			       : "needs root and tracefs");
	return false;
}

static bool open_source(struct tb_tracer *t, struct source *s, char *reason)
{
	char filter[FILTER_BYTES];
	struct tb_perf_event event = {
		.type = PERF_TYPE_TRACEPOINT,
		.filter = filter,
		.is_recorded = true,
	};
	int ret;

	if (!look_up(s, reason) || !make_filter(s->kind, filter, reason))
		return false;
	event.config = s->id;
	ret = tb_perf_add(t->perf, &event);
	if (ret < 0)
		cannot(reason, s->tracepoint, tb_perf_reason(ret));
	return ret >= 0;
}

static bool open_sources(struct tb_tracer *t, char *reason)
{
	static const struct source sources[NR_SOURCES] = {
		{
			.kind = TB_SHOOTDOWN_SEND,
			.tracepoint = "tlb/tlb_flush",
			.field = "pages",
		},
		{
			.kind = TB_SHOOTDOWN_QUEUE,
			.tracepoint = "csd/csd_queue_cpu",
			.field = "csd",
		},
		{
			.kind = TB_SHOOTDOWN_DONE,
			.tracepoint = "csd/csd_function_exit",
			.field = "csd",
		},
	};
	unsigned int i;

	memcpy(t->sources, sources, sizeof(sources));
	for (i = 0; i < NR_SOURCES; i++)
		if (!open_source(t, &t->sources[i], reason))
			return false;
	return true;
}

static bool map_rings(struct tb_tracer *t, uint64_t nr_events, char *reason)
{
	uint64_t bytes = ring_bytes_of(nr_events);
	int ret = tb_perf_map(t->perf, bytes);

	if (ret)
		snprintf(reason, TB_TRACER_REASON_BYTES,
			 "no room for trace records, %llu KiB for each CPU: %s",
			 (unsigned long long)bytes >> 10, tb_perf_reason(ret));
	return !ret;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* libperf wants each CPU once, in order. */
static int open_set(struct tb_tracer *t, const int *cpus, unsigned int nr)
{
	int *sorted = malloc(nr * sizeof(*sorted));
	unsigned int i;
	int ret;

	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, cpus, nr * sizeof(*sorted));
	qsort(sorted, nr, sizeof(*sorted), by_number);
	for (i = 0; i < nr; i++)
		if (!i || sorted[i] != sorted[t->nr_cpus - 1])
			sorted[t->nr_cpus++] = sorted[i];
	ret = tb_perf_on_cpus(&t->perf, sorted, t->nr_cpus);
	free(sorted);
	return ret;
}

int tb_tracer_open(struct tb_tracer **out, const int *cpus, unsigned int nr,
		   uint64_t nr_events, char reason[TB_TRACER_REASON_BYTES],
		   struct tb_err *err)
{
	struct tb_mech mech = tb_mech_detect();
	struct tb_tracer *t;
	int ret;

	*out = NULL;
	if (mech.hides_flushes) {
		snprintf(reason, TB_TRACER_REASON_BYTES,
			 "not visible here (%s)", mech.name);
		return 0;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return tb_fail_errno(err, -ENOMEM, "cannot trace");
	ret = open_set(t, cpus, nr);
	if (!ret &&
	    (!open_sources(t, reason) || !map_rings(t, nr_events, reason))) {
		tb_tracer_close(t);
		return 0;
	}
	if (!ret)
		ret = tb_shootdown_log_init(
			&t->log, t->nr_cpus * (ring_bytes_of(nr_events) /
					       MIN_RECORD_BYTES));
	if (ret) {
		tb_tracer_close(t);
		return tb_fail_errno(err, ret, "cannot trace");
	}
	*out = t;
	return 0;
}

/* --- the window and after it --------------------------------------------- */

void tb_tracer_enable(const struct tb_tracer *t)
{
	tb_perf_enable(t->perf);
}

void tb_tracer_disable(const struct tb_tracer *t)
{
	tb_perf_disable(t->perf);
}

/* 0 if the record is shorter than that. */
static uint64_t field_of(const struct tb_perf_record *r,
			 const struct tb_trace_field *field)
{
	uint64_t value = 0;

	if (field->offset_bytes + field->size_bytes <= r->raw_bytes)
		memcpy(&value, (const char *)r->raw + field->offset_bytes,
		       field->size_bytes);
	return value;
}

static bool is_from(const struct tb_perf_record *r, const struct source *s)
{
	return field_of(r, &s->type) == s->id;
}

static void log_record(void *arg, const struct tb_perf_record *r)
{
	struct tb_tracer *t = arg;
	const struct source *s = t->sources;
	struct tb_shootdown_event e = {
		.cpu = r->cpu,
		.time_ns = r->time_ns,
	};

	while (s < t->sources + NR_SOURCES && !is_from(r, s))
		s++;
	if (s == t->sources + NR_SOURCES) {
		t->log.nr_not_kept++;
		return;
	}
	e.kind = s->kind;
	*(s->kind == TB_SHOOTDOWN_SEND ? &e.pages : &e.csd) =
		field_of(r, &s->value);
	tb_shootdown_log_add(&t->log, &e);
}

int tb_tracer_take(struct tb_tracer *t, struct tb_shootdowns *out,
		   uint64_t *nr_lost)
{
	struct tb_perf_value v;
	unsigned int event, place;
	int ret;

	tb_perf_take(t->perf, log_record, t);
	*nr_lost = t->log.nr_not_kept;
	for (event = 0; event < NR_SOURCES; event++)
		for (place = 0; place < t->nr_cpus; place++) {
			ret = tb_perf_read(t->perf, event, place, &v);
			if (ret)
				return ret;
			*nr_lost += v.nr_lost;
		}
	tb_shootdown_match(&t->log, out);
	return 0;
}

void tb_tracer_close(struct tb_tracer *t)
{
	if (!t)
		return;
	tb_perf_close(t->perf);
	tb_shootdown_log_fini(&t->log);
	free(t);
}
