// SPDX-License-Identifier: GPL-2.0-only
/*
 * tlbbench run: workloads on this kernel, now, and their ledger.
 *
 * The arguments become the text of a campaign with one case per workload, so
 * that they mean the same as there.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "campaign/backend.h"
#include "campaign/params.h"
#include "campaign/progress.h"
#include "cmd/cmd.h"
#include "cmd/profile.h"
#include "engine/ledger.h"
#include "engine/metric.h"
#include "machine/audit.h"

#define WHERE "command line"

/* --- what is printed ----------------------------------------------------- */

/* CPUs of @nr threads: the first ones, for there may be thousands. */
static void print_role(const char *name, const int *cpus, unsigned int nr)
{
	unsigned int i;

	printf("%s", name);
	for (i = 0; i < nr && i < 16; i++)
		printf("%s%d", i ? "," : " on CPU ", cpus[i]);
	printf("%s", !nr ? ": none" : i < nr ? ",..." : "");
}

/* Those of the first instance; the record has all. */
static void print_cpus(const struct tb_case *cs, const struct tb_result *r)
{
	unsigned int nr = tb_case_nr_threads(cs);
	unsigned int role, i = 0;

	if (cs->instances > 1)
		printf("%u instances; the first: ", cs->instances);
	for (role = 0; role < cs->nr_roles; role++) {
		printf("%s", role ? "; " : "");
		print_role(cs->ops->roles[role].name, r->cpus + i,
			   cs->nr_threads[role]);
		if (cs->nr_processes[role])
			printf(" in %u process%s", cs->nr_processes[role],
			       cs->nr_processes[role] > 1 ? "es" : "");
		i += cs->nr_threads[role];
	}
	if (!cs->nr_bystanders)
		return;
	printf("; ");
	print_role("bystander", r->cpus + nr - cs->nr_bystanders,
		   cs->nr_bystanders);
}

static void print_metric(const struct tb_metric *m)
{
	if (m->status == TB_STATUS_ABSENT)
		printf("  %-44s %12s  %s\n", m->name, "-", m->reason);
	else if (!strcmp(m->unit, "ns"))
		printf("  %-44s %12.0f  %s\n", m->name, m->value, m->unit);
	else
		printf("  %-44s %12.3f  %s%s\n", m->name, m->value, m->unit,
		       m->status == TB_STATUS_SCALED ? " (scaled)" : "");
}

static void print_passes(const struct tb_result *r)
{
	printf("  %llu ops timed", (unsigned long long)r->timed.nr_ops);
	if (r->counted.nr_ops)
		printf(", then %llu counted, each %.2f times as long",
		       (unsigned long long)r->counted.nr_ops,
		       tb_pass_mean(&r->counted) / tb_pass_mean(&r->timed));
	if (r->traced.nr_ops)
		printf(", then %llu of %llu traced",
		       (unsigned long long)r->traced.nr_ops,
		       (unsigned long long)r->timed.nr_ops);
	printf("; scheduler %s, clock %s\n", r->sched,
	       tb_clock_name(&r->clock));
}

static void show(struct tb_sink *sink, const struct tb_case *cs,
		 const struct tb_result *r)
{
	unsigned int i;

	(void)sink;
	printf("\n%s: %s.\n", cs->name, cs->ops->summary);
	printf("  ");
	print_cpus(cs, r);
	printf("\n");
	if (r->state != TB_STATE_OK)
		printf("  %s:\n", tb_state_name(r->state));
	for (i = 0; i < r->reasons.nr; i++)
		printf("  %s\n", r->reasons.text[i]);
	if (r->state == TB_STATE_OK)
		print_passes(r);
	for (i = 0; i < r->nr_metrics; i++)
		print_metric(&r->metrics[i]);
	for (i = 0; i < r->caveats.nr; i++)
		printf("  caveat: %s\n", r->caveats.text[i]);
	fflush(stdout);
}

/* --- a plan from arguments ----------------------------------------------- */

/* An argument becomes a line of a campaign file: a key, not a comment. */
static int check_argument(const char *arg, struct tb_err *err)
{
	size_t len = 0;

	while (arg[len] && !iscntrl((unsigned char)arg[len]))
		len++;
	if (!isalpha((unsigned char)*arg) || arg[len])
		return tb_usage(err,
				"run: '%.*s': expected a workload or "
				"key=value",
				len < 64 ? (int)len : 64, arg);
	if (!strncmp(arg, "workload=", strlen("workload=")))
		return tb_usage(err,
				"run: '%s': expected the workload's name alone",
				arg);
	return 0;
}

/* Up to the equals sign: the workload, or the key. */
static size_t word_chars(const char *arg)
{
	return strcspn(arg, "= \t");
}

static int check_once(char **argv, int i, struct tb_err *err)
{
	size_t len = word_chars(argv[i]);
	int j;

	for (j = 0; j < i; j++)
		if (word_chars(argv[j]) == len &&
		    !strncmp(argv[j], argv[i], len))
			return tb_usage(err,
					"run: '%.64s': expected '%.*s' once",
					argv[i], (int)len, argv[i]);
	return 0;
}

static int make_conf(int argc, char **argv, struct tb_buf *b,
		     struct tb_err *err)
{
	unsigned int nr_workloads = 0;
	int i;

	tb_buf_printf(b, "[campaign]\nname = run\nbackend = here\n");
	tb_buf_printf(b, "[defaults]\n");
	for (i = 0; i < argc; i++) {
		if (check_argument(argv[i], err) || check_once(argv, i, err))
			return err->code;
		if (strchr(argv[i], '='))
			tb_buf_printf(b, "%s\n", argv[i]);
	}
	for (i = 0; i < argc; i++) {
		if (strchr(argv[i], '='))
			continue;
		if (!tb_workload_find(argv[i])) {
			struct tb_buf names = { 0 };

			tb_workload_names(&names);
			tb_usage(err,
				 "run: unknown workload '%s', expected one of: "
				 "%s",
				 argv[i], names.data ? names.data : "");
			tb_buf_fini(&names);
			return err->code;
		}
		tb_buf_printf(b, "[case %s]\nworkload = %s\n", argv[i],
			      argv[i]);
		nr_workloads++;
	}
	if (!nr_workloads)
		return tb_usage(err, "run: expected a workload; 'tlbbench "
				     "list' lists them");
	return b->has_failed ? tb_fail_errno(err, -ENOMEM, "run") : 0;
}

/*
 * Messages about a campaign name file:line. Here a line is an argument, so
 * name that, without the "key = value" that it says itself.
 */
static void name_argument(const char *conf, struct tb_err *err)
{
	char rest[TB_ERR_TEXT_BYTES], same[TB_ERR_TEXT_BYTES];
	const char *line = conf, *said = rest;
	unsigned int nr;
	int len, skip = 0;

	if (sscanf(err->text, WHERE ":%u: %n", &nr, &skip) != 1 || !skip)
		return;
	snprintf(rest, sizeof(rest), "%s", err->text + skip);
	while (--nr)
		line = strchr(line, '\n') + 1;
	len = (int)strcspn(line, "\n");
	/* A section of ours is about a whole workload. */
	if (*line == '[') {
		snprintf(err->text, sizeof(err->text), "run: %.400s", rest);
		return;
	}
	snprintf(same, sizeof(same), "%.*s = %.*s: ", (int)word_chars(line),
		 line, len - (int)word_chars(line) - 1,
		 line + word_chars(line) + 1);
	if (!strncmp(rest, same, strlen(same)))
		said += strlen(same);
	snprintf(err->text, sizeof(err->text), "run: %.*s: %.400s",
		 len < 64 ? len : 64, line, said);
}

/* --- where records go ---------------------------------------------------- */

static int discard(struct tb_sink *sink, const char *record, size_t len_bytes,
		   struct tb_err *err)
{
	(void)sink;
	(void)record;
	(void)len_bytes;
	(void)err;
	return 0;
}

/* A sink that prints. */
struct printer {
	struct tb_sink sink;
	struct tb_slot_info info;
	struct tb_progress progress;
};

static int print_record(struct tb_sink *sink, const char *record,
			size_t len_bytes, struct tb_err *err)
{
	struct printer *p = (struct printer *)sink;
	struct tb_buf line = { 0 };
	int ret;

	tb_record_identify(&p->info, record, len_bytes, &line);
	tb_progress_clear(&p->progress);
	ret = line.has_failed
		      ? -ENOMEM
		      : tb_write_all(STDOUT_FILENO, line.data, line.len_bytes);
	tb_buf_fini(&line);
	return ret ? tb_fail_errno(err, ret, "stdout") : 0;
}

static int execute(struct tb_plan *plan, bool as_json, struct tb_tally *tally,
		   struct tb_err *err)
{
	char release[128];
	struct printer printer = {
		.info = {
			.campaign = plan->name,
			.kernel = "running",
			.kernel_id = release,
			.seed = plan->seed,
			.backend = "here",
			.accel = "none",
			.quiet = plan->quiet,
		},
	};
	struct tb_progress *progress = &printer.progress;
	struct tb_sink *sink;
	struct tb_sig sig;
	int ret = tb_sig_init(&sig);

	if (ret)
		return tb_fail_errno(err, ret, "signals");
	tb_audit_release(release, sizeof(release));
	ret = tb_backend_here.prepare(plan, &sig, err);
	if (!ret)
		ret = tb_progress_init(progress, plan, STDERR_FILENO, err);
	if (ret)
		goto out;
	printer.sink.put = as_json ? print_record : discard;
	printer.sink.show = as_json ? NULL : show;
	if (!as_json)
		printf("kernel %s\n", release);
	sink = tb_progress_begin(progress, &plan->slots[0], &printer.sink);
	ret = tb_slot_execute(plan, -1, &sig, sink, tally, err);
	tb_progress_end(progress, !ret && !tally->nr_bad);
out:
	tb_progress_fini(progress);
	return ret;
}

static int parse_options(int argc, char **argv, bool *as_json,
			 enum tb_profile *profile, struct tb_err *err)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "profile", required_argument, NULL, 'p' },
		{ 0 },
	};
	int option;

	while ((option = tb_cmd_option(argc, argv, options)) != -1) {
		if (option == 'j')
			*as_json = true;
		else if (option != 'p')
			return tb_usage(err,
					"run: %s: expected --json or --profile "
					"PROFILE",
					optarg);
		else if (tb_profile_option("run", optarg, profile, err))
			return err->code;
	}
	return 0;
}

/* What was wrong while it ran: said, and with profile strict a failure. */
static int judge(const struct tb_plan *plan, bool as_json,
		 const struct tb_tally *tally)
{
	bool is_strict = plan->quiet->profile == TB_PROFILE_STRICT;
	unsigned int i;

	for (i = 0; i < tally->caveats.nr; i++) {
		if (!as_json)
			printf("machine: %s\n", tally->caveats.text[i]);
		if (is_strict)
			fprintf(stderr, "tlbbench: refused: %s\n",
				tally->caveats.text[i]);
	}
	if (tally->nr_bad || (tally->caveats.nr && is_strict))
		return TB_EXIT_FAIL;
	return tally->nr_skipped ? TB_EXIT_SKIP : TB_EXIT_OK;
}

static int run_plan(struct tb_plan *plan, bool as_json, enum tb_profile profile)
{
	struct tb_tally tally = { 0 };
	struct tb_err err = { 0 };
	struct tb_quiet quiet;
	int code, ret = tb_profile_enter(profile, &quiet, &err);

	plan->quiet = &quiet;
	if (!ret)
		ret = execute(plan, as_json, &tally, &err);
	code = ret ? tb_cmd_fail(&err) : judge(plan, as_json, &tally);
	plan->quiet = NULL;
	return tb_profile_leave(&quiet, code);
}

static int run(int argc, char **argv)
{
	enum tb_profile profile = TB_PROFILE_OBSERVE;
	bool as_json = false;
	struct tb_topo topo = { 0 };
	struct tb_buf conf = { 0 };
	struct tb_err err = { 0 };
	struct tb_plan plan = { 0 };
	int ret, code;

	ret = parse_options(argc, argv, &as_json, &profile, &err);
	if (!ret)
		ret = make_conf(argc - optind, argv + optind, &conf, &err);
	if (!ret)
		ret = tb_topo_read(&topo, "/sys", &err);
	if (!ret)
		ret = tb_plan_parse(&plan, WHERE, conf.data, &topo, &err);
	if (ret && conf.data)
		name_argument(conf.data, &err);
	code = ret ? tb_cmd_fail(&err) : run_plan(&plan, as_json, profile);
	tb_plan_fini(&plan);
	tb_topo_fini(&topo);
	tb_buf_fini(&conf);
	return code;
}

const struct tb_cmd tb_cmd_run = {
	.name = "run",
	.usage = "[--json] [--profile PROFILE] WORKLOAD ... [KEY=VALUE ...]",
	.help = "run workloads on this kernel now and print their ledger",
	.run = run,
};
