// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory policy through libnuma, by those of its functions that return errors:
 * numa_tonode_memory() prints them and goes on. Nothing here needs the tables
 * that libnuma makes when a program starts, for PID 1 of a VM mounts /sys
 * later.
 */
#include "machine/mem.h"

#include <errno.h>
#include <numa.h>
#include <numaif.h>

/* MAX_NUMNODES is 1024 at most. The kernel counts one more than it reads. */
#define MAX_NODES 1024
#define MAXNODE (MAX_NODES + 1)
#define WORD_BITS (8 * sizeof(unsigned long))

/* Pages per call; their addresses and nodes are on the stack. */
#define CHUNK_PAGES 64

struct node_mask {
	unsigned long words[MAX_NODES / WORD_BITS];
};

static bool is_node(int node)
{
	return node >= 0 && node < MAX_NODES;
}

bool tb_mem_node_exists(int node)
{
	struct node_mask allowed = { { 0 } };

	if (!is_node(node) || get_mempolicy(NULL, allowed.words, MAXNODE, NULL,
					    MPOL_F_MEMS_ALLOWED))
		return false;
	return allowed.words[node / WORD_BITS] >> node % WORD_BITS & 1;
}

int tb_mem_bind(void *addr, size_t len_bytes, int node)
{
	struct node_mask mask = { { 0 } };

	if (!is_node(node))
		return -EINVAL;
	mask.words[node / WORD_BITS] = 1UL << node % WORD_BITS;
	if (mbind(addr, len_bytes, MPOL_BIND, mask.words, MAXNODE,
		  MPOL_MF_STRICT | MPOL_MF_MOVE))
		return -errno;
	return 0;
}

static int count_chunk(char *addr, unsigned int nr_pages, size_t page_bytes,
		       int want_node, struct tb_mem_count *count)
{
	void *pages[CHUNK_PAGES];
	int nodes[CHUNK_PAGES];
	unsigned int i;

	for (i = 0; i < nr_pages; i++)
		pages[i] = addr + i * page_bytes;
	/* Without target nodes it only tells. */
	if (numa_move_pages(0, nr_pages, pages, NULL, nodes, 0))
		return -errno;
	for (i = 0; i < nr_pages; i++) {
		/* -ENOENT: not there; -EFAULT: not mapped, or the zero page. */
		count->nr_resident_pages += nodes[i] >= 0;
		count->nr_elsewhere_pages +=
			nodes[i] >= 0 && nodes[i] != want_node;
	}
	return 0;
}

int tb_mem_nodes(void *addr, size_t len_bytes, size_t page_bytes, int want_node,
		 struct tb_mem_count *count)
{
	size_t done, nr_pages = (len_bytes + page_bytes - 1) / page_bytes;
	int ret = 0;

	*count = (struct tb_mem_count){ 0 };
	for (done = 0; done < nr_pages && !ret; done += CHUNK_PAGES) {
		size_t left = nr_pages - done;

		ret = count_chunk((char *)addr + done * page_bytes,
				  left < CHUNK_PAGES ? left : CHUNK_PAGES,
				  page_bytes, want_node, count);
	}
	return ret;
}
