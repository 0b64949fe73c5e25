/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One QEMU: its command line.
 */
#ifndef TB_QEMU_H
#define TB_QEMU_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "machine/topo.h"

/**
 * struct tb_qemu - what to start
 * @is_exact: TCG with instruction counting
 * @is_kvm: KVM; neither: TCG with a thread for each CPU
 * @icount_shift: 2^shift virtual nanoseconds per instruction
 * @skips_calibration: exact; the kernel is told what it would find out
 * @shape: of the machine; with several nodes each has its part of the memory
 * @kernel: a vmlinux, booted by PVH, or a bzImage
 * @own_append, @append: further kernel parameters, of the image and of the user
 * @late_cpus: the guest starts all CPUs but the first, see guest/cpus.h
 * @console: file for the first serial port; @log: for QEMU's own output
 * @channel: file behind the shared memory, TB_CHANNEL_BYTES long
 */
struct tb_qemu {
	bool is_exact;
	bool is_kvm;
	int icount_shift;
	bool skips_calibration;
	uint64_t seed;
	struct tb_shape shape;
	uint64_t memory_bytes;
	const char *kernel;
	const char *own_append;
	const char *append;
	bool late_cpus;
	const char *initrd;
	const char *console;
	const char *log;
	const char *channel;
};

/* pid, or -errno with QEMU missing said in words. */
pid_t tb_qemu_start(const struct tb_qemu *q, struct tb_err *err);

#endif
