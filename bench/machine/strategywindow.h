/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the flush strategies of the kernel count: the numbers in
 * /sys/kernel/tlb_strategy/counters/, read at both ends of the outer window.
 *
 * Source: mm/tlb_strategy.c, of kernels/patches/. A kernel without it has none.
 */
#ifndef TB_STRATEGYWINDOW_H
#define TB_STRATEGYWINDOW_H

#include "machine/counter.h"

#define TB_STRATEGY_COUNTERS "/sys/kernel/tlb_strategy/counters"

/* Their names in a record begin so. */
#define TB_STRATEGY_PREFIX "strategy."

/**
 * struct tb_strategy_window - what is read
 * @dir: where the numbers are
 */
struct tb_strategy_window {
	const char *dir;
};

/* Add the counters that @dir has to @list, in order; there may be none. */
void tb_strategy_window_init(struct tb_strategy_window *w,
			     struct tb_counter_list *list, const char *dir);

/* What they are now, times @sign: -1 at the start, 1 at the end. */
void tb_strategy_window_account(const struct tb_strategy_window *w,
				struct tb_counter_list *list, int sign);

#endif
