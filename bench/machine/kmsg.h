/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's log, message by message (Documentation/ABI/testing/dev-kmsg).
 */
#ifndef TB_KMSG_H
#define TB_KMSG_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct tb_kmsg - a place in the log
 * @fd: /dev/kmsg, or a text file in its format; negative if it is not open
 * @text: what was read; @at: and not taken yet
 */
struct tb_kmsg {
	int fd;
	size_t at;
	size_t len_bytes;
	char text[8192];
};

/* At the first message, or behind the last one; 0 or -errno. */
int tb_kmsg_open(struct tb_kmsg *log, const char *root, bool at_end);
void tb_kmsg_close(struct tb_kmsg *log);

/**
 * tb_kmsg_next() - the text of the next message, without waiting for one
 * @level: 0 (emergency) to 7 (debug); may be NULL
 */
bool tb_kmsg_next(struct tb_kmsg *log, unsigned int *level, char *text,
		  size_t size_bytes);

#endif
