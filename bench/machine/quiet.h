/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Profiles: what is done about what the audit finds.
 *
 *	observe   nothing; it is only recorded
 *	quiet     settings are changed while tlbbench runs, and restored
 *	strict    tlbbench does not start; nothing is changed
 *
 * How they are restored, see undo.h.
 */
#ifndef TB_QUIET_H
#define TB_QUIET_H

#include <sys/types.h>

#include "base/err.h"
#include "base/json.h"
#include "machine/undo.h"

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
 * @undo: of these settings, and behind them of what a case changes
 * @caveat: what another tlbbench has changed here, as far as it is known, or
 *	empty
 */
struct tb_quiet {
	enum tb_profile profile;
	struct tb_undo undo;
	struct tb_knob *knobs;
	unsigned int nr_knobs;
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

#endif
