/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policies of place.h for one thread at a time, on CPUs that fill up.
 */
#ifndef TB_POLICY_H
#define TB_POLICY_H

#include "machine/topo.h"

/* The narrowest first: in this order the roles of an instance are served. */
enum tb_policy {
	TB_POLICY_SAME_CORE,
	TB_POLICY_LLC,
	TB_POLICY_NODE,
	TB_POLICY_FAR,
	TB_POLICY_SMT,
	TB_POLICY_SPREAD,
	TB_NR_POLICIES
};

/* "same-core", "llc", ... */
const char *tb_policy_name(enum tb_policy policy);
bool tb_policy_parse(const char *name, enum tb_policy *policy);

/**
 * struct tb_load - CPUs that fill up with threads
 * @max_cpus: how many may have threads; @nr_used: how many have
 * @threads: by index of a CPU in @topo
 * @crowd: threads by number of a core
 * @barred: by index of a CPU, what tb_load_pick() skips if asked to
 */
struct tb_load {
	const struct tb_topo *topo;
	unsigned int max_cpus;
	unsigned int nr_used;
	unsigned int *threads;
	unsigned int *crowd;
	unsigned char *barred;
};

int tb_load_init(struct tb_load *l, const struct tb_topo *topo,
		 unsigned int max_cpus, struct tb_err *err);
void tb_load_fini(struct tb_load *l);

/* A thread more or less on a CPU, by index. */
void tb_load_add(struct tb_load *l, int idx);
void tb_load_sub(struct tb_load *l, int idx);

/* May one more thread run there? With @share also where there is one. */
bool tb_load_has_room(const struct tb_load *l, int idx, bool share);

/**
 * tb_load_pick() - index of the best CPU for one more thread, -1 if none
 * @anchor: index of the CPU that @policy is relative to
 * @skip: CPUs with one of these bits in @barred are not wanted
 *
 * The one with the fewest threads; of those the one that suits @policy best,
 * then the one on the least crowded core, then the lowest number.
 */
int tb_load_pick(const struct tb_load *l, enum tb_policy policy, int anchor,
		 bool share, unsigned char skip);

/* The usage error of a thread for which there was none: what there is. */
int tb_load_misfit(const struct tb_load *l, enum tb_policy policy,
		   struct tb_err *err);

#endif
