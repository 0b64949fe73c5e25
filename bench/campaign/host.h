/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which machine this is, without saying who it belongs to: hex digits that are
 * the same in each campaign of a host. Made from /etc/machine-id, which must
 * not be shown to others (machine-id(5)), or where there is none from the
 * name of the host.
 */
#ifndef TB_HOST_H
#define TB_HOST_H

#include <sha2.h>

#define TB_HOST_CHARS 16

/* @host is TB_HOST_CHARS hex digits and a NUL; @root: "" or a tree of a test.
 */
void tb_host_id(const char *root, char host[static TB_HOST_CHARS + 1]);

#endif
