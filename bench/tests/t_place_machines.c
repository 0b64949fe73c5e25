// SPDX-License-Identifier: GPL-2.0-only
/* From policies to CPUs, on machines that exist: written and captured ones. */
#include "machine/place.h"

#include "tests/t_place.h"

static struct t_machine machine;

static void on_a_laptop(void **state)
{
	struct t_asked a = t_beside("same-core", 3);
	struct tb_topo topo;

	t_read_machine(&topo, *state, t_laptop);
	t_check_placed(&topo, t_beside("same-core", 1), "0 1");
	/* The initiator's own CPU is not shared with it. */
	a.may_share = true;
	t_check_placed(&topo, a, "0 1 1 1");
	t_check_placed(&topo, t_beside("smt", 4), "0 1 2 3 4");
	/* P cores, E cores, then siblings; the low-power cores are outside. */
	t_check_placed(&topo, t_beside("llc", 15),
		       "0 2 4 6 8 10 12 13 14 15 16 17 18 19 1 3");
	t_check_placed(&topo, t_beside("node", 3), "0 20 21 2");
	t_check_placed(&topo, t_one("spread", 18),
		       "0 2 4 6 8 10 12 13 14 15 16 17 18 19 20 21 1 3");
	t_check_refused(
		&topo, t_beside("far", 1),
		"placement far: there is one NUMA node with usable CPUs");
	t_check_refused(
		&topo, t_beside("same-core", 2),
		"placement same-core: a thread finds no CPU: an initiator "
		"has at most 1 others on its core; of 22 usable CPUs 22 may "
		"be taken and 0 are");
	t_check_refused(
		&topo, t_beside("llc", 20),
		"placement llc: a thread finds no CPU: an initiator has at "
		"most 19 others in its last-level cache; of 22 usable CPUs "
		"22 may be taken and 0 are");
	tb_topo_fini(&topo);
}

static void on_two_sockets(void **state)
{
	struct t_asked a;
	struct tb_topo topo;

	t_read_machine(&topo, *state, t_two_sockets);
	t_check_placed(&topo, t_one("spread", 3), "0 1 2");
	t_check_placed(&topo, t_beside("smt", 4), "0 56 1 57 2");
	t_check_placed(&topo, t_beside("llc", 2), "0 1 2");
	/* One cache per node: there is no other. */
	t_check_placed(&topo, t_beside("node", 2), "0 1 2");
	t_check_placed(&topo, t_beside("far", 2), "0 28 29");
	/* Four distances in one instance, whatever the order of the roles. */
	t_check_placed(&topo,
		       T_ASK({ "spread", 1 }, { "far", 1 }, { "llc", 2 },
			     { "same-core", 1 }),
		       "0 28 1 2 56");
	a = t_beside("far", 1);
	a.instances = 3;
	t_check_placed(&topo, a, "0 28 1 29 2 30");
	/* Around an initiator that a list has placed. */
	t_check_placed(
		&topo,
		T_ASK({ "list:90", 1 }, { "same-core", 1 }, { "llc", 1 }),
		"90 34 28");
	tb_topo_fini(&topo);
}

static void with_two_nodes_per_socket(void **state)
{
	struct tb_topo topo;

	t_read_machine(&topo, *state, t_snc);
	t_check_placed(&topo, t_beside("node", 2), "0 1 2");
	/* The cache reaches into the next node, and is filled by number. */
	t_check_placed(&topo, t_beside("llc", 17),
		       "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17");
	/* The other socket; the node next door is nearer. */
	t_check_placed(&topo, t_beside("far", 2), "0 32 33");
	t_check_placed(&topo, T_ASK({ "list:40", 1 }, { "far", 1 }), "40 0");
	t_check_placed(&topo, T_ASK({ "list:0", 1 }, { "smt", 2 }), "0 64 1");
	t_check_refused(
		&topo, t_beside("far", 112),
		"placement far: a thread finds no CPU: an initiator has at "
		"most 96 others in other NUMA nodes; of 128 usable CPUs 128 "
		"may be taken and 0 are");
	tb_topo_fini(&topo);
}

static void with_two_caches_per_node(void **state)
{
	struct t_asked a;
	struct tb_topo topo;

	t_read_machine(&topo, *state, t_epyc);
	t_check_placed(&topo, t_beside("llc", 8), "0 1 2 3 4 5 6 7 128");
	/* The cache next door with all its threads, then that of its own. */
	t_check_placed(
		&topo, t_beside("node", 17),
		"0 8 9 10 11 12 13 14 15 136 137 138 139 140 141 142 143 1");
	t_check_placed(&topo, t_beside("far", 1), "0 64");
	t_check_placed(&topo, t_beside("smt", 17),
		       "0 128 1 129 2 130 3 131 4 132 5 133 6 134 7 135 8 136");
	/* What is left in the first cache is too little for the second. */
	a = t_beside("llc", 8);
	a.instances = 2;
	t_check_placed(&topo, a,
		       "0 1 2 3 4 5 6 7 128 8 9 10 11 12 13 14 15 136");
	tb_topo_fini(&topo);
}

static void nodes_without_cpus_get_no_threads(void **state)
{
	struct t_asked a = t_beside("far", 4);
	struct tb_topo topo;

	t_read_machine(&topo, *state, t_memory_nodes);
	t_check_placed(&topo, a, "0 4 5 6 7");
	/* No CPU is shared while an instance fits elsewhere. */
	a = t_beside("llc", 2);
	a.instances = 2;
	a.may_share = true;
	t_check_placed(&topo, a, "0 1 2 4 5 6");
	/* Evenly, where they must share. */
	a = t_beside("far", 1);
	a.instances = 8;
	a.may_share = true;
	t_check_placed(&topo, a, "0 4 1 5 2 6 3 7 0 4 1 5 2 6 3 7");
	a.max_cpus = 3;
	a.instances = 3;
	t_check_placed(&topo, a, "0 4 1 4 0 4");
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
	t_check_placed(&topo, t_beside("same-core", 1), "2 58");
	t_check_placed(&topo, t_one("spread", 3), "0 2 3");
	t_check_placed(&topo, T_ASK({ "list:0", 1 }, { "smt", 1 }), "0 2");
	tb_topo_fini(&topo);
}

static void without_caches_llc_is_refused(void **state)
{
	struct tb_topo topo;
	struct tb_err err = { 0 };

	t_put(*state, "0-3", T_CPUS "/online");
	assert_int_equal(tb_topo_read(&topo, *state, &err), 0);
	t_check_refused(
		&topo, t_beside("llc", 1),
		"placement llc: the kernel does not tell which CPUs share a "
		"cache");
	t_check_placed(&topo, t_beside("node", 2), "0 1 2");
	t_check_placed(&topo, t_beside("smt", 2), "0 1 2");
	tb_topo_fini(&topo);
}

/* --- captured trees ------------------------------------------------------- */

/* In all of them siblings have neighbouring numbers. */
static void on_captured_sockets(void **state)
{
	struct tb_topo topo;

	t_read_capture(&topo, *state, "two-sockets");
	t_check_placed(&topo, t_one("spread", 9), "0 2 4 6 8 10 12 14 1");
	t_check_placed(&topo, t_beside("smt", 4), "0 1 2 3 4");
	t_check_placed(&topo, t_beside("llc", 5), "0 2 4 6 1 3");
	t_check_placed(&topo, t_beside("far", 5), "0 8 10 12 14 9");
	tb_topo_fini(&topo);
}

static void on_captured_nodes_within_sockets(void **state)
{
	struct tb_topo topo;

	t_read_capture(&topo, *state, "snc");
	t_check_placed(&topo, t_beside("node", 3), "0 2 1 3");
	/* The cache of the socket is that of both nodes. */
	t_check_placed(&topo, t_beside("llc", 5), "0 2 4 6 1 3");
	t_check_placed(&topo, t_beside("far", 3), "0 8 10 12");
	t_check_refused(&topo, t_beside("far", 13),
			"placement far: a thread finds no CPU: an initiator "
			"has at most 12 others in other NUMA nodes; of 16 "
			"usable CPUs 16 may be taken and 0 are");
	tb_topo_fini(&topo);
}

/* Left are the cores 0-1, 3, 4, 8-9 and 10-11, and no CPU of node 3. */
static void on_captured_offline_cpus(void **state)
{
	struct tb_topo topo;

	t_read_capture(&topo, *state, "offline");
	t_check_placed(&topo, t_one("spread", 8), "0 3 4 8 10 1 9 11");
	t_check_placed(&topo, t_beside("node", 2), "0 3 1");
	t_check_placed(&topo, t_beside("llc", 3), "0 3 4 1");
	t_check_placed(&topo, t_beside("far", 5), "0 8 10 9 11 4");
	t_check_placed(&topo, T_ASK({ "list:3", 1 }, { "smt", 1 }), "3 0");
	t_check_refused(&topo, T_ASK({ "list:3", 1 }, { "same-core", 1 }),
			"placement same-core: a thread finds no CPU: an "
			"initiator has at most 1 others on its core; of 8 "
			"usable CPUs 8 may be taken and 1 are");
	t_check_refused(&topo, t_one("list:2", 1),
			"placement list:2: CPU 2 is not usable here");
	tb_topo_fini(&topo);
}

static void on_captured_dies(void **state)
{
	struct tb_topo topo;

	t_read_capture(&topo, *state, "dies");
	t_check_placed(&topo, t_beside("llc", 8), "0 2 4 6 8 10 12 14 1");
	/* The other socket is farther than the other die. */
	t_check_placed(&topo, t_beside("far", 2), "0 32 34");
	t_check_placed(&topo, T_ASK({ "list:63", 1 }, { "far", 1 }), "63 0");
	tb_topo_fini(&topo);
}

static void on_captured_memory_nodes(void **state)
{
	struct tb_topo topo;

	t_read_capture(&topo, *state, "memory-nodes");
	t_check_placed(&topo, t_beside("far", 4), "0 4 5 6 7");
	t_check_placed(&topo, t_beside("node", 3), "0 1 2 3");
	tb_topo_fini(&topo);
}

static void on_captured_many_cpus(void **state)
{
	struct tb_topo topo;

	t_read_capture(&topo, *state, "many-cpus");
	t_check_placed(&topo, t_beside("far", 2), "0 48 50");
	t_check_placed(&topo, T_ASK({ "list:80", 1 }, { "llc", 2 }),
		       "80 48 50");
	t_check_placed(
		&topo,
		T_ASK({ "list:95", 1 }, { "same-core", 1 }, { "far", 1 }),
		"95 94 0");
	tb_topo_fini(&topo);
}

/* --- plain machines ------------------------------------------------------- */

/* What test_vm.py sees in a guest of this shape. */
static void vm_shape_gives_these(void **state)
{
	static const struct tb_shape shape = { 8, 2, 2, 2 };
	struct tb_err err = { 0 };
	struct tb_topo topo;

	(void)state;
	assert_int_equal(tb_topo_plain(&topo, &shape, &err), 0);
	t_check_placed(&topo, t_beside("spread", 7), "0 2 4 6 1 3 5 7");
	t_check_placed(&topo, t_beside("same-core", 1), "0 1");
	t_check_placed(&topo, t_beside("smt", 4), "0 1 2 3 4");
	t_check_placed(&topo, t_beside("llc", 3), "0 2 1 3");
	t_check_placed(&topo, t_beside("node", 3), "0 2 1 3");
	t_check_placed(&topo, t_beside("far", 4), "0 4 6 5 7");
	t_check_placed(&topo, t_beside("list:6,1-2", 2), "6 1 2");
	t_check_placed(&topo, T_ASK({ "list:5", 1 }, { "far", 2 }), "5 0 2");
	tb_topo_fini(&topo);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		T_DIR(on_a_laptop),
		T_DIR(on_two_sockets),
		T_DIR(with_two_nodes_per_socket),
		T_DIR(with_two_caches_per_node),
		T_DIR(nodes_without_cpus_get_no_threads),
		T_DIR(offline_siblings_move_the_initiator),
		T_DIR(without_caches_llc_is_refused),
		cmocka_unit_test(vm_shape_gives_these),
		T_DIR(on_captured_sockets),
		T_DIR(on_captured_nodes_within_sockets),
		T_DIR(on_captured_offline_cpus),
		T_DIR(on_captured_dies),
		T_DIR(on_captured_memory_nodes),
		T_DIR(on_captured_many_cpus),
	};

	return T_RUN("place_machines", tests);
}
