// SPDX-License-Identifier: GPL-2.0-only
/* --kernel and --append, and the campaign that they make. */
#include "campaign/kernelarg.h"

#include <errno.h>

#include "tests/t.h"

#define CONF                    \
	"# what is asked\n"     \
	"[campaign]\n"          \
	"name = c\n"            \
	"[kernel a]\n"          \
	"strategy = baseline\n" \
	"append = quiet\n"      \
	"[kernel b]\n"          \
	"strategy = lazy-ipi\n" \
	"[case m]\n"            \
	"\n"                    \
	"workload = munmap\n"   \
	"[expect x]\n"          \
	"kernels = a, b\n"      \
	"[expect y]\n"          \
	"along = pages\n"

static struct tb_kernel_args args;

static int forget(void **state)
{
	(void)state;
	tb_kernel_args_fini(&args);
	return 0;
}

static void add(const char *text, const char *name, const char *spec)
{
	struct tb_err err = { 0 };

	assert_int_equal(tb_kernel_args_add(&args, "--kernel", text, &err), 0);
	assert_string_equal(args.args[args.nr - 1].name, name);
	assert_string_equal(args.args[args.nr - 1].spec, spec);
}

static void append(const char *text)
{
	struct tb_err err = { 0 };

	assert_int_equal(tb_kernel_args_append(&args, text, &err), 0);
}

static void check_error(const char *kernel, const char *parameters,
			const char *expected)
{
	struct tb_err err = { 0 };

	if (kernel)
		tb_kernel_args_add(&args, "--kernel", kernel, &err);
	if (parameters)
		tb_kernel_args_append(&args, parameters, &err);
	assert_true(err.is_usage);
	assert_non_null(strstr(err.text, expected));
}

static void apply(struct tb_conf *conf)
{
	struct tb_err err = { 0 };

	assert_int_equal(tb_conf_parse(conf, "c.conf", CONF, &err), 0);
	if (tb_kernel_args_apply(&args, conf, &err))
		fail_msg("%s", err.text);
}

static void check_text(const char *expected)
{
	struct tb_buf out = { 0 };
	struct tb_conf conf;

	apply(&conf);
	tb_conf_write(&conf, &out);
	assert_string_equal(out.data, expected);
	tb_buf_fini(&out);
	tb_conf_fini(&conf);
}

static void check_apply_error(const char *expected)
{
	struct tb_err err = { 0 };
	struct tb_conf conf;

	assert_int_equal(tb_conf_parse(&conf, "c.conf", CONF, &err), 0);
	assert_int_equal(tb_kernel_args_apply(&args, &conf, &err), -EINVAL);
	assert_true(err.is_usage);
	assert_string_equal(err.text, expected);
	tb_conf_fini(&conf);
}

static void names_and_specs(void **state)
{
	char cwd[PATH_MAX], made[2 * PATH_MAX];

	(void)state;
	assert_non_null(getcwd(cwd, sizeof(cwd)));
	add("A=baseline", "A", "baseline");
	add("lazy-ipi", "lazy-ipi", "lazy-ipi");
	add("runtime:lazy-leave", "lazy-leave", "runtime:lazy-leave");
	add("deb:linux-image-cloud-amd64", "linux-image-cloud-amd64",
	    "deb:linux-image-cloud-amd64");
	add("/boot/vmlinuz-6.1.0", "vmlinuz-6.1.0", "/boot/vmlinuz-6.1.0");
	add("tree:/src/linux", "linux", "tree:/src/linux");
	add("tree:/src/linux@v6.12-rc1", "v6.12-rc1",
	    "tree:/src/linux@v6.12-rc1");
	add("tree:/src/linux@HEAD~2", "HEAD-2", "tree:/src/linux@HEAD~2");
	/* An equals sign behind what is no name belongs to the path. */
	add("/a=b/bzImage", "bzImage", "/a=b/bzImage");
	/* Paths start here, and stay there for a resumed campaign. */
	snprintf(made, sizeof(made), "tree:%s/.@HEAD", cwd);
	add("B=tree:.@HEAD", "B", made);
	snprintf(made, sizeof(made), "%s/../x/bzImage", cwd);
	add("C=../x/bzImage", "C", made);
	snprintf(made, sizeof(made), "deb:%s/./x.deb", cwd);
	add("D=deb:./x.deb", "D", made);
	snprintf(made, sizeof(made), "tree:%s/.", cwd);
	add("tree:.", "tree", made);
}

static void mistakes_name_the_argument(void **state)
{
	(void)state;
	check_error("", NULL, "--kernel '': expected NAME=SPEC or SPEC");
	check_error("a=", NULL, "--kernel a=: expected NAME=SPEC or SPEC");
	check_error("a= \t", NULL, ": expected NAME=SPEC or SPEC");
	add("baseline", "baseline", "baseline");
	check_error("baseline=lazy-ipi", NULL,
		    "--kernel baseline=lazy-ipi: another kernel is called "
		    "baseline; expected NAME=lazy-ipi");
	check_error(NULL, "nopcid",
		    "--append 'nopcid': expected NAME=\"PARAMETER ...\"");
	check_error(NULL,
		    "a=", "--append 'a=': expected NAME=\"PARAMETER ...\"");
	check_error(NULL, "a= ", "expected NAME=\"PARAMETER ...\"");
	append("baseline=nopcid");
	check_error(NULL, "baseline=quiet",
		    "--append baseline: expected it once per kernel");
}

/* Not taken for a strategy that is called so. */
static void names_are_names(void **state)
{
	static const char expected[] = ": expected a NAME of at most 64 "
				       "letters, digits and - _ . + before "
				       "the '='";
	char longest[TB_NAME_CHARS + 16];

	(void)state;
	check_error("=baseline", NULL, expected);
	check_error("a b=baseline", NULL, expected);
	check_error("-a=baseline", NULL, expected);
	memset(longest, 'n', sizeof(longest));
	strcpy(longest + TB_NAME_CHARS + 1, "=baseline");
	check_error(longest, NULL, expected);
	longest[TB_NAME_CHARS] = '\0';
	strcpy(longest + TB_NAME_CHARS, "=baseline");
	assert_int_equal(tb_kernel_args_add(&args, "--kernel", longest,
					    &(struct tb_err){ 0 }),
			 0);
}

/* What was expected is said, however long the path. */
static void long_arguments_are_quoted_in_part(void **state)
{
	char text[1024];

	(void)state;
	memset(text, '=', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	check_error(text, NULL, "=: expected a NAME of at most 64 letters");
}

static void at_most_sixteen(void **state)
{
	struct tb_err err = { 0 };
	char text[16];
	int i;

	(void)state;
	for (i = 0; i < TB_MAX_KERNEL_ARGS; i++) {
		snprintf(text, sizeof(text), "k%d=x", i);
		assert_int_equal(tb_kernel_args_add(&args, "ab:", text, &err),
				 0);
	}
	check_error("one-more", NULL,
		    "--kernel one-more: expected at most 16 kernels");
	check_error(NULL, "one-more=quiet",
		    "--append one-more: expected at most 16 kernels");
}

static void nothing_given_changes_nothing(void **state)
{
	struct tb_conf conf;

	(void)state;
	apply(&conf);
	assert_int_equal(conf.nr_sections, 6);
	assert_string_equal(conf.sections[1].entries[1].value, "quiet");
	tb_conf_fini(&conf);
}

static void kernels_replace_those_of_the_file(void **state)
{
	(void)state;
	/* In the order of the kernels, not of their parameters. */
	append("new=nopcid mitigations=off");
	add("b=deb:x", "b", "deb:x");
	add("new=/boot/vmlinuz", "new", "/boot/vmlinuz");
	check_text("[campaign]\nname = c\n[case m]\nworkload = munmap\n"
		   "[expect y]\nalong = pages\n"
		   "[kernel b]\nspec = deb:x\n"
		   "[kernel new]\nspec = /boot/vmlinuz\n"
		   "append = nopcid mitigations=off\n");
}

static void expectations_about_the_same_names_stay(void **state)
{
	(void)state;
	add("a=x", "a", "x");
	add("b=y", "b", "y");
	check_text("[campaign]\nname = c\n[case m]\nworkload = munmap\n"
		   "[expect x]\nkernels = a, b\n[expect y]\nalong = pages\n"
		   "[kernel a]\nspec = x\n[kernel b]\nspec = y\n");
}

static void parameters_add_to_those_of_the_file(void **state)
{
	(void)state;
	append("a=idle=poll");
	append("b= nopcid ");
	check_text("[campaign]\nname = c\n[kernel a]\nstrategy = baseline\n"
		   "append = quiet idle=poll\n"
		   "[kernel b]\nstrategy = lazy-ipi\nappend = nopcid\n"
		   "[case m]\nworkload = munmap\n[expect x]\nkernels = a, b\n"
		   "[expect y]\nalong = pages\n");
}

static void parameters_need_their_kernel(void **state)
{
	(void)state;
	append("c=nopcid");
	check_apply_error("--append c: no kernel is called so; expected one "
			  "of: a, b");
	add("x=baseline", "x", "baseline");
	check_apply_error("--append c: no kernel is called so; expected one "
			  "of: x");
}

/* No other section or key can come in by an argument. */
static void arguments_are_one_line(void **state)
{
	(void)state;
	append("a=quiet\nstrategy = lazy-ipi");
	check_apply_error("--append a: expected one line of text, at most "
			  "4096 characters");
	forget(NULL);
	add("x=a\n[case y]", "x", "a\n[case y]");
	check_apply_error("--kernel x=a?[case y]: expected one line of text, "
			  "at most 4096 characters");
}

/* The file does not have such a line. */
static void new_kernels_are_not_of_the_file(void **state)
{
	struct tb_conf conf;
	struct tb_section *s;

	(void)state;
	add("x=baseline", "x", "baseline");
	apply(&conf);
	s = &conf.sections[conf.nr_sections - 1];
	assert_string_equal(s->name, "x");
	assert_string_equal(s->from, "--kernel x=baseline");
	assert_int_equal(s->line, 0);
	tb_conf_fini(&conf);
}

static void what_stays_keeps_its_line(void **state)
{
	struct tb_conf conf;

	(void)state;
	append("a=nopcid");
	apply(&conf);
	assert_string_equal(conf.sections[2].name, "b");
	assert_int_equal(conf.sections[2].line, 7);
	assert_null(conf.sections[2].from);
	assert_int_equal(conf.sections[3].line, 9);
	assert_int_equal(conf.sections[3].entries[0].line, 11);
	tb_conf_fini(&conf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(names_and_specs, forget),
		cmocka_unit_test_teardown(mistakes_name_the_argument, forget),
		cmocka_unit_test_teardown(names_are_names, forget),
		cmocka_unit_test_teardown(long_arguments_are_quoted_in_part,
					  forget),
		cmocka_unit_test_teardown(at_most_sixteen, forget),
		cmocka_unit_test_teardown(nothing_given_changes_nothing,
					  forget),
		cmocka_unit_test_teardown(kernels_replace_those_of_the_file,
					  forget),
		cmocka_unit_test_teardown(
			expectations_about_the_same_names_stay, forget),
		cmocka_unit_test_teardown(parameters_add_to_those_of_the_file,
					  forget),
		cmocka_unit_test_teardown(parameters_need_their_kernel, forget),
		cmocka_unit_test_teardown(arguments_are_one_line, forget),
		cmocka_unit_test_teardown(new_kernels_are_not_of_the_file,
					  forget),
		cmocka_unit_test_teardown(what_stays_keeps_its_line, forget),
	};

	return cmocka_run_group_tests_name("kernelarg", tests, NULL, NULL);
}
