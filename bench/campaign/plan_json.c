// SPDX-License-Identifier: GPL-2.0-only
/* plan.json: what a campaign set out to do. */
#include "campaign/declare.h"
#include "campaign/plan.h"

/* Where a kernel came from: what was asked for, and what its image says. */
static void add_origin(struct tb_json *j, const struct tb_kernel *k)
{
	const struct tb_section *s = tb_conf_section(&k->facts, "image");
	unsigned int i;

	tb_json_str(j, "spec", k->spec ? k->spec : k->strategy);
	tb_json_str(j, "append", k->append);
	tb_json_obj(j, "image");
	for (i = 0; s && i < s->nr_entries; i++)
		tb_json_str(j, s->entries[i].key, s->entries[i].value);
	tb_json_obj_end(j);
}

static void add_kernels(struct tb_json *j, const struct tb_plan *plan)
{
	unsigned int i;

	tb_json_arr(j, "kernels");
	for (i = 0; i < plan->nr_kernels; i++) {
		tb_json_obj(j, NULL);
		tb_json_str(j, "name", plan->kernels[i].name);
		tb_json_str(j, "kernel_id", plan->kernels[i].id);
		tb_json_str(j, "release", plan->kernels[i].release);
		add_origin(j, &plan->kernels[i]);
		tb_json_obj_end(j);
	}
	tb_json_arr_end(j);
	tb_json_arr(j, "missing_kernels");
	for (i = 0; i < plan->nr_missing; i++) {
		tb_json_obj(j, NULL);
		tb_json_str(j, "name", plan->missing[i].name);
		tb_json_str(j, "strategy", plan->missing[i].strategy);
		tb_json_obj_end(j);
	}
	tb_json_arr_end(j);
}

static void add_cases(struct tb_json *j, const struct tb_plan *plan)
{
	unsigned int i;

	tb_json_arr(j, "cases");
	for (i = 0; i < plan->nr_cases; i++) {
		tb_json_obj(j, NULL);
		tb_json_str(j, "case", plan->cases[i].name);
		tb_json_str(j, "workload", plan->cases[i].ops->name);
		tb_json_obj_end(j);
	}
	tb_json_arr_end(j);
}

static void add_order(struct tb_json *j, const struct tb_plan *plan)
{
	unsigned int i;

	tb_json_arr(j, "order");
	for (i = 0; i < plan->nr_reps; i++) {
		const struct tb_rep_plan *r = &plan->reps[i];

		tb_json_obj(j, NULL);
		tb_json_str(j, "case", plan->cases[r->cs].name);
		tb_json_u64(j, "repetition", r->repetition);
		tb_json_obj_end(j);
	}
	tb_json_arr_end(j);
}

static void add_slots(struct tb_json *j, const struct tb_plan *plan)
{
	unsigned int i;

	tb_json_arr(j, "slots");
	for (i = 0; i < plan->nr_slots; i++) {
		const struct tb_slot_plan *s = &plan->slots[i];

		tb_json_obj(j, NULL);
		tb_json_u64(j, "slot", s->slot);
		tb_json_u64(j, "pair", s->pair);
		tb_json_str(j, "kernel", plan->kernels[s->kernel].name);
		tb_json_u64(j, "seed", s->seed);
		tb_json_obj_end(j);
	}
	tb_json_arr_end(j);
}

void tb_plan_json(const struct tb_plan *plan, struct tb_buf *b)
{
	struct tb_json j = { .buf = b };

	tb_json_obj(&j, NULL);
	tb_json_u64(&j, "schema", 1);
	tb_json_str(&j, "type", "plan");
	tb_json_str(&j, "campaign", plan->name);
	tb_json_str(&j, "backend", plan->is_vm ? "vm" : "here");
	tb_json_str(&j, "accel",
		    plan->is_vm ? tb_accel_name(plan->accel) : "none");
	tb_json_u64(&j, "seed", plan->seed);
	/* A resumed campaign must be the same to the letter, binary included.
	 */
	tb_json_str(&j, "campaign_sha256",
		    *plan->conf_sha256 ? plan->conf_sha256 : NULL);
	tb_json_str(&j, "tlbbench_sha256",
		    *plan->binary_sha256 ? plan->binary_sha256 : NULL);
	tb_json_str(&j, "host", *plan->host ? plan->host : NULL);
	tb_json_bool(&j, "aa", plan->is_aa);
	tb_json_str(&j, "reference", plan->kernels[0].name);
	add_kernels(&j, plan);
	add_cases(&j, plan);
	add_order(&j, plan);
	add_slots(&j, plan);
	tb_declare_json(&j, plan);
	tb_expect_json(&j, plan);
	tb_json_obj_end(&j);
	tb_buf_add(b, "\n", 1);
}
