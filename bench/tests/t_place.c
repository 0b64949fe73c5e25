// SPDX-License-Identifier: GPL-2.0-only
/* From policies to CPUs. */
#include "machine/place.h"

#include <errno.h>
#include <sched.h>

#include "tests/t.h"

#define TOPO(rows)                                          \
	{                                                   \
		.nr_cpus = ARRAY_SIZE(rows), .cpus = (rows) \
	}

/* Four cores; siblings are far (0,4), and CPU 6 is not usable. */
static struct tb_cpu cpus[] = {
	{ 0, 0, 0, 0 }, { 1, 1, 0, 0 }, { 2, 2, 0, 0 }, { 3, 3, 0, 0 },
	{ 4, 0, 0, 0 }, { 5, 1, 0, 0 }, { 7, 3, 0, 0 },
};
static const struct tb_topo laptop = TOPO(cpus);

/* Two cores with near siblings. */
static struct tb_cpu near_cpus[] = {
	{ 0, 0, 0, 0 }, { 1, 0, 0, 0 }, { 2, 2, 0, 0 }, { 3, 2, 0, 0 }
};
static const struct tb_topo near = TOPO(near_cpus);

/* All threads are one role. */
static int resolve(const struct tb_topo *topo, const char *policy,
		   unsigned int nr, int *chosen, struct tb_err *err)
{
	const struct tb_place_role all = { policy, nr };

	return tb_place_resolve(topo, &all, 1, 1, topo->nr_cpus, false, chosen,
				err);
}

/* @expected: CPU numbers with blanks between them. */
static void check(const struct tb_topo *topo, const char *policy,
		  unsigned int nr, const char *expected)
{
	struct tb_err err = { 0 };
	struct tb_buf b = { 0 };
	int chosen[16];
	unsigned int i;

	assert_int_equal(tb_place_check(policy, &err), 0);
	if (resolve(topo, policy, nr, chosen, &err))
		fail_msg("%s", err.text);
	for (i = 0; i < nr; i++)
		tb_buf_printf(&b, "%s%d", i ? " " : "", chosen[i]);
	assert_string_equal(b.data, expected);
	tb_buf_fini(&b);
}

static void check_bad(const char *policy, unsigned int nr, const char *message)
{
	struct tb_err err = { 0 };
	int chosen[16];

	assert_int_equal(resolve(&laptop, policy, nr, chosen, &err), -EINVAL);
	assert_true(err.is_usage);
	assert_string_equal(err.text, message);
}

static void spread_takes_cores_first(void **state)
{
	(void)state;
	check(&laptop, "spread", 1, "0");
	check(&laptop, "spread", 4, "0 1 2 3");
	check(&laptop, "spread", 7, "0 1 2 3 4 5 7");
	check(&near, "spread", 2, "0 2");
	check(&near, "spread", 3, "0 2 1");
	check(&near, "spread", 4, "0 2 1 3");
	check_bad("spread", 8,
		  "placement spread: 8 threads need a CPU each, but there are "
		  "7 usable CPUs");
}

static void list_keeps_its_order(void **state)
{
	(void)state;
	check(&laptop, "list:5", 1, "5");
	check(&laptop, "list:3,0,7", 3, "3 0 7");
	check(&laptop, "list: 4 , 1-3", 4, "4 1 2 3");
	/* More than are needed. */
	check(&laptop, "list:0-5", 2, "0 1");
}

static void unusable_cpus_are_named(void **state)
{
	(void)state;
	check_bad("list:6", 1, "placement list:6: CPU 6 is not usable here");
	check_bad("list:0,8", 2,
		  "placement list:0,8: CPU 8 is not usable here");
	check_bad("list:0-7", 8,
		  "placement list:0-7: CPU 6 is not usable here");
	check_bad("list:0,1", 3,
		  "placement list:0,1: 3 threads need a CPU each, but there "
		  "are 2 usable CPUs");
}

static void bad_policies_are_refused(void **state)
{
	static const char *const lists[] = {
		"list:",    "list:x",	      "list:1,",    "list:,1",
		"list:1-",  "list:-1",	      "list:3-1",   "list:0-x",
		"list:0 1", "list:0--1",      "list:0-1-2", "list:0x1",
		"list:all", "list:0-9999999",
	};
	char message[128];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		struct tb_err err = { 0 };

		snprintf(message, sizeof(message),
			 "placement %s: expected list:CPU[-CPU][,...]",
			 lists[i]);
		check_bad(lists[i], 1, message);
		assert_int_equal(tb_place_check(lists[i], &err), -EINVAL);
		assert_string_equal(err.text, message);
	}
	check_bad("", 1,
		  "placement '': expected same-core, smt, llc, node, far, "
		  "spread or list:CPUS");
	check_bad("Spread", 1,
		  "placement 'Spread': expected same-core, smt, llc, node, "
		  "far, spread or list:CPUS");
	check_bad("spread:2", 1,
		  "placement 'spread:2': expected same-core, smt, llc, node, "
		  "far, spread or list:CPUS");
	check_bad("list", 1,
		  "placement 'list': expected same-core, smt, llc, node, far, "
		  "spread or list:CPUS");
}

static void huge_cpu_numbers_do_not_wrap(void **state)
{
	(void)state;
	check_bad("list:4294967296", 1,
		  "placement list:4294967296: expected list:CPU[-CPU][,...]");
}

static void each_thread_has_a_cpu_of_its_own(void **state)
{
	(void)state;
	check_bad("list:2,2", 2,
		  "placement list:2,2: CPU 2 has a thread already, expected a "
		  "CPU for each");
	check_bad(
		"list:0-3,1", 5,
		"placement list:0-3,1: CPU 1 has a thread already, expected a "
		"CPU for each");
}

static void pin_is_verified(void **state)
{
	cpu_set_t before, now;
	int cpu = 0;

	(void)state;
	if (sched_getaffinity(0, sizeof(before), &before))
		T_SKIP("more than 1024 CPUs");
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &before))
			continue;
		assert_int_equal(tb_place_pin(cpu), 0);
		assert_int_equal(sched_getcpu(), cpu);
		sched_getaffinity(0, sizeof(now), &now);
		assert_int_equal(CPU_COUNT(&now), 1);
		assert_true(CPU_ISSET(cpu, &now));
	}
	assert_int_equal(tb_place_pin(1 << 19), -EINVAL);
	sched_setaffinity(0, sizeof(before), &before);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(spread_takes_cores_first),
		cmocka_unit_test(list_keeps_its_order),
		cmocka_unit_test(unusable_cpus_are_named),
		cmocka_unit_test(bad_policies_are_refused),
		cmocka_unit_test(huge_cpu_numbers_do_not_wrap),
		cmocka_unit_test(each_thread_has_a_cpu_of_its_own),
		cmocka_unit_test(pin_is_verified),
	};

	return T_RUN("place", tests);
}
