// SPDX-License-Identifier: GPL-2.0-only
/* Backend "vm": slots in virtual machines, with KVM where it boots a kernel. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "campaign/backend.h"
#include "campaign/kvm.h"
#include "campaign/vm.h"

/* A KVM guest says END within a second or two, or never. */
#define KVM_TRIAL_S 15

static int run(const struct tb_boot *boot, struct tb_outcome *out,
	       struct tb_err *err)
{
	struct tb_vm vm = {
		.boot = boot,
		.kernel = &boot->plan->kernels[boot->slot->kernel],
	};

	return tb_vm_run(&vm, boot->plan->vm_timeout_s, out, err);
}

/* --- KVM or not ---------------------------------------------------------- */

/*
 * A device that answers may still boot nothing (nested or software KVM), so
 * boot the first kernel of the plan under it, with nothing to measure.
 */
static int try_kvm(struct tb_plan *plan, struct tb_sig *sig, bool *boots,
		   struct tb_err *err)
{
	char dir[] = "/tmp/tlbbench-kvm-XXXXXX";
	struct tb_outcome out = { .state = TB_SLOT_OK };
	struct tb_boot boot = {
		.plan = plan,
		.slot = &plan->slots[0],
		.conf_text = "",
		.dir = dir,
		.sig = sig,
	};
	struct tb_vm vm = { .boot = &boot, .kernel = &plan->kernels[0] };
	int ret;

	if (!mkdtemp(dir))
		return tb_fail_errno(err, -errno, "cannot create %s", dir);
	plan->accel = TB_ACCEL_KVM;
	ret = tb_vm_run(&vm, KVM_TRIAL_S, &out, err);
	/* Whatever it said at its end: it came that far. */
	*boots = !ret && vm.has_end_frame;
	unlink(vm.console);
	unlink(vm.qemu_log);
	rmdir(dir);
	tb_buf_fini(&out.log_tail);
	return ret;
}

static int kvm_boots(struct tb_plan *plan, struct tb_sig *sig, bool *boots,
		     struct tb_err *err)
{
	bool is_known;
	int ret;

	*boots = false;
	if (!tb_kvm_answers())
		return 0;
	ret = tb_kvm_recall(plan->kernels[0].release, boots, &is_known, err);
	if (ret || is_known)
		return ret;
	fprintf(stderr, "tlbbench: trying whether KVM boots a kernel here\n");
	ret = try_kvm(plan, sig, boots, err);
	return ret ? ret
		   : tb_kvm_remember(plan->kernels[0].release, *boots, err);
}

static int prepare(struct tb_plan *plan, struct tb_sig *sig, struct tb_err *err)
{
	enum tb_accel asked = plan->accel;
	bool boots;
	int ret;

	if (asked == TB_ACCEL_EXACT || asked == TB_ACCEL_TCG)
		return 0;
	ret = kvm_boots(plan, sig, &boots, err);
	if (ret)
		return ret;
	if (!boots && asked == TB_ACCEL_KVM)
		return tb_usage(err,
				"%s: accel = kvm: KVM boots no kernel on "
				"this machine; expected exact or auto",
				plan->path);
	plan->accel = boots ? TB_ACCEL_KVM : TB_ACCEL_EXACT;
	return 0;
}

const struct tb_backend tb_backend_vm = {
	.prepare = prepare,
	.run = run,
};
