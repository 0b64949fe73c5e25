// SPDX-License-Identifier: GPL-2.0-only
/* Strict INI parser. */
#include "campaign/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* Longer ones are no mistakes but other files. */
#define MAX_FILE_BYTES (1U << 20)
#define MAX_LINE_CHARS 4096
/* What messages quote of a line, so that what was expected fits too. */
#define QUOTE "%.64s"
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* One more zeroed element at the end of an array; NULL if memory is short. */
static void *grow(void *array_ptr, unsigned int *nr, size_t element_bytes)
{
	void **array = array_ptr;
	char *more = realloc(*array, (*nr + 1) * element_bytes);

	if (!more)
		return NULL;
	*array = more;
	memset(more + *nr * element_bytes, 0, element_bytes);
	return more + (*nr)++ * element_bytes;
}

static struct tb_section *new_section(struct tb_conf *conf, const char *kind,
				      const char *name, struct tb_err *err)
{
	struct tb_section *s =
		grow(&conf->sections, &conf->nr_sections, sizeof(*s));

	if (s) {
		s->kind = strdup(kind);
		s->name = strdup(name);
	}
	if (s && s->kind && s->name)
		return s;
	tb_fail_errno(err, -ENOMEM, "%s", conf->path);
	return NULL;
}

static struct tb_entry *new_entry(struct tb_section *s, const char *key,
				  const char *value, struct tb_err *err)
{
	struct tb_entry *e = grow(&s->entries, &s->nr_entries, sizeof(*e));

	if (e) {
		e->key = strdup(key);
		e->value = strdup(value);
	}
	if (e && e->key && e->value)
		return e;
	tb_fail_errno(err, -ENOMEM, "[%s %s]", s->kind, s->name);
	return NULL;
}

static int add_section(struct tb_conf *conf, char *header, unsigned int line,
		       struct tb_err *err)
{
	size_t len = strlen(header);
	char *kind, *name;
	struct tb_section *s;
	unsigned int i;

	if (header[len - 1] != ']')
		return tb_usage(err,
				"%s:%u: expected ']' at the end of '" QUOTE "'",
				conf->path, line, header);
	header[len - 1] = '\0';
	name = tb_strip(header + 1);
	kind = strsep(&name, " \t");
	name = name ? tb_strip(name) : "";
	if (!*kind)
		return tb_usage(err, "%s:%u: expected [KIND] or [KIND NAME]",
				conf->path, line);
	for (i = 0; i < conf->nr_sections; i++) {
		s = &conf->sections[i];
		if (!strcmp(s->kind, kind) && !strcmp(s->name, name))
			return tb_usage(err,
					"%s:%u: section [" QUOTE "%s" QUOTE
					"] stands on "
					"line %u already",
					conf->path, line, kind,
					*name ? " " : "", name, s->line);
	}
	s = new_section(conf, kind, name, err);
	if (s)
		s->line = line;
	return err->code;
}

static int add_entry(struct tb_conf *conf, char *text, unsigned int line,
		     struct tb_err *err)
{
	char *equals = strchr(text, '=');
	struct tb_section *s;
	struct tb_entry *e;
	unsigned int i;
	char *key;

	if (!equals || equals == text)
		return tb_usage(
			err, "%s:%u: expected 'key = value', got '" QUOTE "'",
			conf->path, line, text);
	if (!conf->nr_sections)
		return tb_usage(
			err, "%s:%u: expected a [section] before '" QUOTE "'",
			conf->path, line, text);
	*equals = '\0';
	key = tb_strip(text);
	s = &conf->sections[conf->nr_sections - 1];
	for (i = 0; i < s->nr_entries; i++)
		if (!strcmp(s->entries[i].key, key))
			return tb_usage(
				err,
				"%s:%u: key '" QUOTE "' stands on line %u "
				"already",
				conf->path, line, key, s->entries[i].line);
	e = new_entry(s, key, tb_strip(equals + 1), err);
	if (!e)
		return err->code;
	e->line = line;
	if (!*e->value)
		return tb_usage(err, "%s:%u: '" QUOTE "' has no value",
				conf->path, line, key);
	return 0;
}

/* The first byte that is no text: of those below a blank only the tab is. */
static const char *find_control(const char *line)
{
	while (*line == '\t' || (*line && !iscntrl((unsigned char)*line)))
		line++;
	return line;
}

/* What ends lines is text too. */
static int check_line(const struct tb_conf *conf, const char *line,
		      unsigned int nr, struct tb_err *err)
{
	size_t len = strlen(line);
	const char *p;

	if (nr == 1 && !strncmp(line, BYTE_ORDER_MARK, 3))
		return tb_usage(err,
				"%s:1: begins with a byte order mark, expected "
				"UTF-8 without one",
				conf->path);
	if (len > MAX_LINE_CHARS)
		return tb_usage(err,
				"%s:%u: line of %zu characters, expected at "
				"most %d",
				conf->path, nr, len, MAX_LINE_CHARS);
	p = find_control(line);
	if (!*p || (*p == '\r' && !p[1]))
		return 0;
	return tb_usage(err, "%s:%u: expected text, got byte 0x%02x",
			conf->path, nr, (unsigned char)*p);
}

int tb_conf_parse(struct tb_conf *conf, const char *path, const char *text,
		  struct tb_err *err)
{
	char *copy = strdup(text), *rest = copy, *line;
	unsigned int nr = 0;
	int ret = 0;

	*conf = (struct tb_conf){ .path = strdup(path) };
	if (!copy || !conf->path)
		ret = tb_fail_errno(err, -ENOMEM, "%s", path);
	while (!ret && (line = strsep(&rest, "\n"))) {
		nr++;
		ret = check_line(conf, line, nr, err);
		line = tb_strip(line);
		if (ret || !*line || *line == '#' || *line == ';')
			continue;
		ret = *line == '[' ? add_section(conf, line, nr, err)
				   : add_entry(conf, line, nr, err);
	}
	free(copy);
	if (ret)
		tb_conf_fini(conf);
	return ret;
}

/* Text ends at its first NUL, and so would everything that looks at it. */
static int check_nul(const char *path, const struct tb_buf *b,
		     struct tb_err *err)
{
	const char *p, *nul = b->data + strlen(b->data);
	unsigned int line = 1;

	if (nul == b->data + b->len_bytes)
		return 0;
	for (p = b->data; p < nul; p++)
		line += *p == '\n';
	return tb_usage(err, "%s:%u: expected text, got byte 0x00", path, line);
}

int tb_conf_read(const char *path, struct tb_buf *b, struct tb_err *err)
{
	int ret = tb_read_regular(path, MAX_FILE_BYTES, b);

	if (ret == -EINVAL)
		ret = tb_usage(err, "%s: expected a file", path);
	else if (ret == -EFBIG)
		ret = tb_usage(err, "%s: expected a file of at most 1 MiB",
			       path);
	else if (ret)
		ret = tb_usage(err, "%s: %s", path, strerror(-ret));
	else if (b->data)
		ret = check_nul(path, b, err);
	else
		tb_buf_add(b, "", 0);
	return ret;
}

int tb_conf_load(struct tb_conf *conf, const char *path, struct tb_err *err)
{
	struct tb_buf b = { 0 };
	int ret;

	*conf = (struct tb_conf){ 0 };
	ret = tb_conf_read(path, &b, err);
	if (!ret)
		ret = tb_conf_parse(conf, path, b.data ? b.data : "", err);
	tb_buf_fini(&b);
	return ret;
}

void tb_conf_drop(struct tb_conf *conf, unsigned int index)
{
	struct tb_section *s = &conf->sections[index];
	unsigned int i;

	for (i = 0; i < s->nr_entries; i++) {
		free(s->entries[i].key);
		free(s->entries[i].value);
	}
	free(s->entries);
	free(s->kind);
	free(s->name);
	conf->nr_sections--;
	memmove(s, s + 1, (conf->nr_sections - index) * sizeof(*s));
}

struct tb_section *tb_conf_add(struct tb_conf *conf, const char *kind,
			       const char *name, const char *from,
			       struct tb_err *err)
{
	struct tb_section *s = new_section(conf, kind, name, err);

	if (s)
		s->from = from;
	return s;
}

/* As a line would hold it, for the text is parsed again. */
static int check_value(const char *key, const char *value, const char *from,
		       struct tb_err *err)
{
	if (*value && !*find_control(value) &&
	    strlen(key) + strlen(" = ") + strlen(value) <= MAX_LINE_CHARS)
		return 0;
	return tb_usage(err,
			"%s: expected one line of text, at most %d characters",
			from, MAX_LINE_CHARS);
}

int tb_section_set(struct tb_section *s, const char *key, const char *value,
		   const char *from, struct tb_err *err)
{
	struct tb_entry *e = tb_section_find(s, key);
	char *copy = strdup(value), *text = copy ? tb_strip(copy) : NULL;

	if (!text)
		return tb_fail_errno(err, -ENOMEM, "%s", from);
	memmove(copy, text, strlen(text) + 1);
	if (check_value(key, copy, from, err) ||
	    (!e && !(e = new_entry(s, key, "", err)))) {
		free(copy);
		return err->code;
	}
	free(e->value);
	e->value = copy;
	return 0;
}

void tb_conf_write(const struct tb_conf *conf, struct tb_buf *b)
{
	unsigned int i, j;

	for (i = 0; i < conf->nr_sections; i++) {
		const struct tb_section *s = &conf->sections[i];

		tb_buf_printf(b, "[%s%s%s]\n", s->kind, *s->name ? " " : "",
			      s->name);
		for (j = 0; j < s->nr_entries; j++)
			tb_buf_printf(b, "%s = %s\n", s->entries[j].key,
				      s->entries[j].value);
	}
}

void tb_conf_fini(struct tb_conf *conf)
{
	while (conf->nr_sections)
		tb_conf_drop(conf, conf->nr_sections - 1);
	free(conf->sections);
	free(conf->path);
	*conf = (struct tb_conf){ 0 };
}
