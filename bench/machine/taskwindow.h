/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The unprivileged counters of threads, read at both ends of a window.
 */
#ifndef TB_TASKWINDOW_H
#define TB_TASKWINDOW_H

#include <sys/types.h>

#include "machine/counter.h"
#include "machine/procwindow.h"

struct tb_thread_use {
	pid_t tid;
	enum tb_use use;
};

/* Threads of the case; those of bystanders are left out of all sums. */
struct tb_task_window {
	struct tb_thread_use *threads;
	unsigned int nr_threads;
};

/* Add the counters to @list. */
void tb_task_window_init(struct tb_task_window *w,
			 struct tb_counter_list *list);

/* The threads to account from now on; 0 or -ENOMEM. */
int tb_task_window_watch(struct tb_task_window *w,
			 const struct tb_thread_use *threads, unsigned int nr);

/* What /proc says of them now, times @sign: -1 at the start, 1 at the end. */
void tb_task_window_account(struct tb_task_window *w,
			    struct tb_counter_list *list, int sign);
void tb_task_window_fini(struct tb_task_window *w);

#endif
