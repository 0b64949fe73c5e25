/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The CPUs that this process may use, and how they hang together.
 */
#ifndef TB_TOPO_H
#define TB_TOPO_H

#include <stdbool.h>

#include "base/err.h"

/**
 * struct tb_cpu - one usable CPU
 * @cpu: kernel CPU number
 * @package, @die, @core: from sysfs topology/; 0 where sysfs has none. Core
 *	numbers may repeat from die to die.
 * @node: NUMA node, 0 where there is none
 * @smt_rank: 0 for the first usable thread of a core, then 1, ...
 */
struct tb_cpu {
	int cpu;
	int package;
	int die;
	int core;
	int node;
	unsigned int smt_rank;
};

struct tb_topo {
	unsigned int nr_cpus;
	struct tb_cpu *cpus;
};

/**
 * tb_topo_read() - CPUs of the affinity mask that are online, by number
 * @sysfs: "/sys", or a captured tree, whose online CPUs are all usable
 */
int tb_topo_read(struct tb_topo *topo, const char *sysfs, struct tb_err *err);

/* CPUs 0 to @nr_cpus - 1, each a core of its own: what a VM of ours has. */
int tb_topo_plain(struct tb_topo *topo, unsigned int nr_cpus,
		  struct tb_err *err);

/* "3" or "0-7" at @s as a range of CPUs; false if it is anything else. */
bool tb_topo_range(const char *s, int *first, int *last);
void tb_topo_fini(struct tb_topo *topo);

#endif
