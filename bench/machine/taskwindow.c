// SPDX-License-Identifier: GPL-2.0-only
/* Differences of what threads have under /proc. */
#include "machine/taskwindow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "machine/procstat.h"

/*
 * Two files per thread and end took 10 us together where it was tried: 2048
 * threads hold up all others for 20 ms.
 */
#define MAX_THREADS 2048

static const char *const thread_names[] = {
	"minor_faults_initiators", "minor_faults_others",
	"major_faults_initiators", "major_faults_others",
	"switches_voluntary",	   "switches_involuntary",
};

void tb_task_window_init(struct tb_task_window *w, struct tb_counter_list *list)
{
	size_t i;

	*w = (struct tb_task_window){ 0 };
	for (i = 0; i < ARRAY_SIZE(thread_names); i++)
		tb_counter_add(list, "thread", "%s", thread_names[i]);
}

int tb_task_window_watch(struct tb_task_window *w,
			 const struct tb_thread_use *threads, unsigned int nr)
{
	free(w->threads);
	w->nr_threads = 0;
	w->threads = calloc(nr, sizeof(*threads));
	if (nr && !w->threads)
		return -ENOMEM;
	for (; w->nr_threads < nr; w->nr_threads++)
		w->threads[w->nr_threads] = threads[w->nr_threads];
	return 0;
}

static int read_thread(pid_t tid, struct tb_task_counts *counts)
{
	struct tb_buf stat = { 0 }, status = { 0 };
	char path[64];
	int ret;

	/* Of a process, /proc/PID/stat would be the sum of its threads. */
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", tid, tid);
	ret = tb_read_file(path, &stat);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", tid, tid);
	if (!ret)
		ret = tb_read_file(path, &status);
	if (!ret)
		ret = stat.data && status.data
			      ? tb_task_counts(stat.data, status.data, counts)
			      : -EBADMSG;
	tb_buf_fini(&stat);
	tb_buf_fini(&status);
	return ret;
}

static void set_threads_absent(struct tb_counter_list *list, const char *why)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(thread_names); i++)
		tb_counter_set_absent(tb_counter_find(list, thread_names[i]),
				      "%s", why);
}

static void account_thread(struct tb_counter_list *list, bool is_initiator,
			   const struct tb_task_counts *counts, int sign)
{
	/* In the order of thread_names. */
	const uint64_t values[] = {
		is_initiator ? counts->nr_minor_faults : 0,
		is_initiator ? 0 : counts->nr_minor_faults,
		is_initiator ? counts->nr_major_faults : 0,
		is_initiator ? 0 : counts->nr_major_faults,
		counts->nr_voluntary,
		counts->nr_involuntary,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++)
		tb_counter_account(
			&tb_counter_find(list, thread_names[i])->value,
			values[i], sign);
}

void tb_task_window_account(struct tb_task_window *w,
			    struct tb_counter_list *list, int sign)
{
	struct tb_task_counts counts;
	char why[64];
	unsigned int i;

	if (!w->nr_threads) {
		set_threads_absent(list, "no thread was named");
		return;
	}
	if (w->nr_threads > MAX_THREADS) {
		snprintf(why, sizeof(why), "too many threads: %u, at most %u",
			 w->nr_threads, MAX_THREADS);
		set_threads_absent(list, why);
		return;
	}
	for (i = 0; i < w->nr_threads; i++) {
		if (w->threads[i].use == TB_USE_BYSTANDER)
			continue;
		if (read_thread(w->threads[i].tid, &counts)) {
			set_threads_absent(list,
					   "a thread's stat or status in /proc "
					   "cannot be read");
			return;
		}
		account_thread(list, w->threads[i].use == TB_USE_INITIATOR,
			       &counts, sign);
	}
}

void tb_task_window_fini(struct tb_task_window *w)
{
	free(w->threads);
}
