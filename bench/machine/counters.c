// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only file that talks to libperf.
 *
 * One evlist per event: an event that cannot be opened then closes no other,
 * and each is read and scaled on its own. libperf has no public filter call;
 * perf_evsel__apply_filter() is linked from the static archive.
 */
#include "machine/counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <perf/core.h>
#include <perf/cpumap.h>
#include <perf/evlist.h>
#include <perf/evsel.h>
#include <perf/threadmap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/text.h"
#include "machine/mech.h"
#include "machine/trace.h"

int perf_evsel__apply_filter(struct perf_evsel *evsel, const char *filter);

#define MAX_EVENTS 16

/* An event of the counted pass and where its value goes. */
struct event {
	struct perf_evlist *evlist;
	struct perf_evsel *evsel;
	struct tb_counter *counter;
};

struct tb_counters {
	struct tb_counter_list list;
	struct tb_proc_window proc;
	unsigned int nr_cpus;
	struct perf_cpu_map *cpu_map;
	struct perf_thread_map *any_thread;
	struct event events[MAX_EVENTS];
	unsigned int nr_events;
};

/* --- tracepoints --------------------------------------------------------- */

static const char *open_failure(int code)
{
	switch (-code) {
	case EACCES:
	case EPERM:
		return "needs root or CAP_PERFMON";
	case EMFILE:
		return "too many open files: raise the limit (ulimit -n)";
	default:
		return strerror(-code);
	}
}

static int open_event(struct tb_counters *c, struct event *e, uint64_t id,
		      const char *filter)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.config = id,
		.disabled = 1,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED |
			       PERF_FORMAT_TOTAL_TIME_RUNNING,
	};
	int ret;

	e->evlist = perf_evlist__new();
	e->evsel = e->evlist ? perf_evsel__new(&attr) : NULL;
	if (!e->evsel)
		return -ENOMEM;
	perf_evlist__add(e->evlist, e->evsel);
	perf_evlist__set_maps(e->evlist, c->cpu_map, c->any_thread);
	ret = perf_evlist__open(e->evlist);
	if (!ret && filter && perf_evsel__apply_filter(e->evsel, filter))
		ret = -errno;
	return ret;
}

/* Owner of the evsel is the evlist. */
static void close_event(struct event *e)
{
	if (!e->evlist)
		return;
	perf_evlist__close(e->evlist);
	perf_evlist__delete(e->evlist);
	*e = (struct event){ 0 };
}

static void add_event(struct tb_counters *c, struct tb_counter *counter,
		      const char *tracepoint, const char *filter)
{
	struct event *e = &c->events[c->nr_events];
	uint64_t id;
	int ret;

	if (!counter)
		return;
	if (c->nr_events == MAX_EVENTS) {
		tb_counter_set_absent(counter, "too many events");
		return;
	}
	if (!tb_trace_id(tracepoint, &id)) {
		tb_counter_set_absent(
			counter, "no tracepoint %s (%s)", tracepoint,
			tb_trace_root() ? "kernel does not have it"
					: "needs root and tracefs");
		return;
	}
	ret = open_event(c, e, id, filter);
	if (ret) {
		close_event(e);
		tb_counter_set_absent(counter, "%s: %s", tracepoint,
				      open_failure(ret));
		return;
	}
	e->counter = counter;
	c->nr_events++;
}

/* One counter per reason that this kernel knows. */
static void add_flush_reasons(struct tb_counters *c)
{
	struct tb_flush_reason reasons[TB_MAX_FLUSH_REASONS];
	unsigned int i, nr = tb_trace_flush_reasons(reasons);

	if (!nr)
		add_event(c, tb_counter_add(&c->list, "cpu", "tlb_flush"),
			  "tlb/tlb_flush", NULL);
	for (i = 0; i < nr; i++) {
		char filter[48];

		/* A switch that did not flush is traced too, with 0 pages. */
		snprintf(filter, sizeof(filter), "reason==%u%s",
			 reasons[i].number,
			 reasons[i].number ? "" : " && pages!=0");
		add_event(c,
			  tb_counter_add(&c->list, "cpu", "tlb_flush.%s",
					 reasons[i].word),
			  "tlb/tlb_flush", filter);
	}
}

static void add_csd_flush(struct tb_counters *c)
{
	struct tb_counter *counter =
		tb_counter_add(&c->list, "cpu", "csd_flush");
	unsigned long long address = tb_trace_flush_func();
	char filter[48];

	if (!counter)
		return;
	if (!address) {
		tb_counter_set_absent(counter,
				      "address of flush_tlb_func not in "
				      "/proc/kallsyms (needs root)");
		return;
	}
	snprintf(filter, sizeof(filter), "func==0x%llx", address);
	add_event(c, counter, "csd/csd_queue_cpu", filter);
}

static void add_idle_switches(struct tb_counters *c)
{
	add_event(c, tb_counter_add(&c->list, "cpu", "idle_entries"),
		  "sched/sched_switch", "next_pid==0");
	add_event(c, tb_counter_add(&c->list, "cpu", "idle_exits"),
		  "sched/sched_switch", "prev_pid==0");
}

static int open_trace(struct tb_counters *c, const struct tb_cpu_use *cpus)
{
	struct rlimit files;
	struct tb_buf list = { 0 };
	unsigned int i;

	/* One descriptor per event and CPU. */
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	for (i = 0; i < c->nr_cpus; i++)
		tb_buf_printf(&list, "%s%d", i ? "," : "", cpus[i].cpu);
	libperf_init(NULL);
	c->cpu_map = list.has_failed ? NULL : perf_cpu_map__new(list.data);
	c->any_thread = perf_thread_map__new_dummy();
	tb_buf_fini(&list);
	if (!c->cpu_map || !c->any_thread)
		return -ENOMEM;
	add_flush_reasons(c);
	add_csd_flush(c);
	add_idle_switches(c);
	return 0;
}

static void read_event(const struct event *e, unsigned int nr_cpus)
{
	struct perf_counts_values v;
	struct tb_counter *counter = e->counter;
	unsigned int i;
	__s8 scaled;

	for (i = 0; i < nr_cpus; i++) {
		if (perf_evsel__read(e->evsel, (int)i, 0, &v)) {
			tb_counter_set_absent(counter, "cannot be read");
			return;
		}
		perf_counts_values__scale(&v, true, &scaled);
		if (scaled < 0) {
			tb_counter_set_absent(counter,
					      "never ran on one of the CPUs");
			return;
		}
		if (scaled)
			counter->status = TB_STATUS_SCALED;
		counter->value += v.val;
	}
}

/*
 * A CPU leaves idle as often as it enters it, but some kernels do not trace
 * what the idle task does, the switch away from it included. Then flushes at
 * that switch happen unseen.
 */
static void hide_switches_not_seen(struct tb_counters *c)
{
	const struct tb_counter *entries =
		tb_counter_find(&c->list, "idle_entries");
	const struct tb_counter *exits =
		tb_counter_find(&c->list, "idle_exits");
	struct tb_counter *flushes =
		tb_counter_find(&c->list, "tlb_flush." TB_TRACE_TASK_SWITCH);

	if (!flushes || entries->status == TB_STATUS_ABSENT ||
	    exits->status == TB_STATUS_ABSENT ||
	    entries->value <= exits->value + c->nr_cpus)
		return;
	tb_counter_set_absent(
		flushes,
		"this kernel does not trace its idle task (%llu idle "
		"entries, %llu exits)",
		(unsigned long long)entries->value,
		(unsigned long long)exits->value);
}

/* Where no interrupt tells of a flush, no count of interrupts is a number. */
static void hide_what_is_not_seen(struct tb_counters *c)
{
	struct tb_mech mech = tb_mech_detect();
	unsigned int i;

	if (!mech.hides_flushes)
		return;
	for (i = 0; i < c->list.nr; i++) {
		struct tb_counter *counter = &c->list.all[i];

		if (strncmp(counter->name, "irq_cal", 7) &&
		    strncmp(counter->name, "irq_res", 7))
			tb_counter_set_absent(counter, "not visible here (%s)",
					      mech.name);
	}
}

/* --- the set ------------------------------------------------------------- */

int tb_counters_open(struct tb_counters **out, const struct tb_cpu_use *cpus,
		     unsigned int nr_cpus, bool with_trace, struct tb_err *err)
{
	struct tb_counters *c = calloc(1, sizeof(*c));

	if (!c)
		return tb_fail_errno(err, -ENOMEM, "cannot open counters");
	c->nr_cpus = nr_cpus;
	if (tb_proc_window_init(&c->proc, &c->list, cpus, nr_cpus))
		goto out_nomem;
	if (with_trace && open_trace(c, cpus))
		goto out_nomem;
	*out = c;
	return 0;

out_nomem:
	tb_counters_close(c);
	return tb_fail_errno(err, -ENOMEM, "cannot open counters");
}

void tb_counters_enable(struct tb_counters *c)
{
	unsigned int i;

	for (i = 0; i < c->nr_events; i++)
		perf_evlist__enable(c->events[i].evlist);
}

void tb_counters_disable(struct tb_counters *c)
{
	unsigned int i;

	for (i = 0; i < c->nr_events; i++)
		perf_evlist__disable(c->events[i].evlist);
}

int tb_counters_start(struct tb_counters *c, struct tb_err *err)
{
	return tb_proc_window_account(&c->proc, &c->list, -1, err);
}

int tb_counters_stop(struct tb_counters *c, struct tb_err *err)
{
	unsigned int i;
	int ret = tb_proc_window_account(&c->proc, &c->list, 1, err);

	for (i = 0; i < c->nr_events; i++)
		read_event(&c->events[i], c->nr_cpus);
	hide_switches_not_seen(c);
	hide_what_is_not_seen(c);
	return ret;
}

const struct tb_counter *tb_counters_values(const struct tb_counters *c,
					    unsigned int *nr)
{
	*nr = c->list.nr;
	return c->list.all;
}

void tb_counters_close(struct tb_counters *c)
{
	unsigned int i;

	if (!c)
		return;
	for (i = 0; i < c->nr_events; i++)
		close_event(&c->events[i]);
	perf_cpu_map__put(c->cpu_map);
	perf_thread_map__put(c->any_thread);
	tb_proc_window_fini(&c->proc);
	free(c);
}
