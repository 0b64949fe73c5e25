// SPDX-License-Identifier: GPL-2.0-only
/* tlbbench plan: what a campaign would do, in which order. */
#include <stdio.h>

#include "campaign/plan.h"
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

static void print_order(const struct tb_plan *plan)
{
	unsigned int i;

	printf("\nslot pair kernel               seed\n");
	for (i = 0; i < plan->nr_slots; i++)
		printf("%4u %4u %-20s %llu\n", plan->slots[i].slot,
		       plan->slots[i].pair,
		       plan->kernels[plan->slots[i].kernel].name,
		       (unsigned long long)plan->slots[i].seed);
	printf("\nEvery slot runs, in this order:\n\nrepetition case\n");
	for (i = 0; i < plan->nr_reps; i++)
		printf("%10u %s\n", plan->reps[i].repetition,
		       plan->cases[plan->reps[i].cs].name);
}

static void print_plan(const struct tb_plan *plan)
{
	printf("campaign %s: backend %s, %u boots of each kernel, %u slots\n",
	       plan->name, plan->is_vm ? "vm" : "here", plan->boots,
	       plan->nr_slots);
	print_cases(plan);
	print_order(plan);
}

static int run(int argc, char **argv)
{
	struct tb_topo topo = { 0 };
	struct tb_err err = { 0 };
	struct tb_plan plan;

	if (argc != 2)
		return tb_cmd_usage(&tb_cmd_plan);
	if (tb_topo_read(&topo, "/sys", &err))
		return tb_cmd_fail(&err);
	if (tb_plan_load(&plan, argv[1], &topo, &err)) {
		tb_topo_fini(&topo);
		return tb_cmd_fail(&err);
	}
	print_plan(&plan);
	tb_plan_fini(&plan);
	tb_topo_fini(&topo);
	return TB_EXIT_OK;
}

const struct tb_cmd tb_cmd_plan = {
	.name = "plan",
	.usage = "CONF",
	.help = "check a campaign file and print the exact order of its slots",
	.run = run,
};
