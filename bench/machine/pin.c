// SPDX-License-Identifier: GPL-2.0-only
/* Affinity of the calling thread through libnuma. */
#include <errno.h>
#include <numa.h>
#include <sched.h>

#include "machine/place.h"

int tb_place_pin(int cpu)
{
	struct bitmask *mask = numa_allocate_cpumask();
	int ret = 0;

	numa_bitmask_setbit(mask, (unsigned int)cpu);
	if (numa_sched_setaffinity(0, mask) < 0 ||
	    numa_sched_getaffinity(0, mask) < 0)
		ret = -errno;
	else if (sched_getcpu() != cpu || numa_bitmask_weight(mask) != 1 ||
		 !numa_bitmask_isbitset(mask, (unsigned int)cpu))
		ret = -EXDEV;
	numa_free_cpumask(mask);
	return ret;
}

struct bitmask *tb_place_save(void)
{
	struct bitmask *mask = numa_allocate_cpumask();

	numa_sched_getaffinity(0, mask);
	return mask;
}

void tb_place_restore(struct bitmask *mask)
{
	numa_sched_setaffinity(0, mask);
	numa_free_cpumask(mask);
}
