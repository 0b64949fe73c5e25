/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The settings that a quiet machine or a case needs, and how one is read and
 * written.
 */
#ifndef TB_KNOBS_H
#define TB_KNOBS_H

#include "machine/quiet.h"

/* Is it one of those that we change? */
bool tb_knob_is_ours(const char *path);

/* Why a setting could not be changed, from the -errno of it. */
const char *tb_knob_reason(int code);

/* Its value; of choices the one in brackets. 0 or -errno. */
int tb_knob_read(const char *root, const char *path, char value[64]);

/* May one be set? 0 or -errno. */
int tb_knob_try(const char *root, const char *path);

/* Is one its @after? */
bool tb_knob_is_set(const char *root, const struct tb_knob *k);

/* Set one to its @after; fills @reason if that cannot be. */
void tb_knob_set(const char *root, struct tb_knob *k);

/* Set one to @before; true if it is that, or is no more. */
bool tb_knob_undo(const char *root, const char *path, const char *before);

/* Append all that are not as they should be, in the order to change them. */
int tb_knobs_find(struct tb_quiet *q);
void tb_knobs_free(struct tb_quiet *q);

/* Set all to what they should be; fills @after or @reason. */
void tb_knobs_apply(struct tb_quiet *q);

#endif
