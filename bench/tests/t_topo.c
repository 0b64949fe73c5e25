// SPDX-License-Identifier: GPL-2.0-only
/*
 * Topology where something is missing or wrong, of plain machines and of this
 * one. Whole machines: t_topo_trees.c.
 */
#include "machine/topo.h"

#include <errno.h>
#include <sched.h>

#include "tests/t_sysfs.h"

static struct t_machine machine;

/* --- what is missing or wrong --------------------------------------------- */

static void check_lone_cpus(const char *root, int core_of_1)
{
	struct tb_err err = { 0 };
	struct tb_topo topo;

	assert_int_equal(tb_topo_read(&topo, root, &err), 0);
	assert_int_equal(topo.nr_cpus, 2);
	assert_int_equal(topo.cpus[1].core, core_of_1);
	assert_int_equal(topo.cpus[1].llc, -1);
	assert_int_equal(topo.cpus[1].node, 0);
	assert_int_equal(topo.nr_nodes, 0);
	assert_false(tb_topo_has_node(&topo, 0));
	/* The kernel's own guess. */
	assert_int_equal(tb_topo_distance(&topo, 0, 0), 10);
	assert_int_equal(tb_topo_distance(&topo, 0, 1), 20);
	tb_topo_fini(&topo);
}

static void without_topology_each_is_a_core(void **state)
{
	t_put(*state, "0-1", T_CPUS "/online");
	check_lone_cpus(*state, 1);
}

static void old_kernels_call_a_core_siblings(void **state)
{
	t_put(*state, "0-1", T_CPUS "/online");
	t_put(*state, "0-1\n", T_CPUS "/cpu1/topology/thread_siblings_list");
	check_lone_cpus(*state, 0);
}

static void bad_distances_are_errors(void **state)
{
	static const char *const rows[] = { "",	     "10",     "10 20 20",
					    "x",     "10 x",   "10 9",
					    "10,20", "10 256", "10  20" };
	struct tb_err err;
	struct tb_topo topo;
	char message[PATH_MAX];
	size_t i;

	t_memory_nodes(&machine);
	machine.nr_nodes = 2;
	machine.distances[0] = "10 21";
	t_put_machine(&machine, *state);
	snprintf(message, sizeof(message),
		 "%s/" T_NODES "/node1/distance: expected 2 distances, 10-255",
		 (char *)*state);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		err = (struct tb_err){ 0 };
		t_put(*state, rows[i], T_NODES "/node1/distance");
		assert_int_equal(tb_topo_read(&topo, *state, &err), -EINVAL);
		assert_string_equal(err.text, message);
		assert_null(topo.distances);
	}
}

static void bad_nodes_are_errors(void **state)
{
	struct tb_err err = { 0 };
	struct tb_topo topo;

	t_put(*state, "0", T_CPUS "/online");
	t_put(*state, "0-1024", T_NODES "/online");
	assert_int_equal(tb_topo_read(&topo, *state, &err), -EINVAL);
	assert_string_equal(err.text, "NUMA node 1024: expected below 1024");
	err = (struct tb_err){ 0 };
	t_put(*state, "0", T_NODES "/online");
	assert_int_equal(tb_topo_read(&topo, *state, &err), -ENOENT);
	assert_non_null(strstr(err.text, "node0/distance"));
}

static void check_bad(const char *root, int code, const char *fmt)
{
	struct tb_topo topo = { .nr_cpus = 1 };
	char message[PATH_MAX + 64];
	struct tb_err err = { 0 };

	snprintf(message, sizeof(message), "%s%s/" T_CPUS "/online%s",
		 code == -EINVAL ? "" : "cannot read ", root, fmt);
	assert_int_equal(tb_topo_read(&topo, root, &err), code);
	assert_string_equal(err.text, message);
	/* What is left may be freed. */
	assert_int_equal(topo.nr_cpus, 0);
	tb_topo_fini(&topo);
}

static void unreadable_tree_is_an_error(void **state)
{
	check_bad(*state, -ENOENT, ": No such file or directory");
}

static void bad_list_is_an_error(void **state)
{
	/* The list, and what of it the message names. */
	static const char *const lists[][2] = {
		{ "x", "x" },
		{ "0-", "0-" },
		{ "0,,1", "" },
		{ "1-0", "1-0" },
		{ "0-x", "0-x" },
		{ "-1", "-1" },
		{ "0 1", "0 1" },
		{ "", "" },
		{ "2,0-1", "0-1" },
		{ "0,0", "0" },
		{ "1048576", "1048576" },
		{ "4294967296", "4294967296" },
		{ "1000000000000000", "1000000000000000" },
	};
	char why[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		t_put(*state, lists[i][0], T_CPUS "/online");
		snprintf(why, sizeof(why), ": not a list: %s", lists[i][1]);
		check_bad(*state, -EINVAL, why);
	}
}

static void plain_machines_have_their_shape(void **state)
{
	static const struct tb_shape shape = { 16, 2, 2, 4 };
	struct tb_err err = { 0 };
	struct tb_topo topo;
	int i;

	(void)state;
	assert_int_equal(tb_topo_plain(&topo, &shape, &err), 0);
	assert_int_equal(topo.nr_cpus, 16);
	assert_int_equal(topo.nr_nodes, 4);
	for (i = 0; i < 16; i++) {
		assert_int_equal(topo.cpus[i].cpu, i);
		assert_int_equal(topo.cpus[i].core, i & ~1);
		assert_int_equal(topo.cpus[i].llc, i & ~7);
		assert_int_equal(topo.cpus[i].node, i / 4);
		assert_int_equal(tb_topo_distance(&topo, 2, i / 4),
				 i / 4 == 2 ? 10 : 20);
	}
	assert_true(tb_topo_has_node(&topo, 3));
	assert_false(tb_topo_has_node(&topo, 4));
	tb_topo_fini(&topo);
}

static void this_machine_is_read(void **state)
{
	struct tb_err err = { 0 };
	struct tb_topo topo;
	cpu_set_t allowed;
	unsigned int i, n = 0;

	(void)state;
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		T_SKIP("more than 1024 CPUs");
	assert_int_equal(tb_topo_read(&topo, "/sys", &err), 0);
	for (i = 0; i < topo.nr_cpus; i++) {
		assert_true(CPU_ISSET(topo.cpus[i].cpu, &allowed));
		assert_true(!i || topo.cpus[i].cpu > topo.cpus[i - 1].cpu);
		n++;
	}
	assert_int_equal(n, CPU_COUNT(&allowed));
	tb_topo_fini(&topo);
}

static void affinity_narrows_this_machine(void **state)
{
	cpu_set_t before, one;
	struct tb_err err = { 0 };
	struct tb_topo topo;
	int cpu = 0;

	(void)state;
	if (sched_getaffinity(0, sizeof(before), &before))
		T_SKIP("more than 1024 CPUs");
	while (!CPU_ISSET(cpu, &before))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(tb_topo_read(&topo, "/sys", &err), 0);
	sched_setaffinity(0, sizeof(before), &before);
	assert_int_equal(topo.nr_cpus, 1);
	assert_int_equal(topo.cpus[0].cpu, cpu);
	tb_topo_fini(&topo);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		T_DIR(without_topology_each_is_a_core),
		T_DIR(old_kernels_call_a_core_siblings),
		T_DIR(bad_distances_are_errors),
		T_DIR(bad_nodes_are_errors),
		T_DIR(unreadable_tree_is_an_error),
		T_DIR(bad_list_is_an_error),
		cmocka_unit_test(plain_machines_have_their_shape),
		cmocka_unit_test(this_machine_is_read),
		cmocka_unit_test(affinity_narrows_this_machine),
	};

	return T_RUN("topo", tests);
}
