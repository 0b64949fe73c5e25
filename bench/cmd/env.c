// SPDX-License-Identifier: GPL-2.0-only
/*
 * tlbbench env: the audit of this machine, and what is wrong with it for a
 * quiet measurement. Changes nothing but what a killed tlbbench left changed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/profile.h"
#include "machine/audit.h"
#include "machine/mech.h"

#define DEFAULT_COLUMNS 80
#define MIN_WIDTH 20
#define NAME_WIDTH 26
#define POLICY_WIDTH 10

/* --- for people ---------------------------------------------------------- */

/* As many characters as fit: up to a blank if there is one. */
static size_t piece(const char *text, size_t width)
{
	size_t len = strlen(text), at;

	if (len <= width)
		return len;
	for (at = width; at > 0; at--)
		if (text[at] == ' ')
			return at;
	return width;
}

/* Of the terminal, else what COLUMNS says. */
static size_t columns(void)
{
	const char *text = getenv("COLUMNS");
	long nr = text ? strtol(text, NULL, 10) : 0;
	struct winsize size;

	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return nr > 0 ? (size_t)nr : DEFAULT_COLUMNS;
}

/* Words in a column of their own, right of @name on the first line. */
static void print_wrapped(unsigned int indent, const char *name,
			  const char *text)
{
	size_t room = columns(), len;

	/* Where there is no room for a column it sticks out. */
	room = room > indent + MIN_WIDTH ? room - indent : MIN_WIDTH;
	do {
		len = piece(text, room);
		printf("  %-*s%.*s\n", (int)indent - 2, name, (int)len, text);
		text += len;
		text += strspn(text, " ");
		name = "";
	} while (*text);
}

/* The same, and empties @text; what found no memory is not left out. */
static void print_buf(unsigned int indent, const char *name,
		      struct tb_buf *text)
{
	print_wrapped(indent, name,
		      text->has_failed ? "out of memory" : text->data);
	tb_buf_fini(text);
}

static void print_fact(const struct tb_fact *f)
{
	char why[256];

	snprintf(why, sizeof(why), "- (cannot be read here: %s)", f->reason);
	print_wrapped(NAME_WIDTH + 1, f->def->name,
		      f->is_known ? f->value.data : why);
}

static void print_facts(const struct tb_audit *audit)
{
	const char *group = "";
	char release[128];
	unsigned int i;

	tb_audit_release(release, sizeof(release));
	printf("%-*s %s\n", NAME_WIDTH, "release", release);
	for (i = 0; i < audit->nr_facts; i++) {
		const struct tb_fact *f = &audit->facts[i];

		if (strcmp(group, f->def->group) != 0)
			printf("\n%s\n", f->def->group);
		group = f->def->group;
		print_fact(f);
	}
}

static unsigned int print_wrong(const struct tb_audit *audit,
				enum tb_audit_policy policy)
{
	unsigned int i, nr = 0;

	for (i = 0; i < audit->nr_facts; i++) {
		const struct tb_fact *f = &audit->facts[i];
		struct tb_buf text = { 0 };

		if (!f->is_wrong || f->def->policy != policy)
			continue;
		tb_fact_complaint(f, &text);
		print_buf(POLICY_WIDTH, tb_audit_policy_name(policy), &text);
		tb_buf_printf(&text, "Do: %s", f->def->advice);
		print_buf(POLICY_WIDTH, "", &text);
		nr++;
	}
	return nr;
}

static void print_mechanism(void)
{
	struct tb_mech mech = tb_mech_detect();

	if (mech.hides_flushes)
		printf("\nRemote flushes are not visible here (%s).\n",
		       mech.name);
	if (mech.caveat)
		printf("\n%s.\n", mech.caveat);
}

static void print_all(const struct tb_audit *audit)
{
	print_facts(audit);
	print_mechanism();
	printf("\nwrong for a quiet measurement\n");
	if (!(print_wrong(audit, TB_REFUSE) + print_wrong(audit, TB_WARN)))
		printf("  nothing\n");
}

static void print_remaining(const struct tb_audit *audit)
{
	unsigned int i, nr = 0;

	printf("\nprofile quiet would leave wrong\n");
	for (i = 0; i < audit->nr_facts; i++) {
		const struct tb_fact *f = &audit->facts[i];

		if (!f->is_wrong || f->def->is_set_by_quiet)
			continue;
		printf("  %s = %s\n", f->def->name, f->value.data);
		nr++;
	}
	if (!nr)
		printf("  nothing\n");
}

static int print_quiet(const struct tb_audit *audit)
{
	struct tb_quiet q;
	struct tb_err err = { 0 };
	unsigned int i;
	int ret = tb_quiet_plan(&q, TB_LIVE_ROOT);

	printf("\nprofile quiet would set\n");
	for (i = 0; !ret && i < q.nr_knobs; i++)
		printf("  %s: %s -> %s\n", q.knobs[i].path, q.knobs[i].before,
		       q.knobs[i].after);
	if (!q.nr_knobs)
		printf("  nothing\n");
	tb_quiet_end(&q, &err);
	print_remaining(audit);
	return ret;
}

/* --- for programs -------------------------------------------------------- */

static void add_fact(struct tb_json *j, const struct tb_fact *f)
{
	static const char *const kinds[] = { "audit", "build", "state" };
	const struct tb_fact_def *def = f->def;

	tb_json_obj(j, NULL);
	tb_json_str(j, "name", def->name);
	tb_json_str(j, "group", def->group);
	tb_json_str(j, "kind", kinds[def->kind]);
	tb_json_str(j, "value", f->is_known ? f->value.data : NULL);
	tb_json_str(j, "reason", f->is_known ? NULL : f->reason);
	tb_json_str(j, "policy", tb_audit_policy_name(def->policy));
	tb_json_bool(j, "wrong", f->is_wrong);
	tb_json_str(j, "why", def->why);
	tb_json_str(j, "advice", def->advice);
	tb_json_obj_end(j);
}

static int print_json(const struct tb_audit *audit)
{
	struct tb_buf b = { 0 };
	struct tb_json j = { .buf = &b };
	char release[128];
	unsigned int i;

	tb_audit_release(release, sizeof(release));
	tb_json_obj(&j, NULL);
	tb_json_str(&j, "type", "env");
	tb_json_str(&j, "release", release);
	tb_json_str(&j, "audit_sha256", audit->sha256);
	tb_json_arr(&j, "facts");
	for (i = 0; i < audit->nr_facts; i++)
		add_fact(&j, &audit->facts[i]);
	tb_json_arr_end(&j);
	tb_json_obj_end(&j);
	if (b.has_failed)
		return -ENOMEM;
	puts(b.data);
	tb_buf_fini(&b);
	return 0;
}

static bool is_refused(const struct tb_audit *audit)
{
	unsigned int i;

	for (i = 0; i < audit->nr_facts; i++)
		if (audit->facts[i].is_wrong &&
		    audit->facts[i].def->policy == TB_REFUSE)
			return true;
	return false;
}

/* --- the command --------------------------------------------------------- */

static int show(bool as_json, enum tb_profile profile, struct tb_err *err)
{
	struct tb_audit audit;
	int code = TB_EXIT_OK, ret = tb_audit_read(&audit, TB_LIVE_ROOT);

	if (!ret && as_json)
		ret = print_json(&audit);
	else if (!ret)
		print_all(&audit);
	if (!ret && !as_json && profile == TB_PROFILE_QUIET)
		ret = print_quiet(&audit);
	if (!ret && profile == TB_PROFILE_STRICT && is_refused(&audit))
		code = TB_EXIT_FAIL;
	tb_audit_fini(&audit);
	if (ret)
		tb_fail_errno(err, ret, "env");
	return ret ? tb_cmd_fail(err) : code;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "profile", required_argument, NULL, 'p' },
		{ 0 },
	};
	enum tb_profile profile = TB_PROFILE_OBSERVE;
	struct tb_err err = { 0 };
	bool as_json = false;
	int option;

	while ((option = tb_cmd_option(argc, argv, options)) != -1) {
		if (option == 'j')
			as_json = true;
		else if (option != 'p')
			return tb_cmd_usage(&tb_cmd_env);
		else if (tb_profile_option("env", optarg, &profile, &err))
			return tb_cmd_fail(&err);
	}
	if (optind != argc)
		return tb_cmd_usage(&tb_cmd_env);
	/* The facts can be read all the same. */
	if (tb_profile_recover(&err)) {
		fprintf(stderr, "tlbbench: %s\n", err.text);
		err = (struct tb_err){ 0 };
	}
	return show(as_json, profile, &err);
}

const struct tb_cmd tb_cmd_env = {
	.name = "env",
	.usage = "[--json] [--profile PROFILE]",
	.help = "facts about machine and kernel, and what is wrong for a quiet "
		"measurement",
	.run = run,
};
