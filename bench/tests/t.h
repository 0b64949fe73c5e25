/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What unit tests share: cmocka with TAP and visible skips, a temporary
 * directory per test, and repeatable random numbers.
 */
#ifndef T_H
#define T_H

#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Needs some of those above. */
#include <cmocka.h>

#include "base/text.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define T_IS_SANITIZED true
#else
#define T_IS_SANITIZED false
#endif

/* For tests that count each flush: TSan's munmap() unmaps its shadow as well.
 */
#if defined(__SANITIZE_THREAD__)
#define T_SKIP_IF_MUNMAP_FLUSHES_TWICE() \
	T_SKIP("the thread sanitizer flushes for every munmap() too")
#else
#define T_SKIP_IF_MUNMAP_FLUSHES_TWICE() \
	do {                             \
	} while (0)
#endif

/* The tests of this binary, and room for the name of one that was skipped. */
static struct CMUnitTest *t_tests;
static size_t t_nr_tests;
static char t_skipped[16][256];
static unsigned int t_nr_skipped;

/* What t_path() made. */
static char *t_paths[64];
static unsigned int t_nr_paths;

/* A test whose *state is a fresh directory, removed after it. */
#define T_DIR(f) cmocka_unit_test_setup_teardown(f, t_dir_make, t_dir_remove)

/* TAP on stdout; what cmocka_run_group_tests() returns. */
#define T_RUN(name, tests) t_run(name, tests, ARRAY_SIZE(tests))

/* Leave the test as one that could not run here. */
#define T_SKIP(reason)                       \
	do {                                 \
		t_skip_as(__func__, reason); \
		return;                      \
	} while (0)

static inline int t_run(const char *name, struct CMUnitTest *tests, size_t nr)
{
	t_tests = tests;
	t_nr_tests = nr;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return _cmocka_run_group_tests(name, tests, nr, NULL, NULL);
}

/*
 * cmocka 1.1.5 prints "not ok # SKIP" for its own skip(), which prove counts
 * as failed. So the test passes under a name that carries the directive.
 */
static inline void t_skip_as(const char *test, const char *reason)
{
	size_t i;

	for (i = 0; i < t_nr_tests; i++) {
		char *name = t_skipped[t_nr_skipped % ARRAY_SIZE(t_skipped)];

		if (strcmp(t_tests[i].name, test))
			continue;
		snprintf(name, sizeof(t_skipped[0]), "%s # SKIP %s", test,
			 reason);
		t_tests[i].name = name;
		t_nr_skipped++;
		return;
	}
}

static inline int t_dir_make(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/tlbbench-test-XXXXXX",
		 tmp ? tmp : "/tmp");
	*state = mkdtemp(path) ? strdup(path) : NULL;
	return *state ? 0 : -1;
}

static inline int t_remove_one(const char *path, const struct stat *st,
			       int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int t_dir_remove(void **state)
{
	int ret = nftw(*state, t_remove_one, 16, FTW_DEPTH | FTW_PHYS);

	while (t_nr_paths)
		free(t_paths[--t_nr_paths]);
	free(*state);
	return ret;
}

/* "DIR/NAME", valid until the end of a test with T_DIR(). */
static inline const char *t_path(const char *dir, const char *name)
{
	char *path;

	assert_true(t_nr_paths < ARRAY_SIZE(t_paths));
	assert_true(asprintf(&path, "%s/%s", dir, name) >= 0);
	t_paths[t_nr_paths++] = path;
	return path;
}

static inline void t_write(const char *path, const char *text)
{
	struct tb_err err = { 0 };

	assert_int_equal(tb_write_file(path, text, strlen(text), &err), 0);
}

static inline void t_assert_file(const char *path, const char *text)
{
	struct tb_buf b = { 0 };

	assert_int_equal(tb_read_file(path, &b), 0);
	assert_string_equal(b.data ? b.data : "", text);
	tb_buf_fini(&b);
}

/* Regular files end at @bytes from here on, as on a full disk. */
static inline struct rlimit t_limit_files(rlim_t bytes)
{
	struct rlimit before, now;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	now = before;
	now.rlim_cur = bytes;
	setrlimit(RLIMIT_FSIZE, &now);
	return before;
}

static inline void t_unlimit_files(const struct rlimit *before)
{
	setrlimit(RLIMIT_FSIZE, before);
}

/* splitmix64: the same numbers in every run. */
static inline uint64_t t_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

#endif
