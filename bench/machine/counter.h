/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One counter with its status, and the list that sources add to.
 */
#ifndef TB_COUNTER_H
#define TB_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#define TB_MAX_COUNTERS 144

enum tb_status {
	TB_STATUS_OK,
	TB_STATUS_SCALED,
	TB_STATUS_ABSENT
};

/**
 * struct tb_counter - one counter after a run
 * @name: what counters.h calls it
 * @scope: "thread" (threads of the case, wherever they run), "cpu" (CPUs of
 *	the case, whoever runs there), "memcg" (its memory cgroup), "system"
 * @value: over the window; meaningless if @status is TB_STATUS_ABSENT
 * @by_cpu: @value by place in the list's CPUs, or NULL
 * @reason: why it is absent or scaled
 */
struct tb_counter {
	char name[64];
	const char *scope;
	enum tb_status status;
	uint64_t value;
	uint64_t *by_cpu;
	char reason[128];
};

/* "ok", "scaled" or "absent". */
const char *tb_status_name(enum tb_status status);

/**
 * struct tb_counter_list - counters of one window
 * @cpus: CPUs of the case, ascending, each one once
 * @nr_lost: counters that found no room, or no memory for @by_cpu
 */
struct tb_counter_list {
	int *cpus;
	unsigned int nr_cpus;
	/* One more, where what found no room is written. */
	struct tb_counter all[TB_MAX_COUNTERS + 1];
	unsigned int nr;
	unsigned int nr_lost;
};

/* A new counter of value 0; never NULL, see @nr_lost. */
struct tb_counter *tb_counter_add(struct tb_counter_list *list,
				  const char *scope, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Give @counter its @by_cpu, all 0. */
void tb_counter_split(struct tb_counter_list *list, struct tb_counter *counter);

/* The counter called @name, or NULL: to look at, or to change. */
const struct tb_counter *tb_counter_get(const struct tb_counter_list *list,
					const char *name);
struct tb_counter *tb_counter_find(struct tb_counter_list *list,
				   const char *name);

/* Add @sign times what a source says now: -1 at the start, 1 at the end. */
static inline void tb_counter_account(uint64_t *sum, uint64_t value, int sign)
{
	*sum += sign > 0 ? value : -value;
}

/* It cannot be seen: say why. */
void tb_counter_set_absent(struct tb_counter *counter, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* An empty list may be given too. */
void tb_counter_list_fini(struct tb_counter_list *list);

#endif
