/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One counter with its status, and the list that sources add to.
 */
#ifndef TB_COUNTER_H
#define TB_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#define TB_MAX_COUNTERS 32

enum tb_status {
	TB_STATUS_OK,
	TB_STATUS_SCALED,
	TB_STATUS_ABSENT
};

/**
 * struct tb_counter - one counter after a run
 * @name: as above
 * @scope: "cpu" (CPUs of the case), "system"
 * @value: over the window; meaningless if @status is TB_STATUS_ABSENT
 * @reason: why it is absent or scaled
 */
struct tb_counter {
	char name[64];
	const char *scope;
	enum tb_status status;
	uint64_t value;
	char reason[128];
};

/* "ok", "scaled" or "absent". */
const char *tb_status_name(enum tb_status status);

struct tb_counter_list {
	struct tb_counter all[TB_MAX_COUNTERS];
	unsigned int nr;
};

/* A new counter of value 0, NULL if the list is full. */
struct tb_counter *tb_counter_add(struct tb_counter_list *list,
				  const char *scope, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The counter called @name, or NULL. */
struct tb_counter *tb_counter_find(struct tb_counter_list *list,
				   const char *name);

/* It cannot be seen: say why. */
void tb_counter_set_absent(struct tb_counter *counter, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
