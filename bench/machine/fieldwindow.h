/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters that a workload names: fields of /proc/vmstat and of memory.stat,
 * read at both ends of the outer window.
 */
#ifndef TB_FIELDWINDOW_H
#define TB_FIELDWINDOW_H

#include "machine/counter.h"

/**
 * struct tb_field - one of them, which must be a number that only grows
 * @is_of_memcg: of memory.stat, not of /proc/vmstat
 */
struct tb_field {
	const char *name;
	bool is_of_memcg;
};

#define TB_MAX_FIELDS 16

/**
 * struct tb_field_window - what is read
 * @memcg: directory of the memory cgroup, "" if there is none
 */
struct tb_field_window {
	struct tb_field fields[TB_MAX_FIELDS];
	unsigned int nr;
	char memcg[256];
};

/**
 * tb_field_window_add() - add one to the window and to @list
 *
 * One that @list has already is not added again.
 *
 * Return: 0; -EEXIST if @list has another counter of that name, of a different
 * scope; -ENOSPC if there is no room
 */
int tb_field_window_add(struct tb_field_window *w, struct tb_counter_list *list,
			const struct tb_field *field);

/*
 * What they are now, times @sign: -1 at the start, 1 at the end. One that is
 * not there, or that falls, is absent; so is one of memory.stat of which that
 * file may lack more than 1 %, which it does of few events, 0 included: 12800
 * for each CPU are enough.
 */
void tb_field_window_account(const struct tb_field_window *w,
			     struct tb_counter_list *list, int sign);

#endif
