/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Profiles: what is done about what the audit finds.
 *
 *	observe   nothing; it is only recorded
 *	quiet     settings are changed while tlbbench runs, and restored
 *	strict    tlbbench does not start; nothing is changed
 *
 * Quiet. Previous values are written to a file in /run/tlbbench, fsynced,
 * before the first one is changed. A small process, the guardian, then waits
 * for the end of this one, however it comes, and restores; nobody else does,
 * so there is one way to do it. Where the guardian was killed too, the next
 * start finds the file. The guardian holds a lock as long as anything is
 * changed. Of this machine, TLBBENCH_RUN_DIR names another directory.
 */
#ifndef TB_QUIET_H
#define TB_QUIET_H

#include <sys/types.h>

#include "base/err.h"
#include "base/json.h"

enum tb_profile {
	TB_PROFILE_OBSERVE,
	TB_PROFILE_QUIET,
	TB_PROFILE_STRICT
};

/* "observe", "quiet", "strict". */
const char *tb_profile_name(enum tb_profile profile);
bool tb_profile_parse(const char *name, enum tb_profile *profile);

/**
 * struct tb_knob - one setting
 * @path: below the root
 * @before: its value when it was found
 * @after: what it was set to, and read back
 * @reason: why it could not be set, else empty
 */
struct tb_knob {
	char *path;
	char before[64];
	char after[64];
	char reason[96];
};

/**
 * struct tb_quiet - the settings of a machine while something is measured
 * @root: put in front of all paths; "" is this machine
 * @guardian: its pid; 0 if nothing was changed
 * @caveat: what another tlbbench has changed here, as far as it is known, or
 *	empty
 */
struct tb_quiet {
	enum tb_profile profile;
	const char *root;
	struct tb_knob *knobs;
	unsigned int nr_knobs;
	pid_t guardian;
	char caveat[TB_ERR_TEXT_BYTES];
};

/* Find the settings that are to be changed, with @after as what is wanted. */
int tb_quiet_plan(struct tb_quiet *q, const char *root);

/**
 * tb_quiet_begin() - make the machine quiet
 *
 * What cannot be set has a reason and is no error. tb_quiet_end() afterwards
 * in either case.
 *
 * Return: 0; -EBUSY if another tlbbench has done so; -errno.
 */
int tb_quiet_begin(struct tb_quiet *q, const char *root, struct tb_err *err);

/* Restore, wait until it is done, and free; fails if a setting stays. */
int tb_quiet_end(struct tb_quiet *q, struct tb_err *err);

/**
 * tb_quiet_recover() - restore what a killed tlbbench has left changed
 * @names: the settings that were restored, appended
 *
 * Return: 0; -EBUSY if the tlbbench that changed them is at work; -EACCES if
 * they are to be restored by root; -errno.
 */
int tb_quiet_recover(const char *root, struct tb_buf *names,
		     struct tb_err *err);

#endif
