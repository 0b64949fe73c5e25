// SPDX-License-Identifier: GPL-2.0-only
/* Keeps the kernel's own threads off the CPUs that cases use. */
#include "guest/kthreads.h"

#include <errno.h>
#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "guest/init.h"

#define PROCESSES "/proc/[0-9]*"
#define WORKQUEUES "/sys/devices/virtual/workqueue/cpumask"
/* Of a mask in sysfs. */
#define WORD_BITS 32

static int take_case(const struct tb_case *cs, const struct tb_topo *topo,
		     cpu_set_t *spare, struct tb_err *err)
{
	unsigned int i, nr = tb_case_nr_threads(cs);
	int ret, *cpus = calloc(nr, sizeof(*cpus));

	if (!cpus)
		return tb_fail_errno(err, -ENOMEM, "kernel threads");
	ret = tb_case_place(cs, topo, cpus, err);
	for (i = 0; i < nr && !ret; i++)
		CPU_CLR((size_t)cpus[i], spare);
	free(cpus);
	return ret;
}

static int find_spare(const struct tb_plan *plan, const struct tb_topo *topo,
		      cpu_set_t *spare, struct tb_err *err)
{
	unsigned int i;
	int ret = 0;

	CPU_ZERO(spare);
	for (i = 0; i < topo->nr_cpus; i++)
		CPU_SET((size_t)topo->cpus[i].cpu, spare);
	for (i = 0; i < plan->nr_cases && !ret; i++)
		ret = take_case(&plan->cases[i], topo, spare, err);
	return ret;
}

static unsigned int word_of(const cpu_set_t *set, size_t first)
{
	unsigned int word = 0;
	size_t i;

	for (i = 0; i < WORD_BITS; i++)
		if (CPU_ISSET(first + i, set))
			word |= 1U << i;
	return word;
}

/* The kernel takes no more words than it has CPUs for, not even zeros. */
static void set_workqueues(const cpu_set_t *set)
{
	struct tb_buf text = { 0 };
	size_t first = CPU_SETSIZE;

	while (first) {
		unsigned int word = word_of(set, first -= WORD_BITS);

		if (text.len_bytes)
			tb_buf_printf(&text, ",%08x", word);
		else if (word)
			tb_buf_printf(&text, "%x", word);
	}
	if (!text.has_failed)
		tb_guest_set(WORKQUEUES, text.data);
	tb_buf_fini(&text);
}

/* A thread that must stay where it is says EINVAL. */
static void move_thread(pid_t tid, const cpu_set_t *spare)
{
	cpu_set_t cpus;

	if (sched_getaffinity(tid, sizeof(cpus), &cpus))
		return;
	CPU_AND(&cpus, &cpus, spare);
	if (CPU_COUNT(&cpus))
		sched_setaffinity(tid, sizeof(cpus), &cpus);
}

static void move_threads(const cpu_set_t *spare)
{
	glob_t found;
	size_t i;

	if (glob(PROCESSES, 0, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++) {
		pid_t pid = atoi(found.gl_pathv[i] + strlen("/proc/"));

		if (pid != getpid())
			move_thread(pid, spare);
	}
	globfree(&found);
}

int tb_kthreads_clear(const struct tb_plan *plan, const struct tb_topo *topo,
		      struct tb_err *err)
{
	cpu_set_t spare;
	int ret = find_spare(plan, topo, &spare, err);

	if (ret || !CPU_COUNT(&spare))
		return ret;
	set_workqueues(&spare);
	move_threads(&spare);
	return 0;
}
