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

/**
 * tb_child_output() - run to its end
 * @out: takes stdout and stderr
 * @progress: lines that begin with it go to our stderr instead, at once; NULL
 *	for none
 *
 * The child gets SIGTERM when tlbbench dies, so that it can stop its own.
 *
 * Return: exit status, or -errno.
 */
int tb_child_output(const char *const *argv, struct tb_buf *out,
		    const char *progress);

#endif
