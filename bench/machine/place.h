/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a named placement to explicit CPUs, and pinning that is verified.
 */
#ifndef TB_PLACE_H
#define TB_PLACE_H

#include "machine/topo.h"

/**
 * tb_place_resolve() - choose @nr CPUs
 * @policy: "spread": one thread per core first, then SMT siblings, each in
 *	order of CPU number; "list:0,2-3": these, in this order
 * @cpus: filled with @nr kernel CPU numbers
 *
 * More threads than CPUs, CPUs that are not usable and a CPU that is named
 *twice are usage errors.
 */
int tb_place_resolve(const struct tb_topo *topo, const char *policy,
		     unsigned int nr, int *cpus, struct tb_err *err);

/* Is @policy one of those above? Says so before any CPU is known. */
int tb_place_check(const char *policy, struct tb_err *err);

/* Pin the calling thread to @cpu and see that it runs there; 0 or -errno. */
int tb_place_pin(int cpu);

/* Where the calling thread may run; tb_place_restore() sets and frees it. */
struct bitmask *tb_place_save(void);
void tb_place_restore(struct bitmask *mask);

#endif
