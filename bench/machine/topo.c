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

#include "base/text.h"

/* More than any kernel counts; NR_CPUS is 8192 at most on x86. */
#define MAX_CPUS (1 << 20)

static int read_number(const char *sysfs, int cpu, const char *name)
{
	char path[PATH_MAX], line[32];

	snprintf(path, sizeof(path), "%s/devices/system/cpu/cpu%d/topology/%s",
		 sysfs, cpu, name);
	if (tb_read_line(path, line, sizeof(line)))
		return 0;
	return atoi(line);
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

static void set_smt_rank(struct tb_topo *topo, struct tb_cpu *c)
{
	const struct tb_cpu *o;

	for (o = topo->cpus; o < c; o++)
		if (o->package == c->package && o->die == c->die &&
		    o->core == c->core)
			c->smt_rank++;
}

static int add_cpu(struct tb_topo *topo, const char *sysfs, int cpu,
		   struct tb_err *err)
{
	struct tb_cpu *more =
		realloc(topo->cpus, (topo->nr_cpus + 1) * sizeof(*more));
	struct tb_cpu *c;

	if (!more)
		return tb_fail_errno(err, -ENOMEM, "cannot list the CPUs");
	topo->cpus = more;
	c = &more[topo->nr_cpus++];
	*c = (struct tb_cpu){
		.cpu = cpu,
		.package = read_number(sysfs, cpu, "physical_package_id"),
		.die = read_number(sysfs, cpu, "die_id"),
		.core = read_number(sysfs, cpu, "core_id"),
		.node = read_node(sysfs, cpu),
	};
	set_smt_rank(topo, c);
	return 0;
}

/* Not libnuma's parser: it knows only CPUs of the machine it runs on. */
static int add_list(struct tb_topo *topo, const char *sysfs,
		    const struct bitmask *allowed, const char *path, char *list,
		    struct tb_err *err)
{
	char *rest = list, *item;
	int first, last, next = 0, ret = 0;

	while ((item = strsep(&rest, ","))) {
		if (!tb_topo_range(item, &first, &last) || first < next)
			return tb_fail(err, -EINVAL, "%s: not a CPU list: %s",
				       path, item);
		next = last + 1;
		for (; first <= last && !ret; first++)
			if (!allowed ||
			    numa_bitmask_isbitset(allowed, (unsigned int)first))
				ret = add_cpu(topo, sysfs, first, err);
		if (ret)
			return ret;
	}
	return 0;
}

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

int tb_topo_read(struct tb_topo *topo, const char *sysfs, struct tb_err *err)
{
	struct bitmask *allowed = NULL;
	char path[PATH_MAX], line[4096];
	int ret;

	*topo = (struct tb_topo){ 0 };
	snprintf(path, sizeof(path), "%s/devices/system/cpu/online", sysfs);
	ret = tb_read_line(path, line, sizeof(line));
	if (ret)
		return tb_fail_errno(err, ret, "cannot read %s", path);
	if (!strcmp(sysfs, "/sys")) {
		allowed = numa_allocate_cpumask();
		numa_sched_getaffinity(0, allowed);
	}
	ret = add_list(topo, sysfs, allowed, path, line, err);
	if (allowed)
		numa_free_cpumask(allowed);
	if (ret)
		tb_topo_fini(topo);
	return ret;
}

int tb_topo_plain(struct tb_topo *topo, unsigned int nr_cpus,
		  struct tb_err *err)
{
	unsigned int i;

	*topo = (struct tb_topo){ 0 };
	topo->cpus = calloc(nr_cpus, sizeof(*topo->cpus));
	if (!topo->cpus)
		return tb_fail_errno(err, -ENOMEM, "cannot list the CPUs");
	topo->nr_cpus = nr_cpus;
	for (i = 0; i < nr_cpus; i++)
		topo->cpus[i] =
			(struct tb_cpu){ .cpu = (int)i, .core = (int)i };
	return 0;
}

void tb_topo_fini(struct tb_topo *topo)
{
	free(topo->cpus);
	*topo = (struct tb_topo){ 0 };
}
