/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From named placements to explicit CPUs, and pinning that is verified.
 *
 * A policy says where the threads of a role run, relative to the first
 * initiator of their instance:
 *
 *	spread		anywhere, on the core with the fewest threads first, so
 *			one thread per core and then the SMT siblings
 *	same-core	the other hardware threads of its core
 *	smt		its core until that is full, then the next nearest core
 *	llc		within its last-level cache, one thread per core first
 *	node		within its NUMA node, other last-level caches first
 *	far		on other NUMA nodes, the farthest first
 *	list:0,2-3	these CPUs in this order; all threads with the same list
 *			take from it in turn
 *
 * What a policy leaves open goes by CPU number. A first initiator whose policy
 * is no list gets the first CPU, in the order of spread, around which the whole
 * instance fits.
 */
#ifndef TB_PLACE_H
#define TB_PLACE_H

#include "machine/topo.h"

/**
 * struct tb_place_role - one role of an instance
 * @nr: its threads; 1 or more in the first role, which is the initiator's
 */
struct tb_place_role {
	const char *policy;
	unsigned int nr;
};

/**
 * tb_place_resolve() - choose a CPU for each thread
 * @max_cpus: how many different CPUs may be used
 * @may_share: threads may share CPUs once these run out, as evenly as the
 *	policies allow; else each has a CPU of its own
 * @cpus: filled with kernel CPU numbers, instance after instance, role after
 *	role, thread after thread
 *
 * Lists are served first. Threads that find no CPU, CPUs that are not usable
 * and one that is named twice are usage errors.
 */
int tb_place_resolve(const struct tb_topo *topo,
		     const struct tb_place_role *roles, unsigned int nr_roles,
		     unsigned int instances, unsigned int max_cpus,
		     bool may_share, int *cpus, struct tb_err *err);

/**
 * tb_place_bystanders() - choose CPUs for @nr threads of an unrelated process
 * @policy: one of those above, relative to @used[0] and on CPUs that are not
 *	used; or "shared": on the used CPUs in turn, @used[0] as the last
 * @used: what tb_place_resolve() chose
 */
int tb_place_bystanders(const struct tb_topo *topo, const char *policy,
			unsigned int nr, const int *used, unsigned int nr_used,
			int *cpus, struct tb_err *err);

/* Is @policy one of those above? Says so before any CPU is known. */
int tb_place_check(const char *policy, struct tb_err *err);

/*
 * Pin the calling thread to @cpu and see that it runs there and nowhere else;
 * 0 or -errno.
 */
int tb_place_pin(int cpu);

/*
 * Where the calling thread may run, NULL without memory; tb_place_restore()
 * sets and frees it, NULL too.
 */
struct bitmask *tb_place_save(void);
void tb_place_restore(struct bitmask *mask);

#endif
