/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The CPUs that this process may use, and how they hang together.
 */
#ifndef TB_TOPO_H
#define TB_TOPO_H

#include <stdbool.h>

#include "base/err.h"

/* Room for all CPUs that a kernel can have; NR_CPUS is 8192 at most on x86. */
#define TB_CPU_MASK_BITS 8192
#define TB_CPU_MASK_WORDS (TB_CPU_MASK_BITS / 8 / sizeof(unsigned long))

/* From a node to itself; the greatest that a firmware can tell. */
#define TB_MIN_DISTANCE 10
#define TB_MAX_DISTANCE 255

/**
 * struct tb_cpu - one usable CPU
 * @cpu: kernel CPU number
 * @core, @llc: lowest number of the online CPUs that are threads of its core,
 *	that share its last-level cache. Where sysfs does not tell, the core is
 *	@cpu itself and the cache is -1.
 * @node: NUMA node, 0 where there is none
 */
struct tb_cpu {
	int cpu;
	int core;
	int llc;
	int node;
};

/**
 * struct tb_topo - the usable CPUs, and how far the nodes are from each other
 * @cpus: by number
 * @nr_nodes: highest number of an online node, plus 1; 0 where sysfs has none
 * @distances: @nr_nodes rows of @nr_nodes as in the firmware's table, 10 for
 *	a node to itself; 0 where one of the two is not online
 */
struct tb_topo {
	unsigned int nr_cpus;
	struct tb_cpu *cpus;
	unsigned int nr_nodes;
	unsigned int *distances;
};

/**
 * struct tb_shape - a machine made to measure, as our VMs are
 * @nr_sockets, @nr_nodes: each with as many of the CPUs
 * @threads_per_core: siblings have neighbouring numbers
 */
struct tb_shape {
	unsigned int nr_cpus;
	unsigned int nr_sockets;
	unsigned int threads_per_core;
	unsigned int nr_nodes;
};

/**
 * tb_topo_read() - CPUs of the affinity mask that are online
 * @sysfs: "/sys", or a captured tree, whose online CPUs are all usable
 */
int tb_topo_read(struct tb_topo *topo, const char *sysfs, struct tb_err *err);

/* The CPUs of @shape, as the kernel in a VM of that shape sees them. */
int tb_topo_plain(struct tb_topo *topo, const struct tb_shape *shape,
		  struct tb_err *err);

/* From node to node; where no table is known as the kernel guesses: 10 or 20.
 */
unsigned int tb_topo_distance(const struct tb_topo *topo, int from, int to);

/* Is @node online? */
bool tb_topo_has_node(const struct tb_topo *topo, int node);

/* "3" or "0-7" at @s as a range of CPUs; false if it is anything else. */
bool tb_topo_range(const char *s, int *first, int *last);
void tb_topo_fini(struct tb_topo *topo);

#endif
