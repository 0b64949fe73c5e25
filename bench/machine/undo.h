/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changes of the machine that end with tlbbench, and how they are undone.
 *
 * Each change is noted in a file in /run/tlbbench, fsynced, before it is made.
 * A small process, the guardian, then waits for the end of this one, however
 * it comes, and undoes what is noted, last one first. Where the guardian was
 * killed too, the next start finds the file. The guardian holds a lock as long
 * as anything may be changed, so one tlbbench at a time changes a machine.
 * Of this machine, TLBBENCH_RUN_DIR names another directory; without root it
 * is in XDG_RUNTIME_DIR, if that is set.
 */
#ifndef TB_UNDO_H
#define TB_UNDO_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/text.h"

/**
 * enum tb_change_kind - what was changed
 * @TB_CHANGE_SETTING: file of the kernel that held the value @before
 * @TB_CHANGE_MEMCG: directory of a cgroup that was made
 * @TB_CHANGE_SWAP: zram device that was added for swap; @before is its size, by
 *	which tb_swap_undo() knows it
 */
enum tb_change_kind {
	TB_CHANGE_SETTING,
	TB_CHANGE_MEMCG,
	TB_CHANGE_SWAP,
};

struct tb_change {
	enum tb_change_kind kind;
	char *what;
	char *before;
};

/**
 * struct tb_undo - what this process has changed; zero-initialise but @root
 * @root: put in front of all paths; "" is this machine
 * @guardian: its pid; 0 if nothing could be changed yet
 * @all: in the order in which they were made
 */
struct tb_undo {
	const char *root;
	pid_t guardian;
	struct tb_change *all;
	unsigned int nr;
};

/**
 * tb_undo_begin() - be the tlbbench that changes this machine
 *
 * Undoes what a killed one has left, and starts the guardian. Does nothing
 * where that was done before.
 *
 * Return: 0; -EBUSY if another one is; -errno, of which those of the directory
 * are not described in @err: who has no right to it may do without.
 */
int tb_undo_begin(struct tb_undo *u, struct tb_err *err);

/* Could it begin? As tb_undo_begin(), but nothing stays begun. */
int tb_undo_try(const struct tb_undo *u, struct tb_err *err);

/* Add a change, in memory; 0 or -ENOMEM. */
int tb_undo_add(struct tb_undo *u, enum tb_change_kind kind, const char *what,
		const char *before);

/* Note on disk all that was added; before any of it is made. */
int tb_undo_save(const struct tb_undo *u, struct tb_err *err);

/* Undo all but the first @nr; what cannot be undone stays noted. */
int tb_undo_back(struct tb_undo *u, unsigned int nr, struct tb_err *err);

/* Undo all, by the guardian, wait until it is done, and free. */
int tb_undo_end(struct tb_undo *u, struct tb_err *err);

/**
 * tb_undo_recover() - undo what a killed tlbbench has left
 * @names: of the changes that were undone, appended
 *
 * Return: 0; -EBUSY if the tlbbench that made them is at work; -EACCES if they
 * are to be undone by root; -errno.
 */
int tb_undo_recover(const char *root, struct tb_buf *names, struct tb_err *err);

#endif
