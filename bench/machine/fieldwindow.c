// SPDX-License-Identifier: GPL-2.0-only
/* Differences of fields that a workload names. */
#include "machine/fieldwindow.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "machine/procstat.h"

int tb_field_window_add(struct tb_field_window *w, struct tb_counter_list *list,
			const struct tb_field *field)
{
	const char *scope = field->is_of_memcg ? "memcg" : "system";
	const struct tb_counter *same = tb_counter_get(list, field->name);

	if (same)
		return strcmp(same->scope, scope) ? -EEXIST : 0;
	if (w->nr == TB_MAX_FIELDS || list->nr == TB_MAX_COUNTERS)
		return -ENOSPC;
	w->fields[w->nr++] = *field;
	tb_counter_add(list, scope, "%s", field->name);
	return 0;
}

/*
 * A CPU keeps fewer than MEMCG_CHARGE_BATCH updates to itself, and a reader has
 * what was passed on summed up only if that is more than such a batch for each
 * CPU: memcg_rstat_updated() and memcg_vmstats_needs_flush() in
 * mm/memcontrol.c. Some seconds later the kernel does so unasked, but its timer
 * is deferrable: on a CPU that idles it may be late by any time, so there is
 * none to wait for.
 */
#define BATCH 64
/* A value of fewer may be wrong by more than 1 %. */
#define MIN_LAGS 100

static void hide_lag(struct tb_counter *counter)
{
	uint64_t lag = 2ULL * BATCH * (uint64_t)sysconf(_SC_NPROCESSORS_CONF);

	if (counter->status == TB_STATUS_ABSENT ||
	    counter->value >= MIN_LAGS * lag)
		return;
	tb_counter_set_absent(counter,
			      "memory.stat lags by up to %" PRIu64 ": %" PRIu64
			      " are too few to tell, expected "
			      "%" PRIu64 " or more",
			      lag, counter->value, MIN_LAGS * lag);
}

static void account_one(struct tb_counter *counter, const char *text,
			const char *path, int sign)
{
	uint64_t value;

	/* It was not there at the start. */
	if (counter->status == TB_STATUS_ABSENT)
		return;
	if (tb_vmstat_value(text, counter->name, &value)) {
		tb_counter_set_absent(counter, "not in %s of this kernel",
				      path);
		return;
	}
	tb_counter_account(&counter->value, value, sign);
	if (sign > 0 && (int64_t)counter->value < 0)
		tb_counter_set_absent(counter, "it fell: no counter");
}

static void account_file(const struct tb_field_window *w,
			 struct tb_counter_list *list, bool is_of_memcg,
			 const char *path, const char *name, int sign)
{
	struct tb_buf text = { 0 };
	int ret = tb_read_file(path, &text);
	unsigned int i;

	for (i = 0; i < w->nr; i++) {
		struct tb_counter *counter =
			tb_counter_find(list, w->fields[i].name);

		if (w->fields[i].is_of_memcg != is_of_memcg)
			continue;
		if (ret)
			tb_counter_set_absent(counter, "cannot read %s: %s",
					      name, strerror(-ret));
		else
			account_one(counter, text.data ? text.data : "", name,
				    sign);
		if (is_of_memcg && sign > 0)
			hide_lag(counter);
	}
	tb_buf_fini(&text);
}

static void hide_memcg(const struct tb_field_window *w,
		       struct tb_counter_list *list)
{
	unsigned int i;

	for (i = 0; i < w->nr; i++)
		if (w->fields[i].is_of_memcg)
			tb_counter_set_absent(
				tb_counter_find(list, w->fields[i].name),
				"the case has no memory cgroup");
}

void tb_field_window_account(const struct tb_field_window *w,
			     struct tb_counter_list *list, int sign)
{
	char path[512];

	if (!w->nr)
		return;
	account_file(w, list, false, "/proc/vmstat", "/proc/vmstat", sign);
	if (!*w->memcg) {
		hide_memcg(w, list);
		return;
	}
	snprintf(path, sizeof(path), "%s/memory.stat", w->memcg);
	account_file(w, list, true, path, "memory.stat", sign);
}
