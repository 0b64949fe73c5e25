// SPDX-License-Identifier: GPL-2.0-only
/* Cases from sections: defaults, sweeps, threads. */
#include "campaign/cases.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "campaign/keys.h"
#include "campaign/params.h"

/* Of a role in an instance; with more, sums of threads could overflow. */
#define MAX_THREADS 65536

/* A [case] section on its way to cases. */
struct draft {
	const struct tb_conf *conf;
	const struct tb_section *section;
	const struct wl_ops *ops;
	struct tb_settings settings;
	const struct tb_topo *topo;
};

/* --- one point ----------------------------------------------------------- */

/* Does it fill CPUs? UINT_MAX stands for as many as do. */
static bool fills(const struct tb_case *cs, unsigned int role)
{
	return cs->nr_threads[role] == UINT_MAX ||
	       (cs->nr_threads[role] && cs->nr_processes[role] == UINT_MAX);
}

static unsigned int divide(unsigned int cpus, unsigned int among)
{
	return cpus > among ? cpus / among : 1;
}

/* All processes have as many threads, and none is without. */
static void fill_role(struct tb_case *cs, unsigned int role, unsigned int cpus)
{
	unsigned int *threads = &cs->nr_threads[role];
	unsigned int *processes = &cs->nr_processes[role];

	if (*threads == UINT_MAX && *processes == UINT_MAX) {
		*processes = cpus;
		*threads = cpus ? 1 : 0;
	} else if (*processes == UINT_MAX) {
		*processes = divide(cpus, *threads);
	} else {
		*threads = *processes ? divide(cpus, *processes) : cpus;
	}
}

/* From the threads of one process to those of all that the role has. */
static unsigned int multiply(struct tb_case *cs, unsigned int role)
{
	unsigned int *threads = &cs->nr_threads[role];
	unsigned int *processes = &cs->nr_processes[role];

	/* Of a role that fills CPUs, or would. */
	if (*processes == UINT_MAX)
		*processes = 0;
	else if (!*threads)
		*threads = *processes;
	else if (*processes)
		*threads *= *processes;
	return *threads;
}

/* A role that fills CPUs gets what the others leave of @cpus. */
static void count_roles(struct tb_case *cs, unsigned int cpus)
{
	unsigned int per_instance = cpus / cs->instances;
	unsigned int i, fixed = 0;

	for (i = 0; i < cs->nr_roles; i++)
		if (!fills(cs, i))
			fixed += multiply(cs, i);
	for (i = 0; i < cs->nr_roles; i++) {
		if (!fills(cs, i))
			continue;
		fill_role(cs, i,
			  per_instance > fixed ? per_instance - fixed : 0);
		multiply(cs, i);
	}
}

/*
 * From CPUs that may be used to those that are. More is refused, for the case's
 * name may say how many.
 */
static int count_threads(const struct draft *d, struct tb_case *cs,
			 struct tb_err *err)
{
	unsigned int cpus = cs->nr_cpus, needed;
	unsigned int reserved =
		tb_case_bystanders_share(cs) ? 0 : cs->nr_bystanders;
	unsigned int i, left = cpus > reserved ? cpus - reserved : 0;

	count_roles(cs, left);
	for (i = 0; i < cs->nr_roles; i++)
		if (cs->nr_threads[i] > MAX_THREADS)
			return tb_usage(err,
					"%s:%u: [case %s] has more than %u "
					"threads of role %s in an instance",
					d->conf->path, d->section->line,
					d->section->name, MAX_THREADS,
					d->ops->roles[i].name);
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
		.nr_cpus = d->topo->nr_cpus,
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
	for (i = 0; i < cs->nr_roles; i++) {
		cs->nr_threads[i] = d->ops->roles[i].fills_cpus
					    ? UINT_MAX
					    : d->ops->roles[i].def_threads;
		cs->nr_processes[i] =
			d->ops->roles[i].fills_cpus &&
					d->ops->roles[i].def_processes
				? UINT_MAX
				: d->ops->roles[i].def_processes;
	}
	return 0;
}

/* The counts say how much room a trace takes. */
static int check_trace(const struct draft *d, const struct tb_case *cs,
		       struct tb_err *err)
{
	const struct tb_setting *s;

	if (!cs->traced || cs->counted)
		return 0;
	s = tb_settings_find(&d->settings, "trace");
	return tb_usage(err,
			"%s:%u: trace = yes: expected no where counters = no: "
			"they say how large a trace is",
			d->conf->path, s->entry->line);
}

static int build_point(const struct draft *d, struct tb_case *cs,
		       struct tb_err *err)
{
	const struct tb_key_scope scope = {
		.path = d->conf->path,
		.max_cpus = d->topo->nr_cpus,
	};
	int ret = init_case(d, cs, err);
	unsigned int i;

	for (i = 0; i < d->settings.nr && !ret; i++)
		ret = tb_keys_set(&scope, &d->settings.all[i], cs, err);
	if (!ret)
		ret = check_trace(d, cs, err);
	if (!ret)
		ret = count_threads(d, cs, err);
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
