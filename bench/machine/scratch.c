// SPDX-License-Identifier: GPL-2.0-only
/* Files without a name. */
#include "machine/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/text.h"
#include "machine/ext4.h"

#define DEFAULT_DIR "/var/tmp"
#define CHUNK_BYTES (1UL << 20)
/* For inodes, bitmaps and trees of extents. */
#define EXTRA_BYTES (32ULL << 20)

static const struct {
	uint32_t magic;
	const char *name;
} types[] = {
	{ EXT4_SUPER_MAGIC, "ext4" },
	{ XFS_SUPER_MAGIC, "xfs" },
	{ BTRFS_SUPER_MAGIC, "btrfs" },
	{ F2FS_SUPER_MAGIC, "f2fs" },
	{ OVERLAYFS_SUPER_MAGIC, "overlay" },
	{ NFS_SUPER_MAGIC, "nfs" },
	{ TMPFS_MAGIC, "tmpfs" },
	{ RAMFS_MAGIC, "ramfs" },
};

void tb_scratch_type(int fd, char name[32])
{
	struct statfs st = { 0 };
	size_t i;

	fstatfs(fd, &st);
	snprintf(name, 32, "%#x", (uint32_t)st.f_type);
	for (i = 0; i < ARRAY_SIZE(types); i++)
		if ((uint32_t)st.f_type == types[i].magic)
			snprintf(name, 32, "%s", types[i].name);
}

/* --- where --------------------------------------------------------------- */

static const char *from_env(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

static const char *disk(void)
{
	return from_env("TLBBENCH_SCRATCH_DISK", NULL);
}

static const char *directory(void)
{
	return from_env("TLBBENCH_SCRATCH_DIR", DEFAULT_DIR);
}

/* The file system itself needs some as well. */
static uint64_t with_extra(uint64_t bytes)
{
	return bytes + bytes / 16 + EXTRA_BYTES;
}

static int open_new(int dir, int flags)
{
	return openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC | flags, 0600);
}

/* A file is the only thing that knows whether there can be one. */
static int try_file(int dir, const char *path, struct tb_err *err)
{
	char type[32];
	int fd = open_new(dir, O_DIRECT);

	if (fd < 0)
		return tb_fail_errno(err, -errno,
				     "%s: cannot make a file without a name "
				     "and with O_DIRECT; TLBBENCH_SCRATCH_DIR "
				     "names another directory",
				     path);
	tb_scratch_type(fd, type);
	close(fd);
	if (strcmp(type, "tmpfs") != 0 && strcmp(type, "ramfs") != 0)
		return 0;
	return tb_fail(err, -EINVAL,
		       "%s is on %s: expected a disk; TLBBENCH_SCRATCH_DIR "
		       "names another directory",
		       path, type);
}

static int try_room(int dir, const char *path, uint64_t bytes,
		    struct tb_err *err)
{
	struct statfs st;

	if (fstatfs(dir, &st))
		return tb_fail_errno(err, -errno, "%s", path);
	if (st.f_bavail * (uint64_t)st.f_bsize >= with_extra(bytes))
		return 0;
	return tb_fail(err, -ENOSPC,
		       "%s: expected %" PRIu64 " MiB free, there are %" PRIu64
		       "; TLBBENCH_SCRATCH_DIR names another directory",
		       path, with_extra(bytes) >> 20,
		       (st.f_bavail * (uint64_t)st.f_bsize) >> 20);
}

static int open_directory(const char *path, struct tb_err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? tb_fail_errno(err, -errno,
				      "%s: expected a directory for files; "
				      "TLBBENCH_SCRATCH_DIR names another one",
				      path)
		      : fd;
}

static int try_directory(const char *path, uint64_t bytes, struct tb_err *err)
{
	int dir = open_directory(path, err), ret;

	if (dir < 0)
		return dir;
	ret = try_file(dir, path, err);
	if (!ret)
		ret = try_room(dir, path, bytes, err);
	close(dir);
	return ret;
}

static int try_disk(const char *device, uint64_t bytes, struct tb_err *err)
{
	uint64_t there = 0;
	int fd = open(device, O_RDWR | O_EXCL | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return tb_fail_errno(err, -errno, "%s", device);
	if (ioctl(fd, BLKGETSIZE64, &there))
		ret = tb_fail_errno(err, -errno, "%s: expected a block device",
				    device);
	else if (there < with_extra(bytes))
		ret = tb_fail(err, -ENOSPC,
			      "%s: expected %" PRIu64
			      " MiB, there are %" PRIu64,
			      device, with_extra(bytes) >> 20, there >> 20);
	close(fd);
	return ret;
}

int tb_scratch_try(uint64_t bytes, struct tb_err *err)
{
	return disk() ? try_disk(disk(), bytes, err)
		      : try_directory(directory(), bytes, err);
}

/* A RAM disk gives its memory back. */
static void discard(const char *device)
{
	uint64_t range[2] = { 0, 0 };
	int fd = open(device, O_RDWR | O_EXCL | O_CLOEXEC);

	if (fd < 0)
		return;
	if (!ioctl(fd, BLKGETSIZE64, &range[1]) && ioctl(fd, BLKDISCARD, range))
		fprintf(stderr, "tlbbench: %s keeps what was written to it\n",
			device);
	close(fd);
}

int tb_scratch_begin(struct tb_scratch *s, uint64_t bytes, struct tb_err *err)
{
	int ret;

	*s = (struct tb_scratch){ .dir = -1, .device = disk() };
	if (!s->device) {
		s->dir = open_directory(directory(), err);
		return s->dir < 0 ? s->dir : 0;
	}
	ret = tb_ext4_make(s->device, with_extra(bytes), err);
	if (!ret)
		s->dir = tb_ext4_mount(s->device, err);
	return ret ? ret : s->dir < 0 ? s->dir : 0;
}

void tb_scratch_end(struct tb_scratch *s)
{
	if (s->dir >= 0)
		close(s->dir);
	if (s->device)
		discard(s->device);
	*s = (struct tb_scratch){ .dir = -1 };
}

/* --- files --------------------------------------------------------------- */

/* Each page begins with its number, so that no two are the same. */
static int write_data(int fd, uint64_t bytes)
{
	size_t step = (size_t)sysconf(_SC_PAGESIZE), at;
	uint64_t done, *chunk = calloc(1, CHUNK_BYTES);
	int ret = chunk ? 0 : -ENOMEM;

	for (done = 0; done < bytes && !ret; done += CHUNK_BYTES) {
		for (at = 0; at < CHUNK_BYTES; at += step)
			chunk[at / sizeof(*chunk)] = (done + at) / step;
		ret = tb_write_all(fd, chunk,
				   bytes - done < CHUNK_BYTES ? bytes - done
							      : CHUNK_BYTES);
	}
	free(chunk);
	return ret;
}

static int fill(int fd, uint64_t bytes, bool has_data)
{
	int ret;

	if (!has_data)
		return fallocate(fd, 0, 0, (off_t)bytes) ? -errno : 0;
	ret = write_data(fd, bytes);
	if (!ret && fsync(fd))
		ret = -errno;
	return ret ? ret : -posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

int tb_scratch_file(const struct tb_scratch *s, uint64_t bytes, bool has_data,
		    struct tb_err *err)
{
	int fd = open_new(s->dir, 0), ret;

	ret = fd < 0 ? -errno : fill(fd, bytes, has_data);
	if (!ret)
		return fd;
	if (fd >= 0)
		close(fd);
	return tb_fail_errno(
		err, ret, "cannot make a file of %" PRIu64 " bytes on the disk",
		bytes);
}

int tb_scratch_tmpfs(uint64_t bytes, struct tb_err *err)
{
	int fd = memfd_create("tlbbench", MFD_CLOEXEC), ret;

	ret = fd < 0 || ftruncate(fd, (off_t)bytes) ? -errno : 0;
	if (!ret)
		return fd;
	if (fd >= 0)
		close(fd);
	return tb_fail_errno(
		err, ret, "cannot make a file of %" PRIu64 " bytes in memory",
		bytes);
}
