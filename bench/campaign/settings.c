// SPDX-License-Identifier: GPL-2.0-only
/* Keys and values of a case before they mean anything. */
#include "campaign/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static bool is_list_of_values(const char *key, const char *value)
{
	/* The commas of placement = list:0,2 are the placement's own. */
	return strncmp(key, "placement", 9) || strncmp(value, "list:", 5);
}

static int split_values(struct tb_setting *s)
{
	char *copy = strdup(s->entry->value), *rest = copy, *item;
	const char *separator =
		is_list_of_values(s->key, copy ? copy : "") ? "," : "\n";

	if (!copy)
		return -ENOMEM;
	while ((item = strsep(&rest, separator))) {
		char **more =
			realloc(s->values, (s->nr_values + 1) * sizeof(*more));

		if (!more) {
			free(copy);
			return -ENOMEM;
		}
		s->values = more;
		s->values[s->nr_values] = strdup(tb_strip(item));
		if (!s->values[s->nr_values++]) {
			free(copy);
			return -ENOMEM;
		}
	}
	free(copy);
	s->value = s->values[0];
	return 0;
}

/* A value that stands there twice would make two cases of one name. */
static int check_distinct(const struct tb_conf *conf,
			  const struct tb_setting *s, struct tb_err *err)
{
	unsigned int i, j;

	for (i = 0; i < s->nr_values; i++)
		for (j = 0; j < i; j++)
			if (!strcmp(s->values[i], s->values[j]))
				return tb_usage(
					err,
					"%s:%u: %s = %.64s: expected each "
					"value once",
					conf->path, s->entry->line, s->key,
					s->entry->value);
	return 0;
}

struct tb_setting *tb_settings_find(const struct tb_settings *settings,
				    const char *key)
{
	unsigned int i;

	for (i = 0; i < settings->nr; i++)
		if (!strcmp(settings->all[i].key, key))
			return &settings->all[i];
	return NULL;
}

static int take_entries(struct tb_settings *settings,
			const struct tb_conf *conf, struct tb_section *from,
			struct tb_err *err)
{
	unsigned int i;

	for (i = 0; from && i < from->nr_entries; i++) {
		struct tb_entry *e = &from->entries[i];
		struct tb_setting *s = &settings->all[settings->nr];

		e->is_used = true;
		if (tb_settings_find(settings, e->key))
			continue;
		s->key = e->key;
		s->entry = e;
		settings->nr++;
		if (split_values(s))
			return tb_fail_errno(err, -ENOMEM, "%s", conf->path);
		if (check_distinct(conf, s, err))
			return -EINVAL;
	}
	return 0;
}

int tb_settings_take(struct tb_settings *settings, const struct tb_conf *conf,
		     struct tb_section *s, struct tb_section *defaults,
		     struct tb_err *err)
{
	unsigned int nr = s->nr_entries + (defaults ? defaults->nr_entries : 0);
	int ret;

	*settings = (struct tb_settings){
		.all = calloc(nr + 1, sizeof(*settings->all)),
	};
	if (!settings->all)
		return tb_fail_errno(err, -ENOMEM, "%s", conf->path);
	ret = take_entries(settings, conf, s, err);
	return ret ? ret : take_entries(settings, conf, defaults, err);
}

void tb_settings_fini(struct tb_settings *settings)
{
	unsigned int i, j;

	for (i = 0; i < settings->nr; i++) {
		for (j = 0; j < settings->all[i].nr_values; j++)
			free(settings->all[i].values[j]);
		free(settings->all[i].values);
	}
	free(settings->all);
}
