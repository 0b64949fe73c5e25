// SPDX-License-Identifier: GPL-2.0-only
/*
 * tlbbench ab: two kernels in, campaign and report out.
 *
 * With --bisect the exit code is what git bisect run understands: 0 good, 1
 * bad, 125 for a kernel that cannot be built, booted or measured, and 128 or
 * more, which ends the bisection, for everything that says nothing about that
 * kernel. Any other code, 2 among them, would mark it as bad.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "campaign/child.h"
#include "campaign/config.h"
#include "campaign/image.h"
#include "cmd/campaign_run.h"
#include "cmd/cmd.h"
#include "cmd/profile.h"
#include "workloads/wl.h"

/* As report/tlbreport/stats.py: fewer boots give no verdict. */
#define MIN_BOOTS 4
/* The report's exit code for "worse": not 1, with which Python fails, too. */
#define REPORT_WORSE 3

struct ab {
	struct tb_campaign_ask ask;
	bool fail_if_worse;
	bool is_bisect;
	bool has_verdict;
	char conf[PATH_MAX];
	char results[PATH_MAX];
	struct tb_buf text;
};

/* --- what to run ---------------------------------------------------------- */

static bool is_workload(const char *name)
{
	const struct wl_ops *const *ops;

	for (ops = wl_registry; *ops; ops++)
		if (!strcmp((*ops)->name, name))
			return true;
	return false;
}

/* One workload in a machine that has two CPUs more than it uses by default. */
static int make_conf(struct ab *ab, const char *workload, char **settings,
		     struct tb_err *err)
{
	tb_buf_printf(&ab->text,
		      "[campaign]\nname = ab\nbackend = vm\nlitmus = short\n"
		      "[vm]\ncpus = 6\ntimeout_seconds = 300\n"
		      "[defaults]\nops = 200\nwarmup_ops = 20\ncpus = 4\n"
		      "[case %s]\nworkload = %s\n",
		      workload, workload);
	for (; *settings; settings++) {
		const char *equals = strchr(*settings, '=');

		if (!equals)
			return tb_usage(err, "ab: %s: expected KEY=VALUE",
					*settings);
		tb_buf_printf(&ab->text, "%.*s = %s\n",
			      (int)(equals - *settings), *settings, equals + 1);
	}
	snprintf(ab->conf, sizeof(ab->conf), "ab %s", workload);
	return ab->text.has_failed ? tb_fail_errno(err, -ENOMEM, "ab") : 0;
}

/* CONF, WORKLOAD KEY=VALUE ..., or nothing, which is configs/ab.conf. */
static int find_conf(struct ab *ab, char **words, struct tb_err *err)
{
	char home[PATH_MAX - 32];

	if (*words && is_workload(*words) && access(*words, F_OK))
		return make_conf(ab, *words, words + 1, err);
	if (*words && words[1])
		return tb_usage(err,
				"ab: %s: expected a workload in front of "
				"KEY=VALUE ('tlbbench list' has them)",
				*words);
	if (*words && access(*words, F_OK))
		return tb_usage(err,
				"ab: %s: expected a campaign file, or a "
				"workload ('tlbbench list' has them)",
				*words);
	if (*words)
		tb_path(ab->conf, PATH_MAX, err, "%s", *words);
	else if (!tb_home(home, sizeof(home), err))
		tb_path(ab->conf, PATH_MAX, err, "%s/configs/ab.conf", home);
	return err->code ? err->code : tb_conf_read(ab->conf, &ab->text, err);
}

/* --- options -------------------------------------------------------------- */

static int take_option(struct ab *ab, int option, struct tb_err *err)
{
	switch (option) {
	case 'a':
		return tb_kernel_args_append(&ab->ask.kernels, optarg, err);
	case 'o':
		ab->ask.results = optarg;
		return *optarg ? 0
			       : tb_usage(err, "ab: --results: expected a "
					       "directory");
	case 'p':
		return tb_profile_option("ab", optarg, &ab->ask.profile, err);
	case 'b':
		ab->is_bisect = true;
		/* fall through */
	case 'f':
		ab->fail_if_worse = true;
		ab->ask.min_boots = MIN_BOOTS;
		return 0;
	case ':':
		return tb_usage(err, "ab: %s: expected its value", optarg);
	default:
		return tb_usage(err,
				"ab: unknown option %s, expected --append, "
				"--fail-if-worse, --bisect, --results or "
				"--profile",
				optarg);
	}
}

static int parse(struct ab *ab, int argc, char **argv, struct tb_err *err)
{
	static const struct option options[] = {
		{ "append", required_argument, NULL, 'a' },
		{ "fail-if-worse", no_argument, NULL, 'f' },
		{ "bisect", no_argument, NULL, 'b' },
		{ "results", required_argument, NULL, 'o' },
		{ "profile", required_argument, NULL, 'p' },
		{ 0 },
	};
	int option, ret = 0;

	while (!ret && (option = tb_cmd_option(argc, argv, options)) != -1)
		ret = take_option(ab, option, err);
	if (ret)
		return ret;
	if (argc - optind < 2)
		return tb_usage(err, "ab: expected two kernels; usage: "
				     "tlbbench help ab");
	ret = tb_kernel_args_add(&ab->ask.kernels, "ab:", argv[optind], err);
	if (!ret)
		ret = tb_kernel_args_add(&ab->ask.kernels,
					 "ab:", argv[optind + 1], err);
	if (!ret)
		ret = find_conf(ab, argv + optind + 2, err);
	if (!ret && !ab->ask.results) {
		ab->ask.results = ab->results;
		ret = tb_results_dir(ab->results, PATH_MAX, err);
	}
	ab->ask.path = ab->conf;
	ab->ask.text = ab->text.data ? ab->text.data : "";
	return ret;
}

/* --- campaign and report -------------------------------------------------- */

/* Exit code of the report; it prints to our stdout. */
static int report(const struct ab *ab, const char *dir)
{
	char home[PATH_MAX - 16], tool[PATH_MAX], worse[16];
	struct tb_err err = { 0 };
	const char *argv[] = {
		tool,  "compare",
		dir,   ab->fail_if_worse ? "--exit-if-worse" : NULL,
		worse, NULL
	};
	int status;
	pid_t pid;

	snprintf(worse, sizeof(worse), "%d", REPORT_WORSE);
	if (tb_home(home, sizeof(home), &err) ||
	    tb_path(tool, sizeof(tool), &err, "%s/report/run", home))
		return tb_cmd_fail(&err);
	pid = tb_child_start(argv, -1, -1);
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		tb_fail_errno(&err, pid < 0 ? pid : -errno, "cannot run %s",
			      tool);
		return tb_cmd_fail(&err);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : TB_EXIT_FAIL;
}

static int compare(struct ab *ab, struct tb_campaign_result *result)
{
	int code = tb_campaign_run(&ab->ask, result), judged;

	if (!*result->dir || result->is_broken_off)
		return code;
	judged = report(ab, result->dir);
	fprintf(stderr, "tlbbench: report in %s\n", result->dir);
	ab->has_verdict = !code && (!judged || judged == REPORT_WORSE);
	if (judged == REPORT_WORSE)
		judged = TB_EXIT_FAIL;
	return code ? code : judged;
}

/* What git bisect run is to do. */
static int bisect_code(const struct ab *ab, int code,
		       const struct tb_campaign_result *result)
{
	if (result->is_interrupted)
		return TB_EXIT_BISECT_INTERRUPTED;
	if (result->blame == TB_BLAME_OTHER)
		return TB_EXIT_BISECT_SKIP;
	if (result->blame || !ab->has_verdict)
		return TB_EXIT_BISECT_STOP;
	return code;
}

static int run(int argc, char **argv)
{
	struct ab ab = { .ask.min_boots = 1 };
	struct tb_campaign_result result = { .blame = TB_BLAME_NOBODY };
	struct tb_err err = { 0 };
	int code;

	if (parse(&ab, argc, argv, &err))
		code = tb_cmd_fail(&err);
	else
		code = compare(&ab, &result);
	if (ab.is_bisect)
		code = bisect_code(&ab, code, &result);
	tb_kernel_args_fini(&ab.ask.kernels);
	tb_buf_fini(&ab.text);
	return code;
}

const struct tb_cmd tb_cmd_ab = {
	.name = "ab",
	.usage = "[--append NAME=PARAMETERS] [--fail-if-worse|--bisect] "
		 "[--profile "
		 "PROFILE] [--results DIR] A B [CONF|WORKLOAD [KEY=VALUE ...]]",
	.help = "compare two kernels (strategy, deb:PACKAGE, tree:DIR[@REV], "
		"bzImage): campaign and report",
	.run = run,
};
