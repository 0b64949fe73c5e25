/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Growable text, small files and plain tables.
 */
#ifndef TB_TEXT_H
#define TB_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/**
 * struct tb_buf - text that grows; zero-initialise, then tb_buf_fini()
 * @data: NUL-terminated once something was added, else NULL
 * @has_failed: an allocation failed; the text is not to be used
 */
struct tb_buf {
	char *data;
	size_t len_bytes;
	size_t cap_bytes;
	bool has_failed;
};

void tb_buf_add(struct tb_buf *b, const void *data, size_t len_bytes);
void tb_buf_printf(struct tb_buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void tb_buf_fini(struct tb_buf *b);

/**
 * tb_read_file() - append a whole file, of unknown size as in /proc, to @b
 *
 * Return: 0 or -errno; nothing is recorded, absent files are often no error.
 */
int tb_read_file(const char *path, struct tb_buf *b);

/**
 * tb_read_regular() - tb_read_file() of a file that people or we have written
 *
 * Return: as there; -EINVAL if it is no regular file (a device may never end,
 * a pipe never begin), -EFBIG if it is longer than @max_bytes.
 */
int tb_read_regular(const char *path, size_t max_bytes, struct tb_buf *b);

/* First line of a file without its newline; 0 or -errno. */
int tb_read_line(const char *path, char *line, size_t size_bytes);

/* Write all bytes to @fd, however short each write() is; 0 or -errno. */
int tb_write_all(int fd, const void *data, size_t len_bytes);

/**
 * tb_write_file() - make @path hold exactly @data, or leave it as it was
 *
 * Writes beside it, fsyncs, renames. A full disk leaves no file behind.
 */
int tb_write_file(const char *path, const void *data, size_t len_bytes,
		  struct tb_err *err);

/* Make a directory, unless it is there. */
int tb_make_dir(const char *path, struct tb_err *err);

/* snprintf() for paths: -ENAMETOOLONG instead of a path cut short. */
int tb_path(char *path, size_t size_bytes, struct tb_err *err, const char *fmt,
	    ...) __attribute__((format(printf, 4, 5)));

/* Strip leading and trailing blanks in place; returns the start. */
char *tb_strip(char *s);

/* Whole string as an unsigned decimal number; false if it is anything else. */
bool tb_parse_u64(const char *s, uint64_t *value);

/* As tb_parse_u64(), with an optional suffix k, M, G or T (powers of 1024). */
bool tb_parse_size(const char *s, uint64_t *bytes);

#endif
