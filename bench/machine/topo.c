// SPDX-License-Identifier: GPL-2.0-only
/* CPU topology from sysfs, through libnuma's parser for CPU lists. */
#include "machine/topo.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <numa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

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

static struct bitmask *usable_cpus(const char *sysfs, struct tb_err *err)
{
	char path[PATH_MAX], line[4096];
	struct bitmask *allowed, *online;
	unsigned int i;
	int ret;

	snprintf(path, sizeof(path), "%s/devices/system/cpu/online", sysfs);
	ret = tb_read_line(path, line, sizeof(line));
	if (ret) {
		tb_fail_errno(err, ret, "cannot read %s", path);
		return NULL;
	}
	online = numa_parse_cpustring_all(line);
	if (!online) {
		tb_fail(err, -EINVAL, "%s: not a CPU list: %s", path, line);
		return NULL;
	}
	if (strcmp(sysfs, "/sys"))
		return online;
	allowed = numa_allocate_cpumask();
	numa_sched_getaffinity(0, allowed);
	for (i = 0; i < online->size; i++)
		if (!numa_bitmask_isbitset(allowed, i))
			numa_bitmask_clearbit(online, i);
	numa_free_cpumask(allowed);
	return online;
}

static void set_smt_rank(struct tb_topo *topo, struct tb_cpu *c)
{
	const struct tb_cpu *o;

	for (o = topo->cpus; o < c; o++)
		if (o->package == c->package && o->core == c->core)
			c->smt_rank++;
}

int tb_topo_read(struct tb_topo *topo, const char *sysfs, struct tb_err *err)
{
	struct bitmask *usable = usable_cpus(sysfs, err);
	unsigned int i, n = 0;

	*topo = (struct tb_topo){ 0 };
	if (!usable)
		return err->code;
	topo->cpus = calloc(numa_bitmask_weight(usable), sizeof(*topo->cpus));
	if (!topo->cpus) {
		numa_bitmask_free(usable);
		return tb_fail_errno(err, -ENOMEM, "cannot list the CPUs");
	}
	for (i = 0; i < usable->size; i++) {
		struct tb_cpu *c = &topo->cpus[n];

		if (!numa_bitmask_isbitset(usable, i))
			continue;
		c->cpu = (int)i;
		c->package = read_number(sysfs, c->cpu, "physical_package_id");
		c->core = read_number(sysfs, c->cpu, "core_id");
		c->node = read_node(sysfs, c->cpu);
		set_smt_rank(topo, c);
		n++;
	}
	topo->nr_cpus = n;
	numa_bitmask_free(usable);
	return 0;
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
