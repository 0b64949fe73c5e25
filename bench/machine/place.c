// SPDX-License-Identifier: GPL-2.0-only
/*
 * From policies to CPUs, greedily: lists first, then instance after instance,
 * each around one CPU after the other until it fits. A CPU around which it did
 * not fit is not tried again, for CPUs only fill up. So the time is that of a
 * look at each CPU per thread, and of at most two failed tries per CPU.
 */
#include "machine/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/placelist.h"
#include "machine/policy.h"

/* Bits of tb_load.barred: an instance was tried around this CPU in vain. */
#define NOT_ALONE 1
#define NOT_AT_ALL 2

/* A placement of bystanders only. */
#define SHARED "shared"

/* A role as parsed; those with one text share the list of the first. */
struct role {
	enum tb_policy policy;
	unsigned int nr;
	struct tb_placelist *list;
	struct tb_placelist own_list;
};

/**
 * struct job - what tb_place_resolve() was asked, and how far it is
 * @cpus: the caller's, with indices until the end, -1 where nothing is chosen
 * @stuck: the policy that found no CPU
 */
struct job {
	struct tb_load load;
	const struct tb_place_role *given;
	struct role *roles;
	unsigned int nr_roles;
	unsigned int instances;
	unsigned int per_instance;
	bool may_share;
	int *cpus;
	enum tb_policy stuck;
};

static int find_cpu(const struct tb_topo *topo, int cpu)
{
	unsigned int i;

	for (i = 0; i < topo->nr_cpus; i++)
		if (topo->cpus[i].cpu == cpu)
			return (int)i;
	return -1;
}

static int too_few(const char *policy, unsigned int nr, unsigned int available,
		   struct tb_err *err)
{
	return tb_usage(err,
			"placement %s: %u threads need a CPU each, but there "
			"are %u usable CPUs",
			policy, nr, available);
}

/* --- lists --------------------------------------------------------------- */

/* How many CPUs a list names; with @topo they must be usable. */
static int count_listed(const struct tb_topo *topo, const char *policy,
			unsigned int *nr, struct tb_err *err)
{
	struct tb_placelist list;
	int cpu, ret;

	*nr = 0;
	tb_placelist_begin(&list, policy);
	while ((ret = tb_placelist_next(&list, &cpu, err)) > 0) {
		if (topo && find_cpu(topo, cpu) < 0)
			return tb_usage(err,
					"placement %s: CPU %d is not usable "
					"here",
					policy, cpu);
		++*nr;
	}
	return ret;
}

/*
 * The next CPU of a list, from its start again where it ends or where it leads
 * beyond max_cpus. Without leave to share: threads that wait for each other on
 * one CPU would wait for ever.
 */
static int take_listed(struct tb_load *l, struct tb_placelist *list, bool share,
		       int *idx, struct tb_err *err)
{
	int tries, ret, cpu = -1;

	for (tries = 0; tries < 2; tries++) {
		ret = tb_placelist_next(list, &cpu, err);
		if (ret < 0)
			return ret;
		*idx = ret ? find_cpu(l->topo, cpu) : -1;
		if (ret && l->threads[*idx] && !share)
			return tb_usage(err,
					"placement %s: CPU %d has a thread "
					"already, expected a CPU for each",
					list->policy, cpu);
		if (ret && tb_load_has_room(l, *idx, share)) {
			tb_load_add(l, *idx);
			return 0;
		}
		tb_placelist_begin(list, list->policy);
	}
	return tb_usage(err,
			"placement %s: CPU %d is beyond the %u CPUs that may "
			"be used",
			list->policy, cpu, l->max_cpus);
}

static int place_lists(struct job *j, struct tb_err *err)
{
	unsigned int instance, role, i;
	int ret = 0, *cpu = j->cpus;

	for (instance = 0; instance < j->instances; instance++)
		for (role = 0; role < j->nr_roles; role++)
			for (i = 0; i < j->roles[role].nr && !ret; i++, cpu++) {
				*cpu = -1;
				if (j->roles[role].list)
					ret = take_listed(
						&j->load, j->roles[role].list,
						j->may_share, cpu, err);
			}
	return ret;
}

/* --- roles --------------------------------------------------------------- */

static int unknown_policy(const char *policy, struct tb_err *err)
{
	return tb_usage(err,
			"placement '%s': expected same-core, smt, llc, node, "
			"far, spread or list:CPUS",
			policy);
}

/* The list of a role: all of its threads must find a CPU there. */
static int parse_list(struct job *j, unsigned int role, struct tb_err *err)
{
	const char *policy = j->given[role].policy;
	unsigned int i, first = role, nr_listed, nr = 0;
	int ret = count_listed(j->load.topo, policy, &nr_listed, err);

	for (i = j->nr_roles; i--;)
		if (!strcmp(j->given[i].policy, policy)) {
			nr += j->given[i].nr * j->instances;
			first = i;
		}
	j->roles[role].list = &j->roles[first].own_list;
	tb_placelist_begin(j->roles[role].list, policy);
	if (!ret && nr > nr_listed && !j->may_share)
		return too_few(policy, nr, nr_listed, err);
	return ret;
}

static int parse_roles(struct job *j, struct tb_err *err)
{
	unsigned int i, nr;
	int ret = 0;

	for (i = 0; i < j->nr_roles && !ret; i++) {
		struct role *r = &j->roles[i];

		r->nr = j->given[i].nr;
		j->per_instance += r->nr;
		if (tb_placelist_is(j->given[i].policy))
			ret = parse_list(j, i, err);
		else if (!tb_policy_parse(j->given[i].policy, &r->policy))
			ret = unknown_policy(j->given[i].policy, err);
	}
	nr = j->per_instance * j->instances;
	if (!ret && nr > j->load.max_cpus && !j->may_share)
		return too_few(j->given[0].policy, nr, j->load.max_cpus, err);
	return ret;
}

/* --- instances ----------------------------------------------------------- */

/* Choose what is not chosen of @nr threads; false if there is no CPU. */
static bool fill(struct job *j, enum tb_policy policy, unsigned int nr,
		 int anchor, bool share, int *cpus)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (cpus[i] >= 0)
			continue;
		cpus[i] = tb_load_pick(&j->load, policy, anchor, share, 0);
		if (cpus[i] < 0) {
			j->stuck = policy;
			return false;
		}
		tb_load_add(&j->load, cpus[i]);
	}
	return true;
}

static bool fill_all(struct job *j, int anchor, bool share, int *cpus)
{
	unsigned int policy, i, offset;

	for (policy = 0; policy < TB_NR_POLICIES; policy++)
		for (i = offset = 0; i < j->nr_roles; i++) {
			const struct role *r = &j->roles[i];

			if (!r->list && r->policy == policy &&
			    !fill(j, r->policy, r->nr, anchor, share,
				  cpus + offset))
				return false;
			offset += r->nr;
		}
	return true;
}

/* Give back all but what came from lists. */
static void empty(struct job *j, int *cpus)
{
	unsigned int role, i;

	for (role = 0; role < j->nr_roles; cpus += j->roles[role++].nr)
		for (i = 0; i < j->roles[role].nr && !j->roles[role].list; i++)
			if (cpus[i] >= 0) {
				tb_load_sub(&j->load, cpus[i]);
				cpus[i] = -1;
			}
}

static bool place_around(struct job *j, int anchor, bool share, int *cpus)
{
	if (cpus[0] < 0) {
		cpus[0] = anchor;
		tb_load_add(&j->load, anchor);
	}
	if (fill_all(j, anchor, share, cpus))
		return true;
	empty(j, cpus);
	return false;
}

static bool place_instance(struct job *j, bool share, int *cpus)
{
	unsigned char vain = share ? NOT_AT_ALL : NOT_ALONE;
	int anchor;

	if (j->roles[0].list)
		return place_around(j, cpus[0], share, cpus);
	while ((anchor = tb_load_pick(&j->load, TB_POLICY_SPREAD, 0, share,
				      vain)) >= 0) {
		if (place_around(j, anchor, share, cpus))
			return true;
		j->load.barred[anchor] |= vain;
	}
	return false;
}

static int place_instances(struct job *j, struct tb_err *err)
{
	int *cpus = j->cpus;
	unsigned int i;

	j->stuck = j->roles[0].policy;
	for (i = 0; i < j->instances; i++, cpus += j->per_instance)
		if (!place_instance(j, false, cpus) &&
		    !(j->may_share && place_instance(j, true, cpus)))
			return tb_load_misfit(&j->load, j->stuck, err);
	return 0;
}

/* From indices to numbers of CPUs. */
static void number(const struct tb_topo *topo, int *cpus, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		cpus[i] = topo->cpus[cpus[i]].cpu;
}

int tb_place_resolve(const struct tb_topo *topo,
		     const struct tb_place_role *roles, unsigned int nr_roles,
		     unsigned int instances, unsigned int max_cpus,
		     bool may_share, int *cpus, struct tb_err *err)
{
	struct job j = {
		.given = roles,
		.roles = calloc(nr_roles, sizeof(*j.roles)),
		.nr_roles = nr_roles,
		.instances = instances,
		.may_share = may_share,
		.cpus = cpus,
	};
	int ret = j.roles ? tb_load_init(&j.load, topo, max_cpus, err)
			  : tb_fail_errno(err, -ENOMEM, "placement");

	if (!ret)
		ret = parse_roles(&j, err);
	if (!ret)
		ret = place_lists(&j, err);
	if (!ret)
		ret = place_instances(&j, err);
	if (!ret)
		number(topo, cpus, instances * j.per_instance);
	tb_load_fini(&j.load);
	free(j.roles);
	return ret;
}

/* --- bystanders ---------------------------------------------------------- */

/* Used CPUs, each once, that of the initiator as the last; then again. */
static void share_used(unsigned int nr, const int *used, unsigned int nr_used,
		       int *cpus)
{
	unsigned int i, k, n = 0;

	for (i = 1; i < nr_used && n < nr; i++) {
		for (k = 0; k < n && cpus[k] != used[i]; k++)
			;
		if (k == n && used[i] != used[0])
			cpus[n++] = used[i];
	}
	for (i = n; i < nr; i++)
		cpus[i] = i == n ? used[0] : cpus[i - n - 1];
}

int tb_place_bystanders(const struct tb_topo *topo, const char *policy,
			unsigned int nr, const int *used, unsigned int nr_used,
			int *cpus, struct tb_err *err)
{
	const struct tb_place_role all = { policy, nr };
	struct role role = { .nr = 0 };
	struct job j = {
		.given = &all,
		.roles = &role,
		.nr_roles = 1,
		.instances = 1,
		.cpus = cpus,
	};
	unsigned int i;
	int ret;

	if (!strcmp(policy, SHARED)) {
		share_used(nr, used, nr_used, cpus);
		return 0;
	}
	ret = tb_load_init(&j.load, topo, topo->nr_cpus, err);
	for (i = 0; !ret && i < nr_used; i++)
		tb_load_add(&j.load, find_cpu(topo, used[i]));
	if (!ret)
		ret = parse_roles(&j, err);
	if (!ret)
		ret = place_lists(&j, err);
	if (!ret &&
	    !fill(&j, role.policy, nr, find_cpu(topo, used[0]), false, cpus))
		ret = tb_load_misfit(&j.load, j.stuck, err);
	if (!ret)
		number(topo, cpus, nr);
	tb_load_fini(&j.load);
	return ret;
}

int tb_place_check(const char *policy, struct tb_err *err)
{
	enum tb_policy known;
	unsigned int nr;

	if (tb_placelist_is(policy))
		return count_listed(NULL, policy, &nr, err);
	if (!strcmp(policy, SHARED) || tb_policy_parse(policy, &known))
		return 0;
	return unknown_policy(policy, err);
}
