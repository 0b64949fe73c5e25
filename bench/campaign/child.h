/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Other programs: started so that none of them outlives tlbbench.
 */
#ifndef TB_CHILD_H
#define TB_CHILD_H

#include <sys/types.h>

#include "base/text.h"

/**
 * tb_child_start() - fork and exec, stdin from /dev/null
 * @argv: NULL-terminated; argv[0] is looked up in PATH
 * @out_fd, @err_fd: become stdout and stderr; -1 keeps ours
 *
 * The child is killed when tlbbench dies, and is not in the terminal's
 * foreground process group, so that Ctrl-C reaches tlbbench first.
 *
 * Return: pid or -errno; a program that does not exist is -ENOENT.
 */
pid_t tb_child_start(const char *const *argv, int out_fd, int err_fd);

/* Run to its end; stdout and stderr go to @out. Exit status, or -errno. */
int tb_child_output(const char *const *argv, struct tb_buf *out);

#endif
