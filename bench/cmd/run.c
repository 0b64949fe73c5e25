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

#include "campaign/params.h"
#include "campaign/slot.h"
#include "cmd/cmd.h"
#include "engine/ledger.h"
#include "machine/audit.h"

#define WHERE "command line"

/* --- what is printed ----------------------------------------------------- */

static void print_cpus(const struct tb_case *cs, const struct tb_result *r)
{
	unsigned int role, idx, i = 0;

	for (role = 0; role < cs->nr_roles; role++) {
		printf("%s%s", role ? "; " : "", cs->ops->roles[role].name);
		for (idx = 0; idx < cs->nr_threads[role]; idx++)
			printf("%s%d", idx ? "," : " on CPU ", r->cpus[i++]);
		if (!cs->nr_threads[role])
			printf(": none");
	}
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

static void show(const struct tb_case *cs, const struct tb_result *r)
{
	unsigned int i;

	printf("\n%s: %s.\n", cs->name, cs->ops->summary);
	printf("  ");
	print_cpus(cs, r);
	printf("\n");
	if (r->state != TB_STATE_OK)
		printf("  %s:\n", tb_state_name(r->state));
	for (i = 0; i < r->reasons.nr; i++)
		printf("  %s\n", r->reasons.text[i]);
	if (r->state == TB_STATE_OK)
		printf("  %llu ops timed, then %llu counted; scheduler %s, "
		       "clock %s\n",
		       (unsigned long long)r->timed.nr_ops,
		       (unsigned long long)r->counted.nr_ops, r->sched,
		       tb_clock_name(&r->clock));
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
	if (!isalpha((unsigned char)*arg) || strchr(arg, '\n'))
		return tb_usage(err,
				"run: '%.*s': expected a workload or "
				"key=value",
				(int)strcspn(arg, "\n"), arg);
	if (!strncmp(arg, "workload=", strlen("workload=")))
		return tb_usage(err,
				"run: '%s': expected the workload's name alone",
				arg);
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
		if (check_argument(argv[i], err))
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

/* --- where records go ---------------------------------------------------- */

static int discard(struct tb_sink *sink, const char *line, size_t len_bytes,
		   struct tb_err *err)
{
	(void)sink;
	(void)line;
	(void)len_bytes;
	(void)err;
	return 0;
}

static int print_record(struct tb_sink *sink, const char *line,
			size_t len_bytes, struct tb_err *err)
{
	int ret = tb_write_all(STDOUT_FILENO, line, len_bytes);

	(void)sink;
	return ret ? tb_fail_errno(err, ret, "stdout") : 0;
}

static int execute(const struct tb_plan *plan, bool as_json,
		   unsigned int *nr_not_ok, struct tb_err *err)
{
	struct tb_sink sink = { as_json ? print_record : discard };
	char release[128];
	const struct tb_slot_info info = {
		.campaign = plan->name,
		.kernel = "running",
		.kernel_id = release,
		.seed = plan->seed,
		.backend = "here",
		.accel = "none",
		.icount_shift = -1,
	};
	struct tb_sig sig;
	int ret = tb_sig_init(&sig);

	if (ret)
		return tb_fail_errno(err, ret, "signals");
	tb_audit_release(release, sizeof(release));
	if (!as_json)
		printf("kernel %s\n", release);
	return tb_slot_execute(plan, &info, &sig, &sink, nr_not_ok,
			       as_json ? NULL : show, err);
}

static int run(int argc, char **argv)
{
	bool as_json = argc > 1 && !strcmp(argv[1], "--json");
	int first = as_json ? 2 : 1;
	struct tb_topo topo = { 0 };
	struct tb_buf conf = { 0 };
	struct tb_err err = { 0 };
	struct tb_plan plan = { 0 };
	unsigned int nr_not_ok = 0;
	int ret;

	ret = make_conf(argc - first, argv + first, &conf, &err);
	if (!ret)
		ret = tb_topo_read(&topo, "/sys", &err);
	if (!ret)
		ret = tb_plan_parse(&plan, WHERE, conf.data, &topo, &err);
	if (!ret)
		ret = execute(&plan, as_json, &nr_not_ok, &err);
	tb_plan_fini(&plan);
	tb_topo_fini(&topo);
	tb_buf_fini(&conf);
	if (ret)
		return tb_cmd_fail(&err);
	return nr_not_ok ? TB_EXIT_FAIL : TB_EXIT_OK;
}

const struct tb_cmd tb_cmd_run = {
	.name = "run",
	.usage = "[--json] WORKLOAD ... [KEY=VALUE ...]",
	.help = "run workloads on this kernel now and print their ledger",
	.run = run,
};
