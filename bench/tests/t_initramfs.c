// SPDX-License-Identifier: GPL-2.0-only
/* The archive as its format says it, and as cpio reads it. */
#include "campaign/initramfs.h"

#include <errno.h>

#include "campaign/child.h"
#include "tests/t.h"

#define HEADER_BYTES 110

static const char binary[] = "\x7f"
			     "ELF\0\1\2\xff";

static void make_archive(struct tb_buf *b)
{
	tb_initramfs_add(b, "init", S_IFREG | 0755, binary, sizeof(binary));
	tb_initramfs_add(b, "campaign.conf", S_IFREG | 0644, "[campaign]\n",
			 11);
	tb_initramfs_add(b, "empty", S_IFREG | 0600, "", 0);
	tb_initramfs_add(b, "odd", S_IFREG | 0644, "123", 3);
	tb_initramfs_end(b);
}

/* Field @i of the header at @p: six characters of magic, then eight each. */
static unsigned int field(const char *p, unsigned int i)
{
	char digits[9] = "";

	memcpy(digits, p + 6 + 8 * i, 8);
	return (unsigned int)strtoul(digits, NULL, 16);
}

/* One entry at *@at, which moves behind it. */
static void check_entry(const struct tb_buf *b, size_t *at, const char *name,
			unsigned int mode, const char *data, size_t len)
{
	const char *p = b->data + *at;
	unsigned int i;

	assert_true(*at % 4 == 0);
	assert_true(*at + HEADER_BYTES <= b->len_bytes);
	assert_memory_equal(p, "070701", 6);
	for (i = 6; i < HEADER_BYTES; i++)
		assert_non_null(strchr("0123456789ABCDEF", p[i]));
	assert_int_equal(field(p, 1), mode);
	/* uid, gid, links, time */
	assert_int_equal(field(p, 2), 0);
	assert_int_equal(field(p, 3), 0);
	assert_int_equal(field(p, 4), 1);
	assert_int_equal(field(p, 5), 0);
	assert_int_equal(field(p, 6), len);
	assert_int_equal(field(p, 11), strlen(name) + 1);
	assert_string_equal(p + HEADER_BYTES, name);
	*at = (*at + HEADER_BYTES + strlen(name) + 1 + 3) & ~(size_t)3;
	assert_true(*at + len <= b->len_bytes);
	assert_memory_equal(b->data + *at, data, len);
	*at = (*at + len + 3) & ~(size_t)3;
}

static void archive_has_the_format(void **state)
{
	struct tb_buf b = { 0 };
	size_t at = 0;

	(void)state;
	make_archive(&b);
	check_entry(&b, &at, "init", S_IFREG | 0755, binary, sizeof(binary));
	check_entry(&b, &at, "campaign.conf", S_IFREG | 0644, "[campaign]\n",
		    11);
	check_entry(&b, &at, "empty", S_IFREG | 0600, "", 0);
	check_entry(&b, &at, "odd", S_IFREG | 0644, "123", 3);
	check_entry(&b, &at, "TRAILER!!!", 0, "", 0);
	assert_int_equal(at, b.len_bytes);
	tb_buf_fini(&b);
}

static void equal_content_gives_equal_bytes(void **state)
{
	struct tb_buf a = { 0 }, b = { 0 };

	(void)state;
	make_archive(&a);
	/* The clock must not be in it: no time is read at all. */
	make_archive(&b);
	assert_int_equal(a.len_bytes, b.len_bytes);
	assert_memory_equal(a.data, b.data, a.len_bytes);
	tb_buf_fini(&a);
	tb_buf_fini(&b);
}

static void every_length_is_padded(void **state)
{
	char data[9] = "abcdefgh", name[9] = "ABCDEFGH";
	unsigned int len, name_len;

	(void)state;
	for (len = 0; len <= 8; len++)
		for (name_len = 1; name_len <= 8; name_len++) {
			struct tb_buf b = { 0 };
			size_t at = 0;

			tb_initramfs_add(&b, name + 8 - name_len,
					 S_IFREG | 0644, data, len);
			tb_initramfs_end(&b);
			check_entry(&b, &at, name + 8 - name_len,
				    S_IFREG | 0644, data, len);
			check_entry(&b, &at, "TRAILER!!!", 0, "", 0);
			assert_int_equal(at, b.len_bytes);
			tb_buf_fini(&b);
		}
}

static void cpio_lists_it(void **state)
{
	const char *path = t_path(*state, "archive");
	const char *argv[] = { "cpio", "-it", "--quiet", "-F", path, NULL };
	struct tb_buf b = { 0 }, out = { 0 };
	struct tb_err err = { 0 };
	int ret;

	make_archive(&b);
	assert_int_equal(tb_write_file(path, b.data, b.len_bytes, &err), 0);
	tb_buf_fini(&b);
	ret = tb_child_output(argv, &out, NULL);
	if (ret == -ENOENT)
		T_SKIP("cpio is not installed");
	assert_int_equal(ret, 0);
	assert_string_equal(out.data, "init\ncampaign.conf\nempty\nodd\n");
	tb_buf_fini(&out);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(archive_has_the_format),
		cmocka_unit_test(equal_content_gives_equal_bytes),
		cmocka_unit_test(every_length_is_padded),
		T_DIR(cpio_lists_it),
	};

	return T_RUN("initramfs", tests);
}
