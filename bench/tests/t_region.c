// SPDX-License-Identifier: GPL-2.0-only
/* Regions: bound where asked, looked up, and found out if they are elsewhere.
 */
#include "engine/region.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/mem.h"
#include "tests/t.h"

#define NR_PAGES 3

static const struct wl_region regions[] = {
	{ .name = "pool" },
	{ .name = "log" },
	{ 0 },
};
static const struct wl_ops ops = { .name = "toy", .regions = regions };

static struct wl_ctx ctx;
static char *pages;

/* A case that asks for @node for the second region. */
static struct tb_case case_on(int node)
{
	struct tb_case cs = { .ops = &ops };

	cs.is_bound[1] = true;
	cs.node[1] = node;
	memset(&ctx, 0, sizeof(ctx));
	ctx.page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	tb_region_init(&cs, &ctx);
	return cs;
}

static int map_pages(void **state)
{
	(void)state;
	pages = mmap(NULL, NR_PAGES * (size_t)sysconf(_SC_PAGESIZE),
		     PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	return pages == MAP_FAILED;
}

static int unmap_pages(void **state)
{
	(void)state;
	return munmap(pages, NR_PAGES * (size_t)sysconf(_SC_PAGESIZE));
}

static void regions_are_counted(void **state)
{
	static const struct wl_ops without = { .name = "none" };

	(void)state;
	assert_int_equal(tb_nr_regions(&ops), 2);
	assert_int_equal(tb_nr_regions(&without), 0);
}

static void what_nobody_asked_for_is_left_alone(void **state)
{
	struct tb_case cs = case_on(0);
	struct tb_err err = { 0 };

	(void)state;
	/* No memory at all there: binding it would fail. */
	assert_int_equal(wl_place(&ctx, 0, NULL, ctx.page_bytes), 0);
	assert_null(atomic_load(&ctx.bindings[0].addr));
	/* Asked for, but not placed yet. */
	assert_int_equal(tb_region_check(&cs, &ctx, &err), 0);
}

static void pages_are_where_they_were_asked_for(void **state)
{
	struct tb_case cs = case_on(0);
	struct tb_err err = { 0 };

	(void)state;
	if (!tb_mem_node_exists(0))
		T_SKIP("no NUMA here");
	assert_int_equal(wl_place(&ctx, 1, pages, NR_PAGES * ctx.page_bytes),
			 0);
	memset(pages, 1, NR_PAGES * ctx.page_bytes);
	assert_int_equal(tb_region_check(&cs, &ctx, &err), 0);
}

/* The pages are on node 0, and the case asks for the one behind the last. */
static void pages_elsewhere_are_found_out(void **state)
{
	struct tb_err err = { 0 };
	struct tb_case cs;
	char expected[80];
	int node = 1;

	(void)state;
	if (!tb_mem_node_exists(0))
		T_SKIP("no NUMA here");
	while (tb_mem_node_exists(node))
		node++;
	cs = case_on(node);
	memset(pages, 1, NR_PAGES * ctx.page_bytes);
	assert_int_equal(wl_place(&ctx, 1, pages, NR_PAGES * ctx.page_bytes),
			 -EINVAL);
	assert_int_equal(tb_region_check(&cs, &ctx, &err), -EXDEV);
	snprintf(expected, sizeof(expected),
		 "region log: 3 of 3 pages are not on node %d", node);
	assert_string_equal(err.text, expected);
}

static void a_missing_node_is_a_reason_to_skip(void **state)
{
	static struct wl_reasons why;
	struct tb_case cs = case_on(1023);

	(void)state;
	if (tb_mem_node_exists(1023))
		T_SKIP("a very large machine");
	tb_region_probe(&cs, &why);
	assert_int_equal(why.nr, 1);
	assert_string_equal(why.text[0], "node.log = 1023: no such node here");
}

#define WITH_PAGES(f) cmocka_unit_test_setup_teardown(f, map_pages, unmap_pages)

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(regions_are_counted),
		cmocka_unit_test(what_nobody_asked_for_is_left_alone),
		WITH_PAGES(pages_are_where_they_were_asked_for),
		WITH_PAGES(pages_elsewhere_are_found_out),
		cmocka_unit_test(a_missing_node_is_a_reason_to_skip),
	};

	return T_RUN("region", tests);
}
