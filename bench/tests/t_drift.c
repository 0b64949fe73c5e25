// SPDX-License-Identifier: GPL-2.0-only
/* What happens to a machine meanwhile, on trees that change. */
#include "machine/drift.h"
#include "tests/t_sysfs.h"

#define CPU "sys/devices/system/cpu/"

/* --- the kernel's log ---------------------------------------------------- */

/* More than the reader's buffer holds, so lines straddle it. */
static void test_long_log(void **state)
{
	struct tb_buf b = { 0 };
	struct tb_kmsg log;
	unsigned int i, level;
	char text[256], want[64];

	for (i = 0; i < 1000; i++)
		tb_buf_printf(&b, "%u,%u,0,-;message %u\n KEY=value\n",
			      8 * 3 + i % 8, i, i);
	t_put(*state, b.data, "dev/kmsg");
	tb_buf_fini(&b);
	assert_int_equal(tb_kmsg_open(&log, *state, false), 0);
	for (i = 0; tb_kmsg_next(&log, &level, text, sizeof(text)); i++) {
		snprintf(want, sizeof(want), "message %u", i);
		assert_string_equal(text, want);
		assert_int_equal(level, i % 8);
	}
	assert_int_equal(i, 1000);
	tb_kmsg_close(&log);
}

/* --- drift --------------------------------------------------------------- */

static const struct t_file before[] = {
	{ "proc/stat", "cpu  100 0 100 1000 0 0 0 10 0 0\ncpu0 1\n" },
	{ "proc/meminfo", "SwapTotal: 1000 kB\nSwapFree: 900 kB\n" },
	{ "proc/interrupts", "       CPU0 CPU1 CPU3\nTLB: 5 6 7  TLB\n" },
	{ CPU "cpu0/thermal_throttle/core_throttle_count", "3\n" },
	{ CPU "cpu1/thermal_throttle/package_throttle_count", "4\n" },
	{ "dev/kmsg", "2,1,0,-;BUG: long ago\n" },
	{ 0 }
};

static const struct t_file after[] = {
	{ "proc/stat", "cpu  200 0 200 1795 0 0 0 15 0 0\ncpu0 1\n" },
	{ "proc/meminfo", "SwapTotal: 1000 kB\nSwapFree: 880 kB\n" },
	{ "proc/interrupts", "       CPU0 CPU1 CPU3\nTLB: 15 26 37  TLB\n" },
	{ CPU "cpu0/thermal_throttle/core_throttle_count", "5\n" },
	{ CPU "cpu1/thermal_throttle/package_throttle_count", "5\n" },
	{ "dev/kmsg",
	  "2,1,0,-;BUG: long ago\n6,2,0,-;usb: hello\n4,3,0,-;disk slow\n"
	  "5,4,0,-;clocksource: Marking TSC unstable due to x\n" },
	{ 0 }
};

static struct tb_drift *drift_begin(void **state)
{
	struct tb_drift *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	tb_drift_begin(d, *state);
	return d;
}

static void drift_free(struct tb_drift *d)
{
	tb_drift_fini(d);
	free(d);
}

static void assert_item(const struct tb_drift *d, enum tb_drift_id id,
			double value, bool is_wrong)
{
	const struct tb_drift_item *item = &d->items[id];

	if (!item->is_known || item->value < value - 1e-9 ||
	    item->value > value + 1e-9 || item->is_wrong != is_wrong)
		fail_msg("%s: %g (%s)%s, expected %g%s", item->name,
			 item->value, item->reason,
			 item->is_wrong ? " wrong" : "", value,
			 is_wrong ? " wrong" : "");
}

static void test_drift(void **state)
{
	struct tb_drift *d;

	t_put_all(*state, before);
	d = drift_begin(state);
	d->is_used[0] = d->is_used[1] = true;
	t_put_all(*state, after);
	tb_drift_end(d);
	assert_item(d, TB_DRIFT_STOLEN, 0.5, true);
	assert_item(d, TB_DRIFT_THROTTLED, 3, true);
	assert_item(d, TB_DRIFT_SWAP, 20, true);
	assert_item(d, TB_DRIFT_TLB, 60, false);
	assert_item(d, TB_DRIFT_FOREIGN_TLB, 30, true);
	assert_item(d, TB_DRIFT_ALARMS, 1, true);
	assert_item(d, TB_DRIFT_WARNINGS, 1, true);
	assert_false(d->items[TB_DRIFT_FREQUENCY].is_known);
	assert_int_equal(d->nr_lines, 2);
	assert_string_equal(d->lines[0], "disk slow");
	assert_string_equal(d->lines[1],
			    "clocksource: Marking TSC unstable due to x");
	drift_free(d);
}

/* A machine on which nothing happens has no finding. */
static void test_no_drift(void **state)
{
	struct tb_drift *d;
	unsigned int i;

	t_put_all(*state, before);
	d = drift_begin(state);
	t_put(*state, "cpu  200 0 200 9000 0 0 0 10 0 0\n", "proc/stat");
	tb_drift_end(d);
	for (i = 0; i < TB_NR_DRIFT; i++)
		assert_false(d->items[i].is_wrong);
	assert_item(d, TB_DRIFT_STOLEN, 0, false);
	assert_item(d, TB_DRIFT_FOREIGN_TLB, 0, false);
	drift_free(d);
}

static void test_drift_that_cannot_be_read(void **state)
{
	struct tb_drift *d = drift_begin(state);
	unsigned int i;

	t_put_all(*state, after);
	tb_drift_end(d);
	for (i = 0; i < TB_NR_DRIFT; i++) {
		assert_false(d->items[i].is_known);
		assert_false(d->items[i].is_wrong);
		assert_true(*d->items[i].reason);
	}
	drift_free(d);
}

/* Where all CPUs belong to the run, nobody can tell whose interrupts are. */
static void test_no_foreign_cpu(void **state)
{
	struct tb_drift *d;

	t_put_all(*state, before);
	d = drift_begin(state);
	d->is_used[0] = d->is_used[1] = d->is_used[3] = true;
	tb_drift_end(d);
	assert_false(d->items[TB_DRIFT_FOREIGN_TLB].is_known);
	assert_item(d, TB_DRIFT_TLB, 0, false);
	drift_free(d);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		T_DIR(test_long_log),
		T_DIR(test_drift),
		T_DIR(test_no_drift),
		T_DIR(test_drift_that_cannot_be_read),
		T_DIR(test_no_foreign_cpu),
	};

	return T_RUN("drift", tests);
}
