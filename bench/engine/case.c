// SPDX-License-Identifier: GPL-2.0-only
/* Small helpers around cases and their results. */
#include "engine/case.h"

#include <stdarg.h>
#include <stdio.h>

#include "machine/place.h"

unsigned int tb_case_threads_per_instance(const struct tb_case *cs)
{
	unsigned int i, n = 0;

	for (i = 0; i < cs->nr_roles; i++)
		n += cs->nr_threads[i];
	return n;
}

int tb_case_place(const struct tb_case *cs, const struct tb_topo *topo,
		  int *cpus, struct tb_err *err)
{
	struct tb_place_role roles[WL_MAX_ROLES];
	unsigned int i;

	for (i = 0; i < cs->nr_roles; i++)
		roles[i] = (struct tb_place_role){ cs->placement,
						   cs->nr_threads[i] };
	return tb_place_resolve(topo, roles, cs->nr_roles, cs->instances,
				topo->nr_cpus, false, cpus, err);
}

uint64_t tb_case_rendezvous_every(const struct tb_case *cs)
{
	if (!cs->ops->rendezvous_every)
		return 1;
	return cs->ops->rendezvous_every(cs->conf);
}

const char *tb_state_name(enum tb_state state)
{
	static const char *const names[] = { "ok", "skipped", "failed",
					     "timeout" };

	return names[state];
}

void wl_reason(struct wl_reasons *why, const char *fmt, ...)
{
	va_list ap;

	if (why->nr == ARRAY_SIZE(why->text))
		return;
	va_start(ap, fmt);
	vsnprintf(why->text[why->nr++], sizeof(why->text[0]), fmt, ap);
	va_end(ap);
}
