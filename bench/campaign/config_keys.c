// SPDX-License-Identifier: GPL-2.0-only
/* What is asked of INI files that were parsed, and what nobody asked for. */
#include <string.h>

#include "base/near.h"
#include "campaign/config.h"

/* What messages quote of a line, so that what was expected fits too. */
#define QUOTE "%.64s"

struct tb_section *tb_conf_section(const struct tb_conf *conf, const char *kind)
{
	unsigned int i;

	for (i = 0; i < conf->nr_sections; i++)
		if (!strcmp(conf->sections[i].kind, kind) &&
		    !*conf->sections[i].name)
			return &conf->sections[i];
	return NULL;
}

static void note_asked(struct tb_section *s, const char *key)
{
	unsigned int i;

	for (i = 0; i < s->nr_asked; i++)
		if (!strcmp(s->asked[i], key))
			return;
	if (s->nr_asked < TB_MAX_ASKED)
		s->asked[s->nr_asked++] = key;
}

struct tb_entry *tb_section_find(struct tb_section *s, const char *key)
{
	unsigned int i;

	if (s)
		note_asked(s, key);
	for (i = 0; s && i < s->nr_entries; i++)
		if (!strcmp(s->entries[i].key, key)) {
			s->entries[i].is_used = true;
			return &s->entries[i];
		}
	return NULL;
}

const char *tb_section_text(struct tb_section *s, const char *key,
			    const char *def)
{
	const struct tb_entry *e = tb_section_find(s, key);

	return e ? e->value : def;
}

int tb_section_u64(const struct tb_conf *conf, struct tb_section *s,
		   const char *key, uint64_t def, uint64_t min, uint64_t max,
		   uint64_t *value, struct tb_err *err)
{
	const struct tb_entry *e = tb_section_find(s, key);

	*value = def;
	if (!e)
		return 0;
	if (!tb_parse_u64(e->value, value) || *value < min || *value > max)
		return tb_usage(
			err,
			"%s:%u: %s = " QUOTE ": expected a number from %llu "
			"to %llu",
			conf->path, e->line, key, e->value,
			(unsigned long long)min, (unsigned long long)max);
	return 0;
}

static int usage_unknown(const struct tb_conf *conf, const struct tb_section *s,
			 const struct tb_entry *e, struct tb_err *err)
{
	struct tb_near near = { .word = e->key };
	struct tb_buf meant = { 0 };
	unsigned int i;

	for (i = 0; i < s->nr_asked; i++)
		tb_near_is(&near, s->asked[i]);
	tb_near_text(&near, &meant);
	tb_usage(err, "%s:%u: unknown key '" QUOTE "' in [%s%s%s]%s",
		 conf->path, e->line, e->key, s->kind, *s->name ? " " : "",
		 s->name, meant.data ? meant.data : "");
	tb_buf_fini(&meant);
	return err->code;
}

int tb_conf_check_used(const struct tb_conf *conf, struct tb_err *err)
{
	unsigned int i, j;

	for (i = 0; i < conf->nr_sections; i++) {
		const struct tb_section *s = &conf->sections[i];

		for (j = 0; j < s->nr_entries; j++)
			if (!s->entries[j].is_used)
				return usage_unknown(conf, s, &s->entries[j],
						     err);
	}
	return 0;
}
