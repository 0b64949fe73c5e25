/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keys of a [case] section, with those of [defaults] that it lacks, each
 * with the values that it is swept over.
 */
#ifndef TB_SETTINGS_H
#define TB_SETTINGS_H

#include "campaign/config.h"

/**
 * struct tb_setting - one key
 * @value: at this point of the sweep, one of @values
 * @entry: where it stands
 * @values: @nr_values of them; more than one is a sweep
 */
struct tb_setting {
	const char *key;
	char *value;
	const struct tb_entry *entry;
	char **values;
	unsigned int nr_values;
};

struct tb_settings {
	struct tb_setting *all;
	unsigned int nr;
};

/**
 * tb_settings_take() - collect the keys of @s, then of @defaults
 * @defaults: may be NULL
 *
 * Marks all entries as used. A value that stands in a list twice is a usage
 * error. tb_settings_fini() afterwards, whatever this returns.
 */
int tb_settings_take(struct tb_settings *settings, const struct tb_conf *conf,
		     struct tb_section *s, struct tb_section *defaults,
		     struct tb_err *err);
void tb_settings_fini(struct tb_settings *settings);

/* The setting, or NULL. */
struct tb_setting *tb_settings_find(const struct tb_settings *settings,
				    const char *key);

#endif
