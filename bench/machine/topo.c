// SPDX-License-Identifier: GPL-2.0-only
/* CPU topology from sysfs. */
#include "machine/topo.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <numa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

/* More than any kernel counts. */
#define MAX_CPUS (1 << 20)
/* MAX_NUMNODES is 1024 at most. */
#define MAX_NODES 1024
/* REMOTE_DISTANCE of the kernel. */
#define REMOTE 20

/* --- lists --------------------------------------------------------------- */

bool tb_topo_range(const char *s, int *first, int *last)
{
	const char *dash = strchr(s, '-');
	size_t len = dash ? (size_t)(dash - s) : strlen(s);
	uint64_t low, high;
	char digits[16];

	if (len >= sizeof(digits))
		return false;
	memcpy(digits, s, len);
	digits[len] = '\0';
	if (!tb_parse_u64(digits, &low) ||
	    !tb_parse_u64(dash ? dash + 1 : digits, &high))
		return false;
	if (low > high || high >= MAX_CPUS)
		return false;
	*first = (int)low;
	*last = (int)high;
	return true;
}

/*
 * Call @add for each number of the list in @path. Not libnuma's parser: it
 * knows only CPUs and nodes of the machine it runs on.
 */
static int read_list(const char *path,
		     int (*add)(void *ctx, int number, struct tb_err *err),
		     void *ctx, struct tb_err *err)
{
	struct tb_buf b = { 0 };
	int first, last, next = 0, ret = tb_read_file(path, &b);
	char *rest = b.data ? tb_strip(b.data) : "", *item;

	if (ret)
		ret = tb_fail_errno(err, ret, "cannot read %s", path);
	while (!ret && (item = strsep(&rest, ","))) {
		if (!tb_topo_range(item, &first, &last) || first < next) {
			ret = tb_fail(err, -EINVAL, "%s: not a list: %s", path,
				      item);
			break;
		}
		for (next = last + 1; first <= last && !ret; first++)
			ret = add(ctx, first, err);
	}
	tb_buf_fini(&b);
	return ret;
}

/* --- CPUs ---------------------------------------------------------------- */

/* The list's first number, if there is such a file below cpuN/. */
static bool read_lowest(const char *sysfs, int cpu, const char *name,
			int *lowest)
{
	char path[PATH_MAX], line[64];
	int last;

	snprintf(path, sizeof(path), "%s/devices/system/cpu/cpu%d/%s", sysfs,
		 cpu, name);
	if (tb_read_line(path, line, sizeof(line)))
		return false;
	line[strcspn(line, ",")] = '\0';
	return tb_topo_range(line, lowest, &last);
}

static int read_core(const char *sysfs, int cpu)
{
	int core;

	/* The second is its name before Linux 5.3. */
	if (read_lowest(sysfs, cpu, "topology/core_cpus_list", &core) ||
	    read_lowest(sysfs, cpu, "topology/thread_siblings_list", &core))
		return core;
	return cpu;
}

static int read_llc(const char *sysfs, int cpu)
{
	int level, last, highest = 0, llc = -1;
	char name[64];
	unsigned int i;

	for (i = 0;; i++) {
		snprintf(name, sizeof(name), "cache/index%u/level", i);
		if (!read_lowest(sysfs, cpu, name, &level))
			return llc;
		snprintf(name, sizeof(name), "cache/index%u/shared_cpu_list",
			 i);
		if (level > highest && read_lowest(sysfs, cpu, name, &last)) {
			highest = level;
			llc = last;
		}
	}
}

/* sysfs links each CPU directory to its node as "nodeN". */
static int read_node(const char *sysfs, int cpu)
{
	char path[PATH_MAX];
	struct dirent *e;
	int node = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/devices/system/cpu/cpu%d", sysfs, cpu);
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((e = readdir(dir)))
		if (sscanf(e->d_name, "node%d", &node) == 1)
			break;
	closedir(dir);
	return node;
}

/* CPUs on their way from sysfs; @allowed is NULL where all are. */
struct reading {
	struct tb_topo *topo;
	const char *sysfs;
	const struct bitmask *allowed;
};

static int add_cpu(void *ctx, int cpu, struct tb_err *err)
{
	const struct reading *r = ctx;
	struct tb_topo *topo = r->topo;
	struct tb_cpu *more;

	if (r->allowed && !numa_bitmask_isbitset(r->allowed, (unsigned int)cpu))
		return 0;
	more = realloc(topo->cpus, (topo->nr_cpus + 1) * sizeof(*more));
	if (!more)
		return tb_fail_errno(err, -ENOMEM, "cannot list the CPUs");
	topo->cpus = more;
	more[topo->nr_cpus++] = (struct tb_cpu){
		.cpu = cpu,
		.core = read_core(r->sysfs, cpu),
		.llc = read_llc(r->sysfs, cpu),
		.node = read_node(r->sysfs, cpu),
	};
	return 0;
}

static int read_cpus(struct tb_topo *topo, const char *sysfs,
		     struct tb_err *err)
{
	unsigned long words[TB_CPU_MASK_WORDS] = { 0 };
	struct bitmask allowed = { TB_CPU_MASK_BITS, words };
	struct reading r = { .topo = topo, .sysfs = sysfs };
	char path[PATH_MAX];

	if (!strcmp(sysfs, "/sys")) {
		if (numa_sched_getaffinity(0, &allowed) < 0)
			return tb_fail_errno(err, -errno,
					     "cannot read the CPU affinity");
		r.allowed = &allowed;
	}
	snprintf(path, sizeof(path), "%s/devices/system/cpu/online", sysfs);
	return read_list(path, add_cpu, &r, err);
}

/* --- nodes --------------------------------------------------------------- */

/* The online nodes, in order: what the columns of distance files mean. */
struct nodes {
	unsigned int nr;
	int node[MAX_NODES];
};

static int add_node(void *ctx, int node, struct tb_err *err)
{
	struct nodes *n = ctx;

	if (node >= MAX_NODES)
		return tb_fail(err, -EINVAL, "NUMA node %d: expected below %d",
			       node, MAX_NODES);
	n->node[n->nr++] = node;
	return 0;
}

/* "10 21": a distance for each node, and nothing else. */
static bool parse_row(const struct nodes *n, char *line, unsigned int *row)
{
	uint64_t distance;
	unsigned int i;
	char *item;

	for (i = 0; (item = strsep(&line, " ")); i++) {
		if (i == n->nr || !tb_parse_u64(item, &distance) ||
		    distance < TB_MIN_DISTANCE || distance > TB_MAX_DISTANCE)
			return false;
		row[n->node[i]] = (unsigned int)distance;
	}
	return i == n->nr;
}

static int read_row(const struct nodes *n, const char *path, unsigned int *row,
		    struct tb_err *err)
{
	struct tb_buf b = { 0 };
	int ret = tb_read_file(path, &b);

	if (ret)
		ret = tb_fail_errno(err, ret, "cannot read %s", path);
	else if (!b.data || !parse_row(n, tb_strip(b.data), row))
		ret = tb_fail(err, -EINVAL, "%s: expected %u distances, %d-%d",
			      path, n->nr, TB_MIN_DISTANCE, TB_MAX_DISTANCE);
	tb_buf_fini(&b);
	return ret;
}

static int read_nodes(struct tb_topo *topo, const char *sysfs,
		      struct tb_err *err)
{
	struct nodes n = { .nr = 0 };
	char path[PATH_MAX];
	unsigned int i;
	size_t nr;
	int ret;

	snprintf(path, sizeof(path), "%s/devices/system/node/online", sysfs);
	/* A kernel without NUMA. */
	if (access(path, F_OK))
		return 0;
	ret = read_list(path, add_node, &n, err);
	if (ret)
		return ret;
	nr = (size_t)n.node[n.nr - 1] + 1;
	topo->nr_nodes = (unsigned int)nr;
	topo->distances = calloc(nr * nr, sizeof(*topo->distances));
	if (!topo->distances)
		return tb_fail_errno(err, -ENOMEM, "cannot list the nodes");
	for (i = 0; i < n.nr && !ret; i++) {
		snprintf(path, sizeof(path),
			 "%s/devices/system/node/node%d/distance", sysfs,
			 n.node[i]);
		ret = read_row(&n, path, topo->distances + n.node[i] * nr, err);
	}
	return ret;
}

static unsigned int distance_in_table(const struct tb_topo *topo, int from,
				      int to)
{
	size_t nr = topo->nr_nodes, row = (size_t)from, column = (size_t)to;

	return row < nr && column < nr ? topo->distances[row * nr + column] : 0;
}

unsigned int tb_topo_distance(const struct tb_topo *topo, int from, int to)
{
	unsigned int distance = distance_in_table(topo, from, to);

	if (distance)
		return distance;
	return from == to ? TB_MIN_DISTANCE : REMOTE;
}

bool tb_topo_has_node(const struct tb_topo *topo, int node)
{
	return distance_in_table(topo, node, node) != 0;
}

/* --- whole machines ------------------------------------------------------ */

int tb_topo_read(struct tb_topo *topo, const char *sysfs, struct tb_err *err)
{
	int ret;

	*topo = (struct tb_topo){ 0 };
	ret = read_cpus(topo, sysfs, err);
	if (!ret)
		ret = read_nodes(topo, sysfs, err);
	if (ret)
		tb_topo_fini(topo);
	return ret;
}

static void plain_cpus(struct tb_topo *topo, const struct tb_shape *shape)
{
	unsigned int per_socket = shape->nr_cpus / shape->nr_sockets;
	unsigned int per_node = shape->nr_cpus / shape->nr_nodes;
	unsigned int i;

	for (i = 0; i < shape->nr_cpus; i++)
		topo->cpus[i] = (struct tb_cpu){
			.cpu = (int)i,
			.core = (int)(i - i % shape->threads_per_core),
			.llc = (int)(i - i % per_socket),
			.node = (int)(i / per_node),
		};
}

int tb_topo_plain(struct tb_topo *topo, const struct tb_shape *shape,
		  struct tb_err *err)
{
	unsigned int i, nr_distances = shape->nr_nodes * shape->nr_nodes;

	*topo = (struct tb_topo){
		.nr_cpus = shape->nr_cpus,
		.cpus = calloc(shape->nr_cpus, sizeof(*topo->cpus)),
		.nr_nodes = shape->nr_nodes,
		.distances = calloc(nr_distances, sizeof(*topo->distances)),
	};
	if (!topo->cpus || !topo->distances) {
		tb_topo_fini(topo);
		return tb_fail_errno(err, -ENOMEM, "cannot list the CPUs");
	}
	plain_cpus(topo, shape);
	for (i = 0; i < nr_distances; i++)
		topo->distances[i] =
			i % (shape->nr_nodes + 1) ? REMOTE : TB_MIN_DISTANCE;
	return 0;
}

void tb_topo_fini(struct tb_topo *topo)
{
	free(topo->cpus);
	free(topo->distances);
	*topo = (struct tb_topo){ 0 };
}
