/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of cmocka as t_clock.c and t_hist.c use, for a target that Debian
 * has no cmocka for. The first assertion that fails ends the program.
 */
#ifndef MINI_CMOCKA_H
#define MINI_CMOCKA_H

struct CMUnitTest {
	const char *name;
	void (*run)(void **state);
};

#define CM_OUTPUT_TAP 0
#define cmocka_set_message_output(output) ((void)(output))
#define cmocka_unit_test(f) \
	{                   \
#f, f       \
	}
#define _cmocka_run_group_tests(name, tests, nr, setup, teardown) \
	mini_run(name, tests, nr)

#define assert_true(c) mini_assert(!!(c), #c, __FILE__, __LINE__)
#define assert_false(c) assert_true(!(c))
#define assert_non_null(p) assert_true((p) != NULL)
#define assert_int_equal(a, b) assert_true((uint64_t)(a) == (uint64_t)(b))
#define assert_int_not_equal(a, b) assert_true((uint64_t)(a) != (uint64_t)(b))
#define assert_ptr_not_equal(a, b) assert_true((a) != (b))
#define assert_in_range(v, min, max) assert_true((v) >= (min) && (v) <= (max))
#define assert_string_equal(a, b) assert_true(!strcmp(a, b))
#define assert_memory_equal(a, b, len) assert_true(!memcmp(a, b, len))

static inline void mini_assert(bool holds, const char *what, const char *file,
			       int line)
{
	if (holds)
		return;
	printf("not ok - %s:%d: %s\n", file, line, what);
	exit(1);
}

static inline int mini_run(const char *name, const struct CMUnitTest *tests,
			   size_t nr)
{
	size_t i;

	printf("1..%zu\n", nr);
	for (i = 0; i < nr; i++) {
		tests[i].run(NULL);
		printf("ok %zu - %s\n", i + 1, tests[i].name);
	}
	printf("# ok - %s\n", name);
	return 0;
}

#endif
