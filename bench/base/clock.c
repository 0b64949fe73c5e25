// SPDX-License-Identifier: GPL-2.0-only
/* Clock choice and calibration. */
#include "base/clock.h"

#include <stdlib.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define FIRST_CALIBRATION_NS 10000000ULL
#define NR_PAIRS 101

static int has_invariant_counter(void)
{
#if defined(__x86_64__)
	unsigned int eax, ebx, ecx, edx;

	/* CPUID 80000007h EDX bit 8: TSC runs at a constant rate always. */
	return __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) && edx & 1 << 8;
#elif defined(__aarch64__)
	return 1;
#else
	return 0;
#endif
}

/*
 * One point on both clocks: of several tries, the one whose two reads of the
 * reference lie closest together, so that an interrupt cannot spoil it.
 */
static void read_both(const struct tb_clock *c, uint64_t *ticks, uint64_t *ns)
{
	uint64_t best = UINT64_MAX;
	int i;

	for (i = 0; i < 9; i++) {
		uint64_t before = tb_clock_ns(CLOCK_MONOTONIC_RAW);
		uint64_t t = tb_ticks_begin(c);
		uint64_t width = tb_clock_ns(CLOCK_MONOTONIC_RAW) - before;

		if (width >= best)
			continue;
		best = width;
		*ticks = t;
		*ns = before + width / 2;
	}
}

static double rate_since_start(const struct tb_clock *c)
{
	uint64_t ticks = 0, ns = 0;

	read_both(c, &ticks, &ns);
	return (double)(ticks - c->start_ticks) * 1e9 /
	       (double)(ns - c->start_ns);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t median_pair(const struct tb_clock *c)
{
	uint64_t pairs[NR_PAIRS];
	int i;

	for (i = 0; i < NR_PAIRS; i++) {
		uint64_t begin = tb_ticks_begin(c);

		pairs[i] = tb_ticks_end(c) - begin;
	}
	qsort(pairs, NR_PAIRS, sizeof(pairs[0]), by_value);
	return pairs[NR_PAIRS / 2];
}

void tb_clock_init(struct tb_clock *c, int icount_shift)
{
	*c = (struct tb_clock){ .kind = TB_CLOCK_RAW, .hz = 1e9 };
	if (icount_shift >= 0) {
		c->kind = TB_CLOCK_ICOUNT;
		c->icount_shift = (unsigned int)icount_shift;
	} else if (has_invariant_counter()) {
		c->kind = TB_CLOCK_TSC;
	}
	c->pair_p50_ticks = median_pair(c);
	if (c->kind == TB_CLOCK_TSC) {
		uint64_t until;

		read_both(c, &c->start_ticks, &c->start_ns);
		until = c->start_ns + FIRST_CALIBRATION_NS;
		while (tb_clock_ns(CLOCK_MONOTONIC_RAW) < until)
			tb_cpu_relax();
		c->hz = rate_since_start(c);
	}
	c->first_hz = c->hz;
}

void tb_clock_finish(struct tb_clock *c)
{
	if (c->kind != TB_CLOCK_TSC)
		return;
	c->hz = rate_since_start(c);
	c->drift_ppm = (c->hz - c->first_hz) / c->first_hz * 1e6;
}

const char *tb_clock_name(const struct tb_clock *c)
{
	static const char *const names[] = {
		[TB_CLOCK_TSC] = "tsc",
		[TB_CLOCK_RAW] = "monotonic_raw",
		[TB_CLOCK_ICOUNT] = "icount",
	};

	return names[c->kind];
}

const char *tb_clock_unit(const struct tb_clock *c)
{
	return c->kind == TB_CLOCK_ICOUNT ? "instructions" : "ns";
}

double tb_clock_value(const struct tb_clock *c, double ticks)
{
	if (c->kind == TB_CLOCK_ICOUNT)
		return ticks / (double)(1U << c->icount_shift);
	return ticks * 1e9 / c->hz;
}
