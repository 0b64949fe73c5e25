/* SPDX-License-Identifier: GPL-2.0-only */
/* NUMA nodes, for workloads and litmus tests that need one or two of them. */
#ifndef WL_NODES_H
#define WL_NODES_H

#include <errno.h>
#include <numaif.h>

#define WL_MAX_NODES 1024
#define WL_LONG_BITS (8 * (int)sizeof(long))

/* The first @max nodes with memory that may be used; how many, or -errno. */
static inline int wl_find_nodes(int *node, int max)
{
	unsigned long allowed[WL_MAX_NODES / WL_LONG_BITS] = { 0 };
	int i, nr = 0;

	if (get_mempolicy(NULL, allowed, WL_MAX_NODES, NULL,
			  MPOL_F_MEMS_ALLOWED))
		return -errno;
	for (i = 0; i < WL_MAX_NODES && nr < max; i++)
		if (allowed[i / WL_LONG_BITS] >> i % WL_LONG_BITS & 1)
			node[nr++] = i;
	return nr;
}

#endif
