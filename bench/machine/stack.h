/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where in the kernel a task is.
 */
#ifndef TB_STACK_H
#define TB_STACK_H

#include <sys/types.h>

#define TB_STACK_BYTES 200

/**
 * tb_stack_read() - the innermost functions of /proc/TID/stack, for a message
 * @tid: thread id; 0 if the thread has none yet
 *
 * Gives "; kernel stack: f < g < h", or why there is none.
 */
void tb_stack_read(pid_t tid, char stack[TB_STACK_BYTES]);

#endif
