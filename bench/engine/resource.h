/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Resources of a case: what wl_ops.prepare() asks for, made and undone.
 */
#ifndef TB_RESOURCE_H
#define TB_RESOURCE_H

#include "machine/scratch.h"
#include "machine/undo.h"
#include "workloads/wl.h"

#define TB_MAX_RESOURCES 16

struct tb_case;

enum tb_resource_kind {
	TB_RESOURCE_FILE,
	TB_RESOURCE_MEMCG,
	TB_RESOURCE_SWAP,
	TB_RESOURCE_SETTING
};

/* "file", "memcg", "swap", "setting". */
const char *tb_resource_kind_name(enum tb_resource_kind kind);

/**
 * struct tb_resource - one, as asked for and as made
 * @bytes: size or limit; not of a setting
 * @name: of a setting its path; of others what was made: a type of file system,
 *	"cgroup v2", "zram"
 * @before, @after: of a setting
 */
struct tb_resource {
	enum tb_resource_kind kind;
	enum wl_fs fs;
	uint64_t bytes;
	char name[128];
	char before[64];
	char after[64];
};

/**
 * struct wl_res - what a workload asks for
 * @nr_asked: may be more than fit
 */
struct wl_res {
	struct tb_resource all[TB_MAX_RESOURCES];
	unsigned int nr_asked;
};

/**
 * struct tb_made - what was made of it
 * @asked: of it the first @nr are made
 * @files: descriptors, for wl_ctx.files
 * @memcg: directory of the cgroup that instances join, or empty
 * @join_fd: of that cgroup, or 0
 * @nr_undo: changes of the machine that were noted before ours
 */
struct tb_made {
	struct wl_res asked;
	unsigned int nr;
	int files[WL_MAX_FILES];
	unsigned int nr_files;
	char memcg[256];
	int join_fd;
	bool has_scratch;
	struct tb_scratch scratch;
	unsigned int nr_undo;
};

/* Ask the workload, and add every reason why it cannot be had here. */
void tb_made_probe(struct tb_made *made, const struct tb_case *cs,
		   const struct tb_undo *undo, struct wl_reasons *why);

/* The same, where made->asked says already what @name wants. */
void tb_made_probe_asked(struct tb_made *made, const char *name,
			 const struct tb_undo *undo, struct wl_reasons *why);

/**
 * tb_made_make() - make what tb_made_probe() has found to be possible
 * @caveats: gets a line for each that concerns the whole machine
 *
 * tb_made_undo() afterwards in either case.
 */
int tb_made_make(struct tb_made *made, struct tb_undo *undo,
		 struct wl_reasons *caveats, struct tb_err *err);

/* Undo all, last one first; @made still says what there was. */
int tb_made_undo(struct tb_made *made, struct tb_undo *undo,
		 struct tb_err *err);

/* In an instance, before it does anything: it joins the cgroup. */
int tb_made_join(const struct tb_made *made, struct tb_err *err);

#endif
