// SPDX-License-Identifier: GPL-2.0-only
/* Swap on zram. */
#include "machine/swap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/swap.h>
#include <unistd.h>

#include "base/text.h"

#define CONTROL "/sys/class/zram-control/"
#define BLOCK "/sys/block/"

/* First page of a swap area: union swap_header in include/linux/swap.h. */
struct swap_info {
	char boot[1024];
	uint32_t version;
	uint32_t last_page;
};

static const char magic[10] = "SWAPSPACE2";

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = tb_write_all(fd, text, strlen(text));
	close(fd);
	return ret;
}

int tb_swap_try(struct tb_err *err)
{
	if (access(CONTROL "hot_add", F_OK))
		return tb_fail(err, -ENOENT,
			       "no zram device can be added: expected the "
			       "module zram (modprobe zram)");
	return geteuid() ? tb_fail(err, -EPERM, "swap on zram needs root") : 0;
}

/* Reading the file adds a device and says its number, to nobody else. */
static int add(char name[16], struct tb_err *err)
{
	char number[8];
	int ret = tb_read_line(CONTROL "hot_add", number, sizeof(number));

	if (ret)
		return tb_fail_errno(err, ret, "cannot add a zram device");
	snprintf(name, 16, "zram%s", number);
	return 0;
}

/* With what it holds; not while it is open or in use for swap. */
static int take_away(const char *name)
{
	return put(CONTROL "hot_remove", name + strlen("zram"));
}

static int write_header(const char *path, uint64_t nr_pages)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	struct swap_info *info = calloc(1, page_bytes);
	int fd, ret;

	if (!info)
		return -ENOMEM;
	info->version = 1;
	info->last_page = (uint32_t)(nr_pages - 1);
	/* Its last bytes, without a NUL. */
	memcpy((char *)info + page_bytes - sizeof(magic), magic, sizeof(magic));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ret = fd < 0 ? -errno : tb_write_all(fd, info, page_bytes);
	if (fd >= 0 && fsync(fd) && !ret)
		ret = -errno;
	if (fd >= 0)
		close(fd);
	free(info);
	return ret;
}

/* Only one can: -EBUSY if somebody else took the device for free. */
static int set_size(const char *name, const char *size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), BLOCK "%s/disksize", name);
	return put(path, size);
}

static int swap_to(const char *name, uint64_t nr_pages)
{
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), "/dev/%s", name);
	ret = write_header(path, nr_pages);
	if (!ret && swapon(path, SWAP_FLAG_PREFER | SWAP_FLAG_PRIO_MASK))
		ret = -errno;
	return ret;
}

int tb_swap_make(uint64_t bytes, struct tb_undo *undo, struct tb_err *err)
{
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t nr_pages = (bytes + page_bytes - 1) / page_bytes;
	char name[16], size[32];
	int ret = add(name, err);

	if (ret)
		return ret;
	snprintf(size, sizeof(size), "%" PRIu64, nr_pages * page_bytes);
	ret = tb_undo_add(undo, TB_CHANGE_SWAP, name, size);
	if (!ret)
		ret = tb_undo_save(undo, err);
	if (!ret)
		ret = set_size(name, size);
	/* Undo knows it by its size only. */
	if (ret && ret != -EBUSY)
		take_away(name);
	if (!ret)
		ret = swap_to(name, nr_pages);
	return ret ? tb_fail_errno(err, ret, "cannot swap to %s of %s bytes",
				   name, size)
		   : 0;
}

bool tb_swap_is_ours(const char *name)
{
	uint64_t number;

	return !strncmp(name, "zram", 4) && tb_parse_u64(name + 4, &number);
}

bool tb_swap_undo(const char *root, const char *name, const char *size)
{
	char path[PATH_MAX], now[32];

	/* Another tree is no machine that swaps. */
	if (*root)
		return true;
	snprintf(path, sizeof(path), BLOCK "%s/disksize", name);
	if (tb_read_line(path, now, sizeof(now)) || strcmp(now, size) != 0)
		return true;
	snprintf(path, sizeof(path), "/dev/%s", name);
	swapoff(path);
	return !take_away(name);
}
