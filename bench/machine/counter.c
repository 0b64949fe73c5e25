// SPDX-License-Identifier: GPL-2.0-only
/* The list of counters. */
#include "machine/counter.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

	if (list->nr == TB_MAX_COUNTERS)
		return NULL;
	list->nr++;
	va_start(ap, fmt);
	vsnprintf(counter->name, sizeof(counter->name), fmt, ap);
	va_end(ap);
	counter->scope = scope;
	return counter;
}

struct tb_counter *tb_counter_find(struct tb_counter_list *list,
				   const char *name)
{
	unsigned int i;

	for (i = 0; i < list->nr; i++)
		if (!strcmp(list->all[i].name, name))
			return &list->all[i];
	return NULL;
}

void tb_counter_set_absent(struct tb_counter *counter, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(counter->reason, sizeof(counter->reason), fmt, ap);
	va_end(ap);
	counter->status = TB_STATUS_ABSENT;
}
