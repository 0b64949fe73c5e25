// SPDX-License-Identifier: GPL-2.0-only
/* Placement through libnuma. */
#include "machine/place.h"

#include <errno.h>
#include <numa.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define LIST_PREFIX "list:"

static const struct tb_cpu *find_cpu(const struct tb_topo *topo, int cpu)
{
	unsigned int i;

	for (i = 0; i < topo->nr_cpus; i++)
		if (topo->cpus[i].cpu == cpu)
			return &topo->cpus[i];
	return NULL;
}

static int too_few(const char *policy, unsigned int nr, unsigned int available,
		   struct tb_err *err)
{
	return tb_usage(err,
			"placement %s: %u threads need a CPU each, but there "
			"are %u usable CPUs",
			policy, nr, available);
}

static int resolve_spread(const struct tb_topo *topo, unsigned int nr,
			  int *cpus, struct tb_err *err)
{
	unsigned int rank, i, n = 0;

	if (nr > topo->nr_cpus)
		return too_few("spread", nr, topo->nr_cpus, err);
	for (rank = 0; n < nr; rank++)
		for (i = 0; i < topo->nr_cpus && n < nr; i++)
			if (topo->cpus[i].smt_rank == rank)
				cpus[n++] = topo->cpus[i].cpu;
	return 0;
}

/* Two threads that wait for each other on one CPU would wait for ever. */
static int check_distinct(const char *policy, unsigned int nr, const int *cpus,
			  struct tb_err *err)
{
	unsigned int i, j;

	for (i = 0; i < nr; i++)
		for (j = 0; j < i; j++)
			if (cpus[i] == cpus[j])
				return tb_usage(err,
						"placement %s: CPU %d is named "
						"twice, expected a CPU for "
						"each thread",
						policy, cpus[i]);
	return 0;
}

/*
 * Not libnuma's parser: a mask has no order, and the first CPU named here is
 * the initiator's.
 */
static int resolve_list(const struct tb_topo *topo, const char *policy,
			unsigned int nr, int *cpus, struct tb_err *err)
{
	char *copy = strdup(policy + strlen(LIST_PREFIX));
	char *rest = copy, *item;
	int cpu, last;
	unsigned int n = 0;
	int ret = 0;

	if (!copy)
		return tb_fail_errno(err, -ENOMEM, "placement");
	while (!ret && (item = strsep(&rest, ","))) {
		if (!tb_topo_range(tb_strip(item), &cpu, &last)) {
			ret = tb_usage(err, "placement %s: expected %s", policy,
				       "list:CPU[-CPU][,...]");
			break;
		}
		for (; cpu <= last && !ret; cpu++) {
			if (topo && !find_cpu(topo, cpu))
				ret = tb_usage(err,
					       "placement %s: CPU %d is not "
					       "usable here",
					       policy, cpu);
			else if (n < nr)
				cpus[n++] = cpu;
		}
	}
	free(copy);
	if (!ret && n < nr)
		return too_few(policy, nr, n, err);
	return ret ? ret : check_distinct(policy, nr, cpus, err);
}

int tb_place_resolve(const struct tb_topo *topo, const char *policy,
		     unsigned int nr, int *cpus, struct tb_err *err)
{
	if (!strncmp(policy, LIST_PREFIX, strlen(LIST_PREFIX)))
		return resolve_list(topo, policy, nr, cpus, err);
	if (!strcmp(policy, "spread"))
		return resolve_spread(topo, nr, cpus, err);
	return tb_place_check(policy, err);
}

int tb_place_check(const char *policy, struct tb_err *err)
{
	if (!strncmp(policy, LIST_PREFIX, strlen(LIST_PREFIX)))
		return resolve_list(NULL, policy, 0, NULL, err);
	if (strcmp(policy, "spread"))
		return tb_usage(err,
				"placement '%s': expected spread or list:CPUS",
				policy);
	return 0;
}

int tb_place_pin(int cpu)
{
	struct bitmask *mask = numa_allocate_cpumask();
	int ret = 0;

	numa_bitmask_setbit(mask, (unsigned int)cpu);
	if (numa_sched_setaffinity(0, mask) < 0)
		ret = -errno;
	else if (sched_getcpu() != cpu)
		ret = -EXDEV;
	numa_free_cpumask(mask);
	return ret;
}

struct bitmask *tb_place_save(void)
{
	struct bitmask *mask = numa_allocate_cpumask();

	numa_sched_getaffinity(0, mask);
	return mask;
}

void tb_place_restore(struct bitmask *mask)
{
	numa_sched_setaffinity(0, mask);
	numa_free_cpumask(mask);
}
