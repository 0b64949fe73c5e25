// SPDX-License-Identifier: GPL-2.0-only
/* libext2fs, and a mount that is in no directory. */
#include "machine/ext4.h"

#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#define LOG_BLOCK_BYTES 12
/* The reserved ones, and some files. */
#define NR_INODES 64

/* libext2fs has errors of its own beside those of the system. */
static int fail(errcode_t code, const char *device, struct tb_err *err)
{
	int ret = code > 0 && code < 4096 ? -(int)code : -EIO;

	return tb_fail(err, ret, "cannot make ext4 on %s: %s", device,
		       error_message(code));
}

static void describe(struct ext2_super_block *sb, uint64_t bytes)
{
	*sb = (struct ext2_super_block){
		.s_rev_level = EXT2_DYNAMIC_REV,
		.s_log_block_size = LOG_BLOCK_BYTES - EXT2_MIN_BLOCK_LOG_SIZE,
		.s_inodes_count = NR_INODES,
		.s_inode_size = EXT2_GOOD_OLD_INODE_SIZE * 2,
	};
	ext2fs_blocks_count_set(sb, bytes >> LOG_BLOCK_BYTES);
	ext2fs_set_feature_extents(sb);
	ext2fs_set_feature_filetype(sb);
	ext2fs_set_feature_huge_file(sb);
	ext2fs_set_feature_large_file(sb);
	ext2fs_set_feature_sparse_super(sb);
}

/* Bitmaps are written at the end; inodes must not be what was there before. */
static errcode_t clear_inodes(ext2_filsys fs)
{
	errcode_t code = 0;
	dgrp_t group;

	for (group = 0; group < fs->group_desc_count && !code; group++)
		code = ext2fs_zero_blocks2(
			fs, ext2fs_inode_table_loc(fs, group),
			(int)fs->inode_blocks_per_group, NULL, NULL);
	ext2fs_zero_blocks2(NULL, 0, 0, NULL, NULL);
	return code;
}

static errcode_t fill(ext2_filsys fs)
{
	errcode_t code = ext2fs_allocate_tables(fs);
	ext2_ino_t ino;

	if (!code)
		code = clear_inodes(fs);
	if (!code)
		code = ext2fs_mkdir(fs, EXT2_ROOT_INO, EXT2_ROOT_INO, NULL);
	ext2fs_inode_alloc_stats2(fs, EXT2_BAD_INO, 1, 0);
	for (ino = EXT2_ROOT_INO + 1; ino < EXT2_FIRST_INODE(fs->super); ino++)
		ext2fs_inode_alloc_stats2(fs, ino, 1, 0);
	return code;
}

int tb_ext4_make(const char *device, uint64_t bytes, struct tb_err *err)
{
	struct ext2_super_block sb;
	ext2_filsys fs = NULL;
	errcode_t code;

	initialize_ext2_error_table();
	describe(&sb, bytes);
	code = ext2fs_initialize(device, EXT2_FLAG_RW, &sb, unix_io_manager,
				 &fs);
	if (code)
		return fail(code, device, err);
	code = fill(fs);
	if (code) {
		ext2fs_free(fs);
		return fail(code, device, err);
	}
	code = ext2fs_close_free(&fs);
	return code ? fail(code, device, err) : 0;
}

int tb_ext4_mount(const char *device, struct tb_err *err)
{
	int dir = -1, fs = fsopen("ext4", FSOPEN_CLOEXEC);

	if (fs >= 0 &&
	    !fsconfig(fs, FSCONFIG_SET_STRING, "source", device, 0) &&
	    !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		dir = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOATIME);
	if (dir < 0)
		dir = tb_fail_errno(err, -errno, "cannot mount ext4 from %s",
				    device);
	if (fs >= 0)
		close(fs);
	return dir;
}
