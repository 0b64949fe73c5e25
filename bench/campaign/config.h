/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The INI files of tlbbench, read strictly.
 *
 *	# comment            (whole lines; so is ';')
 *	[kind] or [kind name]
 *	key = value
 *
 * Every mistake is a usage error that names file:line: a key twice, a section
 * twice, a line that is neither, bytes that are no text, and keys that nobody
 * asked for; of these the nearest that somebody did ask for is suggested. (inih
 * and iniparser keep the last of two equal keys or cut long names silently.)
 */
#ifndef TB_CONFIG_H
#define TB_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

/**
 * struct tb_entry - one key
 * @is_used: somebody asked for it, see tb_conf_check_used()
 */
struct tb_entry {
	char *key;
	char *value;
	unsigned int line;
	bool is_used;
};

#define TB_MAX_ASKED 16

/**
 * struct tb_section - one section
 * @kind: first word of the header
 * @name: the rest, "" if there is none
 * @line: of the header; 0 if no file has it
 * @from: what has it instead, as messages name it, or NULL
 * @asked: keys that somebody asked for, to suggest one for an unknown key
 */
struct tb_section {
	char *kind;
	char *name;
	unsigned int line;
	const char *from;
	struct tb_entry *entries;
	unsigned int nr_entries;
	const char *asked[TB_MAX_ASKED];
	unsigned int nr_asked;
};

struct tb_conf {
	char *path;
	struct tb_section *sections;
	unsigned int nr_sections;
};

/* Parse a file; an unreadable one is a usage error. */
int tb_conf_load(struct tb_conf *conf, const char *path, struct tb_err *err);

/* The text of such a file, for whoever parses it later; errors as there. */
int tb_conf_read(const char *path, struct tb_buf *b, struct tb_err *err);

/* Parse @text; @path is only what messages call it. */
int tb_conf_parse(struct tb_conf *conf, const char *path, const char *text,
		  struct tb_err *err);
void tb_conf_fini(struct tb_conf *conf);

/* A section at the end that no file has; @from outlives @conf. */
struct tb_section *tb_conf_add(struct tb_conf *conf, const char *kind,
			       const char *name, const char *from,
			       struct tb_err *err);

/**
 * tb_section_set() - give a key its value, or another one
 * @from: what has the value, for the usage error if no line could hold it
 */
int tb_section_set(struct tb_section *s, const char *key, const char *value,
		   const char *from, struct tb_err *err);

/* Without the section of this index; the later ones move up. */
void tb_conf_drop(struct tb_conf *conf, unsigned int index);

/* What tb_conf_parse() makes the same of: lines are numbered anew. */
void tb_conf_write(const struct tb_conf *conf, struct tb_buf *b);

/* The section "[kind]" without a name, or NULL. */
struct tb_section *tb_conf_section(const struct tb_conf *conf,
				   const char *kind);

/* The entry, marked as used, or NULL; @key is a constant. */
struct tb_entry *tb_section_find(struct tb_section *s, const char *key);

/* Value of @key, or @def where section or key is missing. */
const char *tb_section_text(struct tb_section *s, const char *key,
			    const char *def);

/* Number within [min, max], or @def; anything else is a usage error. */
int tb_section_u64(const struct tb_conf *conf, struct tb_section *s,
		   const char *key, uint64_t def, uint64_t min, uint64_t max,
		   uint64_t *value, struct tb_err *err);

/* Usage error for the first key that was never asked for. */
int tb_conf_check_used(const struct tb_conf *conf, struct tb_err *err);

#endif
