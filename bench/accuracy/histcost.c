// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tb_hist_add() costs: prints nanoseconds per value, for values that
 * meet many buckets, less what the loop costs without it.
 */
#include <stdbool.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/hist.h"

#define NR_VALUES 4096
#define NR_ROUNDS 2000

static struct tb_hist hist;
static uint64_t values[NR_VALUES];

/* Latencies of 1 to 64 us at 2.6 GHz, with no order that a CPU can guess. */
static void make_values(void)
{
	uint64_t x = 88172645463325252ULL;
	unsigned int i;

	for (i = 0; i < NR_VALUES; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		values[i] = 2600 + x % 163840;
	}
}

static uint64_t run_ns(bool adds)
{
	uint64_t begin_ns = tb_clock_ns(CLOCK_MONOTONIC_RAW);
	unsigned int round, i;

	for (round = 0; round < NR_ROUNDS; round++)
		for (i = 0; i < NR_VALUES; i++) {
			uint64_t value = values[i];

			/* The value exists, whether it is used or not. */
			__asm__ __volatile__("" : "+r"(value));
			if (adds)
				tb_hist_add(&hist, value);
		}
	return tb_clock_ns(CLOCK_MONOTONIC_RAW) - begin_ns;
}

int main(void)
{
	uint64_t loop_ns, ns;

	make_values();
	tb_hist_init(&hist);
	run_ns(true);
	loop_ns = run_ns(false);
	ns = run_ns(true);
	printf("%.3f\n",
	       (double)(ns - loop_ns) / ((double)NR_VALUES * NR_ROUNDS));
	return 0;
}
