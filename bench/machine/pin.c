// SPDX-License-Identifier: GPL-2.0-only
/*
 * Affinity of the calling thread through libnuma. The masks are ours, for
 * libnuma ends the process where it has no memory for one.
 */
#include <errno.h>
#include <numa.h>
#include <sched.h>
#include <stdlib.h>

#include "machine/place.h"

struct saved {
	struct bitmask mask;
	unsigned long words[TB_CPU_MASK_WORDS];
};

static void saved_init(struct saved *s)
{
	*s = (struct saved){ .mask = { TB_CPU_MASK_BITS, s->words } };
}

int tb_place_pin(int cpu)
{
	struct saved s;

	saved_init(&s);
	numa_bitmask_setbit(&s.mask, (unsigned int)cpu);
	if (numa_sched_setaffinity(0, &s.mask) < 0 ||
	    numa_sched_getaffinity(0, &s.mask) < 0)
		return -errno;
	if (sched_getcpu() != cpu || numa_bitmask_weight(&s.mask) != 1 ||
	    !numa_bitmask_isbitset(&s.mask, (unsigned int)cpu))
		return -EXDEV;
	return 0;
}

struct bitmask *tb_place_save(void)
{
	struct saved *s = malloc(sizeof(*s));

	if (!s)
		return NULL;
	saved_init(s);
	numa_sched_getaffinity(0, &s->mask);
	return &s->mask;
}

void tb_place_restore(struct bitmask *mask)
{
	if (mask)
		numa_sched_setaffinity(0, mask);
	/* The first member of its struct saved. */
	free(mask);
}
