// SPDX-License-Identifier: GPL-2.0-only
/* The plan from a campaign file. */
#include "campaign/plan.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "campaign/cases.h"
#include "campaign/declare.h"
#include "campaign/order.h"
#include "campaign/vmconf.h"

#define DEFAULT_BOOTS 4
#define MAX_NAME_CHARS 64

static const char *const section_kinds[] = { "campaign", "vm",	 "kernel",
					     "defaults", "case", "expect" };

/* Names become file names and words of a report. */
static int check_name(const struct tb_conf *conf, unsigned int line,
		      const char *name, struct tb_err *err)
{
	const char *p;

	for (p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_.+", *p))
			break;
	if (*p || !*name || !isalnum((unsigned char)*name))
		return tb_usage(err,
				"%s:%u: name '%.64s': expected letters, digits "
				"and - _ . +",
				conf->path, line, name);
	if (p - name > MAX_NAME_CHARS)
		return tb_usage(err,
				"%s:%u: name of %d characters, expected at "
				"most %d",
				conf->path, line, (int)(p - name),
				MAX_NAME_CHARS);
	return 0;
}

static int check_sections(const struct tb_conf *conf, struct tb_err *err)
{
	unsigned int i, kind;

	for (i = 0; i < conf->nr_sections; i++) {
		const struct tb_section *s = &conf->sections[i];
		bool is_named = !strcmp(s->kind, "kernel") ||
				!strcmp(s->kind, "case") ||
				!strcmp(s->kind, "expect");

		for (kind = 0; kind < ARRAY_SIZE(section_kinds); kind++)
			if (!strcmp(s->kind, section_kinds[kind]))
				break;
		if (kind == ARRAY_SIZE(section_kinds))
			return tb_usage(
				err,
				"%s:%u: unknown section [%.64s], expected "
				"campaign, vm, kernel, defaults, case or "
				"expect",
				conf->path, s->line, s->kind);
		if (is_named && check_name(conf, s->line, s->name, err))
			return err->code;
		if (!is_named && *s->name)
			return tb_usage(err, "%s:%u: [%s] takes no name",
					conf->path, s->line, s->kind);
	}
	return 0;
}

static char *copy_text(const char *text, struct tb_err *err)
{
	char *copy = strdup(text);

	if (!copy)
		tb_fail_errno(err, -ENOMEM, "plan");
	return copy;
}

static int read_backend(struct tb_plan *plan, const struct tb_conf *conf,
			struct tb_section *s, struct tb_err *err)
{
	const struct tb_entry *e = tb_section_find(s, "backend");

	if (!e || !strcmp(e->value, "here"))
		return 0;
	plan->is_vm = !strcmp(e->value, "vm");
	if (plan->is_vm)
		return 0;
	return tb_usage(err, "%s:%u: backend = %.64s: expected here or vm",
			conf->path, e->line, e->value);
}

static int read_litmus(struct tb_plan *plan, const struct tb_conf *conf,
		       struct tb_section *s, struct tb_err *err)
{
	static const char *const shares[] = { "full", "short", "none" };
	const struct tb_entry *e = tb_section_find(s, "litmus");
	unsigned int i;

	for (i = 0; e && i < ARRAY_SIZE(shares); i++)
		if (!strcmp(e->value, shares[i])) {
			plan->litmus = (enum tb_litmus_share)i;
			return 0;
		}
	return e ? tb_usage(err,
			    "%s:%u: litmus = %.64s: expected full, short or "
			    "none",
			    conf->path, e->line, e->value)
		 : 0;
}

static int read_campaign(struct tb_plan *plan, const struct tb_conf *conf,
			 struct tb_err *err)
{
	struct tb_section *s = tb_conf_section(conf, "campaign");
	const struct tb_entry *name = tb_section_find(s, "name");
	uint64_t boots;
	int ret;

	if (!name)
		return tb_usage(err,
				"%s: expected a section [campaign] with "
				"a name",
				conf->path);
	plan->name = copy_text(name->value, err);
	if (!plan->name)
		return err->code;
	ret = check_name(conf, name->line, plan->name, err);
	if (!ret)
		ret = read_backend(plan, conf, s, err);
	if (!ret)
		ret = read_litmus(plan, conf, s, err);
	if (!ret)
		ret = tb_section_u64(conf, s, "boots",
				     plan->is_vm ? DEFAULT_BOOTS : 1, 1, 1000,
				     &boots, err);
	if (!ret)
		ret = tb_section_u64(conf, s, "seed", 1, 1, UINT32_MAX,
				     &plan->seed, err);
	if (!ret)
		plan->boots = (unsigned int)boots;
	return ret;
}

/* The others are compared with the first one. */
static int read_optional(struct tb_kernel *k, bool is_reference,
			 const struct tb_conf *conf, struct tb_section *s,
			 struct tb_err *err)
{
	const struct tb_entry *e = tb_section_find(s, "optional");

	k->is_optional = e && !strcmp(e->value, "yes");
	if (!e || !strcmp(e->value, "no"))
		return 0;
	if (!k->is_optional)
		return tb_usage(err,
				"%s:%u: optional = %.64s: expected yes or no",
				conf->path, e->line, e->value);
	if (!tb_section_find(s, "strategy") || is_reference)
		return tb_usage(err,
				"%s:%u: optional = yes: expected a strategy "
				"that is not the first kernel",
				conf->path, e->line);
	return 0;
}

static char *where_is(const struct tb_conf *conf, const struct tb_section *s,
		      struct tb_err *err)
{
	char *where;

	if (s->from)
		return copy_text(s->from, err);
	if (asprintf(&where, "%s:%u: [kernel %s]", conf->path, s->line,
		     s->name) >= 0)
		return where;
	tb_fail_errno(err, -ENOMEM, "plan");
	return NULL;
}

static int read_kernel(struct tb_plan *plan, const struct tb_conf *conf,
		       struct tb_section *s, struct tb_err *err)
{
	struct tb_kernel *k = &plan->kernels[plan->nr_kernels++];
	const struct tb_entry *strategy = tb_section_find(s, "strategy");
	const struct tb_entry *image = tb_section_find(s, "image");
	const struct tb_entry *spec = tb_section_find(s, "spec");

	if (read_optional(k, plan->nr_kernels == 1, conf, s, err))
		return err->code;
	k->where = where_is(conf, s, err);
	k->name = copy_text(s->name, err);
	k->append = copy_text(tb_section_text(s, "append", ""), err);
	if (strategy)
		k->strategy = copy_text(strategy->value, err);
	if (image)
		k->image = copy_text(image->value, err);
	if (spec)
		k->spec = copy_text(spec->value, err);
	if (err->code)
		return err->code;
	if (!!strategy + !!image + !!spec != 1)
		return tb_usage(err,
				"%s: expected either strategy or image or spec",
				k->where);
	return 0;
}

static int read_kernels(struct tb_plan *plan, const struct tb_conf *conf,
			struct tb_err *err)
{
	unsigned int i;
	int ret = 0;

	plan->kernels = calloc(conf->nr_sections + 1, sizeof(*plan->kernels));
	if (!plan->kernels)
		return tb_fail_errno(err, -ENOMEM, "plan");
	for (i = 0; i < conf->nr_sections && !ret; i++)
		if (!strcmp(conf->sections[i].kind, "kernel"))
			ret = read_kernel(plan, conf, &conf->sections[i], err);
	if (ret)
		return ret;
	if (plan->is_vm && !plan->nr_kernels)
		return tb_usage(err, "%s: backend vm needs a [kernel NAME]",
				conf->path);
	if (!plan->is_vm && plan->nr_kernels)
		return tb_usage(err,
				"%s: backend here runs on this kernel; "
				"expected none, or backend = vm in %s",
				plan->kernels[0].where, conf->path);
	if (!plan->is_vm) {
		plan->nr_kernels = 1;
		plan->kernels[0].name = copy_text("running", err);
		plan->kernels[0].append = copy_text("", err);
	}
	return err->code;
}

static int read_cases(struct tb_plan *plan, const struct tb_conf *conf,
		      const struct tb_topo *topo, struct tb_err *err)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < conf->nr_sections && !ret; i++)
		if (!strcmp(conf->sections[i].kind, "case"))
			ret = tb_cases_add(&plan->cases, &plan->nr_cases, conf,
					   &conf->sections[i],
					   tb_conf_section(conf, "defaults"),
					   topo, err);
	if (!ret && !plan->nr_cases)
		return tb_usage(err, "%s: expected a [case NAME]", conf->path);
	return ret;
}

static int read_all_cases(struct tb_plan *plan, const struct tb_conf *conf,
			  const struct tb_topo *here, struct tb_err *err)
{
	struct tb_topo vm;
	int ret;

	if (!plan->is_vm)
		return read_cases(plan, conf, here, err);
	ret = tb_topo_plain(&vm, &plan->vm_shape, err);
	if (!ret)
		ret = read_cases(plan, conf, &vm, err);
	tb_topo_fini(&vm);
	return ret;
}

static int fill(struct tb_plan *plan, const struct tb_conf *conf,
		const struct tb_topo *topo, struct tb_err *err)
{
	int ret = check_sections(conf, err);

	if (!ret)
		ret = read_campaign(plan, conf, err);
	if (!ret)
		ret = tb_vmconf_read(plan, conf, err);
	if (!ret)
		ret = read_kernels(plan, conf, err);
	if (!ret)
		ret = read_all_cases(plan, conf, topo, err);
	if (!ret)
		ret = tb_declare_read(plan, conf, err);
	if (!ret)
		ret = tb_expect_read(plan, conf, err);
	if (!ret)
		ret = tb_conf_check_used(conf, err);
	if (!ret)
		ret = tb_order_slots(plan, err);
	if (!ret)
		ret = tb_order_reps(plan, err);
	return ret;
}

int tb_plan_make(struct tb_plan *plan, struct tb_conf *conf,
		 const struct tb_topo *topo, struct tb_err *err)
{
	int ret;

	*plan = (struct tb_plan){ .path = strdup(conf->path) };
	ret = plan->path ? fill(plan, conf, topo, err)
			 : tb_fail_errno(err, -ENOMEM, "plan");
	tb_conf_fini(conf);
	if (ret)
		tb_plan_fini(plan);
	return ret;
}

int tb_plan_load(struct tb_plan *plan, const char *path,
		 const struct tb_topo *topo, struct tb_err *err)
{
	struct tb_conf conf;
	int ret = tb_conf_load(&conf, path, err);

	return ret ? ret : tb_plan_make(plan, &conf, topo, err);
}

int tb_plan_parse(struct tb_plan *plan, const char *path, const char *text,
		  const struct tb_topo *topo, struct tb_err *err)
{
	struct tb_conf conf;
	int ret = tb_conf_parse(&conf, path, text, err);

	return ret ? ret : tb_plan_make(plan, &conf, topo, err);
}

const char *tb_kernel_fact(const struct tb_kernel *k, const char *key,
			   const char *def)
{
	return tb_section_text(tb_conf_section(&k->facts, "image"), key, def);
}

bool tb_kernel_is_foreign(const struct tb_kernel *k)
{
	const char *flavour = tb_kernel_fact(k, "flavour", "");

	return !strcmp(flavour, "file") || !strcmp(flavour, "deb") ||
	       !strcmp(flavour, "tree");
}

void tb_kernel_fini(struct tb_kernel *k)
{
	tb_conf_fini(&k->facts);
	free(k->where);
	free(k->name);
	free(k->spec);
	free(k->strategy);
	free(k->image);
	free(k->append);
	free(k->id);
	free(k->release);
}

void tb_plan_fini(struct tb_plan *plan)
{
	unsigned int i;

	for (i = 0; i < plan->nr_kernels; i++)
		tb_kernel_fini(&plan->kernels[i]);
	for (i = 0; i < plan->nr_missing; i++)
		tb_kernel_fini(&plan->missing[i]);
	for (i = 0; i < plan->nr_cases; i++)
		tb_case_fini(&plan->cases[i]);
	for (i = 0; i < plan->nr_expects; i++)
		tb_expect_fini(&plan->expects[i]);
	free(plan->headline);
	free(plan->may_differ);
	free(plan->missing);
	free(plan->expects);
	free(plan->kernels);
	free(plan->cases);
	free(plan->slots);
	free(plan->reps);
	free(plan->name);
	free(plan->path);
	*plan = (struct tb_plan){ 0 };
}
