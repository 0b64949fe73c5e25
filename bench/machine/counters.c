// SPDX-License-Identifier: GPL-2.0-only
/* What is counted, and what of it can be believed. */
#include "machine/counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/mech.h"
#include "machine/perf.h"
#include "machine/trace.h"

struct tb_counters {
	struct tb_counter_list list;
	struct tb_proc_window proc;
	unsigned int nr_cpus;
	struct tb_perf *perf;
	/* By number in @perf. */
	struct tb_counter *counted[TB_MAX_COUNTERS];
	unsigned int nr_counted;
};

/* --- tracepoints --------------------------------------------------------- */

static void add_event(struct tb_counters *c, struct tb_counter *counter,
		      const char *tracepoint, const char *filter)
{
	struct tb_perf_event event = {
		.type = PERF_TYPE_TRACEPOINT,
		.filter = filter,
	};
	int ret;

	if (!counter)
		return;
	if (!tb_trace_id(tracepoint, &event.config)) {
		tb_counter_set_absent(
			counter, "no tracepoint %s (%s)", tracepoint,
			tb_trace_root() ? "kernel does not have it"
					: "needs root and tracefs");
		return;
	}
	ret = tb_perf_add(c->perf, &event);
	if (ret < 0)
		tb_counter_set_absent(counter, "%s: %s", tracepoint,
				      tb_perf_reason(ret));
	else
		c->counted[c->nr_counted++] = counter;
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

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int open_trace(struct tb_counters *c, const struct tb_cpu_use *uses)
{
	int *cpus = calloc(c->nr_cpus, sizeof(*cpus));
	unsigned int i;
	int ret;

	if (!cpus)
		return -ENOMEM;
	for (i = 0; i < c->nr_cpus; i++)
		cpus[i] = uses[i].cpu;
	qsort(cpus, c->nr_cpus, sizeof(*cpus), by_number);
	ret = tb_perf_on_cpus(&c->perf, cpus, c->nr_cpus);
	free(cpus);
	if (ret)
		return ret;
	add_flush_reasons(c);
	add_csd_flush(c);
	add_idle_switches(c);
	return 0;
}

static void read_event(const struct tb_counters *c, unsigned int event)
{
	struct tb_counter *counter = c->counted[event];
	struct tb_perf_value v;
	unsigned int i;

	for (i = 0; i < c->nr_cpus; i++) {
		int ret = tb_perf_read(c->perf, event, i, &v);

		if (ret) {
			tb_counter_set_absent(counter, "%s",
					      tb_perf_reason(ret));
			return;
		}
		if (v.is_scaled)
			counter->status = TB_STATUS_SCALED;
		counter->value += v.value;
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
	if (c->perf)
		tb_perf_enable(c->perf);
}

void tb_counters_disable(struct tb_counters *c)
{
	if (c->perf)
		tb_perf_disable(c->perf);
}

int tb_counters_start(struct tb_counters *c, struct tb_err *err)
{
	return tb_proc_window_account(&c->proc, &c->list, -1, err);
}

int tb_counters_stop(struct tb_counters *c, struct tb_err *err)
{
	unsigned int i;
	int ret = tb_proc_window_account(&c->proc, &c->list, 1, err);

	for (i = 0; i < c->nr_counted; i++)
		read_event(c, i);
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
	if (!c)
		return;
	tb_perf_close(c->perf);
	tb_proc_window_fini(&c->proc);
	free(c);
}
