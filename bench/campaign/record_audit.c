// SPDX-License-Identifier: GPL-2.0-only
/* The records that frame a slot: the boot and its audit, and what changed. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/record.h"

static int is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* What the kernel itself says it runs; empty on kernels without the series. */
static void add_strategy(struct tb_json *j)
{
	struct dirent **names = NULL;
	int i, n = scandir(TB_STRATEGY_DIR, &names, is_visible, alphasort);

	tb_json_obj(j, "strategy");
	for (i = 0; i < n; i++) {
		char path[sizeof(TB_STRATEGY_DIR) + 256 + 1], value[64];

		snprintf(path, sizeof(path), TB_STRATEGY_DIR "/%s",
			 names[i]->d_name);
		if (!tb_read_line(path, value, sizeof(value)))
			tb_json_str(j, names[i]->d_name, value);
		free(names[i]);
	}
	free(names);
	tb_json_obj_end(j);
}

static void add_facts(struct tb_json *j, const char *member,
		      const struct tb_audit *audit, enum tb_fact_kind kind)
{
	unsigned int i;

	tb_json_obj(j, member);
	for (i = 0; i < audit->nr_facts; i++) {
		const struct tb_fact *f = &audit->facts[i];

		if (f->def->kind == kind)
			tb_json_str(j, f->def->name,
				    f->is_known ? f->value.data : NULL);
	}
	tb_json_obj_end(j);
}

/* Why facts are null. */
static void add_unknown(struct tb_json *j, const struct tb_audit *audit,
			bool is_exact)
{
	unsigned int i;

	tb_json_obj(j, "unknown");
	for (i = 0; i < audit->nr_facts; i++) {
		const struct tb_fact *f = &audit->facts[i];

		if (!f->is_known &&
		    !(is_exact && f->def->kind == TB_FACT_STATE))
			tb_json_str(j, f->def->name, f->reason);
	}
	tb_json_obj_end(j);
}

static bool is_finding(const struct tb_fact *f, bool is_exact)
{
	return f->is_wrong && (!is_exact || f->def->in_exact);
}

static void add_finding(struct tb_json *j, const char *name,
			enum tb_audit_policy policy, const char *why)
{
	tb_json_obj(j, NULL);
	tb_json_str(j, "name", name);
	tb_json_str(j, "policy", tb_audit_policy_name(policy));
	tb_json_str(j, "why", why);
	tb_json_obj_end(j);
}

/* Findings that would refuse a strict run are doubts about all numbers. */
static void add_judgement(struct tb_json *j, const struct tb_audit *audit,
			  bool is_exact)
{
	const struct tb_fact *end = audit->facts + audit->nr_facts, *f;

	tb_json_arr(j, "findings");
	for (f = audit->facts; f < end; f++)
		if (is_finding(f, is_exact))
			add_finding(j, f->def->name, f->def->policy,
				    f->def->why);
	tb_json_arr_end(j);
	tb_json_arr(j, "caveats");
	for (f = audit->facts; f < end; f++) {
		struct tb_buf text = { 0 };

		if (!is_finding(f, is_exact) || f->def->policy != TB_REFUSE)
			continue;
		tb_fact_complaint(f, &text);
		tb_json_str(j, NULL, text.data);
		tb_buf_fini(&text);
	}
	tb_json_arr_end(j);
}

void tb_record_boot(const struct tb_audit *audit, bool is_exact,
		    struct tb_buf *line)
{
	struct tb_json j = { .buf = line };
	char release[128];

	tb_audit_release(release, sizeof(release));
	tb_json_obj(&j, NULL);
	tb_json_str(&j, "type", "boot");
	tb_json_str(&j, "release", release);
	tb_json_str(&j, "tlbbench", TB_VERSION);
	add_strategy(&j);
	add_facts(&j, "audit", audit, TB_FACT_AUDIT);
	add_facts(&j, "build", audit, TB_FACT_BUILD);
	tb_json_str(&j, "audit_sha256", audit->sha256);
	if (!is_exact)
		add_facts(&j, "state", audit, TB_FACT_STATE);
	add_unknown(&j, audit, is_exact);
	add_judgement(&j, audit, is_exact);
	tb_json_obj_end(&j);
	tb_buf_add(line, "\n", 1);
}

void tb_record_profile(struct tb_json *j, const struct tb_quiet *quiet)
{
	unsigned int i;

	tb_json_str(j, "profile", tb_profile_name(quiet->profile));
	tb_json_arr(j, "changes");
	for (i = 0; i < quiet->nr_knobs; i++) {
		const struct tb_knob *k = &quiet->knobs[i];

		if (!*k->reason && !strcmp(k->before, k->after))
			continue;
		tb_json_obj(j, NULL);
		tb_json_str(j, "name", k->path);
		tb_json_str(j, "before", k->before);
		tb_json_str(j, "after", *k->reason ? NULL : k->after);
		tb_json_str(j, "reason", *k->reason ? k->reason : NULL);
		tb_json_obj_end(j);
	}
	tb_json_arr_end(j);
}

static void add_item(struct tb_json *j, const struct tb_drift_item *item)
{
	tb_json_obj(j, NULL);
	tb_json_str(j, "name", item->name);
	tb_json_str(j, "unit", item->unit);
	tb_json_str(j, "status", item->is_known ? "ok" : "absent");
	if (item->is_known)
		tb_json_f64(j, "value", item->value);
	else
		tb_json_null(j, "value");
	tb_json_str(j, "reason", item->is_known ? NULL : item->reason);
	tb_json_obj_end(j);
}

void tb_record_audit_end(const struct tb_drift *drift,
			 const struct tb_audit *audit,
			 const struct wl_reasons *caveats, struct tb_buf *line)
{
	struct tb_json j = { .buf = line };
	unsigned int i;

	tb_json_obj(&j, NULL);
	tb_json_str(&j, "type", "audit_end");
	tb_json_arr(&j, "drift");
	for (i = 0; i < TB_NR_DRIFT; i++)
		add_item(&j, &drift->items[i]);
	tb_json_arr_end(&j);
	tb_json_arr(&j, "kernel_messages");
	for (i = 0; i < drift->nr_lines; i++)
		tb_json_str(&j, NULL, drift->lines[i]);
	tb_json_arr_end(&j);
	if (audit) {
		tb_json_str(&j, "audit_sha256", audit->sha256);
		add_facts(&j, "state", audit, TB_FACT_STATE);
	}
	tb_json_arr(&j, "findings");
	for (i = 0; i < TB_NR_DRIFT; i++)
		if (drift->items[i].is_wrong)
			add_finding(&j, drift->items[i].name,
				    drift->items[i].policy,
				    drift->items[i].why);
	tb_json_arr_end(&j);
	tb_json_arr(&j, "caveats");
	for (i = 0; i < caveats->nr; i++)
		tb_json_str(&j, NULL, caveats->text[i]);
	tb_json_arr_end(&j);
	tb_json_obj_end(&j);
	tb_buf_add(line, "\n", 1);
}
