// SPDX-License-Identifier: GPL-2.0-only
/* Reads the check list, judges what is known, and hashes what is stable. */
#include "machine/audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/source.h"

const char *tb_audit_policy_name(enum tb_audit_policy policy)
{
	static const char *const names[] = { "record", "warn", "refuse" };

	return names[policy];
}

static int read_path(const struct tb_source *src, struct tb_fact *f)
{
	const char *path = f->def->path;
	char line[4096];
	int ret;

	if (strchr(path, '*'))
		ret = tb_source_distinct(src, path, &f->value);
	else
		ret = tb_source_line(src, path, line, sizeof(line));
	if (ret == -ENOENT)
		return tb_fact_unknown(f, ret, "no %s", path);
	if (ret == -EACCES || ret == -EPERM)
		return tb_fact_unknown(f, ret, "%s needs root", path);
	if (!ret && !strchr(path, '*'))
		tb_buf_printf(&f->value, "%s", line);
	return ret;
}

/* sysfs prints "[chosen]" among the choices; then only that is compared. */
static bool is_wanted(const char *value, const char *want)
{
	const char *open = strchr(value, '['), *close = strchr(value, ']');

	if (!open || !close)
		return !strcmp(value, want);
	return !strncmp(open + 1, want, strlen(want)) &&
	       open + 1 + strlen(want) == close;
}

static void judge(struct tb_fact *f)
{
	const struct tb_fact_def *def = f->def;

	if (!f->is_known || !def->policy)
		return;
	if (def->is_wrong)
		f->is_wrong = def->is_wrong(f->value.data);
	else if (def->want)
		f->is_wrong = !is_wanted(f->value.data, def->want);
}

static void read_fact(struct tb_source *src, struct tb_fact *f)
{
	int ret = f->def->read ? f->def->read(src, f) : read_path(src, f);

	if (ret == -ENOTSUP)
		tb_fact_unknown(f, ret, "not to be had from a captured tree");
	else if (ret == -EACCES || ret == -EPERM)
		tb_fact_unknown(f, ret, "needs root");
	else if (ret)
		tb_fact_unknown(f, ret, "%s", strerror(-ret));
	/* Some files are empty, or say "(null)", where there is nothing. */
	if (!ret && (!f->value.len_bytes || !strcmp(f->value.data, "(null)"))) {
		tb_buf_fini(&f->value);
		tb_buf_printf(&f->value, "none");
	}
	f->is_known = !ret && !f->value.has_failed;
	judge(f);
}

static int by_name(const void *a, const void *b)
{
	const struct tb_fact *const *fa = a, *const *fb = b;

	return strcmp((*fa)->def->name, (*fb)->def->name);
}

static int hash(struct tb_audit *audit)
{
	const struct tb_fact **sorted =
		calloc(audit->nr_facts, sizeof(struct tb_fact *));
	struct tb_buf text = { 0 };
	struct tb_json j = { .buf = &text };
	unsigned int i;
	bool is_ok;

	if (!sorted)
		return -ENOMEM;
	for (i = 0; i < audit->nr_facts; i++)
		sorted[i] = &audit->facts[i];
	qsort(sorted, audit->nr_facts, sizeof(struct tb_fact *), by_name);
	tb_json_obj(&j, NULL);
	for (i = 0; i < audit->nr_facts; i++)
		if (sorted[i]->def->kind != TB_FACT_STATE)
			tb_json_str(&j, sorted[i]->def->name,
				    sorted[i]->is_known ? sorted[i]->value.data
							: NULL);
	tb_json_obj_end(&j);
	is_ok = !text.has_failed;
	if (is_ok)
		SHA256Data((const uint8_t *)text.data, text.len_bytes,
			   audit->sha256);
	tb_buf_fini(&text);
	free(sorted);
	return is_ok ? 0 : -ENOMEM;
}

int tb_audit_read(struct tb_audit *audit, const char *root)
{
	struct tb_source src;
	unsigned int i;

	*audit = (struct tb_audit){ .nr_facts = 0 };
	audit->facts = calloc(tb_nr_fact_defs, sizeof(*audit->facts));
	if (!audit->facts)
		return -ENOMEM;
	audit->nr_facts = tb_nr_fact_defs;
	tb_source_init(&src, root);
	for (i = 0; i < audit->nr_facts; i++) {
		audit->facts[i].def = &tb_fact_defs[i];
		read_fact(&src, &audit->facts[i]);
	}
	tb_source_fini(&src);
	return hash(audit);
}

void tb_audit_fini(struct tb_audit *audit)
{
	unsigned int i;

	for (i = 0; i < audit->nr_facts; i++)
		tb_buf_fini(&audit->facts[i].value);
	free(audit->facts);
	*audit = (struct tb_audit){ .nr_facts = 0 };
}

const struct tb_fact *tb_audit_fact(const struct tb_audit *audit,
				    const char *name)
{
	unsigned int i;

	for (i = 0; i < audit->nr_facts; i++)
		if (!strcmp(audit->facts[i].def->name, name))
			return &audit->facts[i];
	abort();
}

static bool is_same(const struct tb_fact *a, const struct tb_fact *b)
{
	if (!a->is_known || !b->is_known)
		return a->is_known == b->is_known;
	return !strcmp(a->value.data, b->value.data);
}

void tb_audit_differences(const struct tb_audit *a, const struct tb_audit *b,
			  struct tb_buf *names)
{
	unsigned int i;

	for (i = 0; i < a->nr_facts; i++)
		if (a->facts[i].def->kind != TB_FACT_STATE &&
		    !is_same(&a->facts[i], &b->facts[i]))
			tb_list_add(names, ", ", a->facts[i].def->name);
}

void tb_fact_complaint(const struct tb_fact *f, struct tb_buf *b)
{
	tb_buf_printf(b, "%s = %s: %s", f->def->name, f->value.data,
		      f->def->why);
}
