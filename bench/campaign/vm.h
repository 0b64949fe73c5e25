/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One VM, from its files to its exit.
 *
 * Kernel log: first serial port, to console.log. Results: shared memory (see
 * channel.h). The initramfs is this binary and the plan. Exact mode is TCG
 * with one thread for all CPUs, instruction counting, and fixed seed and
 * clock, so that a boot repeats bit for bit.
 */
#ifndef TB_VM_H
#define TB_VM_H

#include <limits.h>
#include <sys/types.h>

#include "campaign/backend.h"
#include "campaign/channel.h"

/**
 * struct tb_vm_litmus - litmus tests instead of a slot's cases
 * @tests: names with blanks between; "": all
 * @effort, @soak_s: see struct tb_litmus_suite
 * @limit_s: wall clock time in which the next result must come; the whole may
 *	take longer
 * @put: gets what the tests say, as it comes; 0 or -errno
 */
struct tb_vm_litmus {
	const char *tests;
	unsigned int effort;
	unsigned int soak_s;
	unsigned int limit_s;
	int (*put)(struct tb_vm_litmus *l, const char *text, size_t len_bytes,
		   struct tb_err *err);
};

/**
 * struct tb_vm - one VM; whoever runs it sets @boot and @kernel
 * @litmus: NULL: it runs the cases of its slot
 * @channel, @initrd: temporary files
 * @console, @qemu_log: stay in the slot's directory
 * @heard_ns: when the time began in which it must end, or, of litmus tests, say
 *	something
 * @has_end_frame: the guest has said how its slot ended
 */
struct tb_vm {
	const struct tb_boot *boot;
	const struct tb_kernel *kernel;
	struct tb_vm_litmus *litmus;
	char channel[PATH_MAX];
	char initrd[PATH_MAX];
	char console[PATH_MAX];
	char qemu_log[PATH_MAX];
	struct tb_frames frames;
	pid_t pid;
	bool has_ended;
	int status;
	uint64_t begin_ns;
	uint64_t heard_ns;
	unsigned int nr_records;
	bool has_end_frame;
	struct tb_buf payload;
};

/* As tb_backend.run, within @timeout_s; each litmus test has so much. */
int tb_vm_run(struct tb_vm *vm, unsigned int timeout_s, struct tb_outcome *out,
	      struct tb_err *err);

#endif
