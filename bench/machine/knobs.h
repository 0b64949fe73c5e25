/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The settings that a quiet machine needs, and how one is read and written.
 */
#ifndef TB_KNOBS_H
#define TB_KNOBS_H

#include "machine/quiet.h"

/* May a file of settings name this path? Only those that we change. */
bool tb_knob_is_ours(const char *path);

/* Why a setting could not be changed, from the -errno of it. */
const char *tb_knob_reason(int code);

/* Append all that are not as they should be, in the order to change them. */
int tb_knobs_find(struct tb_quiet *q);
void tb_knobs_free(struct tb_quiet *q);

/* Set all to what they should be; fills @after or @reason. */
void tb_knobs_apply(struct tb_quiet *q);

/* Set all to @before, last one first; number of those that stay different. */
unsigned int tb_knobs_restore(struct tb_quiet *q);

/* Add one with its value; 0 or -ENOMEM. */
int tb_knob_add(struct tb_quiet *q, const char *path, const char *before,
		const char *after);

#endif
