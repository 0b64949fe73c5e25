/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The events that are counted on the CPUs of a case, through perf.h.
 */
#ifndef TB_EVENTS_H
#define TB_EVENTS_H

#include "machine/counter.h"

struct tb_events;

/**
 * tb_events_open() - add the counters to @list and open what can be opened
 *
 * What cannot is absent, with the reason.
 *
 * Return: 0 or -ENOMEM.
 */
int tb_events_open(struct tb_events **out, struct tb_counter_list *list);

/* May be called in a forked child. */
void tb_events_enable(const struct tb_events *e);
void tb_events_disable(const struct tb_events *e);

/* Values from all windows since they were opened, into @list. */
void tb_events_read(struct tb_events *e, struct tb_counter_list *list);
void tb_events_close(struct tb_events *e);

#endif
