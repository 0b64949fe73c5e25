/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one error record of a call chain.
 *
 * Functions below cmd/ return 0 or -errno and take a struct tb_err *. The
 * function that meets the error describes it once; its callers only return.
 */
#ifndef TB_ERR_H
#define TB_ERR_H

#include <stdbool.h>

#define TB_ERR_TEXT_BYTES 512

/*
 * Exit codes of every command; the last three are what git bisect run takes
 * for "cannot tell" and for "stop": see cmd/ab.c.
 */
enum tb_exit {
	TB_EXIT_OK = 0,
	TB_EXIT_FAIL = 1,
	TB_EXIT_USAGE = 2,
	TB_EXIT_SKIP = 4,
	TB_EXIT_BISECT_SKIP = 125,
	TB_EXIT_BISECT_STOP = 128,
	TB_EXIT_BISECT_INTERRUPTED = 130,
};

/**
 * struct tb_err - what went wrong, described where it happened
 * @code: negative errno, 0 if nothing was recorded
 * @is_usage: the user asked for something that does not exist (exit 2)
 * @text: one line that says what was expected and what to do
 */
struct tb_err {
	int code;
	bool is_usage;
	char text[TB_ERR_TEXT_BYTES];
};

/**
 * tb_fail() - record a failure unless one is recorded already
 *
 * Return: @code, which must be a negative errno.
 */
int tb_fail(struct tb_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Like tb_fail(), with ": strerror" appended. */
int tb_fail_errno(struct tb_err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Record a usage error; returns -EINVAL. */
int tb_usage(struct tb_err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
