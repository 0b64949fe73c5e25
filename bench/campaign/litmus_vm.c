// SPDX-License-Identifier: GPL-2.0-only
/* A boot that runs litmus tests. */
#include "campaign/litmus_vm.h"

/* The suite takes less than a minute in exact mode; emulation may be slow. */
#define LIMIT_S 600
/* In exact mode a second of the guest takes several of ours. */
#define SOAK_FACTOR 10

int tb_litmus_boot(const struct tb_plan *plan, unsigned int kernel,
		   struct tb_vm_litmus *litmus, const char *dir,
		   struct tb_sig *sig, struct tb_outcome *out,
		   struct tb_err *err)
{
	const struct tb_slot_plan slot = { .kernel = kernel,
					   .seed = plan->seed };
	const struct tb_boot boot = {
		.plan = plan,
		.slot = &slot,
		.conf_text = "",
		.dir = dir,
		.sig = sig,
	};
	struct tb_vm vm = {
		.boot = &boot,
		.kernel = &plan->kernels[kernel],
		.litmus = litmus,
	};

	*out = (struct tb_outcome){ .state = TB_SLOT_OK };
	return tb_vm_run(&vm, LIMIT_S + SOAK_FACTOR * litmus->soak_s, out, err);
}
