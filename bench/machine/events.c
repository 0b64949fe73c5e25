// SPDX-License-Identifier: GPL-2.0-only
/* Opens, switches and reads the events that are counted. */
#include "machine/events.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "machine/perf.h"
#include "machine/sources.h"
#include "machine/trace.h"

/* The sum of pages is exact for flushes of fewer than 1 << PAGE_BITS pages. */
#define PAGE_BITS 8
#define ALL_PAGES "18446744073709551615"
#define MAX_OPENED (TB_MAX_COUNTERS + PAGE_BITS + 1)

/**
 * struct opened - an event, and what it adds to which counter
 * @weight: of one event; 0: the counter is not exact if there is any
 */
struct opened {
	struct tb_perf *set;
	unsigned int event;
	struct tb_counter *counter;
	unsigned int weight;
};

/* Hardware events have sets of their own, see tb_perf_add(). */
struct tb_events {
	struct tb_perf *software;
	struct tb_perf *hardware[TB_NR_HARDWARE_SOURCES];
	struct opened all[MAX_OPENED];
	unsigned int nr;
	/* The tracepoint that was asked for last: many events share one. */
	const char *tracepoint;
	uint64_t id;
};

/* --- opening ------------------------------------------------------------- */

static bool tracepoint_id(struct tb_events *e, const char *tracepoint,
			  uint64_t *id)
{
	bool is_same = e->tracepoint && !strcmp(e->tracepoint, tracepoint);

	if (!is_same && !tb_trace_id(tracepoint, &e->id))
		return false;
	e->tracepoint = tracepoint;
	*id = e->id;
	return true;
}

static void add(struct tb_events *e, struct tb_perf *set,
		const struct tb_event_source *s, struct tb_counter *counter,
		unsigned int weight)
{
	struct tb_perf_event event = {
		.type = s->type,
		.config = s->config,
		.filter = s->filter,
	};
	int ret;

	if (s->tracepoint) {
		event.type = PERF_TYPE_TRACEPOINT;
		if (!tracepoint_id(e, s->tracepoint, &event.config)) {
			tb_counter_set_absent(
				counter, "no tracepoint %s (%s)", s->tracepoint,
				tb_trace_root() ? "kernel does not have it"
						: "needs root and tracefs");
			return;
		}
	}
	ret = e->nr < MAX_OPENED ? tb_perf_add(set, &event) : -ENOSPC;
	if (ret < 0)
		tb_counter_set_absent(
			counter, "%s%s%s", s->tracepoint ? s->tracepoint : "",
			s->tracepoint ? ": " : "", tb_perf_reason(ret));
	else
		e->all[e->nr++] = (struct opened){ set, (unsigned int)ret,
						   counter, weight };
}

static struct tb_counter *new_counter(struct tb_counter_list *list,
				      const char *name)
{
	return tb_counter_add(list, "cpu", "%s", name);
}

static void add_sources(struct tb_events *e, struct tb_counter_list *list)
{
	size_t i;

	for (i = 0; i < tb_nr_event_sources; i++) {
		struct tb_counter *counter =
			new_counter(list, tb_event_sources[i].counter);

		if (tb_event_sources[i].by_cpu)
			tb_counter_split(list, counter);
		add(e, e->software, &tb_event_sources[i], counter, 1);
	}
	for (i = 0; i < tb_nr_hypercall_sources; i++) {
		uint64_t id;

		if (tb_trace_id(tb_hypercall_sources[i].tracepoint, &id))
			add(e, e->software, &tb_hypercall_sources[i],
			    new_counter(list, tb_hypercall_sources[i].counter),
			    1);
	}
}

static int add_hardware(struct tb_events *e, struct tb_counter_list *list)
{
	size_t i;

	for (i = 0; i < TB_NR_HARDWARE_SOURCES; i++) {
		struct tb_counter *counter =
			new_counter(list, tb_hardware_sources[i].counter);
		int ret = tb_perf_on_cpus(&e->hardware[i], list->cpus,
					  list->nr_cpus);

		if (ret)
			return ret;
		add(e, e->hardware[i], &tb_hardware_sources[i], counter, 1);
	}
	return 0;
}

/* tlb:tlb_flush of those whose @filter, into @counter. */
static void add_flush(struct tb_events *e, struct tb_counter *counter,
		      const char *filter, unsigned int weight)
{
	const struct tb_event_source s = { .tracepoint = "tlb/tlb_flush",
					   .filter = filter };

	add(e, e->software, &s, counter, weight);
}

/*
 * The sum of pages by counting, without samples: an event for each bit of
 * the number, and one for numbers with more bits.
 */
static void add_flush_pages(struct tb_events *e, struct tb_counter *counter,
			    const char *executed)
{
	char filter[320];
	unsigned int bit;

	for (bit = 0; bit < PAGE_BITS; bit++) {
		snprintf(filter, sizeof(filter),
			 "%s && pages!=" ALL_PAGES " && pages&%u", executed,
			 1U << bit);
		add_flush(e, counter, filter, 1U << bit);
	}
	snprintf(filter, sizeof(filter),
		 "%s && pages!=" ALL_PAGES " && pages>%u", executed,
		 (1U << PAGE_BITS) - 1);
	add_flush(e, counter, filter, 0);
}

/* What all executed flushes have in common, whatever the reason. */
static void add_flush_kinds(struct tb_events *e, struct tb_counter_list *list,
			    const char *executed)
{
	char filter[320];

	snprintf(filter, sizeof(filter), "%s && pages==" ALL_PAGES, executed);
	add_flush(e, new_counter(list, "tlb_flush_full"), filter, 1);
	snprintf(filter, sizeof(filter), "%s && pages!=" ALL_PAGES, executed);
	add_flush(e, new_counter(list, "tlb_flush_ranged"), filter, 1);
	add_flush_pages(e, new_counter(list, "tlb_flush_pages"), executed);
}

/* "(reason==0 || reason==1) && pages!=0", of the reasons of flushes. */
static void executed_filter(char *filter, size_t size_bytes,
			    const struct tb_flush_reason *reasons,
			    unsigned int nr)
{
	size_t len = 0;
	unsigned int i;

	for (i = 0; i < nr && len < size_bytes; i++)
		if (tb_trace_is_executed(reasons[i].word))
			len += (size_t)snprintf(
				filter + len, size_bytes - len, "%sreason==%u",
				len ? " || " : "(", reasons[i].number);
	if (len < size_bytes)
		snprintf(filter + len, size_bytes - len, ") && pages!=0");
}

/* Without reasons nobody knows which of them were executed. */
static void add_unknown_kinds(struct tb_counter_list *list)
{
	static const char *const kinds[] = { "tlb_flush_full",
					     "tlb_flush_ranged",
					     "tlb_flush_pages" };
	const struct tb_counter *all = tb_counter_find(list, "tlb_flush");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		tb_counter_set_absent(new_counter(list, kinds[i]), "%s",
				      all->status == TB_STATUS_ABSENT
					      ? all->reason
					      : "reasons of tlb:tlb_flush "
						"cannot be read");
}

/* One counter per reason that this kernel knows. */
static void add_flushes(struct tb_events *e, struct tb_counter_list *list)
{
	struct tb_flush_reason reasons[TB_MAX_FLUSH_REASONS];
	unsigned int i, nr = tb_trace_flush_reasons(reasons);
	char filter[256];

	if (!nr) {
		add_flush(e, new_counter(list, "tlb_flush"), NULL, 1);
		add_unknown_kinds(list);
		return;
	}
	for (i = 0; i < nr; i++) {
		/* 0 pages: a CPU that was up to date, and did not flush. */
		snprintf(filter, sizeof(filter), "reason==%u%s",
			 reasons[i].number,
			 tb_trace_is_executed(reasons[i].word) ? " && pages!=0"
							       : "");
		add_flush(e,
			  tb_counter_add(list, "cpu", "tlb_flush.%s",
					 reasons[i].word),
			  filter, 1);
	}
	executed_filter(filter, sizeof(filter), reasons, nr);
	add_flush_kinds(e, list, filter);
}

/* Calls of one function; without its address nobody can tell them apart. */
static void add_call(struct tb_events *e, struct tb_counter *counter,
		     const char *tracepoint, const char *function,
		     unsigned long long address, const char *condition)
{
	char filter[64];
	const struct tb_event_source s = { .tracepoint = tracepoint,
					   .filter = filter };

	snprintf(filter, sizeof(filter), "func==0x%llx%s", address, condition);
	if (address)
		add(e, e->software, &s, counter, 1);
	else
		tb_counter_set_absent(counter,
				      "address of %s not in /proc/kallsyms "
				      "(needs root)",
				      function);
}

/*
 * Function calls between CPUs, by the function called. csd_function_entry
 * comes once per receiver, and once more on the sender, with csd 0, where that
 * runs the function itself.
 */
static void add_calls(struct tb_events *e, struct tb_counter_list *list)
{
	const struct tb_flush_funcs funcs =
		tb_trace_flush_funcs("/proc/kallsyms");
	const struct {
		const char *sent, *received, *function;
		unsigned long long address;
	} calls[] = {
		{ "csd_flush", "csd_flush_received", "flush_tlb_func",
		  funcs.of_mm },
		{ "csd_flush_all", "csd_flush_all_received", "do_flush_tlb_all",
		  funcs.of_all },
		{ "csd_flush_kernel", "csd_flush_kernel_received",
		  "do_kernel_range_flush", funcs.of_kernel },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		add_call(e, new_counter(list, calls[i].sent),
			 "csd/csd_queue_cpu", calls[i].function,
			 calls[i].address, "");
		add_call(e, new_counter(list, calls[i].received),
			 "csd/csd_function_entry", calls[i].function,
			 calls[i].address, " && csd!=0");
	}
}

int tb_events_open(struct tb_events **out, struct tb_counter_list *list)
{
	struct tb_events *e = calloc(1, sizeof(*e));
	int ret;

	if (!e)
		return -ENOMEM;
	ret = tb_perf_on_cpus(&e->software, list->cpus, list->nr_cpus);
	if (ret)
		goto out_close;
	add_flushes(e, list);
	add_calls(e, list);
	add_sources(e, list);
	ret = add_hardware(e, list);
	if (ret)
		goto out_close;
	*out = e;
	return 0;

out_close:
	tb_events_close(e);
	return ret;
}

/* --- the window ---------------------------------------------------------- */

void tb_events_enable(const struct tb_events *e)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(e->hardware); i++)
		tb_perf_enable(e->hardware[i]);
	tb_perf_enable(e->software);
}

void tb_events_disable(const struct tb_events *e)
{
	size_t i;

	tb_perf_disable(e->software);
	for (i = 0; i < ARRAY_SIZE(e->hardware); i++)
		tb_perf_disable(e->hardware[i]);
}

static void account(const struct opened *o, unsigned int place,
		    const struct tb_perf_value *v)
{
	struct tb_counter *counter = o->counter;

	if (!o->weight && v->value) {
		tb_counter_set_absent(
			counter,
			"%llu flushes of more than %u pages: no exact sum",
			(unsigned long long)v->value, (1U << PAGE_BITS) - 1);
		return;
	}
	if (v->is_scaled) {
		counter->status = TB_STATUS_SCALED;
		snprintf(
			counter->reason, sizeof(counter->reason),
			"other events had the hardware for a part of the time");
	}
	counter->value += v->value * o->weight;
	if (counter->by_cpu)
		counter->by_cpu[place] += v->value * o->weight;
}

void tb_events_read(struct tb_events *e, struct tb_counter_list *list)
{
	unsigned int i, place;

	for (i = 0; i < e->nr; i++) {
		const struct opened *o = &e->all[i];

		for (place = 0; place < list->nr_cpus &&
				o->counter->status != TB_STATUS_ABSENT;
		     place++) {
			struct tb_perf_value v;
			int ret = tb_perf_read(o->set, o->event, place, &v);

			if (ret)
				tb_counter_set_absent(o->counter, "%s",
						      tb_perf_reason(ret));
			else
				account(o, place, &v);
		}
	}
}

void tb_events_close(struct tb_events *e)
{
	size_t i;

	if (!e)
		return;
	for (i = 0; i < ARRAY_SIZE(e->hardware); i++)
		tb_perf_close(e->hardware[i]);
	tb_perf_close(e->software);
	free(e);
}
