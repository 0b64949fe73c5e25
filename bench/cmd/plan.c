// SPDX-License-Identifier: GPL-2.0-only
/* tlbbench plan: what a campaign would do, in which order, for how long. */
#include <stdio.h>
#include <unistd.h>

#include "campaign/backend.h"
#include "campaign/image.h"
#include "campaign/kvm.h"
#include "campaign/progress.h"
#include "cmd/cmd.h"

static void print_cases(const struct tb_plan *plan)
{
	unsigned int i;

	printf("\ncases:\n");
	for (i = 0; i < plan->nr_cases; i++) {
		const struct tb_case *cs = &plan->cases[i];

		printf("  %-32s %s, %u CPUs, %llu ops, %u repetition%s\n",
		       cs->name, cs->ops->name, cs->nr_cpus,
		       (unsigned long long)cs->nr_ops, cs->repetitions,
		       cs->repetitions == 1 ? "" : "s");
	}
}

static void print_missing(const struct tb_plan *plan)
{
	unsigned int i;

	for (i = 0; i < plan->nr_missing; i++)
		printf("left out: [kernel %s]: there is no strategy %s yet\n",
		       plan->missing[i].name, plan->missing[i].strategy);
}

/* What the report will look for. */
static void print_expects(const struct tb_plan *plan)
{
	unsigned int i;

	if (plan->nr_expects)
		printf("\nexpected:\n");
	for (i = 0; i < plan->nr_expects; i++)
		printf("  %-32s %s\n", plan->expects[i].name,
		       plan->expects[i].says);
}

static void print_seconds(double seconds)
{
	struct tb_buf b = { 0 };

	tb_seconds_text(seconds, &b);
	printf("%-11s", b.data ? b.data : "");
	tb_buf_fini(&b);
}

static void print_slots(const struct tb_plan *plan, const struct tb_estimate *e)
{
	unsigned int i;

	printf("\nslot pair about      seed       kernel\n");
	for (i = 0; i < plan->nr_slots; i++) {
		const struct tb_slot_plan *s = &plan->slots[i];

		printf("%4u %4u ", s->slot, s->pair);
		print_seconds(tb_estimate_slot(e, s->kernel));
		printf("%-10llu %s\n", (unsigned long long)s->seed,
		       plan->kernels[s->kernel].name);
	}
}

/* The reference stands for all kernels. */
static void print_reps(const struct tb_plan *plan, const struct tb_estimate *e)
{
	unsigned int i;

	printf("\nEvery slot runs, in this order:\n\n"
	       "repetition about      case\n");
	for (i = 0; i < plan->nr_reps; i++) {
		printf("%10u ", plan->reps[i].repetition);
		print_seconds(tb_estimate_rep(e, 0, i));
		printf("%s\n", plan->cases[plan->reps[i].cs].name);
	}
}

static void print_plan(const struct tb_plan *plan, const struct tb_progress *p)
{
	struct tb_buf b = { 0 };

	printf("campaign %s: backend %s, %u boots of each kernel\n", plan->name,
	       plan->is_vm ? "vm" : "here", plan->boots);
	tb_estimate_text(&p->estimate, tb_progress_left(p, 0), p->nr_slots, &b);
	tb_buf_printf(&b, "\n");
	tb_estimate_basis(&p->estimate, &b);
	printf("%s\n", b.data ? b.data : "");
	tb_buf_fini(&b);
	print_missing(plan);
	print_cases(plan);
	print_expects(plan);
	print_slots(plan, &p->estimate);
	print_reps(plan, &p->estimate);
}

/*
 * What a campaign finds out before its first slot, as far as it is known
 * without a trial; where it is not, nothing that was measured fits.
 */
static void settle(struct tb_plan *plan, struct tb_err *why)
{
	bool boots = false, is_known = true;

	if (!plan->is_vm) {
		tb_backend_here.prepare(plan, NULL, why);
		return;
	}
	if (tb_images_resolve(plan, false, why) || plan->accel != TB_ACCEL_AUTO)
		return;
	if (tb_kvm_answers() &&
	    tb_kvm_recall(plan->kernels[0].release, &boots, &is_known, why))
		return;
	if (is_known)
		plan->accel = boots ? TB_ACCEL_KVM : TB_ACCEL_EXACT;
	else
		tb_fail(why, -1, "whether KVM boots %s was not tried yet",
			plan->kernels[0].name);
}

static int print(struct tb_plan *plan, struct tb_err *err)
{
	struct tb_err why = { 0 };
	struct tb_progress p;
	int ret;

	settle(plan, &why);
	ret = tb_progress_init(&p, plan, STDERR_FILENO, err);
	if (!ret)
		print_plan(plan, &p);
	if (!ret && why.code)
		printf("\nnote: %s\n", why.text);
	tb_progress_fini(&p);
	return ret;
}

static int run(int argc, char **argv)
{
	struct tb_topo topo = { 0 };
	struct tb_plan plan = { 0 };
	struct tb_err err = { 0 };
	int ret;

	if (argc != 2)
		return tb_cmd_usage(&tb_cmd_plan);
	ret = tb_topo_read(&topo, "/sys", &err);
	if (!ret)
		ret = tb_plan_load(&plan, argv[1], &topo, &err);
	if (!ret)
		ret = print(&plan, &err);
	tb_plan_fini(&plan);
	tb_topo_fini(&topo);
	return ret ? tb_cmd_fail(&err) : TB_EXIT_OK;
}

const struct tb_cmd tb_cmd_plan = {
	.name = "plan",
	.usage = "CONF",
	.help = "check a campaign file, print the exact order and the time it "
		"takes",
	.run = run,
};
