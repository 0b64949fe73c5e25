/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file in which changes of the machine are noted, and its lock.
 */
#ifndef TB_UNDOFILE_H
#define TB_UNDOFILE_H

#include <limits.h>

#include "machine/undo.h"

#define TB_NR_CHANGE_KINDS 3

/**
 * struct tb_undo_kind - how changes of one kind are undone
 * @name: in the file
 * @is_ours: may a file name this? Only what we change
 * @undo: true if it is as before, now or already
 */
struct tb_undo_kind {
	const char *name;
	bool (*is_ours)(const char *what);
	bool (*undo)(const char *root, const char *what, const char *before);
};

extern const struct tb_undo_kind tb_undo_kinds[TB_NR_CHANGE_KINDS];

int tb_undofile_path(const char *root, char path[PATH_MAX], struct tb_err *err);

/* Has root changed this machine, while we are not root? */
bool tb_undofile_is_roots(const char *root);

/* Descriptor that holds the lock; -EBUSY if another process does. */
int tb_undofile_lock(const char *root, struct tb_err *err);

/* Say in the file of the lock who we are. */
int tb_undofile_sign(int lock);

/* Add the changes of this boot; a reboot has undone those of another one. */
int tb_undofile_load(struct tb_undo *u, struct tb_err *err);

#endif
