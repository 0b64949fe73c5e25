// SPDX-License-Identifier: GPL-2.0-only
/* --kernel and --append, and a campaign changed by them. */
#include "campaign/kernelarg.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What messages quote of an argument, so that what was expected fits too. */
#define QUOTE "%.160s"
#define NAME_CHARS                   \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"abcdefghijklmnopqrstuvwxyz" \
	"0123456789-_.+"
#define APPEND_FROM_BYTES (TB_NAME_CHARS + 16)
#define BLANKS " \t"

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

/* How messages name what a kernel gets on top. */
static void append_from(const char *name, char from[APPEND_FROM_BYTES])
{
	snprintf(from, APPEND_FROM_BYTES, "--append %s", name);
}

static struct tb_kernel_arg *take(struct tb_kernel_args *a, const char *name,
				  const char *from, struct tb_err *err)
{
	const struct tb_kernel_arg *known = find(a, name);
	struct tb_kernel_arg *arg;

	if (known)
		return &a->args[known - a->args];
	if (a->nr == TB_MAX_KERNEL_ARGS) {
		tb_usage(err, "%s: expected at most %d kernels", from,
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

/* NAME=SPEC or SPEC: @name, and where the spec is; NULL if it is neither. */
static const char *take_apart(const char *text, const char *from,
			      char name[TB_NAME_CHARS + 1], struct tb_err *err)
{
	size_t len = name_length(text), before = strcspn(text, "=/:");
	const char *spec = len ? text + len + 1 : text;

	if (!len && text[before] == '=') {
		tb_usage(err,
			 "%s: expected a NAME of at most %d letters, digits "
			 "and - _ . + before the '='",
			 from, TB_NAME_CHARS);
		return NULL;
	}
	if (!spec[strspn(spec, BLANKS)]) {
		tb_usage(err,
			 "%s: expected NAME=SPEC or SPEC, such as baseline, "
			 "deb:PACKAGE or tree:DIR@REV",
			 from);
		return NULL;
	}
	if (len)
		snprintf(name, TB_NAME_CHARS + 1, "%.*s", (int)len, text);
	else
		name_by_spec(spec, name);
	return spec;
}

static int add(struct tb_kernel_args *a, char *from, const char *text,
	       struct tb_err *err)
{
	char name[TB_NAME_CHARS + 1];
	const char *spec = take_apart(text, from, name, err);
	struct tb_kernel_arg *arg;

	if (!spec)
		return err->code;
	forget_place(a, name);
	arg = take(a, name, from, err);
	if (!arg)
		return err->code;
	if (arg->spec)
		return tb_usage(err,
				"%s: another kernel is called %s; expected "
				"NAME=" QUOTE " with another name",
				from, name, spec);
	arg->spec = absolute_spec(spec);
	if (!arg->spec)
		return tb_fail_errno(err, -ENOMEM, "%s", from);
	arg->from = from;
	return 0;
}

int tb_kernel_args_add(struct tb_kernel_args *a, const char *option,
		       const char *text, struct tb_err *err)
{
	const char *quote = *text ? "" : "'";
	char *from, *p;

	if (asprintf(&from, "%s %s" QUOTE "%s", option, quote, text, quote) < 0)
		return tb_fail_errno(err, -ENOMEM, "%s", option);
	/* A message is one line. */
	for (p = from; *p; p++)
		if (iscntrl((unsigned char)*p))
			*p = '?';
	if (add(a, from, text, err))
		free(from);
	return err->code;
}

int tb_kernel_args_append(struct tb_kernel_args *a, const char *text,
			  struct tb_err *err)
{
	size_t len = name_length(text);
	char name[TB_NAME_CHARS + 1], from[APPEND_FROM_BYTES];
	struct tb_kernel_arg *arg;

	if (!len || !text[len + 1 + strspn(text + len + 1, BLANKS)])
		return tb_usage(err,
				"--append '" QUOTE "': expected NAME="
				"\"PARAMETER ...\" with the name of a kernel",
				text);
	snprintf(name, sizeof(name), "%.*s", (int)len, text);
	append_from(name, from);
	arg = take(a, name, from, err);
	if (!arg)
		return err->code;
	if (*arg->append)
		return tb_usage(err, "%s: expected it once per kernel", from);
	arg->append = text + len + 1;
	return 0;
}

void tb_kernel_args_fini(struct tb_kernel_args *a)
{
	while (a->nr) {
		free(a->args[--a->nr].spec);
		free(a->args[a->nr].from);
	}
}

/* --- the campaign --------------------------------------------------------- */

static bool is_kernel(const struct tb_section *s)
{
	return !strcmp(s->kind, "kernel");
}

static bool has_specs(const struct tb_kernel_args *a)
{
	unsigned int i;

	for (i = 0; i < a->nr; i++)
		if (a->args[i].spec)
			return true;
	return false;
}

/* An expectation about kernels that are not there any more. */
static bool is_about_others(const struct tb_kernel_args *a,
			    struct tb_section *s)
{
	const char *list = tb_section_text(s, "kernels", "");
	char *words = strdup(list), *rest = words, *word;
	bool found = false;

	while (words && (word = strsep(&rest, ","))) {
		const struct tb_kernel_arg *arg;

		word = tb_strip(word);
		arg = find(a, word);
		found |= *word && (!arg || !arg->spec);
	}
	free(words);
	return found;
}

static void drop_kernels(const struct tb_kernel_args *a, struct tb_conf *conf)
{
	unsigned int i = 0;

	while (i < conf->nr_sections) {
		struct tb_section *s = &conf->sections[i];
		bool goes = !strcmp(s->kind, "expect") && is_about_others(a, s);

		if (goes)
			fprintf(stderr,
				"tlbbench: [expect %s] left out: it is about "
				"other kernels\n",
				s->name);
		if (goes || is_kernel(s))
			tb_conf_drop(conf, i);
		else
			i++;
	}
}

/* Kernels without a spec get their parameters below. */
static int add_kernels(const struct tb_kernel_args *a, struct tb_conf *conf,
		       struct tb_err *err)
{
	unsigned int i;

	for (i = 0; i < a->nr && !err->code; i++) {
		const struct tb_kernel_arg *arg = &a->args[i];
		struct tb_section *s;

		if (!arg->spec)
			continue;
		s = tb_conf_add(conf, "kernel", arg->name, arg->from, err);
		if (s)
			tb_section_set(s, "spec", arg->spec, arg->from, err);
	}
	return err->code;
}

static struct tb_section *find_kernel(const struct tb_conf *conf,
				      const char *name)
{
	unsigned int i;

	for (i = 0; i < conf->nr_sections; i++)
		if (is_kernel(&conf->sections[i]) &&
		    !strcmp(conf->sections[i].name, name))
			return &conf->sections[i];
	return NULL;
}

static int no_such_kernel(const struct tb_conf *conf, const char *from,
			  struct tb_err *err)
{
	struct tb_buf names = { 0 };
	unsigned int i;

	for (i = 0; i < conf->nr_sections; i++)
		if (is_kernel(&conf->sections[i]))
			tb_buf_printf(&names, "%s%s",
				      names.len_bytes ? ", " : "",
				      conf->sections[i].name);
	tb_usage(err, "%s: no kernel is called so; expected one of: %s", from,
		 names.data ? names.data : "none");
	tb_buf_fini(&names);
	return err->code;
}

/* More parameters at the end of the kernel's own. */
static int add_parameters(const struct tb_kernel_arg *arg, struct tb_conf *conf,
			  struct tb_err *err)
{
	struct tb_section *s = find_kernel(conf, arg->name);
	char from[APPEND_FROM_BYTES], *both;
	int ret;

	append_from(arg->name, from);
	if (!s)
		return no_such_kernel(conf, from, err);
	if (asprintf(&both, "%s %s", tb_section_text(s, "append", ""),
		     arg->append) < 0)
		return tb_fail_errno(err, -ENOMEM, "%s", from);
	ret = tb_section_set(s, "append", both, from, err);
	free(both);
	return ret;
}

int tb_kernel_args_apply(const struct tb_kernel_args *a, struct tb_conf *conf,
			 struct tb_err *err)
{
	unsigned int i;
	int ret = 0;

	if (has_specs(a)) {
		drop_kernels(a, conf);
		ret = add_kernels(a, conf, err);
	}
	for (i = 0; i < a->nr && !ret; i++)
		if (*a->args[i].append)
			ret = add_parameters(&a->args[i], conf, err);
	return ret;
}
