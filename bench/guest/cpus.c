// SPDX-License-Identifier: GPL-2.0-only
/* CPUs that come late, and kernels that take their time. */
#include "guest/cpus.h"

#include <glob.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "guest/init.h"

#define ONLINE "/sys/devices/system/cpu/cpu*/online"
/* In virtual time; a window without work is what is waited for. */
#define WINDOW_NS 500000000L
#define MAX_WINDOWS 120
/*
 * Between two pauses. A pause is a round of all CPUs, for which QEMU takes
 * microseconds if there are many, and a CPU is up after some ticks only: with
 * nothing but pauses that was 4 s each on a machine of 64.
 */
#define TURNS 1000

static atomic_bool is_starting;

static void *give_way(void *unused)
{
	int i;

	(void)unused;
	while (is_starting) {
		for (i = 0; i < TURNS; i++)
			atomic_signal_fence(memory_order_seq_cst);
		tb_cpu_relax();
	}
	return NULL;
}

static void start_all(void)
{
	glob_t found;
	size_t i;

	if (glob(ONLINE, 0, NULL, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++) {
		char is_online[8];

		if (!tb_read_line(found.gl_pathv[i], is_online,
				  sizeof(is_online)) &&
		    !strcmp(is_online, "0"))
			tb_guest_set(found.gl_pathv[i], "1");
	}
	globfree(&found);
}

void tb_cpus_start(void)
{
	pthread_t thread;
	cpu_set_t all, first;

	memset(&all, 0xff, sizeof(all));
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	/* Both on the CPU that waits, so that one makes way for the other. */
	sched_setaffinity(0, sizeof(first), &first);
	is_starting = true;
	if (!pthread_create(&thread, NULL, give_way, NULL)) {
		start_all();
		is_starting = false;
		pthread_join(thread, NULL);
	}
	sched_setaffinity(0, sizeof(all), &all);
}

/* Ticks that all CPUs together have worked: user, nice, system, irq, softirq.
 */
static bool read_busy(unsigned long long *ticks)
{
	unsigned long long v[7];
	char line[256];

	if (tb_read_line("/proc/stat", line, sizeof(line)) ||
	    sscanf(line, "cpu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1],
		   &v[2], &v[3], &v[4], &v[5], &v[6]) != 7)
		return false;
	*ticks = v[0] + v[1] + v[2] + v[5] + v[6];
	return true;
}

void tb_cpus_settle(void)
{
	const struct timespec window = { .tv_nsec = WINDOW_NS };
	unsigned long long before, after;
	int i;

	for (i = 0; i < MAX_WINDOWS && read_busy(&before); i++) {
		nanosleep(&window, NULL);
		/* One may be ours. */
		if (!read_busy(&after) || after <= before + 1)
			return;
	}
}
