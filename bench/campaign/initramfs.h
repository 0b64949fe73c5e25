/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The initramfs of a slot: this very binary as /init, and two text files.
 */
#ifndef TB_INITRAMFS_H
#define TB_INITRAMFS_H

#include "base/text.h"

/* Files of the initramfs, beside "init". */
#define TB_GUEST_SLOT "slot.conf"
#define TB_GUEST_CAMPAIGN "campaign.conf"

/**
 * tb_initramfs_add() - append one file in cpio's newc format
 * @mode: including S_IFREG
 *
 * Times, owners and inode numbers are fixed, so equal content gives equal
 * bytes (Documentation/driver-api/early-userspace/buffer-format.rst).
 */
void tb_initramfs_add(struct tb_buf *b, const char *name, unsigned int mode,
		      const void *data, size_t len_bytes);

/* The trailer; nothing may follow. */
void tb_initramfs_end(struct tb_buf *b);

#endif
