/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernels that were not made for exact mode: their CPUs, and their first
 * seconds.
 */
#ifndef TB_GUEST_CPUS_H
#define TB_GUEST_CPUS_H

/**
 * tb_cpus_start() - start the CPUs that maxcpus=1 left off
 *
 * Until 6.4 the CPU that starts another one waits with schedule() in a loop
 * (do_boot_cpu()). QEMU with instruction counting leaves a CPU at pause, at hlt
 * or when the next timer is due, and begins with the first CPU again after that
 * timer: the new CPU never runs, and the boot hangs. In user space schedule()
 * finds a thread that pauses.
 */
void tb_cpus_start(void);

/**
 * tb_cpus_settle() - wait until the kernel has done what it does after boot
 *
 * A CPU that works without a pause keeps all others waiting up to a tick, and
 * these instructions would be added to the op's. Idle time costs nothing here.
 */
void tb_cpus_settle(void);

#endif
