// SPDX-License-Identifier: GPL-2.0-only
/* Clocks: units, conversion, order. No time is measured, so nothing flakes. */
#include "base/clock.h"

#include <math.h>

#include "tests/t.h"

/*
 * A machine where time passes only while a clock is read: @step_ns each time,
 * and @stall_ns once every @stall_every reads, the next time @more_ns longer.
 */
struct machine {
	double now_ns;
	double ticks;
	double hz;
	double step_ns;
	double stall_ns;
	double more_ns;
	unsigned int stall_every;
	unsigned int nr_reads;
};

static void pass_ns(struct machine *m, double ns)
{
	m->now_ns += ns;
	m->ticks += ns * m->hz / 1e9;
}

static void pass_read(struct machine *m)
{
	pass_ns(m, m->step_ns);
	if (m->stall_every && ++m->nr_reads % m->stall_every == 0) {
		pass_ns(m, m->stall_ns);
		m->stall_ns += m->more_ns;
	}
}

static uint64_t machine_ticks(void *arg)
{
	struct machine *m = arg;

	pass_read(m);
	return (uint64_t)m->ticks;
}

static uint64_t machine_ns(void *arg)
{
	struct machine *m = arg;

	pass_read(m);
	return (uint64_t)m->now_ns;
}

/* Calibrate, let a second pass at @later_hz, calibrate again. */
static struct tb_clock run_script(struct machine *m, double later_hz)
{
	struct tb_clock_script script = { machine_ticks, machine_ns, m };
	struct tb_clock c = { .kind = TB_CLOCK_SCRIPT, .script = &script };

	tb_clock_start(&c);
	m->hz = later_hz;
	pass_ns(m, 1e9);
	tb_clock_finish(&c);
	c.script = NULL;
	return c;
}

static bool is_near(double value, double wanted, double ppm)
{
	return fabs(value - wanted) <= wanted * ppm / 1e6;
}

static void rate_is_measured_at_both_ends(void **state)
{
	struct machine m = { .hz = 2.5e9, .step_ns = 20 };
	struct tb_clock c = run_script(&m, 2.5e9);
	char text[256];

	(void)state;
	assert_true(is_near(c.first_hz, 2.5e9, 1));
	assert_true(is_near(c.hz, 2.5e9, 1));
	assert_true(fabs(c.drift_ppm) < 1);
	assert_false(tb_clock_caveat(&c, text, sizeof(text)));
	/* Ticks are worth what the rate over the whole run says. */
	assert_true(is_near(tb_clock_value(&c, 2.5e6), 1e6, 1));
}

/* Most tries to read both clocks at once are interrupted for 50 us. */
static void rate_survives_interrupts(void **state)
{
	struct machine m = { .hz = 2.5e9, .step_ns = 20, .stall_ns = 50000 };
	struct tb_clock c;

	(void)state;
	for (m.stall_every = 4; m.stall_every < 9; m.stall_every++) {
		m.hz = 2.5e9;
		c = run_script(&m, 2.5e9);
		assert_true(is_near(c.first_hz, 2.5e9, 2));
		assert_true(is_near(c.hz, 2.5e9, 2));
	}
}

static void check_drift(double ppm, bool is_caveat)
{
	struct machine m = { .hz = 1e9, .step_ns = 20 };
	/* The first 10 ms of 1.01 s went at the old rate. */
	struct tb_clock c = run_script(&m, 1e9 * (1 + ppm / 1e6 * 1.01));
	char text[256];

	assert_true(fabs(c.drift_ppm - ppm) < 2);
	assert_int_equal(tb_clock_caveat(&c, text, sizeof(text)), is_caveat);
	if (is_caveat)
		assert_non_null(strstr(text, "ppm"));
}

static void large_drift_is_a_caveat(void **state)
{
	(void)state;
	check_drift(600, true);
	check_drift(-600, true);
	check_drift(400, false);
	check_drift(-400, false);
}

/* Recorded as they are, the cost of a pair included in what is timed. */
static void pairs_are_recorded_not_subtracted(void **state)
{
	struct machine m = { .hz = 1e9, .step_ns = 25, .more_ns = 1000 };
	struct tb_clock_script script = { machine_ticks, machine_ns, &m };
	struct tb_clock c = { .kind = TB_CLOCK_SCRIPT, .script = &script };
	uint64_t begin;

	(void)state;
	/* 50 of 1001 pairs are interrupted, 10 of them for more than 39 us. */
	m.stall_every = 40;
	tb_clock_start(&c);
	assert_int_equal(c.pair_p50_ticks, 25);
	assert_int_equal(c.pair_p99_ticks, 39025);

	m.stall_every = 0;
	begin = tb_ticks_begin(&c);
	pass_ns(&m, 100);
	assert_int_equal(tb_ticks_end(&c) - begin, 125);
	assert_true(is_near(tb_clock_value(&c, 125), 125, 1));
}

static void kernel_decides_whether_the_counter_is_good(void **state)
{
#if defined(__aarch64__)
	static const char *const good[] = { "arch_sys_counter" };
#else
	static const char *const good[] = { "tsc", "kvm-clock tsc acpi_pm",
					    "tsc-early jiffies", "hpet tsc" };
#endif
	static const char *const bad[] = {
		"",	"hpet acpi_pm", "kvm-clock",	    "tscx hpet",
		"xtsc", "ts c",		"arch_sys_counters"
	};
	struct tb_clock c = { .kind = TB_CLOCK_ICOUNT };
	char text[256];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		tb_clock_choose(&c, true, good[i]);
		assert_int_equal(c.kind, TB_CLOCK_TSC);
		assert_false(tb_clock_caveat(&c, text, sizeof(text)));
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		tb_clock_choose(&c, true, bad[i]);
		assert_int_equal(c.kind, TB_CLOCK_RAW);
		assert_true(tb_clock_caveat(&c, text, sizeof(text)));
		assert_non_null(strstr(text, "trust"));
	}
	/* Unknown is no distrust; without a counter there is nothing to trust.
	 */
	tb_clock_choose(&c, true, NULL);
	assert_int_equal(c.kind, TB_CLOCK_TSC);
	tb_clock_choose(&c, false, "hpet");
	assert_int_equal(c.kind, TB_CLOCK_RAW);
	assert_false(tb_clock_caveat(&c, text, sizeof(text)));
	tb_clock_choose(&c, false, good[0]);
	assert_int_equal(c.kind, TB_CLOCK_RAW);
}

static void icount_counts_instructions(void **state)
{
	struct tb_clock c;
	unsigned int shift;

	(void)state;
	for (shift = 0; shift <= 10; shift++) {
		tb_clock_init(&c, (int)shift);
		assert_int_equal(c.kind, TB_CLOCK_ICOUNT);
		assert_string_equal(tb_clock_name(&c), "icount");
		assert_string_equal(tb_clock_unit(&c), "instructions");
		assert_true(tb_clock_value(&c, 0) == 0);
		assert_true(tb_clock_value(&c, 1U << shift) == 1);
		assert_true(tb_clock_value(&c, 1000.0 * (1U << shift)) == 1000);
		/* Nothing to calibrate: a tick is a virtual nanosecond. */
		assert_true(c.hz == 1e9);
		tb_clock_finish(&c);
		assert_true(c.hz == 1e9);
		assert_true(c.drift_ppm == 0);
	}
}

static void raw_ticks_are_nanoseconds(void **state)
{
	struct tb_clock c = { .kind = TB_CLOCK_RAW, .hz = 1e9 };
	uint64_t before_ns = tb_clock_ns(CLOCK_MONOTONIC_RAW);
	uint64_t begin = tb_ticks_begin(&c), end = tb_ticks_end(&c);

	(void)state;
	assert_in_range(begin, before_ns, end);
	assert_in_range(end, begin, tb_clock_ns(CLOCK_MONOTONIC_RAW));
	assert_string_equal(tb_clock_name(&c), "monotonic_raw");
	assert_string_equal(tb_clock_unit(&c), "ns");
	assert_true(tb_clock_value(&c, 12345) == 12345);
}

static void tsc_is_scaled_by_its_rate(void **state)
{
	struct tb_clock c = { .kind = TB_CLOCK_TSC, .hz = 2.5e9 };

	(void)state;
#if defined(__aarch64__)
	assert_string_equal(tb_clock_name(&c), "cntvct");
#else
	assert_string_equal(tb_clock_name(&c), "tsc");
#endif
	assert_string_equal(tb_clock_unit(&c), "ns");
	assert_true(tb_clock_value(&c, 2500) == 1000);
}

static void check_rate(struct tb_clock *c)
{
	assert_string_equal(tb_clock_unit(c), "ns");
	/* From arm64's slowest counters to far beyond any CPU of today. */
	assert_true(c->first_hz > 1e6 && c->first_hz < 2e10);
	tb_clock_finish(c);
	assert_true(c->hz > c->first_hz / 2 && c->hz < c->first_hz * 2);
	assert_true(c->drift_ppm > -1e6 && c->drift_ppm < 1e6);
}

/* Of the clock that this machine gets, and of its counter if it does not. */
static void rate_is_plausible(void **state)
{
	struct tb_clock counter = { .kind = TB_CLOCK_TSC };
	struct tb_clock c;

	(void)state;
	tb_clock_init(&c, -1);
	assert_int_not_equal(c.kind, TB_CLOCK_ICOUNT);
	check_rate(&c);
	tb_clock_start(&counter);
	check_rate(&counter);
}

static void check_order(const struct tb_clock *c)
{
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		uint64_t begin = tb_ticks_begin(c);
		uint64_t end = tb_ticks_end(c);

		assert_true(end >= begin);
		assert_true(tb_ticks_begin(c) >= end);
	}
}

static void end_is_not_before_begin(void **state)
{
	struct tb_clock raw = { .kind = TB_CLOCK_RAW, .hz = 1e9 };
	struct tb_clock counter = { .kind = TB_CLOCK_TSC };

	(void)state;
	check_order(&raw);
	check_order(&counter);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(rate_is_measured_at_both_ends),
		cmocka_unit_test(rate_survives_interrupts),
		cmocka_unit_test(large_drift_is_a_caveat),
		cmocka_unit_test(pairs_are_recorded_not_subtracted),
		cmocka_unit_test(kernel_decides_whether_the_counter_is_good),
		cmocka_unit_test(icount_counts_instructions),
		cmocka_unit_test(raw_ticks_are_nanoseconds),
		cmocka_unit_test(tsc_is_scaled_by_its_rate),
		cmocka_unit_test(rate_is_plausible),
		cmocka_unit_test(end_is_not_before_begin),
	};

	return T_RUN("clock", tests);
}
