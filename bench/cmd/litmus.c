// SPDX-License-Identifier: GPL-2.0-only
/*
 * tlbbench litmus: does a kernel forget to flush a TLB? Speaks KTAP.
 *
 * Of another kernel the arguments become the text of a campaign with one
 * kernel, so that they mean the same as there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "campaign/image.h"
#include "campaign/kernelarg.h"
#include "campaign/litmus_suite.h"
#include "campaign/litmus_vm.h"
#include "campaign/vmconf.h"
#include "cmd/cmd.h"

/* What the command line says. */
struct options {
	struct tb_litmus_suite suite;
	struct tb_kernel_args kernels;
	const char *append;
	struct tb_buf vm;
};

/* --- options ---------------------------------------------------------------
 */

static int take_number(const char *text, unsigned int *to, struct tb_err *err)
{
	uint64_t number;

	if (!tb_parse_u64(text, &number) || !number || number > 1000000)
		return tb_usage(err,
				"litmus: '%.64s': expected a number from 1 to "
				"1000000",
				text);
	*to = (unsigned int)number;
	return 0;
}

static int take_option(struct options *o, int option, struct tb_err *err)
{
	switch (option) {
	case 'e':
		return take_number(optarg, &o->suite.effort, err);
	case 's':
		return take_number(optarg, &o->suite.soak_s, err);
	case 'k':
		if (o->kernels.nr)
			return tb_usage(err, "litmus: expected one --kernel");
		return tb_kernel_args_add(&o->kernels, "--kernel", optarg, err);
	case 'a':
		o->append = optarg;
		return 0;
	case 'v':
		tb_buf_printf(&o->vm, "%s\n", optarg);
		return 0;
	default:
		return tb_usage(err,
				"litmus: %s: expected --kernel, --append, "
				"--vm, --effort or --soak with its value",
				optarg);
	}
}

/* As with campaign they may stand behind the name of the kernel. */
static const char *parameters(const struct options *o)
{
	const char *name = o->kernels.args[0].name;
	size_t len = strlen(name);

	if (!strncmp(o->append, name, len) && o->append[len] == '=')
		return o->append + len + 1;
	return o->append;
}

static int take_parameters(struct options *o, struct tb_err *err)
{
	const char *text = parameters(o);

	if (!text[strspn(text, " \t")])
		return tb_usage(err,
				"litmus: --append '%.64s': expected PARAMETERS "
				"or NAME=PARAMETERS",
				o->append);
	o->kernels.args[0].append = text;
	return 0;
}

static int parse(int argc, char **argv, struct options *o, struct tb_err *err)
{
	static const struct option options[] = {
		{ "append", required_argument, NULL, 'a' },
		{ "effort", required_argument, NULL, 'e' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "soak", required_argument, NULL, 's' },
		{ "vm", required_argument, NULL, 'v' },
		{ 0 },
	};
	int option, ret = 0;

	while (!ret && (option = tb_cmd_option(argc, argv, options)) != -1)
		ret = take_option(o, option, err);
	if (!ret && !o->kernels.nr && (o->append || o->vm.len_bytes))
		ret = tb_usage(err, "litmus: --append and --vm need --kernel");
	if (!ret && o->append)
		ret = take_parameters(o, err);
	return ret ? ret
		   : tb_litmus_suite_choose(&o->suite, argv + optind, err);
}

/* --- this kernel -----------------------------------------------------------
 */

static int print(struct tb_litmus_suite *s, struct tb_buf *text,
		 struct tb_err *err)
{
	(void)s;
	if (text->has_failed)
		return tb_fail_errno(err, -ENOMEM, "litmus");
	fwrite(text->data, 1, text->len_bytes, stdout);
	fflush(stdout);
	return 0;
}

static int run_here(struct tb_litmus_suite *s, struct tb_sig *sig)
{
	struct tb_undo undo = { .root = "" };
	struct tb_err err = { 0 };
	int ret, code;

	s->put = print;
	ret = tb_litmus_suite_run(s, &undo, sig, &err);
	code = ret ? tb_cmd_fail(&err) : tb_litmus_suite_exit(s);
	if (tb_undo_end(&undo, &err))
		code = tb_cmd_fail(&err);
	return code;
}

/* --- another kernel --------------------------------------------------------
 */

/* Prints, and keeps it to be judged. */
struct printer {
	struct tb_vm_litmus litmus;
	struct tb_buf text;
};

static int print_piece(struct tb_vm_litmus *l, const char *text,
		       size_t len_bytes, struct tb_err *err)
{
	struct printer *p = (struct printer *)l;

	(void)err;
	tb_buf_add(&p->text, text, len_bytes);
	fwrite(text, 1, len_bytes, stdout);
	fflush(stdout);
	return 0;
}

/* More tries take longer, and a day is the longest. */
static unsigned int silence_s(unsigned int effort)
{
	unsigned int most = TB_VM_MAX_TIMEOUT_S / TB_LITMUS_SILENCE_S;

	return TB_LITMUS_SILENCE_S * (effort < most ? effort : most);
}

/* A machine in which most tests can run, unless --vm says otherwise. */
static void write_conf(const struct options *o, struct tb_buf *b)
{
	const char *vm = o->vm.data ? o->vm.data : "";

	tb_buf_printf(b,
		      "[campaign]\nname = litmus\nbackend = vm\n"
		      "boots = 1\n[vm]\n%s",
		      vm);
	if (!strstr(vm, "timeout_seconds"))
		tb_buf_printf(b, "timeout_seconds = %u\n",
			      silence_s(o->suite.effort));
	if (!strstr(vm, "cpus"))
		tb_buf_printf(b, "cpus = 6\n");
	if (!strstr(vm, "nodes") && !strstr(vm, "cpus"))
		tb_buf_printf(b, "nodes = 2\n");
	tb_buf_printf(b, "[case none]\nworkload = null\ncpus = 1\n");
}

static int make_plan(const struct options *o, const struct tb_topo *topo,
		     struct tb_plan *plan, struct tb_err *err)
{
	struct tb_buf text = { 0 };
	struct tb_conf conf;
	int ret;

	write_conf(o, &text);
	ret = text.has_failed ? tb_fail_errno(err, -ENOMEM, "litmus")
			      : tb_conf_parse(&conf, "litmus", text.data, err);
	tb_buf_fini(&text);
	if (ret)
		return ret;
	ret = tb_kernel_args_apply(&o->kernels, &conf, err);
	if (!ret)
		return tb_plan_make(plan, &conf, topo, err);
	tb_conf_fini(&conf);
	return ret;
}

static void join_tests(const struct options *o, struct tb_buf *b)
{
	char **test;

	tb_buf_printf(b, "%s", "");
	for (test = o->suite.tests; test && *test; test++)
		tb_buf_printf(b, "%s ", *test);
}

static void drop_logs(const char *dir)
{
	static const char *const names[] = { "console.log", "qemu.log" };
	char path[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

static int judge(const struct printer *p, const struct tb_outcome *out)
{
	if (out->state != TB_SLOT_OK) {
		fprintf(stderr, "tlbbench: litmus: %s: %s\n%s",
			tb_slot_state_name(out->state), out->reason,
			out->log_tail.data ? out->log_tail.data : "");
		return TB_EXIT_FAIL;
	}
	switch (tb_ktap_judge(p->text.data)) {
	case TB_KTAP_OK:
		return TB_EXIT_OK;
	case TB_KTAP_SKIP:
		return TB_EXIT_SKIP;
	default:
		return TB_EXIT_FAIL;
	}
}

static int boot(const struct options *o, const struct tb_plan *plan,
		struct tb_sig *sig, struct tb_err *err)
{
	char dir[] = "/tmp/tlbbench-litmus-XXXXXX";
	struct printer p = { .litmus = { .effort = o->suite.effort,
					 .soak_s = o->suite.soak_s,
					 .limit_s = plan->vm_timeout_s,
					 .put = print_piece } };
	struct tb_outcome out;
	struct tb_buf tests = { 0 };
	int code;

	join_tests(o, &tests);
	p.litmus.tests = tests.data;
	if (tests.has_failed || !mkdtemp(dir)) {
		tb_fail_errno(err, -ENOMEM, "cannot create %s", dir);
		return tb_cmd_fail(err);
	}
	if (tb_litmus_boot(plan, 0, &p.litmus, dir, sig, &out, err))
		code = tb_cmd_fail(err);
	else
		code = judge(&p, &out);
	if (out.state == TB_SLOT_OK || out.state == TB_SLOT_INTERRUPTED)
		drop_logs(dir);
	else
		fprintf(stderr, "tlbbench: litmus: the logs are in %s\n", dir);
	tb_buf_fini(&out.log_tail);
	tb_buf_fini(&p.text);
	tb_buf_fini(&tests);
	return code;
}

static int run_there(const struct options *o, struct tb_sig *sig)
{
	struct tb_topo topo = { 0 };
	struct tb_plan plan = { 0 };
	struct tb_err err = { 0 };
	int ret = tb_topo_read(&topo, "/sys", &err), code;

	if (!ret)
		ret = make_plan(o, &topo, &plan, &err);
	if (!ret)
		ret = tb_images_resolve(&plan, true, &err);
	if (!ret)
		ret = tb_backend_vm.prepare(&plan, sig, &err);
	code = ret ? tb_cmd_fail(&err) : boot(o, &plan, sig, &err);
	tb_plan_fini(&plan);
	tb_topo_fini(&topo);
	return code;
}

static int run(int argc, char **argv)
{
	struct options o = { .suite = { .effort = 1 } };
	struct tb_err err = { 0 };
	struct tb_sig sig;
	int ret = parse(argc, argv, &o, &err), code;

	if (!ret) {
		ret = tb_sig_init(&sig);
		if (ret)
			tb_fail_errno(&err, ret, "signals");
	}
	if (ret)
		code = tb_cmd_fail(&err);
	else
		code = o.kernels.nr ? run_there(&o, &sig)
				    : run_here(&o.suite, &sig);
	tb_kernel_args_fini(&o.kernels);
	tb_buf_fini(&o.vm);
	return code;
}

const struct tb_cmd tb_cmd_litmus = {
	.name = "litmus",
	.usage = "[--kernel [NAME=]SPEC [--append [NAME=]PARAMETERS] [--vm "
		 "KEY=VALUE ...]] "
		 "[--effort N] [--soak SECONDS] [TEST ...]",
	.help = "does a kernel forget to flush a TLB? speaks KTAP",
	.run = run,
};
