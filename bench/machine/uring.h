/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All of liburing that tlbbench uses.
 */
#ifndef TB_URING_H
#define TB_URING_H

/* Can this process make a ring? 0, or -errno as the kernel said it. */
int tb_uring_probe(void);

#endif
