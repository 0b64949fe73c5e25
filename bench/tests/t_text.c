// SPDX-License-Identifier: GPL-2.0-only
/* Buffers, numbers and whole files. */
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include "tests/t.h"

/* --- numbers ------------------------------------------------------------- */

static void numbers_are_decimal_and_whole(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
	} good[] = {
		{ "0", 0 },
		{ "007", 7 },
		{ "4294967296", 4294967296ULL },
		{ "18446744073709551615", UINT64_MAX },
	};
	static const char *const bad[] = {
		"",
		" ",
		"-1",
		"+1",
		" 1",
		"1 ",
		"1\n",
		"0x10",
		"1.5",
		"1e3",
		"1k",
		"one",
		"18446744073709551616",
		"99999999999999999999999",
	};
	uint64_t value;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(tb_parse_u64(good[i].text, &value));
		assert_int_equal(value, good[i].value);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(tb_parse_u64(bad[i], &value));
}

static void sizes_take_suffixes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "1k", 1024 },
		{ "2M", 2ULL << 20 },
		{ "3G", 3ULL << 30 },
		{ "17179869183G", 17179869183ULL << 30 },
		{ "16777215T", 16777215ULL << 40 },
		{ "18446744073709551615", UINT64_MAX },
	};
	static const char *const bad[] = {
		"",
		"k",
		"1K",
		"1m",
		"1g",
		"1 k",
		"1kk",
		"1kB",
		"-1k",
		"1t",
		"1P",
		"1.5G",
		"k1",
		"18446744073709551616",
		"17179869184G",
		"18014398509481984k",
		"17592186044416M",
		"16777216T",
		"000000000000000000000000000000000001",
	};
	uint64_t bytes;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		assert_true(tb_parse_size(good[i].text, &bytes));
		assert_int_equal(bytes, good[i].bytes);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(tb_parse_size(bad[i], &bytes));
}

static void check_strip(const char *text, const char *expected)
{
	char copy[64];

	snprintf(copy, sizeof(copy), "%s", text);
	assert_string_equal(tb_strip(copy), expected);
}

static void strip_takes_blanks_at_both_ends(void **state)
{
	(void)state;
	check_strip("", "");
	check_strip(" \t\r\n\v\f", "");
	check_strip("a", "a");
	check_strip("  a b\tc \r\n", "a b\tc");
	check_strip("\xc3\xa4 ", "\xc3\xa4");
}

/* --- buffers ------------------------------------------------------------- */

static void buffer_grows(void **state)
{
	struct tb_buf b = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 100000; i++)
		tb_buf_add(&b, "0123456789", 10);
	assert_int_equal(b.len_bytes, 1000000);
	assert_int_equal(strlen(b.data), 1000000);
	assert_memory_equal(b.data + 999990, "0123456789", 10);
	assert_false(b.has_failed);
	tb_buf_fini(&b);
	assert_null(b.data);
	assert_int_equal(b.len_bytes, 0);
}

static void buffer_is_terminated_at_every_length(void **state)
{
	struct tb_buf b = { 0 };
	unsigned int i;

	(void)state;
	for (i = 1; i < 2000; i++) {
		if (i % 2)
			tb_buf_add(&b, "x", 1);
		else
			tb_buf_printf(&b, "%c", 'x');
		assert_int_equal(b.len_bytes, i);
		assert_int_equal(strlen(b.data), i);
		assert_true(b.cap_bytes > b.len_bytes);
	}
	tb_buf_fini(&b);
}

static void buffer_holds_zeroes(void **state)
{
	struct tb_buf b = { 0 };

	(void)state;
	tb_buf_add(&b, "a\0b", 3);
	tb_buf_add(&b, "", 1);
	assert_int_equal(b.len_bytes, 4);
	assert_memory_equal(b.data, "a\0b\0", 5);
	tb_buf_fini(&b);
}

static void printf_is_not_cut(void **state)
{
	struct tb_buf b = { 0 };

	(void)state;
	tb_buf_printf(&b, "%*d", 5000, 7);
	tb_buf_printf(&b, "%s", "");
	assert_int_equal(b.len_bytes, 5000);
	assert_int_equal(b.data[4999], '7');
	tb_buf_fini(&b);
}

static void failed_buffer_says_so(void **state)
{
	struct tb_buf b = { 0 };

	(void)state;
	tb_buf_add(&b, "abc", 3);
	/* More than any allocator gives; @data is never read. */
	tb_buf_add(&b, "", PTRDIFF_MAX / 2);
	assert_true(b.has_failed);
	tb_buf_printf(&b, "later");
	assert_int_equal(b.len_bytes, 3);
	tb_buf_fini(&b);
}

/* --- paths and reading --------------------------------------------------- */

static void long_path_is_an_error(void **state)
{
	struct tb_err err = { 0 };
	char path[8];

	(void)state;
	assert_int_equal(tb_path(path, sizeof(path), &err, "%s", "1234567"), 0);
	assert_string_equal(path, "1234567");
	assert_int_equal(err.code, 0);
	assert_int_equal(tb_path(path, sizeof(path), &err, "%s", "12345678"),
			 -ENAMETOOLONG);
	assert_int_equal(err.code, -ENAMETOOLONG);
	assert_string_equal(err.text, "path too long: 1234567");
}

static void proc_files_are_read_whole(void **state)
{
	struct tb_buf b = { 0 };
	size_t len;

	(void)state;
	/* Its size in stat() is 0, and reads are short. */
	assert_int_equal(tb_read_file("/proc/self/smaps", &b), 0);
	assert_true(b.len_bytes > 4096);
	assert_non_null(strstr(b.data, "[stack]"));
	len = b.len_bytes;
	assert_int_equal(tb_read_file("/proc/self/comm", &b), 0);
	assert_true(b.len_bytes > len);
	assert_memory_equal(b.data + len, "t_text", 6);
	tb_buf_fini(&b);
}

static void reading_fails_quietly(void **state)
{
	struct tb_buf b = { 0 };
	char line[8];

	(void)state;
	assert_int_equal(tb_read_file("/proc/nonexistent", &b), -ENOENT);
	assert_int_equal(tb_read_file("/", &b), -EISDIR);
	assert_int_equal(tb_read_line("/proc/nonexistent", line, 8), -ENOENT);
	assert_int_equal(tb_read_line("/", line, 8), -EISDIR);
	assert_int_equal(b.len_bytes, 0);
	tb_buf_fini(&b);
}

static void first_line_is_read(void **state)
{
	const char *path = t_path(*state, "f");
	char line[8];

	t_write(path, "one\ntwo\n");
	assert_int_equal(tb_read_line(path, line, sizeof(line)), 0);
	assert_string_equal(line, "one");
	t_write(path, "");
	assert_int_equal(tb_read_line(path, line, sizeof(line)), 0);
	assert_string_equal(line, "");
	t_write(path, "a line that is too long\n");
	assert_int_equal(tb_read_line(path, line, sizeof(line)), 0);
	assert_string_equal(line, "a line ");
}

/* --- writing ------------------------------------------------------------- */

static unsigned int nr_files(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned int n = 0;
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void file_is_replaced_whole(void **state)
{
	const char *path = t_path(*state, "f");
	struct tb_err err = { 0 };

	assert_int_equal(tb_write_file(path, "long text", 9, &err), 0);
	t_assert_file(path, "long text");
	assert_int_equal(tb_write_file(path, "short", 5, &err), 0);
	t_assert_file(path, "short");
	assert_int_equal(tb_write_file(path, "", 0, &err), 0);
	t_assert_file(path, "");
	assert_int_equal(err.code, 0);
	assert_int_equal(nr_files(*state), 1);
}

static void full_disk_leaves_the_old_file(void **state)
{
	const char *path = t_path(*state, "f");
	struct tb_err err = { 0 };
	struct rlimit before;
	char expected[PATH_MAX + 64];
	char big[1000];
	int ret;

	t_write(path, "old");
	memset(big, 'x', sizeof(big));
	before = t_limit_files(10);
	ret = tb_write_file(path, big, sizeof(big), &err);
	t_unlimit_files(&before);
	assert_int_equal(ret, -EFBIG);
	snprintf(expected, sizeof(expected), "cannot write %s: File too large",
		 path);
	assert_string_equal(err.text, expected);
	t_assert_file(path, "old");
	assert_int_equal(nr_files(*state), 1);
}

static void unwritable_place_is_named(void **state)
{
	const char *file = t_path(*state, "f");
	const char *below = t_path(*state, "f/g");
	const char *dir = t_path(*state, "d");
	struct tb_err err = { 0 };
	char expected[PATH_MAX + 64];

	t_write(file, "old");
	assert_int_equal(tb_write_file(below, "x", 1, &err), -ENOTDIR);
	snprintf(expected, sizeof(expected),
		 "cannot create %s.tmp: Not a directory", below);
	assert_string_equal(err.text, expected);

	/* A directory stands there, which only rename() finds out. */
	err = (struct tb_err){ 0 };
	assert_int_equal(mkdir(dir, 0755), 0);
	assert_int_equal(tb_write_file(dir, "x", 1, &err), -EISDIR);
	assert_int_equal(nr_files(*state), 2);
}

static void too_long_a_name_is_an_error(void **state)
{
	struct tb_err err = { 0 };
	char path[PATH_MAX];

	(void)state;
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(tb_write_file(path, "x", 1, &err), -ENAMETOOLONG);
}

static void device_without_space_is_an_error(void **state)
{
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	if (fd < 0)
		T_SKIP("no /dev/full");
	assert_int_equal(tb_write_all(fd, "x", 1), -ENOSPC);
	assert_int_equal(tb_write_all(fd, "", 0), 0);
	close(fd);
	assert_int_equal(tb_write_all(-1, "x", 1), -EBADF);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_decimal_and_whole),
		cmocka_unit_test(sizes_take_suffixes),
		cmocka_unit_test(strip_takes_blanks_at_both_ends),
		cmocka_unit_test(buffer_grows),
		cmocka_unit_test(buffer_is_terminated_at_every_length),
		cmocka_unit_test(buffer_holds_zeroes),
		cmocka_unit_test(printf_is_not_cut),
		cmocka_unit_test(failed_buffer_says_so),
		cmocka_unit_test(long_path_is_an_error),
		cmocka_unit_test(proc_files_are_read_whole),
		cmocka_unit_test(reading_fails_quietly),
		T_DIR(first_line_is_read),
		T_DIR(file_is_replaced_whole),
		T_DIR(full_disk_leaves_the_old_file),
		T_DIR(unwritable_place_is_named),
		cmocka_unit_test(too_long_a_name_is_an_error),
		cmocka_unit_test(device_without_space_is_an_error),
	};

	return T_RUN("text", tests);
}
