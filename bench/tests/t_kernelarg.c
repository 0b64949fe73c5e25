// SPDX-License-Identifier: GPL-2.0-only
/* --kernel and --append, and the campaign file that they make. */
#include "campaign/kernelarg.h"

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

	assert_int_equal(tb_kernel_args_add(&args, text, &err), 0);
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
		tb_kernel_args_add(&args, kernel, &err);
	if (parameters)
		tb_kernel_args_append(&args, parameters, &err);
	assert_true(err.is_usage);
	assert_non_null(strstr(err.text, expected));
}

static void check_text(const char *expected)
{
	struct tb_err err = { 0 };
	struct tb_buf out = { 0 };

	assert_int_equal(
		tb_kernel_args_apply(&args, "c.conf", CONF, &out, &err), 0);
	assert_string_equal(out.data, expected);
	tb_buf_fini(&out);
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

static void mistakes_say_what_was_expected(void **state)
{
	(void)state;
	check_error("", NULL, "expected NAME=SPEC or SPEC");
	check_error("a=", NULL, "expected NAME=SPEC or SPEC");
	add("baseline", "baseline", "baseline");
	check_error("baseline=lazy-ipi", NULL,
		    "two kernels are called baseline: expected NAME=lazy-ipi");
	check_error(NULL, "nopcid", "expected NAME=\"PARAMETER ...\"");
	check_error(NULL, "a=", "expected NAME=\"PARAMETER ...\"");
	append("baseline=nopcid");
	check_error(NULL, "baseline=quiet", "expected it once per kernel");
}

static void at_most_sixteen(void **state)
{
	struct tb_err err = { 0 };
	char text[16];
	int i;

	(void)state;
	for (i = 0; i < TB_MAX_KERNEL_ARGS; i++) {
		snprintf(text, sizeof(text), "k%d=x", i);
		assert_int_equal(tb_kernel_args_add(&args, text, &err), 0);
	}
	check_error("one-more", NULL, "expected at most 16 kernels");
}

static void nothing_given_changes_nothing(void **state)
{
	(void)state;
	check_text(CONF);
}

/* Lines that stay keep their numbers: messages name them. */
static void kernels_replace_those_of_the_file(void **state)
{
	(void)state;
	/* In the order of the kernels, not of their parameters. */
	append("new=nopcid mitigations=off");
	add("b=deb:x", "b", "deb:x");
	add("new=/boot/vmlinuz", "new", "/boot/vmlinuz");
	check_text("\n[campaign]\nname = c\n\n\n\n\n\n[case m]\n\n"
		   "workload = munmap\n\n\n[expect y]\nalong = pages\n"
		   "[kernel b]\nspec = deb:x\n"
		   "[kernel new]\nspec = /boot/vmlinuz\n"
		   "append = nopcid mitigations=off\n");
}

static void expectations_about_the_same_names_stay(void **state)
{
	struct tb_err err = { 0 };
	struct tb_buf out = { 0 };

	(void)state;
	add("a=x", "a", "x");
	add("b=y", "b", "y");
	tb_kernel_args_apply(&args, "c.conf", CONF, &out, &err);
	assert_non_null(strstr(out.data, "[expect x]\nkernels = a, b\n"));
	tb_buf_fini(&out);
}

static void parameters_add_to_those_of_the_file(void **state)
{
	(void)state;
	append("a=idle=poll");
	check_text("\n[campaign]\nname = c\n\n\n\n\n\n[case m]\n\n"
		   "workload = munmap\n[expect x]\nkernels = a, b\n"
		   "[expect y]\nalong = pages\n"
		   "[kernel a]\nstrategy = baseline\nappend = quiet idle=poll\n"
		   "[kernel b]\nstrategy = lazy-ipi\n");
}

static void parameters_need_their_kernel(void **state)
{
	struct tb_buf out = { 0 };
	struct tb_err err = { 0 };

	(void)state;
	append("c=nopcid");
	assert_int_not_equal(
		tb_kernel_args_apply(&args, "c.conf", CONF, &out, &err), 0);
	assert_string_equal(err.text, "--append c: expected the name of a "
				      "kernel of this campaign");
	add("x=baseline", "x", "baseline");
	err = (struct tb_err){ 0 };
	assert_int_not_equal(
		tb_kernel_args_apply(&args, "c.conf", CONF, &out, &err), 0);
	assert_true(err.is_usage);
	tb_buf_fini(&out);
}

static void a_mistake_in_the_file_names_its_line(void **state)
{
	struct tb_buf out = { 0 };
	struct tb_err err = { 0 };

	(void)state;
	append("a=nopcid");
	assert_int_not_equal(tb_kernel_args_apply(&args, "c.conf",
						  "[kernel a]\n\nnonsense\n",
						  &out, &err),
			     0);
	assert_non_null(strstr(err.text, "c.conf:3: "));
	tb_buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(names_and_specs, forget),
		cmocka_unit_test_teardown(mistakes_say_what_was_expected,
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
		cmocka_unit_test_teardown(a_mistake_in_the_file_names_its_line,
					  forget),
	};

	return cmocka_run_group_tests_name("kernelarg", tests, NULL, NULL);
}
