// SPDX-License-Identifier: GPL-2.0-only
/* --kernel and --append, and a campaign file rewritten by them. */
#include "campaign/kernelarg.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "campaign/config.h"

#define NAME_CHARS                   \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"abcdefghijklmnopqrstuvwxyz" \
	"0123456789-_.+"

/* Length of the name in front of '=', 0 if there is none. */
static size_t name_length(const char *text)
{
	size_t len = strspn(text, NAME_CHARS);

	return text[len] == '=' && isalnum((unsigned char)*text) &&
			       len <= TB_NAME_CHARS
		       ? len
		       : 0;
}

static const struct tb_kernel_arg *find(const struct tb_kernel_args *a,
					const char *name)
{
	unsigned int i;

	for (i = 0; i < a->nr; i++)
		if (!strcmp(a->args[i].name, name))
			return &a->args[i];
	return NULL;
}

static struct tb_kernel_arg *take(struct tb_kernel_args *a, const char *name,
				  struct tb_err *err)
{
	const struct tb_kernel_arg *known = find(a, name);
	struct tb_kernel_arg *arg;

	if (known)
		return &a->args[known - a->args];
	if (a->nr == TB_MAX_KERNEL_ARGS) {
		tb_usage(err, "expected at most %d kernels",
			 TB_MAX_KERNEL_ARGS);
		return NULL;
	}
	arg = &a->args[a->nr++];
	*arg = (struct tb_kernel_arg){ .append = "" };
	snprintf(arg->name, sizeof(arg->name), "%s", name);
	return arg;
}

/* tree:../linux@v6.12 is called v6.12, deb:linux-image-x by its package. */
static void name_by_spec(const char *spec, char name[TB_NAME_CHARS + 1])
{
	const char *colon = strchr(spec, ':'), *at, *slash;
	const char *rest = colon ? colon + 1 : spec;
	size_t i, len = 0;

	at = strncmp(spec, "tree:", 5) ? NULL : strrchr(rest, '@');
	slash = at ? NULL : strrchr(rest, '/');
	rest = at ? at + 1 : slash ? slash + 1 : rest;
	for (i = 0; rest[i] && len < TB_NAME_CHARS; i++) {
		if (!len && !isalnum((unsigned char)rest[i]))
			continue;
		name[len] = '-';
		if (strchr(NAME_CHARS, rest[i]))
			name[len] = rest[i];
		len++;
	}
	name[len] = '\0';
	if (!len)
		strcpy(name, at || !colon ? "kernel" : "tree");
}

/*
 * Paths begin at the working directory, which a resumed campaign need not
 * share. What has no slash is a name, but a tree is always a folder.
 */
static char *absolute_spec(const char *spec)
{
	bool is_tree = !strncmp(spec, "tree:", 5);
	bool is_deb = !strncmp(spec, "deb:", 4);
	const char *path = spec + (is_tree ? 5 : is_deb ? 4 : 0);
	char cwd[PATH_MAX], *made = NULL;

	if ((!is_tree && !strchr(path, '/')) || *path == '/' || !*path ||
	    !getcwd(cwd, sizeof(cwd)))
		return strdup(spec);
	if (asprintf(&made, "%.*s%s/%s", (int)(path - spec), spec, cwd, path) <
	    0)
		return NULL;
	return made;
}

/* Kernels stand in the order of their specs, parameters may come before. */
static void forget_place(struct tb_kernel_args *a, const char *name)
{
	struct tb_kernel_arg early;
	unsigned int i = 0;

	while (i < a->nr &&
	       (a->args[i].spec || strcmp(a->args[i].name, name) != 0))
		i++;
	if (i == a->nr)
		return;
	early = a->args[i];
	memmove(&a->args[i], &a->args[i + 1], (a->nr - i - 1) * sizeof(early));
	a->args[a->nr - 1] = early;
}

int tb_kernel_args_add(struct tb_kernel_args *a, const char *text,
		       struct tb_err *err)
{
	size_t len = name_length(text);
	const char *spec = len ? text + len + 1 : text;
	char name[TB_NAME_CHARS + 1];
	struct tb_kernel_arg *arg;

	if (!*spec)
		return tb_usage(err,
				"kernel '%s': expected NAME=SPEC or SPEC, such "
				"as baseline, deb:PACKAGE or tree:DIR@REV",
				text);
	if (len)
		snprintf(name, sizeof(name), "%.*s", (int)len, text);
	else
		name_by_spec(spec, name);
	forget_place(a, name);
	arg = take(a, name, err);
	if (!arg)
		return err->code;
	if (arg->spec)
		return tb_usage(err,
				"two kernels are called %s: expected NAME=%s "
				"with another name",
				name, spec);
	arg->spec = absolute_spec(spec);
	return arg->spec ? 0 : tb_fail_errno(err, -ENOMEM, "kernel");
}

int tb_kernel_args_append(struct tb_kernel_args *a, const char *text,
			  struct tb_err *err)
{
	size_t len = name_length(text);
	char name[TB_NAME_CHARS + 1];
	struct tb_kernel_arg *arg;

	if (!len || !text[len + 1])
		return tb_usage(err,
				"--append '%s': expected NAME=\"PARAMETER "
				"...\" with the name of a kernel",
				text);
	snprintf(name, sizeof(name), "%.*s", (int)len, text);
	arg = take(a, name, err);
	if (!arg)
		return err->code;
	if (*arg->append)
		return tb_usage(err, "--append %s: expected it once per kernel",
				name);
	arg->append = text + len + 1;
	return 0;
}

void tb_kernel_args_fini(struct tb_kernel_args *a)
{
	while (a->nr)
		free(a->args[--a->nr].spec);
}

/* --- the campaign file ---------------------------------------------------- */

/**
 * struct writer - a campaign file that is written anew
 * @replaces: the kernels of the file are not wanted
 * @line: number of the line that comes next
 */
struct writer {
	const struct tb_kernel_args *a;
	bool replaces;
	struct tb_buf *out;
	unsigned int line;
};

/* Not before @line, so that messages about the file point to the right one. */
static void put_entry(struct writer *w, unsigned int line, const char *key,
		      const char *value)
{
	for (; w->line < line; w->line++)
		tb_buf_printf(w->out, "\n");
	tb_buf_printf(w->out, "%s = %s\n", key, value);
	w->line++;
}

static void put_header(struct writer *w, unsigned int line, const char *kind,
		       const char *name)
{
	for (; w->line < line; w->line++)
		tb_buf_printf(w->out, "\n");
	tb_buf_printf(w->out, "[%s%s%s]\n", kind, *name ? " " : "", name);
	w->line++;
}

static void put_section(struct writer *w, const struct tb_section *s)
{
	unsigned int i;

	put_header(w, s->line, s->kind, s->name);
	for (i = 0; i < s->nr_entries; i++)
		put_entry(w, s->entries[i].line, s->entries[i].key,
			  s->entries[i].value);
}

static const struct tb_kernel_arg *find_spec(const struct tb_kernel_args *a,
					     const char *name)
{
	unsigned int i;

	for (i = 0; i < a->nr; i++)
		if (a->args[i].spec && !strcmp(a->args[i].name, name))
			return &a->args[i];
	return NULL;
}

/* An expectation about kernels that are not there any more. */
static bool is_about_others(const struct writer *w, struct tb_section *s)
{
	const char *list = tb_section_text(s, "kernels", "");
	char *words = strdup(list), *rest = words, *word;
	bool found = false;

	while (words && (word = strsep(&rest, ",")))
		found |= *tb_strip(word) && !find_spec(w->a, tb_strip(word));
	free(words);
	return found;
}

/* A kernel of the file, with more parameters at the end of its own. */
static void put_own_kernel(struct writer *w, struct tb_section *s,
			   const struct tb_kernel_arg *arg)
{
	const char *append = tb_section_text(s, "append", "");
	unsigned int i;

	put_header(w, 0, s->kind, s->name);
	for (i = 0; i < s->nr_entries; i++)
		if (strcmp(s->entries[i].key, "append") != 0)
			put_entry(w, 0, s->entries[i].key, s->entries[i].value);
	if (*append || arg)
		tb_buf_printf(w->out, "append = %s%s%s\n", append,
			      *append && arg ? " " : "",
			      arg ? arg->append : "");
}

static void put_others(struct writer *w, const struct tb_conf *conf)
{
	unsigned int i;

	for (i = 0; i < conf->nr_sections; i++) {
		struct tb_section *s = &conf->sections[i];

		if (!strcmp(s->kind, "kernel"))
			continue;
		if (w->replaces && !strcmp(s->kind, "expect") &&
		    is_about_others(w, s))
			fprintf(stderr,
				"tlbbench: [expect %s] left out: it is about "
				"other kernels\n",
				s->name);
		else
			put_section(w, s);
	}
}

static struct tb_section *find_kernel(const struct tb_conf *conf,
				      const char *name)
{
	unsigned int i;

	for (i = 0; i < conf->nr_sections; i++)
		if (!strcmp(conf->sections[i].kind, "kernel") &&
		    !strcmp(conf->sections[i].name, name))
			return &conf->sections[i];
	return NULL;
}

static int check_names(const struct writer *w, const struct tb_conf *conf,
		       struct tb_err *err)
{
	unsigned int i;

	for (i = 0; i < w->a->nr; i++) {
		const char *name = w->a->args[i].name;

		if (w->replaces ? !find_spec(w->a, name)
				: !find_kernel(conf, name))
			return tb_usage(err,
					"--append %s: expected the name of a "
					"kernel of this campaign",
					name);
	}
	return 0;
}

static void put_kernels(struct writer *w, const struct tb_conf *conf)
{
	unsigned int i;

	for (i = 0; w->replaces && i < w->a->nr; i++) {
		put_header(w, 0, "kernel", w->a->args[i].name);
		put_entry(w, 0, "spec", w->a->args[i].spec);
		if (*w->a->args[i].append)
			put_entry(w, 0, "append", w->a->args[i].append);
	}
	for (i = 0; !w->replaces && i < conf->nr_sections; i++)
		if (!strcmp(conf->sections[i].kind, "kernel"))
			put_own_kernel(w, &conf->sections[i],
				       find(w->a, conf->sections[i].name));
}

static bool has_specs(const struct tb_kernel_args *a)
{
	unsigned int i;

	for (i = 0; i < a->nr; i++)
		if (a->args[i].spec)
			return true;
	return false;
}

int tb_kernel_args_apply(const struct tb_kernel_args *a, const char *path,
			 const char *text, struct tb_buf *out,
			 struct tb_err *err)
{
	struct writer w = {
		.a = a, .replaces = has_specs(a), .out = out, .line = 1
	};
	struct tb_conf conf;
	int ret;

	if (!a->nr) {
		tb_buf_printf(out, "%s", text);
		return out->has_failed ? tb_fail_errno(err, -ENOMEM, "%s", path)
				       : 0;
	}
	ret = tb_conf_parse(&conf, path, text, err);
	if (ret)
		return ret;
	ret = check_names(&w, &conf, err);
	if (!ret) {
		put_others(&w, &conf);
		put_kernels(&w, &conf);
	}
	tb_conf_fini(&conf);
	return ret || !out->has_failed
		       ? ret
		       : tb_fail_errno(err, -ENOMEM, "%s", path);
}
