// SPDX-License-Identifier: GPL-2.0-only
/* Cases from sections: defaults, sweeps, threads. */
#include "campaign/cases.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "campaign/params.h"
#include "campaign/settings.h"
#include "machine/place.h"

/* A [case] section on its way to cases. */
struct draft {
	const struct tb_conf *conf;
	const struct tb_section *section;
	const struct wl_ops *ops;
	struct tb_settings settings;
	const struct tb_topo *topo;
};

static const char *const scheds[] = { "auto", "fifo", "other" };

static int usage_at(const struct draft *d, const struct tb_setting *s,
		    const char *expected, struct tb_err *err)
{
	return tb_usage(err, "%s:%u: %s = %s: expected %s", d->conf->path,
			s->entry->line, s->key, s->value, expected);
}

/* --- one point ----------------------------------------------------------- */

static int set_number(const struct draft *d, const struct tb_setting *s,
		      uint64_t min, uint64_t max, uint64_t *value,
		      struct tb_err *err)
{
	char expected[80];

	snprintf(expected, sizeof(expected), "a number from %llu to %llu",
		 (unsigned long long)min, (unsigned long long)max);
	if (!tb_parse_u64(s->value, value) || *value < min || *value > max)
		return usage_at(d, s, expected, err);
	return 0;
}

static int set_unsigned(const struct draft *d, const struct tb_setting *s,
			unsigned int min, unsigned int max, unsigned int *value,
			struct tb_err *err)
{
	uint64_t wide;
	int ret = set_number(d, s, min, max, &wide, err);

	if (!ret)
		*value = (unsigned int)wide;
	return ret;
}

static int set_sched(const struct draft *d, const struct tb_setting *s,
		     struct tb_case *cs, struct tb_err *err)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(scheds); i++)
		if (!strcmp(s->value, scheds[i])) {
			cs->sched = (enum tb_sched)i;
			return 0;
		}
	return usage_at(d, s, "auto, fifo or other", err);
}

static int set_placement(const struct draft *d, const struct tb_setting *s,
			 struct tb_case *cs, struct tb_err *err)
{
	struct tb_err why = { 0 };

	if (tb_place_check(s->value, &why))
		return tb_usage(err, "%s:%u: %s", d->conf->path, s->entry->line,
				why.text);
	free(cs->placement);
	cs->placement = strdup(s->value);
	return cs->placement ? 0 : tb_fail_errno(err, -ENOMEM, "placement");
}

static int set_threads(const struct draft *d, const struct tb_setting *s,
		       struct tb_case *cs, struct tb_err *err)
{
	const char *role = strchr(s->key, '.') + 1;
	unsigned int i;

	for (i = 0; i < cs->nr_roles; i++) {
		const struct wl_role *r = &cs->ops->roles[i];

		if (!strcmp(r->name, role))
			return set_unsigned(d, s, r->kind == WL_INITIATOR,
					    r->kind == WL_INITIATOR ? 1 : 4096,
					    &cs->nr_threads[i], err);
	}
	return tb_usage(err, "%s:%u: workload %s has no role '%s'",
			d->conf->path, s->entry->line, cs->ops->name, role);
}

static int apply(const struct draft *d, const struct tb_setting *s,
		 struct tb_case *cs, unsigned int *cpus, struct tb_err *err)
{
	const struct wl_param *p = tb_param_find(cs->ops, s->key);
	char where[PATH_MAX + 16];

	if (p) {
		snprintf(where, sizeof(where), "%s:%u", d->conf->path,
			 s->entry->line);
		return tb_param_set(p, cs->conf, s->value, where, err);
	}
	if (!strcmp(s->key, "workload"))
		return 0;
	if (!strcmp(s->key, "cpus"))
		return set_unsigned(d, s, 1, d->topo->nr_cpus, cpus, err);
	if (!strcmp(s->key, "instances"))
		return set_unsigned(d, s, 1, 4096, &cs->instances, err);
	if (!strcmp(s->key, "ops"))
		return set_number(d, s, 1, 1000000000, &cs->nr_ops, err);
	if (!strcmp(s->key, "warmup_ops"))
		return set_number(d, s, 0, 1000000000, &cs->nr_warmup_ops, err);
	if (!strcmp(s->key, "repetitions"))
		return set_unsigned(d, s, 1, 1000, &cs->repetitions, err);
	if (!strcmp(s->key, "timeout_seconds"))
		return set_unsigned(d, s, 1, 3600, &cs->timeout_s, err);
	if (!strcmp(s->key, "sched"))
		return set_sched(d, s, cs, err);
	if (!strcmp(s->key, "placement"))
		return set_placement(d, s, cs, err);
	if (!strncmp(s->key, "threads.", 8))
		return set_threads(d, s, cs, err);
	return tb_usage(err, "%s:%u: unknown key '%s' for workload %s",
			d->conf->path, s->entry->line, s->key, cs->ops->name);
}

/*
 * Roles that fill CPUs share what "cpus" leaves them; then count all. More than
 * "cpus" is refused, for the case's name may say it.
 */
static int count_threads(const struct draft *d, struct tb_case *cs,
			 unsigned int cpus, struct tb_err *err)
{
	unsigned int per_instance = cpus / cs->instances;
	unsigned int i, fixed = 0;
	int fills = -1;

	for (i = 0; i < cs->nr_roles; i++) {
		if (cs->nr_threads[i] == UINT_MAX)
			fills = (int)i;
		else
			fixed += cs->nr_threads[i];
	}
	if (fills >= 0)
		cs->nr_threads[fills] =
			per_instance > fixed ? per_instance - fixed : 0;
	cs->nr_cpus = cs->instances * tb_case_threads_per_instance(cs);
	if (cs->nr_cpus > cpus)
		return tb_usage(err,
				"%s:%u: [case %s] needs %u CPUs, expected at "
				"most %u",
				d->conf->path, d->section->line,
				d->section->name, cs->nr_cpus, cpus);
	return 0;
}

/* Whether the CPUs suffice is known now; do not find out in slot 7. */
static int check_placement(const struct draft *d, const struct tb_case *cs,
			   struct tb_err *err)
{
	const struct tb_setting *s =
		tb_settings_find(&d->settings, "placement");
	int *cpus = calloc(cs->nr_cpus, sizeof(*cpus));
	struct tb_err why = { 0 };
	int ret;

	if (!cpus)
		return tb_fail_errno(err, -ENOMEM, "placement");
	ret = tb_case_place(cs, d->topo, cpus, &why);
	free(cpus);
	if (!ret)
		return 0;
	return tb_usage(err, "%s:%u: %s", d->conf->path,
			s ? s->entry->line : d->section->line, why.text);
}

/* "name", then "/key=value" for each key that is swept. */
static char *point_name(const struct draft *d)
{
	struct tb_buf b = { 0 };
	unsigned int i;

	tb_buf_printf(&b, "%s", d->section->name);
	for (i = 0; i < d->settings.nr; i++)
		if (d->settings.all[i].nr_values > 1)
			tb_buf_printf(&b, "/%s=%s", d->settings.all[i].key,
				      d->settings.all[i].value);
	return b.has_failed ? NULL : b.data;
}

static int init_case(const struct draft *d, struct tb_case *cs,
		     struct tb_err *err)
{
	unsigned int i;

	*cs = (struct tb_case){
		.name = point_name(d),
		.ops = d->ops,
		.conf = tb_params_new(d->ops),
		.instances = 1,
		.nr_roles = tb_workload_roles(d->ops),
		.nr_ops = 1000,
		.nr_warmup_ops = 100,
		.repetitions = 1,
		.timeout_s = 10,
		.placement = strdup("spread"),
	};
	if (!cs->name || !cs->conf || !cs->placement)
		return tb_fail_errno(err, -ENOMEM, "%s", d->conf->path);
	for (i = 0; i < cs->nr_roles; i++)
		cs->nr_threads[i] = d->ops->roles[i].fills_cpus
					    ? UINT_MAX
					    : d->ops->roles[i].def_threads;
	return 0;
}

static int build_point(const struct draft *d, struct tb_case *cs,
		       struct tb_err *err)
{
	unsigned int i, cpus = d->topo->nr_cpus;
	int ret = init_case(d, cs, err);

	for (i = 0; i < d->settings.nr && !ret; i++)
		ret = apply(d, &d->settings.all[i], cs, &cpus, err);
	if (!ret)
		ret = count_threads(d, cs, cpus, err);
	return ret ? ret : check_placement(d, cs, err);
}

/* --- the sweep ----------------------------------------------------------- */

static int add_point(const struct draft *d, struct tb_case **cases,
		     unsigned int *nr_cases, struct tb_err *err)
{
	struct tb_case *more = realloc(*cases, (*nr_cases + 1) * sizeof(*more));

	if (!more)
		return tb_fail_errno(err, -ENOMEM, "%s", d->conf->path);
	*cases = more;
	return build_point(d, &more[(*nr_cases)++], err);
}

/* The last key varies fastest. */
static int sweep(struct draft *d, unsigned int key, struct tb_case **cases,
		 unsigned int *nr_cases, struct tb_err *err)
{
	unsigned int i;
	int ret = 0;

	if (key == d->settings.nr)
		return add_point(d, cases, nr_cases, err);
	for (i = 0; i < d->settings.all[key].nr_values && !ret; i++) {
		d->settings.all[key].value = d->settings.all[key].values[i];
		ret = sweep(d, key + 1, cases, nr_cases, err);
	}
	return ret;
}

static void usage_unknown(const struct draft *d, const struct tb_setting *s,
			  struct tb_err *err)
{
	struct tb_buf names = { 0 };

	tb_workload_names(&names);
	tb_usage(err, "%s:%u: unknown workload '%s', expected one of: %s",
		 d->conf->path, s->entry->line, s->value,
		 names.data ? names.data : "");
	tb_buf_fini(&names);
}

/* NULL after a usage error. */
static const struct wl_ops *find_workload(const struct draft *d,
					  struct tb_err *err)
{
	const struct tb_setting *s = tb_settings_find(&d->settings, "workload");
	const struct wl_ops *ops = NULL;

	/* Its parameters and roles decide what the other keys mean. */
	if (!s) {
		tb_usage(err, "%s:%u: [case %s] has no key 'workload'",
			 d->conf->path, d->section->line, d->section->name);
	} else if (s->nr_values > 1) {
		tb_usage(err,
			 "%s:%u: workload = %s: expected one workload in each "
			 "[case NAME]",
			 d->conf->path, s->entry->line, s->entry->value);
	} else {
		ops = tb_workload_find(s->value);
		if (!ops)
			usage_unknown(d, s, err);
	}
	return ops;
}

int tb_cases_add(struct tb_case **cases, unsigned int *nr_cases,
		 const struct tb_conf *conf, struct tb_section *s,
		 struct tb_section *defaults, const struct tb_topo *topo,
		 struct tb_err *err)
{
	struct draft d = {
		.conf = conf,
		.section = s,
		.topo = topo,
	};
	int ret = tb_settings_take(&d.settings, conf, s, defaults, err);

	if (!ret)
		d.ops = find_workload(&d, err);
	if (d.ops)
		ret = sweep(&d, 0, cases, nr_cases, err);
	else
		ret = err->code;
	tb_settings_fini(&d.settings);
	return ret;
}

void tb_case_fini(struct tb_case *cs)
{
	free(cs->name);
	free(cs->conf);
	free(cs->placement);
}
