/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Machines as trees that have the form of sysfs, for tests of topology and
 * placement: written, or captured with bench/tools/capture-topology.
 *
 * A written machine is a row per CPU; the lists in the tree follow from the
 * rows, and name online CPUs only, as the kernel's do. t_put_machine() makes
 * the tree of one, t_put_capture() that of a file in bench/tests/data/.
 */
#ifndef T_SYSFS_H
#define T_SYSFS_H

#include <errno.h>
#include <fcntl.h>

#include "machine/topo.h"
#include "tests/t.h"

#define T_MAX_CPUS 2048
#define T_MAX_NODES 8
#define T_NONE (-1)

/* One CPU directory; CPUs with equal numbers share the core or the cache. */
struct t_row {
	int core;
	int l2;
	int l3;
	int node;
	bool is_offline;
};

/**
 * struct t_machine - what a tree is made from
 * @rows: by CPU number; with @l2 T_NONE there is no cache/, with @l3 T_NONE
 *	the second level is the last
 * @nodes: the online ones, with or without CPUs
 * @distances: a line each, as in nodeN/distance
 */
struct t_machine {
	int nr_cpus;
	struct t_row rows[T_MAX_CPUS];
	int nr_nodes;
	int nodes[T_MAX_NODES];
	const char *distances[T_MAX_NODES];
};

#define T_CPUS "devices/system/cpu"
#define T_NODES "devices/system/node"

/* A file below a tree that is being made, with its directories. */
static inline void t_put(const char *root, const char *text, const char *fmt,
			 ...) __attribute__((format(printf, 3, 4)));

static inline void t_put(const char *root, const char *text, const char *fmt,
			 ...)
{
	char path[PATH_MAX], *slash;
	size_t len = strlen(root);
	va_list ap;
	int fd;

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
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(tb_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

/* A file of a tree; the last one of a list has no path. */
struct t_file {
	const char *path;
	const char *text;
};

static inline void t_put_all(const char *root, const struct t_file *files)
{
	for (; files->path; files++)
		t_put(root, files->text, "%s", files->path);
}

/* Which of the three numbers of a row a list is about. */
static inline int t_number(const struct t_row *row, size_t member)
{
	return *(const int *)(const void *)((const char *)row + member);
}

/* "0-3,8": online CPUs whose @member is @cpu's; of all if @cpu is negative. */
static inline char *t_list(const struct t_machine *m, int cpu, size_t member)
{
	struct tb_buf b = { 0 };
	int i, first = -1;

	for (i = 0; i <= m->nr_cpus; i++) {
		bool is_in =
			i < m->nr_cpus && !m->rows[i].is_offline &&
			(cpu < 0 || t_number(&m->rows[i], member) ==
					    t_number(&m->rows[cpu], member));

		if (is_in && first < 0)
			first = i;
		if (is_in || first < 0)
			continue;
		tb_buf_printf(&b, b.data ? ",%d" : "%d", first);
		if (i - 1 > first)
			tb_buf_printf(&b, "-%d", i - 1);
		first = -1;
	}
	tb_buf_printf(&b, "\n");
	return b.data;
}

static inline void t_put_list(const struct t_machine *m, const char *root,
			      int cpu, size_t member, const char *name)
{
	char *list = t_list(m, cpu, member);

	t_put(root, list, T_CPUS "/cpu%d/%s", cpu, name);
	free(list);
}

static inline void t_put_cache(const struct t_machine *m, const char *root,
			       int cpu, int idx, int level, size_t member)
{
	char name[64], text[8];

	snprintf(name, sizeof(name), "cache/index%d/shared_cpu_list", idx);
	t_put_list(m, root, cpu, member, name);
	snprintf(text, sizeof(text), "%d\n", level);
	t_put(root, text, T_CPUS "/cpu%d/cache/index%d/level", cpu, idx);
}

/* The kernel removes topology/ and cache/ of CPUs that go offline. */
static inline void t_put_cpu(const struct t_machine *m, const char *root,
			     int cpu)
{
	const struct t_row *row = &m->rows[cpu];

	t_put(root, "", T_CPUS "/cpu%d/uevent", cpu);
	if (m->nr_nodes)
		t_put(root, "", T_CPUS "/cpu%d/node%d", cpu, row->node);
	if (row->is_offline)
		return;
	t_put_list(m, root, cpu, offsetof(struct t_row, core),
		   "topology/core_cpus_list");
	if (row->l2 == T_NONE)
		return;
	t_put_cache(m, root, cpu, 0, 1, offsetof(struct t_row, core));
	t_put_cache(m, root, cpu, 1, 1, offsetof(struct t_row, core));
	t_put_cache(m, root, cpu, 2, 2, offsetof(struct t_row, l2));
	if (row->l3 != T_NONE)
		t_put_cache(m, root, cpu, 3, 3, offsetof(struct t_row, l3));
}

static inline void t_put_nodes(const struct t_machine *m, const char *root)
{
	struct tb_buf b = { 0 };
	int i;

	for (i = 0; i < m->nr_nodes; i++) {
		tb_buf_printf(&b, i ? ",%d" : "%d", m->nodes[i]);
		t_put(root, m->distances[i], T_NODES "/node%d/distance",
		      m->nodes[i]);
	}
	if (m->nr_nodes)
		t_put(root, b.data, T_NODES "/online");
	tb_buf_fini(&b);
}

static inline void t_put_machine(const struct t_machine *m, const char *root)
{
	char *online = t_list(m, -1, 0);
	int cpu;

	t_put(root, online, T_CPUS "/online");
	free(online);
	for (cpu = 0; cpu < m->nr_cpus; cpu++)
		t_put_cpu(m, root, cpu);
	t_put_nodes(m, root);
}

/* --- captured trees ------------------------------------------------------- */

/* "cpu/cpu{0-3,8}/node0" becomes a file for each of the CPUs. */
static inline void t_put_expanded(const char *root, char *path,
				  const char *text)
{
	char *list = strchr(path, '{'), *rest = strchr(path, '}'), *item;
	int cpu, last;

	if (!list || !rest) {
		t_put(root, text, "devices/system/%s", path);
		return;
	}
	*list++ = *rest++ = '\0';
	while ((item = strsep(&list, ",")))
		for (assert_true(tb_topo_range(item, &cpu, &last)); cpu <= last;
		     cpu++)
			t_put(root, text, "devices/system/%s%d%s", path, cpu,
			      rest);
}

/* The tree that bench/tools/capture-topology saw; @lines is used up. */
static inline void t_put_lines(const char *root, char *lines)
{
	char *line, *path;

	while ((line = strsep(&lines, "\n"))) {
		if (!*line || *line == '#')
			continue;
		path = strsep(&line, ":");
		assert_non_null(line);
		t_put_expanded(root, path, line);
	}
}

/* Of bench/tests/data/@name.topo; tests run in the directory of the Makefile.
 */
static inline void t_put_capture(const char *root, const char *name)
{
	struct tb_buf b = { 0 };
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "bench/tests/data/%s.topo", name);
	if (tb_read_file(path, &b) || !b.data)
		fail_msg("cannot read %s", path);
	t_put_lines(root, b.data);
	tb_buf_fini(&b);
}

/* --- machines that exist -------------------------------------------------- */

/*
 * Core Ultra 7 155H: six P cores with two threads each, eight E cores in
 * clusters of four with one L2, two low-power E cores outside the L3.
 */
static inline void t_laptop(struct t_machine *m)
{
	int i;

	*m = (struct t_machine){ .nr_cpus = 22,
				 .nr_nodes = 1,
				 .distances = { "10\n" } };
	for (i = 0; i < 22; i++)
		m->rows[i] = (struct t_row){
			.core = i < 12 ? i / 2 : i,
			.l2 = i < 12 ? i / 2 : 20 + i / 4,
			.l3 = i < 20 ? 0 : T_NONE,
		};
}

/* Two Xeon Gold 6238R: 28 cores each, siblings 56 apart, a node per socket. */
static inline void t_two_sockets(struct t_machine *m)
{
	int i;

	*m = (struct t_machine){ .nr_cpus = 112,
				 .nr_nodes = 2,
				 .nodes = { 0, 1 },
				 .distances = { "10 21\n", "21 10\n" } };
	for (i = 0; i < 112; i++)
		m->rows[i] = (struct t_row){ .core = i % 56,
					     .l2 = i % 56,
					     .l3 = i % 56 / 28,
					     .node = i % 56 / 28 };
}

/*
 * Two Xeon Gold 6338 with SNC2: two nodes in each socket, whose CPUs share the
 * L3 of the socket all the same (CPUID says so).
 */
static inline void t_snc(struct t_machine *m)
{
	int i;

	*m = (struct t_machine){ .nr_cpus = 128,
				 .nr_nodes = 4,
				 .nodes = { 0, 1, 2, 3 },
				 .distances = {
					 "10 11 20 20\n", "11 10 20 20\n",
					 "20 20 10 11\n", "20 20 11 10\n" } };
	for (i = 0; i < 128; i++)
		m->rows[i] = (struct t_row){ .core = i % 64,
					     .l2 = i % 64,
					     .l3 = i % 64 / 32,
					     .node = i % 64 / 16 };
}

/* Two EPYC 7763 with NPS4: 16 caches of 8 cores, two in each of 8 nodes. */
static inline void t_epyc(struct t_machine *m)
{
	int i;

	*m = (struct t_machine){
		.nr_cpus = 256,
		.nr_nodes = 8,
		.nodes = { 0, 1, 2, 3, 4, 5, 6, 7 },
		.distances = { "10 12 12 12 32 32 32 32\n",
			       "12 10 12 12 32 32 32 32\n",
			       "12 12 10 12 32 32 32 32\n",
			       "12 12 12 10 32 32 32 32\n",
			       "32 32 32 32 10 12 12 12\n",
			       "32 32 32 32 12 10 12 12\n",
			       "32 32 32 32 12 12 10 12\n",
			       "32 32 32 32 12 12 12 10\n" },
	};
	for (i = 0; i < 256; i++)
		m->rows[i] = (struct t_row){ .core = i % 128,
					     .l2 = i % 128,
					     .l3 = i % 128 / 8,
					     .node = i % 128 / 16 };
}

/*
 * Two sockets with Optane memory as nodes of its own (dax/kmem): nodes 2 and 3
 * have no CPUs.
 */
static inline void t_memory_nodes(struct t_machine *m)
{
	int i;

	*m = (struct t_machine){ .nr_cpus = 8,
				 .nr_nodes = 4,
				 .nodes = { 0, 1, 2, 3 },
				 .distances = {
					 "10 21 17 28\n", "21 10 28 17\n",
					 "17 28 10 28\n", "28 17 28 10\n" } };
	for (i = 0; i < 8; i++)
		m->rows[i] = (struct t_row){
			.core = i, .l2 = i, .l3 = i / 4, .node = i / 4
		};
}

#endif
