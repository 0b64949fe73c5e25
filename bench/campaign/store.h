/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The campaign directory: everything that a campaign leaves behind.
 *
 *	campaign.conf  plan.json  index.sha256
 *	slots/NN-KERNEL/  records.jsonl  slot.json  console.log  qemu.log
 *
 * Append-only, see results/README.md. A slot counts once its slot.json and
 * records.jsonl stand in the index; anything less was cut off and is run
 * again by a resumed campaign.
 */
#ifndef TB_STORE_H
#define TB_STORE_H

#include <limits.h>

#include "campaign/backend.h"

/* $XDG_CACHE_HOME/tlbbench or ~/.cache/tlbbench, made if need be. */
int tb_cache_dir(char *path, size_t size_bytes, struct tb_err *err);

struct tb_store {
	char dir[PATH_MAX];
};

/**
 * tb_store_create() - a new directory and the link to it
 * @results: its parent; the link is @results/@plan->name
 *
 * If this fails, nothing stays behind and @store->dir is empty.
 */
int tb_store_create(struct tb_store *store, const char *results,
		    const struct tb_plan *plan, const char *conf_text,
		    struct tb_err *err);

/**
 * tb_store_reopen() - continue in @dir
 *
 * A directory that is no campaign, or whose plan or kernels are not those of
 * @plan any more, is a usage error.
 */
int tb_store_reopen(struct tb_store *store, const char *dir,
		    const struct tb_plan *plan, struct tb_err *err);

/* Was this slot finished in an earlier run? */
bool tb_store_has_slot(const struct tb_store *store, const struct tb_plan *plan,
		       const struct tb_slot_plan *slot);

/* Write @dir/@name below the directory, and enter it into the index. */
int tb_store_keep(const struct tb_store *store, const char *dir,
		  const char *name, const struct tb_buf *text,
		  struct tb_err *err);

/* Is @name in the index? */
bool tb_store_has(const struct tb_store *store, const char *name);

/**
 * struct tb_slot_file - a slot that is being written
 * @sink: takes its records, each fsynced
 */
struct tb_slot_file {
	struct tb_sink sink;
	const struct tb_store *store;
	const struct tb_plan *plan;
	const struct tb_slot_plan *slot;
	char name[NAME_MAX];
	char dir[PATH_MAX];
	int fd;
	unsigned int nr_records;
};

int tb_store_begin(const struct tb_store *store, const struct tb_plan *plan,
		   const struct tb_slot_plan *slot, struct tb_slot_file *file,
		   struct tb_err *err);

/* Close without finishing: the slot will be run again. */
void tb_store_abandon(struct tb_slot_file *file);

/* Write slot.json and enter both files into the index. */
int tb_store_finish(struct tb_slot_file *file, const struct tb_outcome *out,
		    struct tb_err *err);

#endif
