// SPDX-License-Identifier: GPL-2.0-only
/* Looks up parts of a plan and adds them up. */
#include "campaign/estimate.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/params.h"

/*
 * Where nothing is known; the text says so. A repetition has a fixed part,
 * and one that grows with its ops, in both passes.
 */
#define GUESS_VM_BOOT_S 5
#define GUESS_HERE_BOOT_S 0.1
#define GUESS_FIXED_S 0.05
#define GUESS_OP_S 20e-6
#define GUESS_EXACT_OP_S 1e-3
/* To how many times as many ops it can be trusted to scale. */
#define MAX_SCALE 10

/* --- keys ---------------------------------------------------------------- */

static void hash(const struct tb_buf *b, char *hex, size_t size_bytes)
{
	char digest[SHA256_DIGEST_STRING_LENGTH];

	SHA256Data((const uint8_t *)b->data, b->len_bytes, digest);
	snprintf(hex, size_bytes, "%.16s", digest);
}

static void key_machine(const struct tb_plan *plan, unsigned int kernel,
			struct tb_duration *key)
{
	const struct tb_kernel *k = &plan->kernels[kernel];
	struct tb_buf b = { 0 };

	snprintf(key->backend, sizeof(key->backend), "%s%s",
		 plan->is_vm ? "vm-" : "here",
		 plan->is_vm ? tb_accel_name(plan->accel) : "");
	snprintf(key->machine, sizeof(key->machine), "-");
	if (plan->is_vm)
		snprintf(key->machine, sizeof(key->machine), "%ux%ux%ux%u-%uM",
			 plan->vm_shape.nr_cpus, plan->vm_shape.nr_sockets,
			 plan->vm_shape.nr_nodes,
			 plan->vm_shape.threads_per_core,
			 (unsigned int)(plan->vm_memory_bytes >> 20));
	tb_buf_printf(&b, "%s %s", k->id ? k->id : "", k->append);
	hash(&b, key->kernel, sizeof(key->kernel));
	tb_buf_fini(&b);
}

void tb_estimate_key_boot(const struct tb_plan *plan, unsigned int kernel,
			  struct tb_duration *key)
{
	*key = (struct tb_duration){ .what = "boot", .point = "-" };
	key_machine(plan, kernel, key);
}

void tb_estimate_key_case(const struct tb_plan *plan, unsigned int kernel,
			  unsigned int nr, struct tb_duration *key)
{
	const struct tb_case *cs = &plan->cases[nr];
	struct tb_buf b = { 0 };
	struct tb_json j = { .buf = &b };
	unsigned int i;

	*key = (struct tb_duration){ .ops = cs->nr_ops + cs->nr_warmup_ops };
	key_machine(plan, kernel, key);
	snprintf(key->what, sizeof(key->what), "%s", cs->ops->name);
	tb_json_obj(&j, NULL);
	tb_params_json(cs->ops, cs->conf, &j);
	tb_json_u64(&j, "instances", cs->instances);
	tb_json_bool(&j, "share_cpus", cs->share_cpus);
	for (i = 0; i < cs->nr_roles; i++) {
		tb_json_u64(&j, cs->ops->roles[i].name, cs->nr_threads[i]);
		tb_json_u64(&j, "processes", cs->nr_processes[i]);
	}
	tb_json_u64(&j, "bystanders", cs->nr_bystanders);
	tb_json_u64(&j, "sched", cs->sched);
	tb_json_u64(&j, "meet", cs->meet);
	tb_json_u64(&j, "batch", cs->batch);
	tb_json_bool(&j, "counted", cs->counted);
	tb_json_bool(&j, "traced", cs->traced);
	tb_json_str(&j, "placement", cs->placement);
	for (i = 0; i < TB_MAX_ROLES; i++)
		tb_json_str(&j, "role_placement", cs->role_placement[i]);
	for (i = 0; i < WL_MAX_REGIONS; i++)
		tb_json_f64(&j, "node",
			    cs->is_bound[i] ? (double)cs->node[i] : NAN);
	tb_json_obj_end(&j);
	hash(&b, key->point, sizeof(key->point));
	tb_buf_fini(&b);
}

/* --- look up ------------------------------------------------------------- */

/* How unlike: bits by weight, so that 0 is the same and 1 another kernel. */
static unsigned int unlikeness(const struct tb_duration *known,
			       const struct tb_duration *key)
{
	return (strcmp(known->kernel, key->kernel) ? 1U : 0) |
	       (known->ops != key->ops ? 2U : 0) |
	       (strcmp(known->point, key->point) ? 4U : 0) |
	       (strcmp(known->machine, key->machine) ? 8U : 0);
}

/* How far apart in ops, as a factor. */
static double distance(const struct tb_duration *known,
		       const struct tb_duration *key)
{
	return known->ops && key->ops
		       ? fabs(log((double)known->ops / (double)key->ops))
		       : 0;
}

/* Of those that are alike: the nearest in ops, then the newest. */
static const struct tb_duration *find(const struct tb_durations *known,
				      const struct tb_duration *key)
{
	const struct tb_duration *best = NULL;
	unsigned int i;

	for (i = 0; i < known->nr; i++) {
		const struct tb_duration *d = &known->all[i];

		if (strcmp(d->backend, key->backend) ||
		    strcmp(d->what, key->what))
			continue;
		if (!best || unlikeness(d, key) < unlikeness(best, key) ||
		    (unlikeness(d, key) == unlikeness(best, key) &&
		     distance(d, key) <= distance(best, key)))
			best = d;
	}
	return best;
}

static double guess_op(const struct tb_plan *plan)
{
	return plan->is_vm && plan->accel == TB_ACCEL_EXACT ? GUESS_EXACT_OP_S
							    : GUESS_OP_S;
}

static double guess(const struct tb_plan *plan, const struct tb_duration *key)
{
	if (!key->ops)
		return plan->is_vm ? GUESS_VM_BOOT_S : GUESS_HERE_BOOT_S;
	return GUESS_FIXED_S + guess_op(plan) * (double)key->ops;
}

/*
 * With other ops. Where most of what is known may be the fixed part, or it
 * would be multiplied by much, with what else kept the CPU busy, an op costs
 * what is guessed, or less.
 */
static double scale(const struct tb_plan *plan, const struct tb_duration *known,
		    uint64_t ops)
{
	double fixed_s = fmin(GUESS_FIXED_S, known->seconds);
	double op_s = known->seconds / (double)known->ops;

	if (known->seconds >= 2 * GUESS_FIXED_S)
		op_s -= fixed_s / (double)known->ops;
	if (known->seconds < 2 * GUESS_FIXED_S || ops / MAX_SCALE > known->ops)
		op_s = fmin(op_s, guess_op(plan));
	return fixed_s + op_s * (double)ops;
}

static double look_up(struct tb_estimate *e, const struct tb_durations *known,
		      const struct tb_duration *key)
{
	const struct tb_duration *d = find(known, key);
	enum tb_basis basis = TB_BASIS_GUESS;
	double seconds = guess(e->plan, key);

	if (d) {
		unsigned int far = unlikeness(d, key);

		basis = far == 0   ? TB_BASIS_SAME
			: far == 1 ? TB_BASIS_OTHER_KERNEL
				   : TB_BASIS_SCALED;
		seconds = d->ops == key->ops ? d->seconds
					     : scale(e->plan, d, key->ops);
	}
	e->nr_by_basis[basis]++;
	return seconds;
}

int tb_estimate_make(struct tb_estimate *e, const struct tb_plan *plan,
		     const struct tb_durations *known, struct tb_err *err)
{
	struct tb_duration key;
	unsigned int k, i;

	*e = (struct tb_estimate){
		.plan = plan,
		.case_s = calloc((size_t)plan->nr_kernels * plan->nr_cases,
				 sizeof(*e->case_s)),
		.boot_s = calloc(plan->nr_kernels, sizeof(*e->boot_s)),
	};
	if (!e->case_s || !e->boot_s) {
		tb_estimate_fini(e);
		return tb_fail_errno(err, -ENOMEM, "estimate");
	}
	for (k = 0; k < plan->nr_kernels; k++) {
		tb_estimate_key_boot(plan, k, &key);
		e->boot_s[k] = look_up(e, known, &key);
		for (i = 0; i < plan->nr_cases; i++) {
			tb_estimate_key_case(plan, k, i, &key);
			e->case_s[k * plan->nr_cases + i] =
				look_up(e, known, &key);
		}
	}
	return 0;
}

void tb_estimate_fini(struct tb_estimate *e)
{
	free(e->case_s);
	free(e->boot_s);
	*e = (struct tb_estimate){ 0 };
}

double tb_estimate_rep(const struct tb_estimate *e, unsigned int kernel,
		       unsigned int rep)
{
	return e->case_s[kernel * e->plan->nr_cases + e->plan->reps[rep].cs];
}

double tb_estimate_slot(const struct tb_estimate *e, unsigned int kernel)
{
	double seconds = e->boot_s[kernel];
	unsigned int i;

	for (i = 0; i < e->plan->nr_reps; i++)
		seconds += tb_estimate_rep(e, kernel, i);
	return seconds;
}

/* --- words --------------------------------------------------------------- */

void tb_seconds_text(double seconds, struct tb_buf *b)
{
	uint64_t s = (uint64_t)llround(seconds);

	if (seconds < 9.95)
		tb_buf_printf(b, "%.1f s", seconds);
	else if (s < 60)
		tb_buf_printf(b, "%" PRIu64 " s", s);
	else if (s < 3600 && s % 60)
		tb_buf_printf(b, "%" PRIu64 " min %" PRIu64 " s", s / 60,
			      s % 60);
	else if (s < 3600)
		tb_buf_printf(b, "%" PRIu64 " min", s / 60);
	else
		tb_buf_printf(b, "%" PRIu64 " h %" PRIu64 " min", s / 3600,
			      s / 60 % 60);
}

void tb_estimate_basis(const struct tb_estimate *e, struct tb_buf *b)
{
	static const char *const names[] = {
		[TB_BASIS_SAME] = "as measured here before",
		[TB_BASIS_OTHER_KERNEL] = "as on another kernel",
		[TB_BASIS_SCALED] = "scaled from other ops, parameters or CPUs",
		[TB_BASIS_GUESS] = "a guess, never run here",
	};
	const char *separator = "";
	unsigned int i;

	tb_buf_printf(b, "of the cases and boots ");
	for (i = 0; i < TB_NR_BASES; i++) {
		if (!e->nr_by_basis[i])
			continue;
		tb_buf_printf(b, "%s%u %s", separator, e->nr_by_basis[i],
			      names[i]);
		separator = ", ";
	}
}

void tb_estimate_text(const struct tb_estimate *e, double seconds,
		      unsigned int nr_slots, struct tb_buf *b)
{
	const struct tb_plan *plan = e->plan;

	tb_buf_printf(b, "%u slot%s to run: about ", nr_slots,
		      nr_slots == 1 ? "" : "s");
	tb_seconds_text(seconds, b);
	if (nr_slots > 1) {
		tb_buf_printf(b, ", ");
		tb_seconds_text(seconds / nr_slots, b);
		tb_buf_printf(b, " each");
	}
	if (plan->is_vm) {
		tb_buf_printf(b, ", at most ");
		tb_seconds_text((double)nr_slots * plan->vm_timeout_s, b);
		tb_buf_printf(b, " by timeout");
	} else {
		tb_buf_printf(b, ", without a bound");
	}
}
