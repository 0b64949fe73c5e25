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
#define MAX_DEVICES 64

/* First page of a swap area: union swap_header in include/linux/swap.h. */
struct swap_info {
	char boot[1024];
	uint32_t version;
	uint32_t last_page;
};

static const char magic[10] = "SWAPSPACE2";

struct device {
	char name[16];
	bool is_added;
};

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = tb_write_all(fd, text, strlen(text));
	close(fd);
	return ret;
}

static bool is_free(const char *name)
{
	char path[PATH_MAX], state[16];

	snprintf(path, sizeof(path), BLOCK "%s/initstate", name);
	return !tb_read_line(path, state, sizeof(state)) && !strcmp(state, "0");
}

/* One that is free; else the one that the kernel adds next, the lowest. */
static int find(struct device *d, struct tb_err *err)
{
	char path[PATH_MAX];
	unsigned int i;

	for (i = 0; i < MAX_DEVICES; i++) {
		snprintf(d->name, sizeof(d->name), "zram%u", i);
		snprintf(path, sizeof(path), BLOCK "%s", d->name);
		d->is_added = access(path, F_OK);
		if (d->is_added || is_free(d->name))
			break;
	}
	if (d->is_added && access(CONTROL "hot_add", F_OK))
		return tb_fail(err, -ENOENT,
			       "no zram device is free: expected the module "
			       "zram (modprobe zram)");
	return 0;
}

int tb_swap_try(struct tb_err *err)
{
	struct device d;
	int ret = find(&d, err);

	if (!ret && geteuid())
		ret = tb_fail(err, -EPERM, "swap on zram needs root");
	return ret;
}

/* Reading the file adds a device and says its number. */
static int add(const struct device *d, struct tb_err *err)
{
	char number[16];
	int ret = tb_read_line(CONTROL "hot_add", number, sizeof(number));

	if (ret)
		return tb_fail_errno(err, ret, "cannot add a zram device");
	if (!strcmp(number, d->name + strlen("zram")))
		return 0;
	put(CONTROL "hot_remove", number);
	return tb_fail(err, -EBUSY, "another program adds zram devices, too");
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

static int set_up(const struct device *d, uint64_t bytes)
{
	char path[PATH_MAX], size[32];
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	int ret;

	snprintf(path, sizeof(path), BLOCK "%s/disksize", d->name);
	snprintf(size, sizeof(size), "%" PRIu64, bytes);
	ret = put(path, size);
	snprintf(path, sizeof(path), "/dev/%s", d->name);
	if (!ret)
		ret = write_header(path, bytes / page_bytes);
	if (!ret && swapon(path, SWAP_FLAG_PREFER | SWAP_FLAG_PRIO_MASK))
		ret = -errno;
	return ret;
}

int tb_swap_make(uint64_t bytes, struct tb_undo *undo, struct tb_err *err)
{
	struct device d;
	int ret = find(&d, err);

	if (!ret)
		ret = tb_undo_add(undo, TB_CHANGE_SWAP, d.name,
				  d.is_added ? "absent" : "there");
	if (!ret)
		ret = tb_undo_save(undo, err);
	if (!ret && d.is_added)
		ret = add(&d, err);
	if (!ret)
		ret = set_up(&d, bytes);
	return ret ? tb_fail_errno(err, ret,
				   "cannot swap to %s of %" PRIu64 " bytes",
				   d.name, bytes)
		   : 0;
}

bool tb_swap_is_ours(const char *name)
{
	uint64_t number;

	return !strncmp(name, "zram", 4) && tb_parse_u64(name + 4, &number) &&
	       number < MAX_DEVICES;
}

bool tb_swap_undo(const char *root, const char *name, const char *before)
{
	char path[PATH_MAX];

	/* Another tree is no machine that swaps. */
	if (*root)
		return true;
	snprintf(path, sizeof(path), BLOCK "%s", name);
	if (access(path, F_OK))
		return true;
	snprintf(path, sizeof(path), "/dev/%s", name);
	swapoff(path);
	if (!is_free(name)) {
		snprintf(path, sizeof(path), BLOCK "%s/reset", name);
		put(path, "1");
	}
	if (!is_free(name))
		return false;
	return !strcmp(before, "there") ||
	       !put(CONTROL "hot_remove", name + strlen("zram"));
}
