// SPDX-License-Identifier: GPL-2.0-only
/*
 * From policies to CPUs: lists, refusals, bystanders, pinning. Whole machines:
 * t_place_machines.c, random ones: t_place_any.c.
 */
#include "machine/place.h"

#include <errno.h>
#include <sched.h>

#include "tests/t_place.h"

/* Four cores; siblings are far (0,4), and CPU 6 is not usable. */
static struct tb_cpu cpus[] = {
	{ 0, 0, 0, 0 }, { 1, 1, 0, 0 }, { 2, 2, 0, 0 }, { 3, 3, 0, 0 },
	{ 4, 0, 0, 0 }, { 5, 1, 0, 0 }, { 7, 3, 0, 0 },
};
static const struct tb_topo small = { .nr_cpus = ARRAY_SIZE(cpus),
				      .cpus = cpus };
/* --- spread and lists ----------------------------------------------------- */

static void spread_takes_cores_first(void **state)
{
	/* Two cores with near siblings. */
	static struct tb_cpu near_cpus[] = {
		{ 0, 0, 0, 0 }, { 1, 0, 0, 0 }, { 2, 2, 0, 0 }, { 3, 2, 0, 0 }
	};
	static const struct tb_topo near = { .nr_cpus = 4, .cpus = near_cpus };

	(void)state;
	t_check_placed(&small, t_one("spread", 1), "0");
	t_check_placed(&small, t_one("spread", 4), "0 1 2 3");
	t_check_placed(&small, t_one("spread", 7), "0 1 2 3 4 5 7");
	t_check_placed(&near, t_one("spread", 2), "0 2");
	t_check_placed(&near, t_one("spread", 3), "0 2 1");
	t_check_placed(&near, t_one("spread", 4), "0 2 1 3");
	/* But not what only a narrower policy can use. */
	t_check_placed(
		&near,
		T_ASK({ "spread", 1 }, { "spread", 2 }, { "same-core", 1 }),
		"0 2 3 1");
	t_check_refused(
		&small, t_one("spread", 8),
		"placement spread: 8 threads need a CPU each, but there are "
		"7 usable CPUs");
}

static void list_keeps_its_order(void **state)
{
	(void)state;
	t_check_placed(&small, t_one("list:5", 1), "5");
	t_check_placed(&small, t_one("list:3,0,7", 3), "3 0 7");
	t_check_placed(&small, t_one("list: 4 , 1-3", 4), "4 1 2 3");
	/* More than are needed. */
	t_check_placed(&small, t_one("list:0-5", 2), "0 1");
}

static void one_list_serves_all_in_turn(void **state)
{
	struct t_asked a =
		T_ASK({ "list:3,0,7,1,5,2", 1 }, { "list:3,0,7,1,5,2", 2 });

	(void)state;
	a.instances = 2;
	t_check_placed(&small, a, "3 0 7 1 5 2");
	/* Two lists, each in its own order; and none takes from spread. */
	a = T_ASK({ "spread", 1 }, { "list:4,0", 1 }, { "list:5,1", 1 });
	a.instances = 2;
	t_check_placed(&small, a, "2 4 5 3 0 1");
}

static void lists_go_round_when_shared(void **state)
{
	struct t_asked a = t_one("list:3,1", 5);

	(void)state;
	a.may_share = true;
	t_check_placed(&small, a, "3 1 3 1 3");
	/* Named twice, used twice as much. */
	a = t_one("list:3,3,1", 6);
	a.may_share = true;
	t_check_placed(&small, a, "3 3 1 3 3 1");
	a = t_one("list:3,1,2", 5);
	a.may_share = true;
	a.max_cpus = 2;
	t_check_placed(&small, a, "3 1 3 1 3");
	a = T_ASK({ "list:3,1", 2 }, { "list:2", 1 });
	a.may_share = true;
	a.max_cpus = 2;
	t_check_refused(
		&small, a,
		"placement list:2: CPU 2 is beyond the 2 CPUs that may be "
		"used");
}

static void unusable_cpus_are_named(void **state)
{
	(void)state;
	t_check_refused(&small, t_one("list:6", 1),
			"placement list:6: CPU 6 is not usable here");
	t_check_refused(&small, t_one("list:0,8", 2),
			"placement list:0,8: CPU 8 is not usable here");
	t_check_refused(&small, t_one("list:0-7", 8),
			"placement list:0-7: CPU 6 is not usable here");
	t_check_refused(
		&small, t_one("list:0,1", 3),
		"placement list:0,1: 3 threads need a CPU each, but there "
		"are 2 usable CPUs");
}

static void bad_policies_are_refused(void **state)
{
	static const char *const lists[] = {
		"list:",    "list:x",	      "list:1,",	 "list:,1",
		"list:1-",  "list:-1",	      "list:3-1",	 "list:0-x",
		"list:0 1", "list:0--1",      "list:0-1-2",	 "list:0x1",
		"list:all", "list:0-9999999", "list:4294967296",
	};
	static const char *const others[] = { "",     "Spread",	   "spread:2",
					      "list", "same_core", "llc ",
					      "nod" };
	struct tb_err err;
	char message[128];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		snprintf(message, sizeof(message),
			 "placement %s: expected list:CPU[-CPU][,...]",
			 lists[i]);
		t_check_refused(&small, t_one(lists[i], 1), message);
		err = (struct tb_err){ 0 };
		assert_int_equal(tb_place_check(lists[i], &err), -EINVAL);
		assert_string_equal(err.text, message);
	}
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		snprintf(message, sizeof(message),
			 "placement '%s': expected same-core, smt, llc, node, "
			 "far, spread or list:CPUS",
			 others[i]);
		t_check_refused(&small, t_one(others[i], 1), message);
		err = (struct tb_err){ 0 };
		assert_int_equal(tb_place_check(others[i], &err), -EINVAL);
		assert_string_equal(err.text, message);
	}
	/* Only bystanders can ask for it. */
	t_check_refused(
		&small, t_one("shared", 1),
		"placement 'shared': expected same-core, smt, llc, node, "
		"far, spread or list:CPUS");
}

static void each_thread_has_a_cpu_of_its_own(void **state)
{
	(void)state;
	t_check_refused(
		&small, t_one("list:2,2", 2),
		"placement list:2,2: CPU 2 has a thread already, expected a "
		"CPU for each");
	t_check_refused(
		&small, t_one("list:0-3,1", 5),
		"placement list:0-3,1: CPU 1 has a thread already, expected "
		"a CPU for each");
	t_check_refused(
		&small, T_ASK({ "list:0,1", 1 }, { "list:1,0", 2 }),
		"placement list:1,0: CPU 0 has a thread already, expected a "
		"CPU for each");
}

/* --- bystanders ----------------------------------------------------------- */

static void check_bystanders(const struct tb_topo *topo, const char *policy,
			     unsigned int nr, const char *expected)
{
	static const int used[] = { 5, 1, 1, 5, 2 };
	struct tb_err err = { 0 };
	int chosen[16];

	assert_int_equal(tb_place_check(policy, &err), 0);
	if (tb_place_bystanders(topo, policy, nr, used, ARRAY_SIZE(used),
				chosen, &err))
		assert_string_equal(err.text, expected);
	else
		t_check_numbers(chosen, nr, expected);
}

static void bystanders_are_apart_or_share(void **state)
{
	struct tb_topo topo;

	(void)state;
	check_bystanders(&small, "spread", 4, "0 3 4 7");
	check_bystanders(&small, "list:7,0", 2, "7 0");
	check_bystanders(&small, "list:7,1", 2,
			 "placement list:7,1: CPU 1 has a thread already, "
			 "expected a CPU for each");
	check_bystanders(&small, "same-core", 1,
			 "placement same-core: a thread finds no CPU: an "
			 "initiator has at most 1 others on its core; of 7 "
			 "usable CPUs 7 may be taken and 3 are");
	check_bystanders(&small, "spread", 5,
			 "placement spread: a thread finds no CPU: an "
			 "initiator has at most 6 others on the same machine; "
			 "of 7 usable CPUs 7 may be taken and 7 are");
	check_bystanders(&small, "shared", 7, "1 2 5 1 2 5 1");
	/* CPU 5 is in node 1, of CPUs 4-7. */
	t_read_machine(&topo, *state, t_memory_nodes);
	check_bystanders(&topo, "far", 2, "0 3");
	check_bystanders(&topo, "llc", 2, "4 6");
	tb_topo_fini(&topo);
}

/* --- pinning -------------------------------------------------------------- */

static void pin_is_verified(void **state)
{
	cpu_set_t before, now;
	struct bitmask *mask;
	int cpu;

	(void)state;
	if (sched_getaffinity(0, sizeof(before), &before))
		T_SKIP("more than 1024 CPUs");
	mask = tb_place_save();
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
	assert_int_equal(tb_place_pin(-1), -EINVAL);
	tb_place_restore(mask);
	sched_getaffinity(0, sizeof(now), &now);
	assert_true(CPU_EQUAL(&now, &before));
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(spread_takes_cores_first),
		cmocka_unit_test(list_keeps_its_order),
		cmocka_unit_test(one_list_serves_all_in_turn),
		cmocka_unit_test(lists_go_round_when_shared),
		cmocka_unit_test(unusable_cpus_are_named),
		cmocka_unit_test(bad_policies_are_refused),
		cmocka_unit_test(each_thread_has_a_cpu_of_its_own),
		T_DIR(bystanders_are_apart_or_share),
		cmocka_unit_test(pin_is_verified),
	};

	return T_RUN("place", tests);
}
