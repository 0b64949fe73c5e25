// SPDX-License-Identifier: GPL-2.0-only
/* A cpio archive in memory, newc format. */
#include "campaign/initramfs.h"

#include <string.h>

static void pad(struct tb_buf *b)
{
	while (b->len_bytes % 4)
		tb_buf_add(b, "", 1);
}

void tb_initramfs_add(struct tb_buf *b, const char *name, unsigned int mode,
		      const void *data, size_t len_bytes)
{
	size_t name_bytes = strlen(name) + 1;

	/* magic ino mode uid gid nlink mtime size dev(2) rdev(2) name check */
	tb_buf_printf(b, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X",
		      1, mode, 0, 0, 1, 0, (unsigned int)len_bytes, 0, 0, 0, 0);
	tb_buf_printf(b, "%08X%08X", (unsigned int)name_bytes, 0);
	tb_buf_add(b, name, name_bytes);
	pad(b);
	tb_buf_add(b, data, len_bytes);
	pad(b);
}

void tb_initramfs_end(struct tb_buf *b)
{
	tb_initramfs_add(b, "TRAILER!!!", 0, "", 0);
}
