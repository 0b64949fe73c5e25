/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An ext4 file system on a block device, by libext2fs: the initramfs of a VM
 * has no mke2fs.
 *
 * Without a journal: nothing that is measured needs one, and no thread of it
 * runs at times of its own.
 */
#ifndef TB_EXT4_H
#define TB_EXT4_H

#include <stdint.h>

#include "base/err.h"

/* Make one; what was on the device is lost. */
int tb_ext4_make(const char *device, uint64_t bytes, struct tb_err *err);

/**
 * tb_ext4_mount() - mount it in no directory
 *
 * Nobody else sees it, and it ends with the last descriptor of it and of its
 * files.
 *
 * Return: descriptor of its top directory, or -errno.
 */
int tb_ext4_mount(const char *device, struct tb_err *err);

#endif
