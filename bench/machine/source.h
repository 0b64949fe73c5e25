/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the readers of facts read: files below a root, each large one once.
 */
#ifndef TB_SOURCE_H
#define TB_SOURCE_H

#include <glob.h>

#include "machine/audit.h"

/**
 * struct tb_source - a machine, or a captured tree of one
 * @root: put in front of all paths; "" is the machine itself
 * @cpuinfo: first CPU's block of /proc/cpuinfo
 * @config: of the kernel, with a newline in front; empty if it is not there
 * @comms: names of all processes, each between newlines; empty if those of the
 *	kernel cannot be seen from this pid namespace
 */
struct tb_source {
	const char *root;
	struct tb_buf cpuinfo;
	struct tb_buf config;
	struct tb_buf comms;
};

/* Reads what is cached; what is missing stays empty. */
void tb_source_init(struct tb_source *src, const char *root);
void tb_source_fini(struct tb_source *src);

/* CPUID and system calls say nothing of a captured tree. */
bool tb_source_is_live(const struct tb_source *src);

/* As tb_read_line() and tb_read_file(), below the root. */
int tb_source_line(const struct tb_source *src, const char *path, char *line,
		   size_t size_bytes);
int tb_source_text(const struct tb_source *src, const char *path,
		   struct tb_buf *b);

/*
 * Files below the root that match; their names have the root in front. If there
 * are none: -EACCES where their directory is closed, else -ENOENT.
 */
int tb_source_glob(const struct tb_source *src, const char *pattern,
		   glob_t *found);

/* All first lines that occur in files that match, in order, "a, b". */
int tb_source_distinct(const struct tb_source *src, const char *pattern,
		       struct tb_buf *b);

/* Value behind "key : value" in /proc/cpuinfo; false if there is none. */
bool tb_source_cpuinfo(const struct tb_source *src, const char *key,
		       struct tb_buf *b);

/* Is the whole word among the kernel's parameters or the CPU's flags? */
bool tb_has_word(const char *text, const char *word);

/* Does a process of this name run? */
bool tb_source_runs(const struct tb_source *src, const char *comm);

/* Set the reason of @f unless it has one; returns @code. */
int tb_fact_unknown(struct tb_fact *f, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Append @word to a list. */
void tb_list_add(struct tb_buf *b, const char *separator, const char *word);

#endif
