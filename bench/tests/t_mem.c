// SPDX-License-Identifier: GPL-2.0-only
/* Memory on node 0, which every machine with NUMA has. */
#include "machine/mem.h"

#include <errno.h>
#include <numaif.h>
#include <sys/mman.h>

#include "tests/t.h"

/* More than two chunks, and none of them whole. */
#define NR_PAGES 150

/* What get_mempolicy() needs room for. */
#define NODES 1024

static size_t page_bytes;

static char *map_pages(void)
{
	char *p = mmap(NULL, NR_PAGES * page_bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	/* Or a write would bring 512 pages at once. */
	madvise(p, NR_PAGES * page_bytes, MADV_NOHUGEPAGE);
	return p;
}

static void check_pages(char *p, size_t len_bytes, int want_node,
			uint64_t resident, uint64_t elsewhere)
{
	struct tb_mem_count count;

	assert_int_equal(
		tb_mem_nodes(p, len_bytes, page_bytes, want_node, &count), 0);
	assert_int_equal(count.nr_resident_pages, resident);
	assert_int_equal(count.nr_elsewhere_pages, elsewhere);
}

static void nodes_exist_or_not(void **state)
{
	(void)state;
	if (!tb_mem_node_exists(0))
		T_SKIP("a kernel without NUMA");
	assert_false(tb_mem_node_exists(-1));
	assert_false(tb_mem_node_exists(1023));
	assert_false(tb_mem_node_exists(1024));
	assert_false(tb_mem_node_exists(INT_MAX));
}

static void bound_pages_are_there(void **state)
{
	unsigned long nodes[NODES / 8 / sizeof(long)] = { 0 };
	char *p = map_pages();
	int i, mode;

	(void)state;
	if (!tb_mem_node_exists(0))
		T_SKIP("a kernel without NUMA");
	p[0] = 1;
	/* One page is there before, the others come later. */
	assert_int_equal(tb_mem_bind(p, NR_PAGES * page_bytes, 0), 0);
	for (i = 0; i < NR_PAGES; i++)
		p[i * page_bytes] = 1;
	check_pages(p, NR_PAGES * page_bytes, 0, NR_PAGES, 0);
	/* There and nowhere else. */
	assert_int_equal(get_mempolicy(&mode, nodes, NODES + 1,
				       p + 70 * page_bytes, MPOL_F_ADDR),
			 0);
	assert_int_equal(mode, MPOL_BIND);
	assert_int_equal(nodes[0], 1);
	/* Asked for elsewhere, all of them are wrong. */
	check_pages(p, NR_PAGES * page_bytes, 1, NR_PAGES, NR_PAGES);
	munmap(p, NR_PAGES * page_bytes);
}

static void only_resident_pages_count(void **state)
{
	char *p = map_pages();

	(void)state;
	if (!tb_mem_node_exists(0))
		T_SKIP("a kernel without NUMA");
	check_pages(p, NR_PAGES * page_bytes, 0, 0, 0);
	/* Read only: the zero page. */
	(void)*(volatile char *)p;
	check_pages(p, NR_PAGES * page_bytes, 1, 0, 0);
	p[page_bytes] = 1;
	p[70 * page_bytes] = 1;
	p[(NR_PAGES - 1) * page_bytes] = 1;
	check_pages(p, NR_PAGES * page_bytes, 1, 3, 3);
	/* Up to the last page, which is not whole. */
	check_pages(p, (NR_PAGES - 1) * page_bytes + 1, 1, 3, 3);
	check_pages(p, (NR_PAGES - 1) * page_bytes, 1, 2, 2);
	check_pages(p, 0, 1, 0, 0);
	munmap(p, NR_PAGES * page_bytes);
	check_pages(p, NR_PAGES * page_bytes, 1, 0, 0);
}

static void refusals_are_returned(void **state)
{
	char *p = map_pages();

	(void)state;
	if (!tb_mem_node_exists(0))
		T_SKIP("a kernel without NUMA");
	assert_int_equal(tb_mem_bind(p, page_bytes, -1), -EINVAL);
	assert_int_equal(tb_mem_bind(p, page_bytes, 1023), -EINVAL);
	assert_int_equal(tb_mem_bind(p, page_bytes, 1024), -EINVAL);
	assert_int_equal(tb_mem_bind(p + 1, page_bytes, 0), -EINVAL);
	munmap(p, NR_PAGES * page_bytes);
	assert_int_equal(tb_mem_bind(p, page_bytes, 0), -EFAULT);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_exist_or_not),
		cmocka_unit_test(bound_pages_are_there),
		cmocka_unit_test(only_resident_pages_count),
		cmocka_unit_test(refusals_are_returned),
	};

	page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	return T_RUN("mem", tests);
}
