// SPDX-License-Identifier: GPL-2.0-only
/* All counters of a pass, and what of them can be believed. */
#include "machine/counters.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "machine/events.h"
#include "machine/mech.h"
#include "machine/strategywindow.h"
#include "machine/trace.h"

struct tb_counters {
	struct tb_counter_list list;
	struct tb_proc_window proc;
	struct tb_task_window tasks;
	struct tb_field_window fields;
	struct tb_strategy_window strategies;
	struct tb_events *events;
};

/* --- what cannot be believed --------------------------------------------- */

/* Fewer flushes that were not seen than this share of those that were. */
#define UNSEEN_SHARE 0.001

/* Of any kind; 0 if that is not known. */
static uint64_t flushes_seen(struct tb_counter_list *list)
{
	static const char *const kinds[] = { "tlb_flush_full",
					     "tlb_flush_ranged" };
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct tb_counter *c = tb_counter_find(list, kinds[i]);

		if (c && c->status != TB_STATUS_ABSENT)
			sum += c->value;
	}
	return sum;
}

/*
 * A CPU leaves idle as often as it enters it, but some kernels do not trace
 * what the idle task does, the switch away from it included. Then flushes at
 * that switch happen unseen; all of them are full. A CPU that was busy at first
 * and is idle at the end has one entry more, but where no exit at all was seen
 * that is not the reason.
 */
static void hide_switches_not_seen(struct tb_counter_list *list)
{
	static const char *const unseen[] = { "tlb_flush." TB_TRACE_TASK_SWITCH,
					      "tlb_flush_full" };
	uint64_t nr_unseen;
	const struct tb_counter *entries =
		tb_counter_find(list, "idle_entries");
	const struct tb_counter *exits = tb_counter_find(list, "idle_exits");
	size_t i;

	if (!entries || !exits || entries->status == TB_STATUS_ABSENT ||
	    exits->status == TB_STATUS_ABSENT || entries->value <= exits->value)
		return;
	nr_unseen = entries->value - exits->value;
	if ((exits->value && nr_unseen <= list->nr_cpus) ||
	    (double)nr_unseen < UNSEEN_SHARE * (double)flushes_seen(list))
		return;
	for (i = 0; i < ARRAY_SIZE(unseen); i++) {
		struct tb_counter *flushes = tb_counter_find(list, unseen[i]);

		if (flushes)
			tb_counter_set_absent(
				flushes,
				"this kernel traced %llu of %llu switches away "
				"from its idle task",
				(unsigned long long)exits->value,
				(unsigned long long)entries->value);
	}
}

/* Counted where an interrupt, or the kernel's own loop, flushes. */
static bool is_of_flushes(const char *name)
{
	static const char *const prefixes[] = { "irq_tlb", "nr_tlb_",
						"tlb_flush", "csd_flush" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

void tb_counters_hide(struct tb_counter_list *list, const struct tb_mech *mech)
{
	struct tb_counter *steal = tb_counter_find(list, "steal_ms");
	unsigned int i;

	hide_switches_not_seen(list);
	for (i = 0; i < list->nr && mech->hides_flushes; i++)
		if (is_of_flushes(list->all[i].name))
			tb_counter_set_absent(&list->all[i],
					      "not visible here (%s)",
					      mech->name);
	if (steal && mech->hides_steal)
		tb_counter_set_absent(
			steal, "this hypervisor does not tell what it takes");
}

/* --- the set ------------------------------------------------------------- */

/* @uses is sorted and shortened. */
static int open_all(struct tb_counters *c, struct tb_cpu_use *uses,
		    unsigned int nr_uses, bool with_events)
{
	bool has_bystander = false;
	unsigned int i;
	int ret;

	for (i = 0; i < nr_uses; i++)
		has_bystander |= uses[i].use == TB_USE_BYSTANDER;
	nr_uses = tb_cpu_uses_merge(uses, nr_uses);
	ret = tb_proc_window_init(&c->proc, &c->list, uses, nr_uses,
				  has_bystander);
	tb_task_window_init(&c->tasks, &c->list);
	tb_strategy_window_init(&c->strategies, &c->list, TB_STRATEGY_COUNTERS);
	if (!ret && with_events)
		ret = tb_events_open(&c->events, &c->list);
	if (!ret && c->list.nr_lost)
		ret = -ENOMEM;
	return ret;
}

int tb_counters_open(struct tb_counters **out, const struct tb_cpu_use *uses,
		     unsigned int nr_uses, bool with_events, struct tb_err *err)
{
	struct tb_counters *c = calloc(1, sizeof(*c));
	struct tb_cpu_use *merged = calloc(nr_uses, sizeof(*merged));
	int ret = -ENOMEM;

	if (c && merged) {
		memcpy(merged, uses, nr_uses * sizeof(*merged));
		ret = open_all(c, merged, nr_uses, with_events);
	}
	free(merged);
	if (ret) {
		tb_counters_close(c);
		return tb_fail_errno(err, ret, "cannot open counters");
	}
	*out = c;
	return 0;
}

int tb_counters_add_fields(struct tb_counters *c, const struct tb_field *fields,
			   unsigned int nr_fields, const char *memcg,
			   struct tb_err *err)
{
	unsigned int i;
	int ret;

	snprintf(c->fields.memcg, sizeof(c->fields.memcg), "%s",
		 memcg ? memcg : "");
	for (i = 0; i < nr_fields; i++) {
		ret = tb_field_window_add(&c->fields, &c->list, &fields[i]);
		if (ret)
			return tb_fail(
				err, ret, "cannot count the field %s: %s",
				fields[i].name,
				ret == -EEXIST ? "another counter has its name"
					       : "too many counters");
	}
	return 0;
}

void tb_counters_enable(struct tb_counters *c)
{
	if (c->events)
		tb_events_enable(c->events);
}

void tb_counters_disable(struct tb_counters *c)
{
	if (c->events)
		tb_events_disable(c->events);
}

/* Also makes the pages of the list ours, before such faults are counted. */
static void zero_values(struct tb_counter_list *list)
{
	unsigned int i;

	for (i = 0; i < list->nr; i++)
		list->all[i].value = 0;
}

int tb_counters_start(struct tb_counters *c,
		      const struct tb_thread_use *threads,
		      unsigned int nr_threads, struct tb_err *err)
{
	int ret = tb_task_window_watch(&c->tasks, threads, nr_threads);

	if (ret)
		return tb_fail_errno(err, ret, "cannot start counters");
	zero_values(&c->list);
	tb_strategy_window_account(&c->strategies, &c->list, -1);
	tb_field_window_account(&c->fields, &c->list, -1);
	ret = tb_proc_window_account(&c->proc, &c->list, -1, err);
	/* Innermost: what it takes to read the others is not of the threads. */
	tb_task_window_account(&c->tasks, &c->list, -1);
	return ret;
}

int tb_counters_stop(struct tb_counters *c, struct tb_err *err)
{
	struct tb_mech mech = tb_mech_detect();
	int ret;

	tb_task_window_account(&c->tasks, &c->list, 1);
	ret = tb_proc_window_account(&c->proc, &c->list, 1, err);
	tb_field_window_account(&c->fields, &c->list, 1);
	tb_strategy_window_account(&c->strategies, &c->list, 1);
	if (c->events)
		tb_events_read(c->events, &c->list);
	tb_counters_hide(&c->list, &mech);
	return ret;
}

void tb_counters_take(struct tb_counters *c, struct tb_counter_list *list)
{
	*list = c->list;
	c->list = (struct tb_counter_list){ 0 };
}

void tb_counters_close(struct tb_counters *c)
{
	if (!c)
		return;
	tb_events_close(c->events);
	tb_proc_window_fini(&c->proc);
	tb_task_window_fini(&c->tasks);
	tb_counter_list_fini(&c->list);
	free(c);
}
