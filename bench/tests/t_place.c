// SPDX-License-Identifier: GPL-2.0-only
/* From policies to CPUs, on machines that exist. Random ones: t_place_any.c. */
#include "machine/place.h"

#include <errno.h>
#include <sched.h>

#include "tests/t_sysfs.h"

#define MAX_THREADS 512

/* Four cores; siblings are far (0,4), and CPU 6 is not usable. */
static struct tb_cpu cpus[] = {
	{ 0, 0, 0, 0 }, { 1, 1, 0, 0 }, { 2, 2, 0, 0 }, { 3, 3, 0, 0 },
	{ 4, 0, 0, 0 }, { 5, 1, 0, 0 }, { 7, 3, 0, 0 },
};
static const struct tb_topo small = { .nr_cpus = ARRAY_SIZE(cpus),
				      .cpus = cpus };

/* What is asked: roles as "policy nr", the first is the initiator's. */
struct asked {
	struct tb_place_role roles[4];
	unsigned int nr_roles;
	unsigned int instances;
	unsigned int max_cpus;
	bool may_share;
};

#define ASK(...)                                                              \
	(struct asked)                                                        \
	{                                                                     \
		.roles = { __VA_ARGS__ },                                     \
		.nr_roles = sizeof((struct tb_place_role[]){ __VA_ARGS__ }) / \
			    sizeof(struct tb_place_role),                     \
		.instances = 1, .max_cpus = UINT_MAX,                         \
	}

/* All threads are one role. */
static struct asked one(const char *policy, unsigned int nr)
{
	return ASK({ policy, nr });
}

static int resolve(const struct tb_topo *topo, struct asked a, int *chosen,
		   struct tb_err *err)
{
	return tb_place_resolve(topo, a.roles, a.nr_roles, a.instances,
				a.max_cpus, a.may_share, chosen, err);
}

/* @expected: CPU numbers with blanks between them. */
static void check_numbers(const int *chosen, unsigned int nr,
			  const char *expected)
{
	struct tb_buf b = { 0 };
	unsigned int i;

	for (i = 0; i < nr; i++)
		tb_buf_printf(&b, "%s%d", i ? " " : "", chosen[i]);
	assert_string_equal(b.data, expected);
	tb_buf_fini(&b);
}

static void check(const struct tb_topo *topo, struct asked a,
		  const char *expected)
{
	struct tb_err err = { 0 };
	int chosen[MAX_THREADS];
	unsigned int i, nr = 0;

	for (i = 0; i < a.nr_roles; i++) {
		assert_int_equal(tb_place_check(a.roles[i].policy, &err), 0);
		nr += a.roles[i].nr * a.instances;
	}
	assert_true(nr <= MAX_THREADS);
	if (resolve(topo, a, chosen, &err))
		fail_msg("%s", err.text);
	check_numbers(chosen, nr, expected);
}

static void check_bad(const struct tb_topo *topo, struct asked a,
		      const char *message)
{
	struct tb_err err = { 0 };
	int chosen[MAX_THREADS];

	assert_int_equal(resolve(topo, a, chosen, &err), -EINVAL);
	assert_true(err.is_usage);
	assert_string_equal(err.text, message);
}

/* --- spread and lists ----------------------------------------------------- */

static void spread_takes_cores_first(void **state)
{
	/* Two cores with near siblings. */
	static struct tb_cpu near_cpus[] = {
		{ 0, 0, 0, 0 }, { 1, 0, 0, 0 }, { 2, 2, 0, 0 }, { 3, 2, 0, 0 }
	};
	static const struct tb_topo near = { .nr_cpus = 4, .cpus = near_cpus };

	(void)state;
	check(&small, one("spread", 1), "0");
	check(&small, one("spread", 4), "0 1 2 3");
	check(&small, one("spread", 7), "0 1 2 3 4 5 7");
	check(&near, one("spread", 2), "0 2");
	check(&near, one("spread", 3), "0 2 1");
	check(&near, one("spread", 4), "0 2 1 3");
	/* But not what only a narrower policy can use. */
	check(&near, ASK({ "spread", 1 }, { "spread", 2 }, { "same-core", 1 }),
	      "0 2 3 1");
	check_bad(&small, one("spread", 8),
		  "placement spread: 8 threads need a CPU each, but there are "
		  "7 usable CPUs");
}

static void list_keeps_its_order(void **state)
{
	(void)state;
	check(&small, one("list:5", 1), "5");
	check(&small, one("list:3,0,7", 3), "3 0 7");
	check(&small, one("list: 4 , 1-3", 4), "4 1 2 3");
	/* More than are needed. */
	check(&small, one("list:0-5", 2), "0 1");
}

static void one_list_serves_all_in_turn(void **state)
{
	struct asked a =
		ASK({ "list:3,0,7,1,5,2", 1 }, { "list:3,0,7,1,5,2", 2 });

	(void)state;
	a.instances = 2;
	check(&small, a, "3 0 7 1 5 2");
	/* Two lists, each in its own order; and none takes from spread. */
	a = ASK({ "spread", 1 }, { "list:4,0", 1 }, { "list:5,1", 1 });
	a.instances = 2;
	check(&small, a, "2 4 5 3 0 1");
}

static void lists_go_round_when_shared(void **state)
{
	struct asked a = one("list:3,1", 5);

	(void)state;
	a.may_share = true;
	check(&small, a, "3 1 3 1 3");
	/* Named twice, used twice as much. */
	a = one("list:3,3,1", 6);
	a.may_share = true;
	check(&small, a, "3 3 1 3 3 1");
	a = one("list:3,1,2", 5);
	a.may_share = true;
	a.max_cpus = 2;
	check(&small, a, "3 1 3 1 3");
	a = ASK({ "list:3,1", 2 }, { "list:2", 1 });
	a.may_share = true;
	a.max_cpus = 2;
	check_bad(&small, a,
		  "placement list:2: CPU 2 is beyond the 2 CPUs that may be "
		  "used");
}

static void unusable_cpus_are_named(void **state)
{
	(void)state;
	check_bad(&small, one("list:6", 1),
		  "placement list:6: CPU 6 is not usable here");
	check_bad(&small, one("list:0,8", 2),
		  "placement list:0,8: CPU 8 is not usable here");
	check_bad(&small, one("list:0-7", 8),
		  "placement list:0-7: CPU 6 is not usable here");
	check_bad(&small, one("list:0,1", 3),
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
		check_bad(&small, one(lists[i], 1), message);
		err = (struct tb_err){ 0 };
		assert_int_equal(tb_place_check(lists[i], &err), -EINVAL);
		assert_string_equal(err.text, message);
	}
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		snprintf(message, sizeof(message),
			 "placement '%s': expected same-core, smt, llc, node, "
			 "far, spread or list:CPUS",
			 others[i]);
		check_bad(&small, one(others[i], 1), message);
		err = (struct tb_err){ 0 };
		assert_int_equal(tb_place_check(others[i], &err), -EINVAL);
		assert_string_equal(err.text, message);
	}
	/* Only bystanders can ask for it. */
	check_bad(&small, one("shared", 1),
		  "placement 'shared': expected same-core, smt, llc, node, "
		  "far, spread or list:CPUS");
}

static void each_thread_has_a_cpu_of_its_own(void **state)
{
	(void)state;
	check_bad(&small, one("list:2,2", 2),
		  "placement list:2,2: CPU 2 has a thread already, expected a "
		  "CPU for each");
	check_bad(&small, one("list:0-3,1", 5),
		  "placement list:0-3,1: CPU 1 has a thread already, expected "
		  "a CPU for each");
	check_bad(&small, ASK({ "list:0,1", 1 }, { "list:1,0", 2 }),
		  "placement list:1,0: CPU 0 has a thread already, expected a "
		  "CPU for each");
}

/* --- machines that exist -------------------------------------------------- */

static struct t_machine machine;

/* Through its tree, as on the machine itself. */
static void read_machine(struct tb_topo *topo, const char *root,
			 void (*make)(struct t_machine *m))
{
	struct tb_err err = { 0 };

	make(&machine);
	t_put_machine(&machine, root);
	if (tb_topo_read(topo, root, &err))
		fail_msg("%s", err.text);
}

/* An initiator and @nr others. */
static struct asked beside(const char *policy, unsigned int nr)
{
	return ASK({ policy, 1 }, { policy, nr });
}

static void on_a_laptop(void **state)
{
	struct asked a = beside("same-core", 3);
	struct tb_topo topo;

	read_machine(&topo, *state, t_laptop);
	check(&topo, beside("same-core", 1), "0 1");
	/* The initiator's own CPU is not shared with it. */
	a.may_share = true;
	check(&topo, a, "0 1 1 1");
	check(&topo, beside("smt", 4), "0 1 2 3 4");
	/* P cores, E cores, then siblings; the low-power cores are outside. */
	check(&topo, beside("llc", 15),
	      "0 2 4 6 8 10 12 13 14 15 16 17 18 19 1 3");
	check(&topo, beside("node", 3), "0 20 21 2");
	check(&topo, one("spread", 18),
	      "0 2 4 6 8 10 12 13 14 15 16 17 18 19 20 21 1 3");
	check_bad(&topo, beside("far", 1),
		  "placement far: there is one NUMA node with usable CPUs");
	check_bad(&topo, beside("same-core", 2),
		  "placement same-core: a thread finds no CPU: an initiator "
		  "has at most 1 others on its core; of 22 usable CPUs 22 may "
		  "be taken and 0 are");
	check_bad(&topo, beside("llc", 20),
		  "placement llc: a thread finds no CPU: an initiator has at "
		  "most 19 others in its last-level cache; of 22 usable CPUs "
		  "22 may be taken and 0 are");
	tb_topo_fini(&topo);
}

static void on_two_sockets(void **state)
{
	struct asked a;
	struct tb_topo topo;

	read_machine(&topo, *state, t_two_sockets);
	check(&topo, one("spread", 3), "0 1 2");
	check(&topo, beside("smt", 4), "0 56 1 57 2");
	check(&topo, beside("llc", 2), "0 1 2");
	/* One cache per node: there is no other. */
	check(&topo, beside("node", 2), "0 1 2");
	check(&topo, beside("far", 2), "0 28 29");
	/* Four distances in one instance, whatever the order of the roles. */
	check(&topo,
	      ASK({ "spread", 1 }, { "far", 1 }, { "llc", 2 },
		  { "same-core", 1 }),
	      "0 28 1 2 56");
	a = beside("far", 1);
	a.instances = 3;
	check(&topo, a, "0 28 1 29 2 30");
	/* Around an initiator that a list has placed. */
	check(&topo, ASK({ "list:90", 1 }, { "same-core", 1 }, { "llc", 1 }),
	      "90 34 28");
	tb_topo_fini(&topo);
}

static void with_two_nodes_per_socket(void **state)
{
	struct tb_topo topo;

	read_machine(&topo, *state, t_snc);
	check(&topo, beside("node", 2), "0 1 2");
	/* The cache reaches into the next node, and is filled by number. */
	check(&topo, beside("llc", 17),
	      "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17");
	/* The other socket; the node next door is nearer. */
	check(&topo, beside("far", 2), "0 32 33");
	check(&topo, ASK({ "list:40", 1 }, { "far", 1 }), "40 0");
	check(&topo, ASK({ "list:0", 1 }, { "smt", 2 }), "0 64 1");
	check_bad(&topo, beside("far", 112),
		  "placement far: a thread finds no CPU: an initiator has at "
		  "most 96 others in other NUMA nodes; of 128 usable CPUs 128 "
		  "may be taken and 0 are");
	tb_topo_fini(&topo);
}

static void with_two_caches_per_node(void **state)
{
	struct asked a;
	struct tb_topo topo;

	read_machine(&topo, *state, t_epyc);
	check(&topo, beside("llc", 8), "0 1 2 3 4 5 6 7 128");
	/* The cache next door with all its threads, then that of its own. */
	check(&topo, beside("node", 17),
	      "0 8 9 10 11 12 13 14 15 136 137 138 139 140 141 142 143 1");
	check(&topo, beside("far", 1), "0 64");
	check(&topo, beside("smt", 17),
	      "0 128 1 129 2 130 3 131 4 132 5 133 6 134 7 135 8 136");
	/* What is left in the first cache is too little for the second. */
	a = beside("llc", 8);
	a.instances = 2;
	check(&topo, a, "0 1 2 3 4 5 6 7 128 8 9 10 11 12 13 14 15 136");
	tb_topo_fini(&topo);
}

static void nodes_without_cpus_get_no_threads(void **state)
{
	struct asked a = beside("far", 4);
	struct tb_topo topo;

	read_machine(&topo, *state, t_memory_nodes);
	check(&topo, a, "0 4 5 6 7");
	/* No CPU is shared while an instance fits elsewhere. */
	a = beside("llc", 2);
	a.instances = 2;
	a.may_share = true;
	check(&topo, a, "0 1 2 4 5 6");
	/* Evenly, where they must share. */
	a = beside("far", 1);
	a.instances = 8;
	a.may_share = true;
	check(&topo, a, "0 4 1 5 2 6 3 7 0 4 1 5 2 6 3 7");
	a.max_cpus = 3;
	a.instances = 3;
	check(&topo, a, "0 4 1 4 0 4");
	tb_topo_fini(&topo);
}

static void offline_siblings_move_the_initiator(void **state)
{
	struct tb_topo topo;
	struct tb_err err = { 0 };

	t_two_sockets(&machine);
	machine.rows[56].is_offline = true;
	machine.rows[1].is_offline = true;
	t_put_machine(&machine, *state);
	assert_int_equal(tb_topo_read(&topo, *state, &err), 0);
	check(&topo, beside("same-core", 1), "2 58");
	check(&topo, one("spread", 3), "0 2 3");
	check(&topo, ASK({ "list:0", 1 }, { "smt", 1 }), "0 2");
	tb_topo_fini(&topo);
}

static void without_caches_llc_is_refused(void **state)
{
	struct tb_topo topo;
	struct tb_err err = { 0 };

	t_put(*state, "0-3", T_CPUS "/online");
	assert_int_equal(tb_topo_read(&topo, *state, &err), 0);
	check_bad(&topo, beside("llc", 1),
		  "placement llc: the kernel does not tell which CPUs share a "
		  "cache");
	check(&topo, beside("node", 2), "0 1 2");
	check(&topo, beside("smt", 2), "0 1 2");
	tb_topo_fini(&topo);
}

/* What test_vm.py sees in a guest of this shape. */
static void vm_shape_gives_these(void **state)
{
	static const struct tb_shape shape = { 8, 2, 2, 2 };
	struct tb_err err = { 0 };
	struct tb_topo topo;

	(void)state;
	assert_int_equal(tb_topo_plain(&topo, &shape, &err), 0);
	check(&topo, beside("spread", 7), "0 2 4 6 1 3 5 7");
	check(&topo, beside("same-core", 1), "0 1");
	check(&topo, beside("smt", 4), "0 1 2 3 4");
	check(&topo, beside("llc", 3), "0 2 1 3");
	check(&topo, beside("node", 3), "0 2 1 3");
	check(&topo, beside("far", 4), "0 4 6 5 7");
	check(&topo, beside("list:6,1-2", 2), "6 1 2");
	check(&topo, ASK({ "list:5", 1 }, { "far", 2 }), "5 0 2");
	tb_topo_fini(&topo);
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
		check_numbers(chosen, nr, expected);
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
	read_machine(&topo, *state, t_memory_nodes);
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
		T_DIR(on_a_laptop),
		T_DIR(on_two_sockets),
		T_DIR(with_two_nodes_per_socket),
		T_DIR(with_two_caches_per_node),
		T_DIR(nodes_without_cpus_get_no_threads),
		T_DIR(offline_siblings_move_the_initiator),
		T_DIR(without_caches_llc_is_refused),
		cmocka_unit_test(vm_shape_gives_these),
		T_DIR(bystanders_are_apart_or_share),
		cmocka_unit_test(pin_is_verified),
	};

	return T_RUN("place", tests);
}
