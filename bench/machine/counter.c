// SPDX-License-Identifier: GPL-2.0-only
/* The list of counters. */
#include "machine/counter.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

const char *tb_status_name(enum tb_status status)
{
	static const char *const names[] = { "ok", "scaled", "absent" };

	return names[status];
}

struct tb_counter *tb_counter_add(struct tb_counter_list *list,
				  const char *scope, const char *fmt, ...)
{
	struct tb_counter *counter = &list->all[list->nr];
	va_list ap;

	if (list->nr < TB_MAX_COUNTERS)
		list->nr++;
	else
		list->nr_lost++;
	va_start(ap, fmt);
	vsnprintf(counter->name, sizeof(counter->name), fmt, ap);
	va_end(ap);
	counter->scope = scope;
	return counter;
}

void tb_counter_split(struct tb_counter_list *list, struct tb_counter *counter)
{
	free(counter->by_cpu);
	counter->by_cpu = calloc(list->nr_cpus, sizeof(*counter->by_cpu));
	if (!counter->by_cpu)
		list->nr_lost++;
}

const struct tb_counter *tb_counter_get(const struct tb_counter_list *list,
					const char *name)
{
	unsigned int i;

	for (i = 0; i < list->nr; i++)
		if (!strcmp(list->all[i].name, name))
			return &list->all[i];
	return NULL;
}

struct tb_counter *tb_counter_find(struct tb_counter_list *list,
				   const char *name)
{
	return (struct tb_counter *)(uintptr_t)tb_counter_get(list, name);
}

void tb_counter_set_absent(struct tb_counter *counter, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(counter->reason, sizeof(counter->reason), fmt, ap);
	va_end(ap);
	counter->status = TB_STATUS_ABSENT;
}

void tb_counter_list_fini(struct tb_counter_list *list)
{
	unsigned int i;

	for (i = 0; i <= list->nr && i < ARRAY_SIZE(list->all); i++)
		free(list->all[i].by_cpu);
	free(list->cpus);
	*list = (struct tb_counter_list){ 0 };
}
