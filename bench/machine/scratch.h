/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files to be measured on. They have no name, so they end with the last process
 * that has them open, however it ends.
 *
 * On a disk they are in the directory TLBBENCH_SCRATCH_DIR, by default
 * /var/tmp. Where TLBBENCH_SCRATCH_DISK names a block device, as in our VMs,
 * an ext4 file system is made on it for them, over what was there.
 */
#ifndef TB_SCRATCH_H
#define TB_SCRATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/**
 * struct tb_scratch - where files on a disk are
 * @dir: open descriptor
 * @device: that has a file system for this alone; NULL if it is a directory
 */
struct tb_scratch {
	int dir;
	const char *device;
};

/* Could there be files of @bytes together? -errno, with the reason in @err. */
int tb_scratch_try(uint64_t bytes, struct tb_err *err);

/* Have room for files of @bytes together. */
int tb_scratch_begin(struct tb_scratch *s, uint64_t bytes, struct tb_err *err);
void tb_scratch_end(struct tb_scratch *s);

/**
 * tb_scratch_file() - a file on the disk, not in the page cache
 * @has_data: else its blocks are reserved, and reading it reaches no disk
 *
 * Return: descriptor, or -errno.
 */
int tb_scratch_file(const struct tb_scratch *s, uint64_t bytes, bool has_data,
		    struct tb_err *err);

/* A file of tmpfs, a hole: its pages belong to who touches them first. */
int tb_scratch_tmpfs(uint64_t bytes, struct tb_err *err);

/* "ext4", "xfs", ...; of a type without a name the number. */
void tb_scratch_type(int fd, char name[32]);

#endif
