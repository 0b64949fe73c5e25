/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The section [vm] of a campaign file: the machine that QEMU makes.
 */
#ifndef TB_VMCONF_H
#define TB_VMCONF_H

#include "campaign/plan.h"

#define TB_VM_MAX_TIMEOUT_S 86400

/* Fill the fields vm_* and accel of @plan; a mistake is a usage error. */
int tb_vmconf_read(struct tb_plan *plan, const struct tb_conf *conf,
		   struct tb_err *err);

#endif
