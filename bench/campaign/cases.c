// SPDX-License-Identifier: GPL-2.0-only
/* Cases from sections: defaults, sweeps, threads. */
#include "campaign/cases.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "base/text.h"
#include "campaign/params.h"
#include "campaign/settings.h"
#include "engine/region.h"
#include "machine/place.h"

/* A [case] section on its way to cases. */
struct draft {
	const struct tb_conf *conf;
	const struct tb_section *section;
	const struct wl_ops *ops;
	struct tb_settings settings;
	const struct tb_topo *topo;
};

#define MAX_THREADS 4096
/* MAX_NUMNODES of the largest configuration (NODES_SHIFT=10). */
#define MAX_NODES 1024

static const char *const scheds[] = { "auto", "fifo", "other" };
static const char *const meets[] = { "auto", "per_op", "per_batch", "none" };
static const char *const booleans[] = { "no", "yes" };

static int usage_at(const struct draft *d, const struct tb_setting *s,
		    const char *expected, struct tb_err *err)
{
	return tb_usage(err, "%s:%u: %s = %.64s: expected %s", d->conf->path,
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

/* One of @words; its index. */
static int set_word(const struct draft *d, const struct tb_setting *s,
		    const char *const *words, unsigned int nr,
		    unsigned int *value, struct tb_err *err)
{
	struct tb_buf expected = { 0 };
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (!strcmp(s->value, words[i])) {
			*value = i;
			tb_buf_fini(&expected);
			return 0;
		}
		tb_buf_printf(&expected, "%s%s", words[i],
			      i + 2 < nr   ? ", "
			      : i + 1 < nr ? " or "
					   : "");
	}
	usage_at(d, s, expected.data ? expected.data : "", err);
	tb_buf_fini(&expected);
	return err->code;
}

static int set_bool(const struct draft *d, const struct tb_setting *s,
		    bool *value, struct tb_err *err)
{
	unsigned int word = 0;
	int ret = set_word(d, s, booleans, ARRAY_SIZE(booleans), &word, err);

	*value = word;
	return ret;
}

static int set_sched(const struct draft *d, const struct tb_setting *s,
		     struct tb_case *cs, struct tb_err *err)
{
	unsigned int word = 0;
	int ret = set_word(d, s, scheds, ARRAY_SIZE(scheds), &word, err);

	cs->sched = (enum tb_sched)word;
	return ret;
}

static int set_meet(const struct draft *d, const struct tb_setting *s,
		    struct tb_case *cs, struct tb_err *err)
{
	unsigned int word = 0;
	int ret = set_word(d, s, meets, ARRAY_SIZE(meets), &word, err);

	if (ret)
		return ret;
	cs->meet = (enum tb_meet)word;
	if (cs->meet != TB_MEET_AUTO && cs->ops->rendezvous_every)
		return tb_usage(err,
				"%s:%u: %s: a parameter of workload %s says "
				"when there is a rendezvous",
				d->conf->path, s->entry->line, s->key,
				cs->ops->name);
	if (cs->meet == TB_MEET_NONE && !cs->ops->runs_free)
		return usage_at(d, s,
				"auto, per_op or per_batch: its responders do "
				"not run free",
				err);
	return 0;
}

/* Role called @name, or of bystanders; TB_MAX_ROLES after a usage error. */
static unsigned int find_role(const struct draft *d, const struct tb_setting *s,
			      const struct tb_case *cs, const char *name,
			      struct tb_err *err)
{
	unsigned int i;

	for (i = 0; i <= cs->nr_roles; i++)
		if (!strcmp(tb_case_role(cs, i)->name, name))
			return i;
	tb_usage(err, "%s:%u: workload %s has no role '%s'", d->conf->path,
		 s->entry->line, cs->ops->name, name);
	return TB_MAX_ROLES;
}

static int set_placement(const struct draft *d, const struct tb_setting *s,
			 struct tb_case *cs, struct tb_err *err)
{
	const char *dot = strchr(s->key, '.');
	char **placement = &cs->placement;
	struct tb_err why = { 0 };
	unsigned int role;

	if (dot) {
		role = find_role(d, s, cs, dot + 1, err);
		if (role == TB_MAX_ROLES)
			return err->code;
		placement = &cs->role_placement[role];
	}
	if (tb_place_check(s->value, &why))
		return tb_usage(err, "%s:%u: %s", d->conf->path, s->entry->line,
				why.text);
	free(*placement);
	*placement = strdup(s->value);
	return *placement ? 0 : tb_fail_errno(err, -ENOMEM, "placement");
}

static int set_threads(const struct draft *d, const struct tb_setting *s,
		       struct tb_case *cs, struct tb_err *err)
{
	unsigned int i = find_role(d, s, cs, strchr(s->key, '.') + 1, err);
	unsigned int max;
	const struct wl_role *r;

	if (i == TB_MAX_ROLES)
		return err->code;
	if (i == cs->nr_roles)
		return set_unsigned(d, s, 0, MAX_THREADS, &cs->nr_bystanders,
				    err);
	r = &cs->ops->roles[i];
	max = r->kind == WL_INITIATOR ? 1 : MAX_THREADS;
	return set_unsigned(d, s, r->kind == WL_INITIATOR,
			    r->max_threads ? r->max_threads : max,
			    &cs->nr_threads[i], err);
}

static int usage_unknown_key(const struct draft *d, const struct tb_setting *s,
			     struct tb_near *near, struct tb_err *err)
{
	struct tb_buf meant = { 0 };
	const struct wl_param *p;

	for (p = d->ops->params; p && p->name; p++)
		tb_near_is(near, p->name);
	tb_near_text(near, &meant);
	tb_usage(err, "%s:%u: unknown key '%.64s' for workload %s%s",
		 d->conf->path, s->entry->line, s->key, d->ops->name,
		 meant.data ? meant.data : "");
	tb_buf_fini(&meant);
	return err->code;
}

static int set_node(const struct draft *d, const struct tb_setting *s,
		    struct tb_case *cs, struct tb_err *err)
{
	const char *region = strchr(s->key, '.') + 1;
	unsigned int i, node = 0;
	int ret;

	for (i = 0; i < tb_nr_regions(cs->ops); i++) {
		if (strcmp(cs->ops->regions[i].name, region))
			continue;
		ret = set_unsigned(d, s, 0, MAX_NODES - 1, &node, err);
		cs->is_bound[i] = true;
		cs->node[i] = (int)node;
		return ret;
	}
	return tb_usage(err, "%s:%u: workload %s has no region '%s'",
			d->conf->path, s->entry->line, cs->ops->name, region);
}

static int apply(const struct draft *d, const struct tb_setting *s,
		 struct tb_case *cs, unsigned int *cpus, struct tb_err *err)
{
	const struct wl_param *p = tb_param_find(cs->ops, s->key);
	struct tb_near near = { .word = s->key };
	char where[PATH_MAX + 16];

	if (p) {
		snprintf(where, sizeof(where), "%s:%u", d->conf->path,
			 s->entry->line);
		return tb_param_set(p, cs->conf, s->value, where, err);
	}
	if (tb_near_is(&near, "workload"))
		return 0;
	if (tb_near_is(&near, "cpus"))
		return set_unsigned(d, s, 1, d->topo->nr_cpus, cpus, err);
	if (tb_near_is(&near, "instances"))
		return set_unsigned(d, s, 1, MAX_THREADS, &cs->instances, err);
	if (tb_near_is(&near, "share_cpus"))
		return set_bool(d, s, &cs->share_cpus, err);
	if (tb_near_is(&near, "rendezvous"))
		return set_meet(d, s, cs, err);
	if (tb_near_is(&near, "batch"))
		return set_number(d, s, 0, 1000000000, &cs->batch, err);
	if (tb_near_is(&near, "counters"))
		return set_bool(d, s, &cs->counted, err);
	if (tb_near_is(&near, "trace"))
		return set_bool(d, s, &cs->traced, err);
	if (tb_near_is(&near, "ops"))
		return set_number(d, s, 1, 1000000000, &cs->nr_ops, err);
	if (tb_near_is(&near, "warmup_ops"))
		return set_number(d, s, 0, 1000000000, &cs->nr_warmup_ops, err);
	if (tb_near_is(&near, "repetitions"))
		return set_unsigned(d, s, 1, 1000, &cs->repetitions, err);
	if (tb_near_is(&near, "timeout_seconds"))
		return set_unsigned(d, s, 1, 3600, &cs->timeout_s, err);
	if (tb_near_is(&near, "sched"))
		return set_sched(d, s, cs, err);
	if (tb_near_is(&near, "placement") ||
	    !strncmp(s->key, "placement.", 10))
		return set_placement(d, s, cs, err);
	if (!strncmp(s->key, "node.", 5))
		return set_node(d, s, cs, err);
	if (!strncmp(s->key, "threads.", 8))
		return set_threads(d, s, cs, err);
	return usage_unknown_key(d, s, &near, err);
}

/* Roles that fill CPUs share what @cpus leaves them. */
static void fill_cpus(struct tb_case *cs, unsigned int cpus)
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
}

/* More than "cpus" is refused, for the case's name may say it. */
static int count_threads(const struct draft *d, struct tb_case *cs,
			 unsigned int cpus, struct tb_err *err)
{
	unsigned int reserved =
		tb_case_bystanders_share(cs) ? 0 : cs->nr_bystanders;
	unsigned int left = cpus > reserved ? cpus - reserved : 0, needed;

	fill_cpus(cs, left);
	needed = cs->instances * tb_case_threads_per_instance(cs);
	if (needed > left && (!cs->share_cpus || !left))
		return tb_usage(err,
				"%s:%u: [case %s] needs %u CPUs, expected at "
				"most %u%s",
				d->conf->path, d->section->line,
				d->section->name, needed + reserved, cpus,
				left ? ", or share_cpus = yes" : "");
	/* Where there are enough, waiting may spin. */
	cs->share_cpus = needed > left;
	cs->nr_cpus = cs->share_cpus ? left : needed;
	if (cs->sched == TB_SCHED_FIFO &&
	    (cs->share_cpus || tb_case_bystanders_share(cs)))
		return tb_usage(err,
				"%s:%u: [case %s]: threads share CPUs, which "
				"sched = fifo does not allow",
				d->conf->path, d->section->line,
				d->section->name);
	return 0;
}

/* Whether the CPUs suffice is known now; do not find out in slot 7. */
static int check_placement(const struct draft *d, const struct tb_case *cs,
			   struct tb_err *err)
{
	const struct tb_setting *s =
		tb_settings_find(&d->settings, "placement");
	int *cpus = calloc(tb_case_nr_threads(cs), sizeof(*cpus));
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
		.counted = true,
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

/* The counts say how much room a trace takes. */
static int check_trace(const struct draft *d, const struct tb_case *cs,
		       struct tb_err *err)
{
	if (!cs->traced || cs->counted)
		return 0;
	return usage_at(d, tb_settings_find(&d->settings, "trace"),
			"no where counters = no: they say how large a trace is",
			err);
}

static int build_point(const struct draft *d, struct tb_case *cs,
		       struct tb_err *err)
{
	unsigned int i, cpus = d->topo->nr_cpus;
	int ret = init_case(d, cs, err);

	for (i = 0; i < d->settings.nr && !ret; i++)
		ret = apply(d, &d->settings.all[i], cs, &cpus, err);
	if (!ret)
		ret = check_trace(d, cs, err);
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
	unsigned int i;

	free(cs->name);
	free(cs->conf);
	free(cs->placement);
	for (i = 0; i < TB_MAX_ROLES; i++)
		free(cs->role_placement[i]);
}
