// SPDX-License-Identifier: GPL-2.0-only
/* Clock choice and calibration. */
#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/text.h"

#define FIRST_CALIBRATION_NS 10000000ULL
#define NR_PAIRS 1001
/* A calibration over 10 ms is good to some ppm; this is another rate. */
#define MAX_DRIFT_PPM 500

#define AVAILABLE_SOURCES \
	"/sys/devices/system/clocksource/clocksource0/available_clocksource"

/* Our name of the counter, and how those of its clock sources begin. */
#if defined(__aarch64__)
#define COUNTER_NAME "cntvct"
#define COUNTER_SOURCE "arch_sys_counter"
#else
#define COUNTER_NAME "tsc"
#define COUNTER_SOURCE "tsc"
#endif

static bool has_invariant_counter(void)
{
#if defined(__x86_64__)
	unsigned int eax, ebx, ecx, edx;

	/* CPUID 80000007h EDX bit 8: TSC runs at a constant rate always. */
	return __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) && edx & 1 << 8;
#elif defined(__aarch64__)
	return true;
#else
	return false;
#endif
}

/* For the first second after boot the TSC goes by the name of tsc-early. */
static bool lists_counter(const char *sources)
{
	size_t len = strlen(COUNTER_SOURCE);

	while (*sources) {
		if (!strncmp(sources, COUNTER_SOURCE, len) &&
		    strchr(" -", sources[len]))
			return true;
		sources += strcspn(sources, " ");
		sources += strspn(sources, " ");
	}
	return false;
}

void tb_clock_choose(struct tb_clock *c, bool has_counter, const char *sources)
{
	c->is_distrusted = has_counter && sources && !lists_counter(sources);
	c->kind =
		has_counter && !c->is_distrusted ? TB_CLOCK_TSC : TB_CLOCK_RAW;
}

uint64_t tb_ticks_call(const struct tb_clock *c)
{
	if (c->kind == TB_CLOCK_SCRIPT)
		return c->script->ticks(c->script->arg);
	return tb_clock_ns(CLOCK_MONOTONIC_RAW);
}

static uint64_t reference_ns(const struct tb_clock *c)
{
	if (c->kind == TB_CLOCK_SCRIPT)
		return c->script->ns(c->script->arg);
	return tb_clock_ns(CLOCK_MONOTONIC_RAW);
}

static bool is_calibrated(const struct tb_clock *c)
{
	return c->kind == TB_CLOCK_TSC || c->kind == TB_CLOCK_SCRIPT;
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
		uint64_t before = reference_ns(c);
		uint64_t t = tb_ticks_begin(c);
		uint64_t width = reference_ns(c) - before;

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

static void measure_pairs(struct tb_clock *c)
{
	uint64_t pairs[NR_PAIRS];
	int i;

	for (i = 0; i < NR_PAIRS; i++) {
		uint64_t begin = tb_ticks_begin(c);

		pairs[i] = tb_ticks_end(c) - begin;
	}
	qsort(pairs, NR_PAIRS, sizeof(pairs[0]), by_value);
	c->pair_p50_ticks = pairs[NR_PAIRS / 2];
	c->pair_p99_ticks = pairs[NR_PAIRS * 99 / 100];
}

void tb_clock_start(struct tb_clock *c)
{
	uint64_t until;

	c->hz = 1e9;
	measure_pairs(c);
	if (is_calibrated(c)) {
		read_both(c, &c->start_ticks, &c->start_ns);
		until = c->start_ns + FIRST_CALIBRATION_NS;
		while (reference_ns(c) < until)
			tb_cpu_relax();
		c->hz = rate_since_start(c);
	}
	c->first_hz = c->hz;
}

void tb_clock_init(struct tb_clock *c, int icount_shift)
{
	char sources[256];
	bool is_known =
		!tb_read_line(AVAILABLE_SOURCES, sources, sizeof(sources));

	*c = (struct tb_clock){ .kind = TB_CLOCK_ICOUNT };
	if (icount_shift >= 0)
		c->icount_shift = (unsigned int)icount_shift;
	else
		tb_clock_choose(c, has_invariant_counter(),
				is_known ? sources : NULL);
	tb_clock_start(c);
}

void tb_clock_finish(struct tb_clock *c)
{
	if (!is_calibrated(c))
		return;
	c->hz = rate_since_start(c);
	c->drift_ppm = (c->hz - c->first_hz) / c->first_hz * 1e6;
}

bool tb_clock_caveat(const struct tb_clock *c, char *text, size_t size_bytes)
{
	if (fabs(c->drift_ppm) > MAX_DRIFT_PPM)
		snprintf(text, size_bytes,
			 "the %s ran at a rate that differs by %.0f ppm from "
			 "that of its first %llu ms: times are off by as much",
			 tb_clock_name(c), c->drift_ppm,
			 FIRST_CALIBRATION_NS / 1000000);
	else if (c->is_distrusted)
		snprintf(text, size_bytes,
			 "the kernel does not trust the %s (not in %s): "
			 "CLOCK_MONOTONIC_RAW is read, a pair takes %llu ns",
			 COUNTER_NAME, strrchr(AVAILABLE_SOURCES, '/') + 1,
			 (unsigned long long)c->pair_p50_ticks);
	else
		return false;
	return true;
}

const char *tb_clock_name(const struct tb_clock *c)
{
	static const char *const names[] = {
		[TB_CLOCK_TSC] = COUNTER_NAME,
		[TB_CLOCK_ICOUNT] = "icount",
		[TB_CLOCK_RAW] = "monotonic_raw",
		[TB_CLOCK_SCRIPT] = "script",
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
