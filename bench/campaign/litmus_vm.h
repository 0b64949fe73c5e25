/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Litmus tests on another kernel: a boot of its own, with nothing else in it.
 *
 * They do not share a boot with cases: what they do to memory and to counters
 * would be in the numbers of that boot alone.
 */
#ifndef TB_LITMUS_VM_H
#define TB_LITMUS_VM_H

#include "campaign/store.h"
#include "campaign/vm.h"

/*
 * How long a test may take by the wall clock, see tb_vm_litmus: one of 64
 * emulated CPUs takes a minute or two. A test that hangs ends before, see
 * litmus.c, a kernel that does here.
 */
#define TB_LITMUS_SILENCE_S 600

/**
 * tb_litmus_boot() - boot a kernel of the plan and run litmus tests on it
 * @plan: of which the machine is used; accel is settled
 * @dir: for console.log and qemu.log
 * @out: state ok and the number of failed tests, or what went wrong
 */
int tb_litmus_boot(const struct tb_plan *plan, unsigned int kernel,
		   struct tb_vm_litmus *litmus, const char *dir,
		   struct tb_sig *sig, struct tb_outcome *out,
		   struct tb_err *err);

/**
 * tb_litmus_check() - before a campaign's slots: is each of its kernels sound?
 * @nr_bad: gets one more for each that could not be checked to the end
 *
 * Sets the soundness of kernels and keeps what tests have said as
 * litmus/KERNEL/tests.ktap. What is there already from an earlier run counts.
 */
int tb_litmus_check(struct tb_plan *plan, const struct tb_store *store,
		    struct tb_sig *sig, unsigned int *nr_bad,
		    struct tb_err *err);

#endif
