/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ordered timestamps in ticks, and what a tick is worth.
 *
 * The hot loop stores ticks only. Their rate is measured against
 * CLOCK_MONOTONIC_RAW at the start and over the whole run; both rates are
 * recorded with their difference (drift). The cost of an empty pair of reads
 * is recorded as well and never subtracted.
 *
 *	TB_CLOCK_TSC     x86 invariant TSC, or the arm64 virtual counter
 *	TB_CLOCK_RAW     CLOCK_MONOTONIC_RAW, where there is no such counter
 *	TB_CLOCK_ICOUNT  QEMU -icount: a tick is one virtual nanosecond and
 *	                 2^shift of them are one instruction of any CPU, so the
 *	                 unit is instructions and there is nothing to calibrate
 */
#ifndef TB_CLOCK_H
#define TB_CLOCK_H

#include <stdint.h>
#include <time.h>

enum tb_clock_kind {
	TB_CLOCK_TSC,
	TB_CLOCK_RAW,
	TB_CLOCK_ICOUNT
};

/**
 * struct tb_clock - the clock of a run
 * @kind: decides how ticks are read and converted
 * @icount_shift: of QEMU's -icount; TB_CLOCK_ICOUNT only
 * @start_ticks, @start_ns: first calibration point (CLOCK_MONOTONIC_RAW)
 * @first_hz: rate over the first milliseconds
 * @hz: rate over the whole run, once tb_clock_finish() was called
 * @drift_ppm: (hz - first_hz) / first_hz in millionths
 * @pair_p50_ticks: median of an empty begin/end pair
 */
struct tb_clock {
	enum tb_clock_kind kind;
	unsigned int icount_shift;
	uint64_t start_ticks;
	uint64_t start_ns;
	double first_hz;
	double hz;
	double drift_ppm;
	uint64_t pair_p50_ticks;
};

static inline uint64_t tb_clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

/* For deadlines and progress, not for samples. */
static inline uint64_t tb_now_ns(void)
{
	return tb_clock_ns(CLOCK_MONOTONIC);
}

static inline void tb_cpu_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield" ::: "memory");
#else
	__asm__ __volatile__("" ::: "memory");
#endif
}

/* Nothing of the timed act may start before this read is done. */
static inline uint64_t tb_ticks_begin(const struct tb_clock *c)
{
	if (c->kind == TB_CLOCK_RAW)
		return tb_clock_ns(CLOCK_MONOTONIC_RAW);
#if defined(__x86_64__)
	uint32_t lo, hi;

	__asm__ __volatile__("lfence\n\trdtsc\n\tlfence"
			     : "=a"(lo), "=d"(hi)
			     :
			     : "memory");
	return (uint64_t)hi << 32 | lo;
#elif defined(__aarch64__)
	uint64_t ticks;

	__asm__ __volatile__("isb\n\tmrs %0, cntvct_el0\n\tisb"
			     : "=r"(ticks)
			     :
			     : "memory");
	return ticks;
#else
	return tb_clock_ns(CLOCK_MONOTONIC_RAW);
#endif
}

/* All of the timed act is done before this read. */
static inline uint64_t tb_ticks_end(const struct tb_clock *c)
{
#if defined(__x86_64__)
	uint32_t lo, hi, aux;

	if (c->kind == TB_CLOCK_RAW)
		return tb_clock_ns(CLOCK_MONOTONIC_RAW);
	__asm__ __volatile__("rdtscp\n\tlfence"
			     : "=a"(lo), "=d"(hi), "=c"(aux)
			     :
			     : "memory");
	return (uint64_t)hi << 32 | lo;
#else
	return tb_ticks_begin(c);
#endif
}

/**
 * tb_clock_init() - choose the clock, measure its rate and its cost
 * @icount_shift: negative outside QEMU's instruction counting mode
 *
 * Takes about 10 ms.
 */
void tb_clock_init(struct tb_clock *c, int icount_shift);

/* Second calibration point: fills @hz and @drift_ppm. */
void tb_clock_finish(struct tb_clock *c);

/* "tsc", "monotonic_raw" or "icount"; "ns" or "instructions". */
const char *tb_clock_name(const struct tb_clock *c);
const char *tb_clock_unit(const struct tb_clock *c);

/* Ticks in tb_clock_unit(). */
double tb_clock_value(const struct tb_clock *c, double ticks);

#endif
