// SPDX-License-Identifier: GPL-2.0-only
/* Which CPU suits a thread best. */
#include "machine/policy.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static const char *const names[] = { "same-core", "llc", "node",
				     "far",	  "smt", "spread" };

const char *tb_policy_name(enum tb_policy policy)
{
	return names[policy];
}

bool tb_policy_parse(const char *name, enum tb_policy *policy)
{
	unsigned int i;

	for (i = 0; i < TB_NR_POLICIES; i++)
		if (!strcmp(name, names[i])) {
			*policy = (enum tb_policy)i;
			return true;
		}
	return false;
}

int tb_load_init(struct tb_load *l, const struct tb_topo *topo,
		 unsigned int max_cpus, struct tb_err *err)
{
	unsigned int nr = topo->nr_cpus;
	/* A core is called after its lowest CPU. */
	size_t nr_cores = nr ? (size_t)topo->cpus[nr - 1].cpu + 1 : 1;

	*l = (struct tb_load){
		.topo = topo,
		.max_cpus = max_cpus < nr ? max_cpus : nr,
		.threads = calloc(nr + 1, sizeof(*l->threads)),
		.crowd = calloc(nr_cores, sizeof(*l->crowd)),
		.barred = calloc(nr + 1, sizeof(*l->barred)),
	};
	if (l->threads && l->crowd && l->barred)
		return 0;
	tb_load_fini(l);
	return tb_fail_errno(err, -ENOMEM, "placement");
}

void tb_load_fini(struct tb_load *l)
{
	free(l->threads);
	free(l->crowd);
	free(l->barred);
	*l = (struct tb_load){ 0 };
}

void tb_load_add(struct tb_load *l, int idx)
{
	if (!l->threads[idx]++)
		l->nr_used++;
	l->crowd[l->topo->cpus[idx].core]++;
}

void tb_load_sub(struct tb_load *l, int idx)
{
	if (!--l->threads[idx])
		l->nr_used--;
	l->crowd[l->topo->cpus[idx].core]--;
}

bool tb_load_has_room(const struct tb_load *l, int idx, bool share)
{
	return l->threads[idx] ? share : l->nr_used < l->max_cpus;
}

/* How well @c suits a thread that belongs to @anchor: 0 best, -1 not at all. */
static int grade(const struct tb_topo *topo, enum tb_policy policy,
		 const struct tb_cpu *anchor, const struct tb_cpu *c)
{
	bool same_llc = anchor->llc >= 0 && c->llc == anchor->llc;
	int distance = (int)tb_topo_distance(topo, anchor->node, c->node);

	switch (policy) {
	case TB_POLICY_SAME_CORE:
		/* Not on its very CPU, even if that may be shared. */
		return c->core == anchor->core && c != anchor ? 0 : -1;
	case TB_POLICY_LLC:
		return same_llc ? 0 : -1;
	case TB_POLICY_NODE:
		return c->node == anchor->node ? same_llc : -1;
	case TB_POLICY_FAR:
		return c->node != anchor->node ? TB_MAX_DISTANCE - distance
					       : -1;
	case TB_POLICY_SMT:
		if (c->core == anchor->core)
			return 0;
		/* The distance within a node is 10. */
		return same_llc ? 1 : distance;
	default:
		return 0;
	}
}

int tb_load_pick(const struct tb_load *l, enum tb_policy policy, int anchor,
		 bool share, unsigned char skip)
{
	const struct tb_cpu *cpus = l->topo->cpus;
	uint64_t key, best_key = UINT64_MAX;
	int i, g, best = -1;

	for (i = 0; i < (int)l->topo->nr_cpus; i++) {
		if (l->barred[i] & skip || !tb_load_has_room(l, i, share))
			continue;
		g = grade(l->topo, policy, &cpus[anchor], &cpus[i]);
		if (g < 0)
			continue;
		/* smt packs: one core after the other, whoever is there. */
		key = (uint64_t)l->threads[i] << 40 | (uint64_t)g << 32 |
		      (policy == TB_POLICY_SMT ? (unsigned int)cpus[i].core
					       : l->crowd[cpus[i].core]);
		if (key < best_key) {
			best_key = key;
			best = i;
		}
	}
	return best;
}

/* Of all CPUs, how many others the one that has most has within reach. */
static unsigned int widest_reach(const struct tb_topo *topo,
				 enum tb_policy policy)
{
	unsigned int i, j, nr, most = 0;

	for (i = 0; i < topo->nr_cpus; i++) {
		for (j = nr = 0; j < topo->nr_cpus; j++)
			nr += i != j && grade(topo, policy, &topo->cpus[i],
					      &topo->cpus[j]) >= 0;
		most = nr > most ? nr : most;
	}
	return most;
}

static bool knows_caches(const struct tb_topo *topo)
{
	unsigned int i;

	for (i = 0; i < topo->nr_cpus; i++)
		if (topo->cpus[i].llc >= 0)
			return true;
	return false;
}

int tb_load_misfit(const struct tb_load *l, enum tb_policy policy,
		   struct tb_err *err)
{
	static const char *const reaches[] = {
		"on its core",	       "in its last-level cache",
		"in its NUMA node",    "in other NUMA nodes",
		"on the same machine", "on the same machine",
	};
	unsigned int most = widest_reach(l->topo, policy);

	if (policy == TB_POLICY_FAR && !most)
		return tb_usage(err, "placement far: there is one NUMA node "
				     "with usable CPUs");
	if (policy == TB_POLICY_LLC && !knows_caches(l->topo))
		return tb_usage(err, "placement llc: the kernel does not tell "
				     "which CPUs share a cache");
	return tb_usage(err,
			"placement %s: a thread finds no CPU: an initiator has "
			"at most %u others %s; of %u usable CPUs %u may be "
			"taken and %u are",
			names[policy], most, reaches[policy], l->topo->nr_cpus,
			l->max_cpus, l->nr_used);
}
