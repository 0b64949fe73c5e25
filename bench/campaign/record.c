// SPDX-License-Identifier: GPL-2.0-only
/* Serialisation of records. */
#include "campaign/record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "campaign/params.h"
#include "engine/region.h"

void tb_record_identity(struct tb_json *j, const struct tb_slot_info *info)
{
	tb_json_str(j, "campaign", info->campaign);
	tb_json_u64(j, "slot", info->slot);
	tb_json_u64(j, "pair", info->pair);
	tb_json_str(j, "kernel", info->kernel);
	tb_json_str(j, "kernel_id", info->kernel_id);
	tb_json_u64(j, "seed", info->seed);
	tb_json_str(j, "backend", info->backend);
	tb_json_str(j, "accel", info->accel);
}

/*
 * A boot record may come out of a VM, which knows nothing of the host; so its
 * caveats get one more. Quotes inside of texts are escaped.
 */
static size_t add_caveat(const char *record, size_t len_bytes,
			 const char *caveat, struct tb_buf *line)
{
	static const char list[] = "\"caveats\":[";
	const char *at = memmem(record, len_bytes, list, strlen(list));
	struct tb_json j = { .buf = line };
	size_t head_bytes;

	if (!at)
		return 0;
	head_bytes = at + strlen(list) - record;
	tb_buf_add(line, record, head_bytes);
	tb_json_str(&j, NULL, caveat);
	if (record[head_bytes] != ']')
		tb_buf_add(line, ",", 1);
	return head_bytes;
}

void tb_record_identify(const struct tb_slot_info *info, const char *record,
			size_t len_bytes, struct tb_buf *line)
{
	static const char boot[] = "{\"type\":\"boot\"";
	static const char repetition[] = "{\"type\":\"repetition\"";
	struct tb_json j = { .buf = line };
	bool is_boot = info->quiet && !strncmp(record, boot, strlen(boot));
	size_t done_bytes = 1;

	tb_json_obj(&j, NULL);
	tb_json_u64(&j, "schema", TB_SCHEMA);
	tb_record_identity(&j, info);
	if (is_boot)
		tb_record_profile(&j, info->quiet);
	/* Who runs a case does not know what litmus tests have said. */
	if (!strncmp(record, repetition, strlen(repetition)))
		tb_json_str(&j, "soundness",
			    info->soundness ? info->soundness : "unchecked");
	/* The record's own members follow, behind its brace. */
	tb_buf_add(line, ",", 1);
	if (is_boot && *info->quiet->caveat)
		done_bytes += add_caveat(record + 1, len_bytes - 1,
					 info->quiet->caveat, line);
	tb_buf_add(line, record + done_bytes, len_bytes - done_bytes);
}

static void add_texts(struct tb_json *j, const char *name,
		      const struct wl_reasons *texts)
{
	unsigned int i;

	tb_json_arr(j, name);
	for (i = 0; i < texts->nr; i++)
		tb_json_str(j, NULL, texts->text[i]);
	tb_json_arr_end(j);
}

static void add_role_placement(struct tb_json *j, const struct tb_case *cs,
			       unsigned int role)
{
	char key[64];

	snprintf(key, sizeof(key), "placement.%s",
		 tb_case_role(cs, role)->name);
	tb_json_str(j, key, cs->role_placement[role]);
}

static void add_processes(struct tb_json *j, const struct tb_case *cs,
			  unsigned int role)
{
	char key[64];

	snprintf(key, sizeof(key), "processes.%s", cs->ops->roles[role].name);
	tb_json_u64(j, key, cs->nr_processes[role]);
}

static void add_node(struct tb_json *j, const struct tb_case *cs,
		     unsigned int region)
{
	char key[64];

	snprintf(key, sizeof(key), "node.%s", cs->ops->regions[region].name);
	if (cs->is_bound[region])
		tb_json_u64(j, key, (uint64_t)cs->node[region]);
	else
		tb_json_null(j, key);
}

static void add_harness(struct tb_json *j, const struct tb_case *cs,
			const struct tb_result *r)
{
	unsigned int i;

	tb_json_obj(j, "harness");
	tb_json_u64(j, "cpus", cs->nr_cpus);
	tb_json_u64(j, "instances", cs->instances);
	tb_json_bool(j, "share_cpus", cs->share_cpus);
	tb_json_u64(j, "bystanders", cs->nr_bystanders);
	for (i = 0; i < cs->nr_roles; i++)
		if (cs->ops->roles[i].max_processes)
			add_processes(j, cs, i);
	tb_json_str(j, "rendezvous", tb_meet_names[tb_case_meet(cs)]);
	tb_json_u64(j, "batch", tb_case_rendezvous_every(cs));
	tb_json_bool(j, "counters", cs->counted);
	tb_json_bool(j, "trace", cs->traced);
	tb_json_u64(j, "ops", cs->nr_ops);
	tb_json_u64(j, "warmup_ops", cs->nr_warmup_ops);
	tb_json_u64(j, "repetitions", cs->repetitions);
	tb_json_u64(j, "timeout_seconds", cs->timeout_s);
	tb_json_str(j, "placement", cs->placement);
	for (i = 0; i <= cs->nr_roles; i++)
		if (cs->role_placement[i])
			add_role_placement(j, cs, i);
	for (i = 0; i < tb_nr_regions(cs->ops); i++)
		add_node(j, cs, i);
	tb_json_str(j, "sched_asked", tb_sched_names[cs->sched]);
	tb_json_str(j, "sched", r->sched);
	tb_json_u64(j, "arena_pages", r->arena_pages);
	tb_json_obj_end(j);
}

static void add_thread(struct tb_json *j, const struct tb_case *cs,
		       unsigned int instance, unsigned int role,
		       unsigned int idx, int cpu)
{
	tb_json_obj(j, NULL);
	tb_json_u64(j, "instance", instance);
	tb_json_str(j, "role", tb_case_role(cs, role)->name);
	tb_json_u64(j, "index", idx);
	if (role < cs->nr_roles && cs->nr_processes[role])
		tb_json_u64(j, "process", tb_case_process(cs, role, idx));
	else
		tb_json_null(j, "process");
	tb_json_u64(j, "cpu", (uint64_t)cpu);
	tb_json_obj_end(j);
}

static void add_threads(struct tb_json *j, const struct tb_case *cs,
			const struct tb_result *r)
{
	unsigned int instance, role, idx, i = 0;

	tb_json_arr(j, "threads");
	for (instance = 0; instance < cs->instances; instance++)
		for (role = 0; role < cs->nr_roles; role++)
			for (idx = 0; idx < cs->nr_threads[role]; idx++)
				add_thread(j, cs, instance, role, idx,
					   r->cpus[i++]);
	for (idx = 0; idx < cs->nr_bystanders; idx++)
		add_thread(j, cs, cs->instances, cs->nr_roles, idx,
			   r->cpus[i++]);
	tb_json_arr_end(j);
}

static void add_clock(struct tb_json *j, const struct tb_clock *c)
{
	tb_json_obj(j, "clock");
	tb_json_str(j, "kind", tb_clock_name(c));
	tb_json_f64(j, "ticks_per_second", c->hz);
	tb_json_f64(j, "first_ticks_per_second", c->first_hz);
	tb_json_f64(j, "drift_ppm", c->drift_ppm);
	tb_json_u64(j, "pair_p50_ticks", c->pair_p50_ticks);
	tb_json_u64(j, "pair_p99_ticks", c->pair_p99_ticks);
	if (c->kind == TB_CLOCK_ICOUNT)
		tb_json_u64(j, "icount_shift", c->icount_shift);
	tb_json_obj_end(j);
}

static uint64_t in_units(const struct tb_clock *c, uint64_t ticks)
{
	return (uint64_t)llround(tb_clock_value(c, (double)ticks));
}

void tb_record_histogram(struct tb_json *j, const char *name, const char *unit,
			 const struct tb_clock *c, const struct tb_hist *h)
{
	uint64_t nr = 0;
	unsigned int i;

	tb_json_obj(j, name);
	tb_json_str(j, "unit", unit);
	tb_json_u64(j, "count", h->count);
	tb_json_u64(j, "min", in_units(c, h->min));
	tb_json_u64(j, "max", in_units(c, h->max));
	tb_json_u64(j, "sum", in_units(c, h->sum));
	tb_json_u64(j, "overflow", h->overflow);
	tb_json_arr(j, "buckets");
	for (i = 0; i < TB_HIST_BUCKETS; i++) {
		uint64_t low = in_units(c, tb_hist_low(i));

		nr += h->bucket[i].count;
		/* With ticks finer than the unit, buckets share a bound. */
		if (!nr || low == in_units(c, tb_hist_low(i + 1)))
			continue;
		tb_json_arr(j, NULL);
		tb_json_u64(j, NULL, low);
		tb_json_u64(j, NULL, nr);
		tb_json_arr_end(j);
		nr = 0;
	}
	tb_json_arr_end(j);
	tb_json_obj_end(j);
}

static void add_histogram(struct tb_json *j, const struct tb_clock *c,
			  const struct tb_hist *h)
{
	tb_record_histogram(j, "histogram", tb_clock_unit(c), c, h);
}

static void add_witness(struct tb_json *j, const char *name,
			const struct tb_clock *c, const struct tb_witness *w)
{
	tb_json_obj(j, name);
	tb_json_u64(j, "loops", w->nr_loops);
	tb_json_u64(j, "watched", in_units(c, w->ticks));
	tb_json_u64(j, "stolen", in_units(c, w->stolen_ticks));
	tb_json_obj_end(j);
}

/* What the threads of the other roles were timed at. */
static void add_peers(struct tb_json *j, const struct tb_case *cs,
		      const struct tb_clock *c, const struct tb_pass *p)
{
	unsigned int i;

	tb_json_obj(j, "roles");
	for (i = 1; i <= cs->nr_roles; i++) {
		bool is_bystander = i == cs->nr_roles;

		if (is_bystander ? !cs->nr_bystanders : !cs->nr_threads[i])
			continue;
		tb_json_obj(j, tb_case_role(cs, i)->name);
		tb_json_u64(j, "ops", p->peers[i].nr_ops);
		add_histogram(j, c, &p->peers[i].latency);
		if (is_bystander) {
			add_witness(j, "baseline", c, &p->baseline);
			add_witness(j, "during_ops", c, &p->witness);
		}
		tb_json_obj_end(j);
	}
	tb_json_obj_end(j);
}

static void add_pass(struct tb_json *j, const char *name,
		     const struct tb_case *cs, const struct tb_clock *c,
		     const struct tb_pass *p)
{
	tb_json_obj(j, name);
	tb_json_u64(j, "ops", p->nr_ops);
	tb_json_u64(j, "dropped", p->nr_dropped);
	tb_json_u64(j, "elapsed_ns", p->elapsed_ns);
	tb_json_u64(j, "window", in_units(c, p->window_ticks));
	add_histogram(j, c, &p->latency);
	add_peers(j, cs, c, p);
	tb_record_values(j, cs->ops, c, p);
	tb_json_obj_end(j);
}

void tb_record_observer(struct tb_json *j, const struct tb_pass *timed,
			const struct tb_pass *watched)
{
	tb_json_f64(j, "observer_ratio",
		    tb_pass_mean(watched) / tb_pass_mean(timed));
}

/* The value and its reason, or null: absent is never 0. */
static void add_status(struct tb_json *j, enum tb_status status, double value,
		       const char *reason)
{
	tb_json_str(j, "status", tb_status_name(status));
	if (status == TB_STATUS_ABSENT)
		tb_json_null(j, "value");
	else
		tb_json_f64(j, "value", value);
	tb_json_str(j, "reason", *reason ? reason : NULL);
}

static void add_by_cpu(struct tb_json *j, const struct tb_counter_list *list,
		       const struct tb_counter *c)
{
	unsigned int i;

	tb_json_arr(j, "by_cpu");
	for (i = 0; i < list->nr_cpus; i++) {
		tb_json_arr(j, NULL);
		tb_json_u64(j, NULL, (uint64_t)list->cpus[i]);
		tb_json_u64(j, NULL, c->by_cpu[i]);
		tb_json_arr_end(j);
	}
	tb_json_arr_end(j);
}

static void add_counters(struct tb_json *j, const struct tb_result *r)
{
	unsigned int i;

	tb_json_arr(j, "counters");
	for (i = 0; i < r->counters.nr; i++) {
		const struct tb_counter *c = &r->counters.all[i];

		tb_json_obj(j, NULL);
		tb_json_str(j, "name", c->name);
		tb_json_str(j, "scope", c->scope);
		add_status(j, c->status, (double)c->value, c->reason);
		if (c->by_cpu && c->status != TB_STATUS_ABSENT)
			add_by_cpu(j, &r->counters, c);
		tb_json_obj_end(j);
	}
	tb_json_arr_end(j);
}

static void add_metrics(struct tb_json *j, const struct tb_result *r)
{
	unsigned int i;

	tb_json_arr(j, "metrics");
	for (i = 0; i < r->nr_metrics; i++) {
		const struct tb_metric *m = &r->metrics[i];

		tb_json_obj(j, NULL);
		tb_json_str(j, "name", m->name);
		tb_json_str(j, "unit", m->unit);
		tb_json_str(j, "better", m->better);
		tb_json_bool(j, "headline", m->is_headline);
		add_status(j, m->status, m->value, m->reason);
		tb_json_obj_end(j);
	}
	tb_json_arr_end(j);
}

void tb_record_repetition(const struct tb_case *cs, unsigned int repetition,
			  const struct tb_result *r, struct tb_buf *line)
{
	struct tb_json j = { .buf = line };

	tb_json_obj(&j, NULL);
	tb_json_str(&j, "type", "repetition");
	tb_json_str(&j, "case", cs->name);
	tb_json_str(&j, "workload", cs->ops->name);
	tb_json_u64(&j, "repetition", repetition);
	tb_json_str(&j, "state", tb_state_name(r->state));
	add_texts(&j, "reasons", &r->reasons);
	add_texts(&j, "caveats", &r->caveats);
	tb_json_obj(&j, "params");
	tb_params_json(cs->ops, cs->conf, &j);
	tb_json_obj_end(&j);
	add_harness(&j, cs, r);
	tb_record_made(&j, &r->made);
	add_threads(&j, cs, r);
	add_clock(&j, &r->clock);
	tb_json_obj(&j, "passes");
	if (r->state == TB_STATE_OK) {
		add_pass(&j, "timed", cs, &r->clock, &r->timed);
		if (cs->counted)
			add_pass(&j, "counted", cs, &r->clock, &r->counted);
		if (r->traced.nr_ops)
			add_pass(&j, "traced", cs, &r->clock, &r->traced);
	}
	tb_json_obj_end(&j);
	tb_record_observer(&j, &r->timed, &r->counted);
	add_counters(&j, r);
	add_metrics(&j, r);
	if (cs->traced && r->state == TB_STATE_OK)
		tb_record_shootdown(&j, cs, r);
	tb_json_obj_end(&j);
	tb_buf_add(line, "\n", 1);
}
