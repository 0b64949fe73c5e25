// SPDX-License-Identifier: GPL-2.0-only
/* Topology of whole machines, from trees that are written and captured. */
#include "machine/topo.h"

#include "tests/t_sysfs.h"

/* Too large for a stack. */
static struct t_machine machine;

/* Lowest online CPU that has the same number as @cpu. */
static int lowest(const struct t_machine *m, int cpu, size_t member)
{
	int i;

	for (i = 0;
	     m->rows[i].is_offline ||
	     t_number(&m->rows[i], member) != t_number(&m->rows[cpu], member);
	     i++)
		;
	return i;
}

static int llc_of(const struct t_machine *m, int cpu)
{
	if (m->rows[cpu].l2 == T_NONE)
		return -1;
	return lowest(m, cpu,
		      m->rows[cpu].l3 == T_NONE ? offsetof(struct t_row, l2)
						: offsetof(struct t_row, l3));
}

/* What the file says, whose numbers have blanks between them. */
static void check_distances(const struct t_machine *m,
			    const struct tb_topo *topo)
{
	int from, to;

	for (from = 0; from < m->nr_nodes; from++) {
		const char *row = m->distances[from];
		char *end;

		assert_true(tb_topo_has_node(topo, m->nodes[from]));
		for (to = 0; to < m->nr_nodes; to++, row = end)
			assert_int_equal(strtoul(row, &end, 10),
					 tb_topo_distance(topo, m->nodes[from],
							  m->nodes[to]));
	}
}

/* The tree below @root gives the CPUs of @m, their groups and the distances. */
static void check_tree(const struct t_machine *m, const char *root)
{
	struct tb_err err = { 0 };
	struct tb_topo topo;
	unsigned int n = 0;
	int i;

	if (tb_topo_read(&topo, root, &err))
		fail_msg("%s", err.text);
	for (i = 0; i < m->nr_cpus; i++) {
		const struct tb_cpu *c = &topo.cpus[n];

		if (m->rows[i].is_offline)
			continue;
		assert_true(n < topo.nr_cpus);
		assert_int_equal(c->cpu, i);
		assert_int_equal(c->core,
				 lowest(m, i, offsetof(struct t_row, core)));
		assert_int_equal(c->llc, llc_of(m, i));
		assert_int_equal(c->node, m->rows[i].node);
		n++;
	}
	assert_int_equal(topo.nr_cpus, n);
	check_distances(m, &topo);
	tb_topo_fini(&topo);
	assert_null(topo.cpus);
	assert_null(topo.distances);
	assert_int_equal(topo.nr_cpus, 0);
}

/* What the tool for captures makes of the tree below @root, below another. */
static void recapture(const char *root, const char *again)
{
	char command[2 * PATH_MAX], chunk[4096];
	struct tb_buf b = { 0 };
	size_t n;
	FILE *f;

	snprintf(command, sizeof(command),
		 "bench/tools/capture-topology '%s' 2>&1", root);
	f = popen(command, "r");
	assert_non_null(f);
	while ((n = fread(chunk, 1, sizeof(chunk), f)))
		tb_buf_add(&b, chunk, n);
	if (pclose(f))
		fail_msg("%s: %s", command, b.data);
	mkdir(again, 0755);
	t_put_lines(again, b.data);
	tb_buf_fini(&b);
}

/* So it is from the tree of @m, and from a capture of that. */
static void check_topo(const struct t_machine *m, const char *root)
{
	const char *again = t_path(root, "again");

	t_put_machine(m, root);
	check_tree(m, root);
	recapture(root, again);
	check_tree(m, again);
}

static void laptop(void **state)
{
	t_laptop(&machine);
	check_topo(&machine, *state);
}

static void two_sockets(void **state)
{
	t_two_sockets(&machine);
	check_topo(&machine, *state);
}

static void two_nodes_per_socket(void **state)
{
	t_snc(&machine);
	check_topo(&machine, *state);
}

static void two_caches_per_node(void **state)
{
	t_epyc(&machine);
	check_topo(&machine, *state);
}

static void offline_cpus_are_left_out(void **state)
{
	int i;

	/* A core without its first thread, one without both, a node without. */
	t_two_sockets(&machine);
	machine.rows[0].is_offline = true;
	machine.rows[1].is_offline = true;
	machine.rows[57].is_offline = true;
	for (i = 28; i < 56; i++)
		machine.rows[i].is_offline = machine.rows[i + 56].is_offline =
			true;
	check_topo(&machine, *state);
}

static void thousands_of_cpus(void **state)
{
	int i;

	/* Every second one off: no ranges, a list of more than a page. */
	machine = (struct t_machine){ .nr_cpus = T_MAX_CPUS };
	for (i = 0; i < T_MAX_CPUS; i++)
		machine.rows[i] = (struct t_row){ .core = i / 2,
						  .l2 = T_NONE,
						  .is_offline = i % 2 };
	check_topo(&machine, *state);
}

static void nodes_without_cpus(void **state)
{
	struct tb_err err = { 0 };
	struct tb_topo topo;

	t_memory_nodes(&machine);
	check_topo(&machine, *state);
	assert_int_equal(tb_topo_read(&topo, *state, &err), 0);
	assert_int_equal(tb_topo_distance(&topo, 0, 2), 17);
	assert_int_equal(tb_topo_distance(&topo, 1, 2), 28);
	assert_int_equal(tb_topo_distance(&topo, 3, 1), 17);
	assert_int_equal(tb_topo_distance(&topo, 3, 3), 10);
	tb_topo_fini(&topo);
}

static void node_numbers_with_gaps(void **state)
{
	struct tb_err err = { 0 };
	struct tb_topo topo;
	int i;

	/* As on POWER. */
	machine = (struct t_machine){ .nr_cpus = 4,
				      .nr_nodes = 2,
				      .nodes = { 0, 8 },
				      .distances = { "10 40\n", "40 10\n" } };
	for (i = 0; i < 4; i++)
		machine.rows[i] = (struct t_row){ .core = i,
						  .l3 = i / 2,
						  .node = i / 2 * 8 };
	check_topo(&machine, *state);
	assert_int_equal(tb_topo_read(&topo, *state, &err), 0);
	assert_int_equal(tb_topo_distance(&topo, 8, 0), 40);
	assert_int_equal(tb_topo_distance(&topo, 8, 8), 10);
	assert_false(tb_topo_has_node(&topo, 1));
	assert_false(tb_topo_has_node(&topo, 9));
	assert_false(tb_topo_has_node(&topo, -1));
	tb_topo_fini(&topo);
}

/* --- captured trees ------------------------------------------------------- */

/*
 * How the CPUs of a virtual machine hang together is known from QEMU's command
 * line, which stands in the file.
 */
static void virtual_machine(int nr_cpus, int threads_per_core, int nr_caches,
			    int nr_nodes)
{
	int i;

	machine =
		(struct t_machine){ .nr_cpus = nr_cpus, .nr_nodes = nr_nodes };
	for (i = 0; i < nr_nodes; i++)
		machine.nodes[i] = i;
	for (i = 0; i < nr_cpus; i++)
		machine.rows[i] = (struct t_row){
			.core = i / threads_per_core,
			.l3 = i / (nr_cpus / nr_caches),
			.node = i / (nr_cpus / nr_nodes),
		};
}

static void distances(const char *rows[])
{
	int i;

	for (i = 0; i < machine.nr_nodes; i++)
		machine.distances[i] = rows[i];
}

static const char *snc_distances[] = { "10 11 20 20", "11 10 20 20",
				       "20 20 10 11", "20 20 11 10" };

static void captured_sockets(void **state)
{
	const char *rows[] = { "10 21", "21 10" };

	virtual_machine(16, 2, 2, 2);
	distances(rows);
	t_put_capture(*state, "two-sockets");
	check_tree(&machine, *state);
}

static void captured_nodes_within_sockets(void **state)
{
	virtual_machine(16, 2, 2, 4);
	distances(snc_distances);
	t_put_capture(*state, "snc");
	check_tree(&machine, *state);
}

/* A first thread, a second one, a core, and all CPUs of a node. */
static void captured_offline_cpus(void **state)
{
	static const int offline[] = { 2, 5, 6, 7, 12, 13, 14, 15 };
	size_t i;

	virtual_machine(16, 2, 2, 4);
	distances(snc_distances);
	for (i = 0; i < ARRAY_SIZE(offline); i++)
		machine.rows[offline[i]].is_offline = true;
	t_put_capture(*state, "offline");
	check_tree(&machine, *state);
}

static void captured_dies(void **state)
{
	const char *rows[] = { "10 16 32 32", "16 10 32 32", "32 32 10 16",
			       "32 32 16 10" };

	virtual_machine(64, 2, 4, 4);
	distances(rows);
	t_put_capture(*state, "dies");
	check_tree(&machine, *state);
}

/* Node 1 has no memory, node 2 has no CPUs. */
static void captured_memory_nodes(void **state)
{
	const char *rows[] = { "10 21 17", "21 10 28", "17 28 10" };

	virtual_machine(8, 1, 2, 2);
	machine.nodes[machine.nr_nodes++] = 2;
	distances(rows);
	t_put_capture(*state, "memory-nodes");
	check_tree(&machine, *state);
}

static void captured_many_cpus(void **state)
{
	const char *rows[] = { "10 21", "21 10" };

	virtual_machine(96, 2, 2, 2);
	distances(rows);
	t_put_capture(*state, "many-cpus");
	check_tree(&machine, *state);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		T_DIR(laptop),
		T_DIR(two_sockets),
		T_DIR(two_nodes_per_socket),
		T_DIR(two_caches_per_node),
		T_DIR(offline_cpus_are_left_out),
		T_DIR(thousands_of_cpus),
		T_DIR(nodes_without_cpus),
		T_DIR(node_numbers_with_gaps),
		T_DIR(captured_sockets),
		T_DIR(captured_nodes_within_sockets),
		T_DIR(captured_offline_cpus),
		T_DIR(captured_dies),
		T_DIR(captured_memory_nodes),
		T_DIR(captured_many_cpus),
	};

	return T_RUN("topo_trees", tests);
}
