// SPDX-License-Identifier: GPL-2.0-only
/* Topology from trees that have the form of sysfs. */
#include "machine/topo.h"

#include <errno.h>
#include <sched.h>

#include "tests/t.h"

/* One CPU directory of the tree; "online" decides whether it counts. */
struct row {
	int cpu;
	int package;
	int core;
	int node;
	unsigned int rank;
};

/* A file below a tree that is being made, with its directories. */
static void put(const char *root, const char *text, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void put(const char *root, const char *text, const char *fmt, ...)
{
	char path[PATH_MAX], *slash;
	size_t len = strlen(root);
	va_list ap;

	memcpy(path, root, len);
	path[len++] = '/';
	va_start(ap, fmt);
	vsnprintf(path + len, sizeof(path) - len, fmt, ap);
	va_end(ap);
	for (slash = strchr(path + len, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(!mkdir(path, 0755) || errno == EEXIST);
		*slash = '/';
	}
	if (text) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fputs(text, f);
		fclose(f);
	} else {
		assert_int_equal(symlink("../../node/nodeX", path), 0);
	}
}

#define CPUS "devices/system/cpu"

static void make_tree(const char *root, const char *online,
		      const struct row *rows, size_t nr)
{
	char text[32];
	size_t i;

	put(root, online, CPUS "/online");
	for (i = 0; i < nr; i++) {
		const struct row *r = &rows[i];

		snprintf(text, sizeof(text), "%d\n", r->package);
		put(root, text, CPUS "/cpu%d/topology/physical_package_id",
		    r->cpu);
		snprintf(text, sizeof(text), "%d\n", r->core);
		put(root, text, CPUS "/cpu%d/topology/core_id", r->cpu);
		put(root, "0\n", CPUS "/cpu%d/cpufreq/scaling_cur_freq",
		    r->cpu);
		put(root, NULL, CPUS "/cpu%d/node%d", r->cpu, r->node);
	}
}

/* The tree gives exactly @rows, in this order. */
static void check_topo(const char *root, const struct row *rows, size_t nr)
{
	struct tb_err err = { 0 };
	struct tb_topo topo;
	size_t i;

	if (tb_topo_read(&topo, root, &err))
		fail_msg("%s", err.text);
	assert_int_equal(topo.nr_cpus, nr);
	for (i = 0; i < nr; i++) {
		const struct tb_cpu *c = &topo.cpus[i];

		assert_int_equal(c->cpu, rows[i].cpu);
		assert_int_equal(c->package, rows[i].package);
		assert_int_equal(c->core, rows[i].core);
		assert_int_equal(c->node, rows[i].node);
		assert_int_equal(c->smt_rank, rows[i].rank);
	}
	tb_topo_fini(&topo);
	assert_null(topo.cpus);
	assert_int_equal(topo.nr_cpus, 0);
}

static void laptop_with_far_siblings(void **state)
{
	static const struct row rows[] = {
		{ 0, 0, 0, 0, 0 }, { 1, 0, 1, 0, 0 }, { 2, 0, 2, 0, 0 },
		{ 3, 0, 3, 0, 0 }, { 4, 0, 0, 0, 1 }, { 5, 0, 1, 0, 1 },
		{ 6, 0, 2, 0, 1 }, { 7, 0, 3, 0, 1 },
	};

	make_tree(*state, "0-7\n", rows, ARRAY_SIZE(rows));
	check_topo(*state, rows, ARRAY_SIZE(rows));
}

static void laptop_with_near_siblings(void **state)
{
	/* Core numbers with gaps, as after the factory fused some off. */
	static const struct row rows[] = {
		{ 0, 0, 0, 0, 0 }, { 1, 0, 0, 0, 1 },  { 2, 0, 4, 0, 0 },
		{ 3, 0, 4, 0, 1 }, { 4, 0, 8, 0, 0 },  { 5, 0, 8, 0, 1 },
		{ 6, 0, 9, 0, 0 }, { 7, 0, 10, 0, 0 },
	};

	make_tree(*state, "0-7\n", rows, ARRAY_SIZE(rows));
	check_topo(*state, rows, ARRAY_SIZE(rows));
}

static void two_sockets_two_nodes(void **state)
{
	/* Both sockets count their cores from 0: those are not siblings. */
	static const struct row rows[] = {
		{ 0, 0, 0, 0, 0 }, { 1, 1, 0, 1, 0 }, { 2, 0, 1, 0, 0 },
		{ 3, 1, 1, 1, 0 }, { 4, 0, 0, 0, 1 }, { 5, 1, 0, 1, 1 },
		{ 6, 0, 1, 0, 1 }, { 7, 1, 1, 1, 1 },
	};

	make_tree(*state, "0-7\n", rows, ARRAY_SIZE(rows));
	check_topo(*state, rows, ARRAY_SIZE(rows));
}

static void offline_cpus_are_left_out(void **state)
{
	/* CPU 0 is off, so its sibling is the first usable of the core. */
	static const struct row all[] = {
		{ 0, 0, 0, 0, 0 }, { 1, 0, 1, 0, 0 }, { 2, 0, 2, 0, 0 },
		{ 3, 0, 3, 0, 0 }, { 4, 0, 0, 0, 0 }, { 5, 0, 1, 0, 1 },
		{ 6, 0, 2, 0, 1 }, { 7, 0, 3, 0, 0 },
	};
	static const struct row usable[] = {
		{ 1, 0, 1, 0, 0 }, { 2, 0, 2, 0, 0 }, { 4, 0, 0, 0, 0 },
		{ 5, 0, 1, 0, 1 }, { 7, 0, 3, 0, 0 },
	};

	make_tree(*state, "1-2,4-5,7\n", all, ARRAY_SIZE(all));
	check_topo(*state, usable, ARRAY_SIZE(usable));
}

static void many_cpus(void **state)
{
	struct row rows[128];
	int i;

	/* Two sockets of 32 cores; a node per 16 cores. */
	for (i = 0; i < 128; i++)
		rows[i] = (struct row){
			.cpu = i,
			.package = i / 32 % 2,
			.core = i % 32,
			.node = i % 64 / 16,
			.rank = i / 64,
		};
	make_tree(*state, "0-127\n", rows, ARRAY_SIZE(rows));
	check_topo(*state, rows, ARRAY_SIZE(rows));
}

static void without_topology_all_are_cores_of_one(void **state)
{
	static const struct row rows[] = {
		{ 0, 0, 0, 0, 0 },
		{ 1, 0, 0, 0, 1 },
		{ 2, 0, 0, 0, 2 },
	};

	put(*state, "0-2", CPUS "/online");
	check_topo(*state, rows, ARRAY_SIZE(rows));
}

static void check_bad(const char *root, int code, const char *fmt)
{
	struct tb_topo topo = { .nr_cpus = 1 };
	char message[PATH_MAX + 64];
	struct tb_err err = { 0 };

	snprintf(message, sizeof(message), "%s%s/" CPUS "/online%s",
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
		put(*state, lists[i][0], CPUS "/online");
		snprintf(why, sizeof(why), ": not a CPU list: %s", lists[i][1]);
		check_bad(*state, -EINVAL, why);
	}
}

static void plain_cpus_are_cores(void **state)
{
	struct tb_err err = { 0 };
	struct tb_topo topo;
	int i;

	(void)state;
	assert_int_equal(tb_topo_plain(&topo, 8, &err), 0);
	assert_int_equal(topo.nr_cpus, 8);
	for (i = 0; i < 8; i++) {
		assert_int_equal(topo.cpus[i].cpu, i);
		assert_int_equal(topo.cpus[i].core, i);
		assert_int_equal(topo.cpus[i].smt_rank, 0);
	}
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
		T_DIR(laptop_with_far_siblings),
		T_DIR(laptop_with_near_siblings),
		T_DIR(two_sockets_two_nodes),
		T_DIR(offline_cpus_are_left_out),
		T_DIR(many_cpus),
		T_DIR(without_topology_all_are_cores_of_one),
		T_DIR(unreadable_tree_is_an_error),
		T_DIR(bad_list_is_an_error),
		cmocka_unit_test(plain_cpus_are_cores),
		cmocka_unit_test(this_machine_is_read),
		cmocka_unit_test(affinity_narrows_this_machine),
	};

	return T_RUN("topo", tests);
}
