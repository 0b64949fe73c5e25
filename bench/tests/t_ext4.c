// SPDX-License-Identifier: GPL-2.0-only
/* File systems as we make them, in the eyes of e2fsck. */
#include <fcntl.h>

#include "machine/ext4.h"
#include "tests/t.h"

#define MIB (1UL << 20)

/* Made on a file of @there bytes that is full of what was there before. */
static void check_size(const char *dir, uint64_t bytes)
{
	const char *path = t_path(dir, "disk");
	struct tb_err err = { 0 };
	char command[PATH_MAX + 64], noise[4096];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	unsigned int i;

	assert_true(fd >= 0);
	memset(noise, 0xa5, sizeof(noise));
	for (i = 0; i < 4096; i++)
		assert_int_equal(write(fd, noise, sizeof(noise)),
				 sizeof(noise));
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	close(fd);
	if (tb_ext4_make(path, bytes, &err))
		fail_msg("%s", err.text);
	snprintf(command, sizeof(command),
		 "e2fsck -f -n %s >%s.log 2>&1 || { cat %s.log; exit 1; }",
		 path, path, path);
	assert_int_equal(system(command), 0);
}

static void test_sound(void **state)
{
	static const uint64_t sizes[] = { 33 * MIB, 128 * MIB, 1024 * MIB,
					  16384 * MIB };
	size_t i;

	if (system("command -v e2fsck >/dev/null"))
		T_SKIP("no e2fsck here");
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		check_size(*state, sizes[i]);
}

static void test_no_disk(void **state)
{
	struct tb_err err = { 0 };

	assert_true(tb_ext4_make(t_path(*state, "none"), 64 * MIB, &err) < 0);
	assert_non_null(strstr(err.text, "cannot make ext4 on "));
	err = (struct tb_err){ 0 };
	assert_true(tb_ext4_mount(t_path(*state, "none"), &err) < 0);
	assert_non_null(strstr(err.text, "cannot mount ext4 from "));
}

int main(void)
{
	struct CMUnitTest tests[] = {
		T_DIR(test_sound),
		T_DIR(test_no_disk),
	};

	setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
	return T_RUN("ext4", tests);
}
