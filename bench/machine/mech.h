/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How this machine tells another CPU to flush, and what of it can be counted.
 */
#ifndef TB_MECH_H
#define TB_MECH_H

#include <stdbool.h>

/**
 * struct tb_mech - the mechanism of remote flushes
 * @name: "IPI", "IPI with KVM PV TLB flush", "Hyper-V hypercall", ...
 * @hides_flushes: interrupt counters stay flat although CPUs flush, so a
 *	count of them must not be shown as a number
 * @caveat: what to say beside numbers that are only nearly complete, or NULL
 */
struct tb_mech {
	const char *name;
	bool hides_flushes;
	const char *caveat;
};

/* From CPUID and /proc/cpuinfo; needs no privilege. */
struct tb_mech tb_mech_detect(void);

#endif
