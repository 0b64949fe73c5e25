// SPDX-License-Identifier: GPL-2.0-only
/* tlbbench campaign: run every slot of a plan, or those that are left. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "campaign/config.h"
#include "campaign/image.h"
#include "cmd/campaign_run.h"
#include "cmd/cmd.h"
#include "cmd/profile.h"

static int take_option(struct tb_campaign_ask *ask, int option,
		       struct tb_err *err)
{
	switch (option) {
	case 'o':
		ask->results = optarg;
		return 0;
	case 'r':
		ask->resume = optarg;
		return 0;
	case 'p':
		return tb_profile_option("campaign", optarg, &ask->profile,
					 err);
	case 'k':
		return tb_kernel_args_add(&ask->kernels, "--kernel", optarg,
					  err);
	case 'A':
		ask->is_aa = true;
		return 0;
	case 'a':
		return tb_kernel_args_append(&ask->kernels, optarg, err);
	case ':':
		return tb_usage(err, "campaign: %s: expected its value",
				optarg);
	default:
		return tb_usage(
			err,
			"campaign: unknown option %s, expected "
			"--aa, --kernel, --append, --results, --resume or "
			"--profile",
			optarg);
	}
}

static int parse_options(struct tb_campaign_ask *ask, int argc, char **argv,
			 struct tb_err *err)
{
	static const struct option options[] = {
		{ "aa", no_argument, NULL, 'A' },
		{ "kernel", required_argument, NULL, 'k' },
		{ "append", required_argument, NULL, 'a' },
		{ "results", required_argument, NULL, 'o' },
		{ "resume", required_argument, NULL, 'r' },
		{ "profile", required_argument, NULL, 'p' },
		{ 0 },
	};
	int option, ret = 0;

	while (!ret && (option = tb_cmd_option(argc, argv, options)) != -1)
		ret = take_option(ask, option, err);
	return ret;
}

static int parse(struct tb_campaign_ask *ask, int argc, char **argv, char *conf,
		 char *results, struct tb_err *err)
{
	if (parse_options(ask, argc, argv, err))
		return err->code;
	if (argc - optind != (ask->resume ? 0 : 1) ||
	    (ask->results && ask->resume))
		return -EINVAL;
	/* Not "/": an unset variable of a script. */
	if ((ask->results && !*ask->results) || (ask->resume && !*ask->resume))
		return tb_usage(err, "campaign: %s: expected a directory",
				ask->resume ? "--resume" : "--results");
	if (ask->resume && ask->kernels.nr)
		return tb_usage(err, "campaign --resume: the kernels are those "
				     "it began with; expected no --kernel or "
				     "--append");
	ask->path = conf;
	if (ask->resume)
		return tb_path(conf, PATH_MAX, err, "%s/campaign.conf",
			       ask->resume);
	if (tb_path(conf, PATH_MAX, err, "%s", argv[optind]))
		return err->code;
	if (ask->results)
		return 0;
	ask->results = results;
	return tb_results_dir(results, PATH_MAX, err);
}

static int run_text(struct tb_campaign_ask *ask)
{
	struct tb_campaign_result result;
	struct tb_buf text = { 0 };
	struct tb_err err = { 0 };
	int code;

	if (tb_conf_read(ask->path, &text, &err)) {
		code = tb_cmd_fail(&err);
	} else {
		ask->text = text.data;
		code = tb_campaign_run(ask, &result);
		if (*result.dir && !result.is_broken_off)
			printf("%s\n", result.dir);
	}
	tb_buf_fini(&text);
	return code;
}

static int run(int argc, char **argv)
{
	char conf[PATH_MAX], results[PATH_MAX];
	struct tb_campaign_ask ask = { .min_boots = 1 };
	struct tb_err err = { 0 };
	int code;

	if (parse(&ask, argc, argv, conf, results, &err))
		code = err.code ? tb_cmd_fail(&err)
				: tb_cmd_usage(&tb_cmd_campaign);
	else
		code = run_text(&ask);
	tb_kernel_args_fini(&ask.kernels);
	return code;
}

const struct tb_cmd tb_cmd_campaign = {
	.name = "campaign",
	.usage = "[--aa] [--kernel [NAME=]SPEC] [--append NAME=PARAMETERS] "
		 "[--profile PROFILE] [--results DIR] CONF | --resume DIR",
	.help = "run a campaign, or what is left of one",
	.run = run,
};
