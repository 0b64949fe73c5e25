/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory on a NUMA node: ask for it, and see where it is.
 */
#ifndef TB_MEM_H
#define TB_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* May this process have memory of @node? */
bool tb_mem_node_exists(int node);

/**
 * tb_mem_bind() - have @len_bytes at @addr on @node and on no other
 * @addr: start of a page
 *
 * Pages that are there already are moved. A node without free memory is out
 * of memory then; pages do not go elsewhere.
 *
 * Return: 0 or -errno: -EINVAL no such node, -EFAULT nothing mapped, -EIO a
 * page cannot be moved, -ENOSYS a kernel without NUMA
 */
int tb_mem_bind(void *addr, size_t len_bytes, int node);

/**
 * struct tb_mem_count - pages of a region
 * @nr_resident_pages: that are in memory; the zero page is not counted
 * @nr_elsewhere_pages: of these, not on the node where they should be
 */
struct tb_mem_count {
	uint64_t nr_resident_pages;
	uint64_t nr_elsewhere_pages;
};

/**
 * tb_mem_nodes() - where the pages of a region are
 * @page_bytes: their size; each is asked for by its first byte
 * @want_node: where they should be
 *
 * Moves and faults nothing in. Return: 0 or -errno, -ENOSYS as above.
 */
int tb_mem_nodes(void *addr, size_t len_bytes, size_t page_bytes, int want_node,
		 struct tb_mem_count *count);

#endif
