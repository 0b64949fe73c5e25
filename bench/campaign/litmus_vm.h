/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Litmus tests on another kernel: a boot of its own, with nothing else in it.
 *
 * They do not share a boot with cases: what they do to memory and to counters
 * would be in the numbers of that boot alone.
 */
#ifndef TB_LITMUS_VM_H
#define TB_LITMUS_VM_H

#include "campaign/vm.h"

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

#endif
