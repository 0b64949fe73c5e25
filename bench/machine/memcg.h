/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A cgroup whose processes together have at most so much memory.
 *
 * It is a directory tlbbench-PID: with cgroup v2 below the nearest ancestor of
 * this process that lets its children have limits of memory, and where we may
 * make one; with v1 at the top of the hierarchy of memory.
 */
#ifndef TB_MEMCG_H
#define TB_MEMCG_H

#include <limits.h>
#include <stdint.h>

#include "machine/undo.h"

/**
 * struct tb_memcg - where one is, or can be
 * @parent: directory it is made in
 * @dir: it itself, once it is made
 * @is_v2: else cgroup v1
 * @join_fd: whoever writes "0" to it is in; see tb_memcg_join()
 */
struct tb_memcg {
	char parent[PATH_MAX];
	char dir[PATH_MAX];
	bool is_v2;
	int join_fd;
};

/* Look where one can be made; -errno, with what is missing in @err. */
int tb_memcg_find(struct tb_memcg *m, struct tb_err *err);

/* Make it where it was found; the caller closes @join_fd. */
int tb_memcg_make(struct tb_memcg *m, uint64_t bytes, struct tb_undo *undo,
		  struct tb_err *err);

/* Put the calling process, which has one thread, into it; 0 or -errno. */
int tb_memcg_join(int join_fd);

/* For undo.c. Waits for the end of those that are in. */
bool tb_memcg_is_ours(const char *path);
bool tb_memcg_undo(const char *root, const char *path, const char *before);

#endif
