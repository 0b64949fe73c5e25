/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What watches a pass from the first op to the last; initiators switch it.
 */
#ifndef TB_OBSERVER_H
#define TB_OBSERVER_H

#include "machine/counters.h"
#include "machine/tracer.h"

/**
 * struct tb_observer - opened before the instances, which inherit it
 * @counters: of the counted pass, else NULL
 * @tracer: of the traced pass, else NULL
 */
struct tb_observer {
	struct tb_counters *counters;
	struct tb_tracer *tracer;
};

static inline bool tb_observer_watches(const struct tb_observer *o)
{
	return o->counters || o->tracer;
}

static inline void tb_observer_enable(const struct tb_observer *o)
{
	if (o->counters)
		tb_counters_enable(o->counters);
	if (o->tracer)
		tb_tracer_enable(o->tracer);
}

static inline void tb_observer_disable(const struct tb_observer *o)
{
	if (o->tracer)
		tb_tracer_disable(o->tracer);
	if (o->counters)
		tb_counters_disable(o->counters);
}

#endif
