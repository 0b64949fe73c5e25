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
 *	TB_CLOCK_ICOUNT  QEMU -icount: a tick is one virtual nanosecond and
 *	                 2^shift of them are one instruction of any CPU, so the
 *	                 unit is instructions and there is nothing to calibrate
 *	TB_CLOCK_RAW     CLOCK_MONOTONIC_RAW, where there is no such counter or
 *	                 the kernel does not trust it
 *	TB_CLOCK_SCRIPT  what a test says
 */
#ifndef TB_CLOCK_H
#define TB_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* Those from TB_CLOCK_RAW on are read by a call, those before in place. */
enum tb_clock_kind {
	TB_CLOCK_TSC,
	TB_CLOCK_ICOUNT,
	TB_CLOCK_RAW,
	TB_CLOCK_SCRIPT
};

/* Time for TB_CLOCK_SCRIPT: the ticks, and the reference to calibrate them. */
struct tb_clock_script {
	uint64_t (*ticks)(void *arg);
	uint64_t (*ns)(void *arg);
	void *arg;
};

/**
 * struct tb_clock - the clock of a run
 * @kind: decides how ticks are read and converted
 * @is_distrusted: the CPU has a counter that the kernel does not trust
 * @icount_shift: of QEMU's -icount; TB_CLOCK_ICOUNT only
 * @start_ticks, @start_ns: first calibration point (CLOCK_MONOTONIC_RAW)
 * @first_hz: rate over the first milliseconds
 * @hz: rate over the whole run, once tb_clock_finish() was called
 * @drift_ppm: (hz - first_hz) / first_hz in millionths
 * @pair_p50_ticks, @pair_p99_ticks: cost of an empty begin/end pair
 * @script: TB_CLOCK_SCRIPT only
 */
struct tb_clock {
	enum tb_clock_kind kind;
	bool is_distrusted;
	unsigned int icount_shift;
	uint64_t start_ticks;
	uint64_t start_ns;
	double first_hz;
	double hz;
	double drift_ppm;
	uint64_t pair_p50_ticks;
	uint64_t pair_p99_ticks;
	const struct tb_clock_script *script;
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

/* Ticks of TB_CLOCK_RAW and TB_CLOCK_SCRIPT. */
uint64_t tb_ticks_call(const struct tb_clock *c);

/* Nothing of the timed act may start before this read is done. */
static inline uint64_t tb_ticks_begin(const struct tb_clock *c)
{
	if (c->kind >= TB_CLOCK_RAW)
		return tb_ticks_call(c);
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
	return tb_ticks_call(c);
#endif
}

/* All of the timed act is done before this read. */
static inline uint64_t tb_ticks_end(const struct tb_clock *c)
{
#if defined(__x86_64__)
	uint32_t lo, hi, aux;

	if (c->kind >= TB_CLOCK_RAW)
		return tb_ticks_call(c);
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

/**
 * tb_clock_choose() - set @kind and @is_distrusted, for a run outside QEMU's
 * instruction counting mode
 * @has_counter: the CPU has a counter of constant rate
 * @sources: the kernel's available_clocksource; NULL if that is not known
 *
 * The kernel takes a counter off that list when it finds it unstable. One that
 * it lists but does not use (clocksource= on the command line) is good: its
 * drift against the clock in use is recorded.
 */
void tb_clock_choose(struct tb_clock *c, bool has_counter, const char *sources);

/* First calibration point, and the cost of a pair, for the @kind chosen. */
void tb_clock_start(struct tb_clock *c);

/* Second calibration point: fills @hz and @drift_ppm. */
void tb_clock_finish(struct tb_clock *c);

/* What a reader of its numbers must know, into @text; false if nothing. */
bool tb_clock_caveat(const struct tb_clock *c, char *text, size_t size_bytes);

/* "tsc" (arm64: "cntvct"), "monotonic_raw", "icount"; "ns", "instructions". */
const char *tb_clock_name(const struct tb_clock *c);
const char *tb_clock_unit(const struct tb_clock *c);

/* Ticks in tb_clock_unit(). */
double tb_clock_value(const struct tb_clock *c, double ticks);

#endif
