// SPDX-License-Identifier: GPL-2.0-only
/* Clocks: units, conversion, order. No time is measured, so nothing flakes. */
#include "base/clock.h"

#include "tests/t.h"

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

	(void)state;
	assert_string_equal(tb_clock_name(&c), "monotonic_raw");
	assert_string_equal(tb_clock_unit(&c), "ns");
	assert_true(tb_clock_value(&c, 12345) == 12345);
}

static void tsc_is_scaled_by_its_rate(void **state)
{
	struct tb_clock c = { .kind = TB_CLOCK_TSC, .hz = 2.5e9 };

	(void)state;
	assert_string_equal(tb_clock_name(&c), "tsc");
	assert_string_equal(tb_clock_unit(&c), "ns");
	assert_true(tb_clock_value(&c, 2500) == 1000);
}

static void rate_is_plausible(void **state)
{
	struct tb_clock c;

	(void)state;
	tb_clock_init(&c, -1);
	assert_int_not_equal(c.kind, TB_CLOCK_ICOUNT);
	assert_string_equal(tb_clock_unit(&c), "ns");
	/* From arm64's slowest counters to far beyond any CPU of today. */
	assert_true(c.first_hz > 1e6 && c.first_hz < 2e10);
	tb_clock_finish(&c);
	assert_true(c.hz > c.first_hz / 2 && c.hz < c.first_hz * 2);
	assert_true(c.drift_ppm > -1e6 && c.drift_ppm < 1e6);
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
	struct tb_clock c;

	(void)state;
	tb_clock_init(&c, -1);
	check_order(&c);
	check_order(&raw);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(icount_counts_instructions),
		cmocka_unit_test(raw_ticks_are_nanoseconds),
		cmocka_unit_test(tsc_is_scaled_by_its_rate),
		cmocka_unit_test(rate_is_plausible),
		cmocka_unit_test(end_is_not_before_begin),
	};

	return T_RUN("clock", tests);
}
