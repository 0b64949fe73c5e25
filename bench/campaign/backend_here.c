// SPDX-License-Identifier: GPL-2.0-only
/* Backend "here": the running kernel. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "campaign/backend.h"
#include "machine/audit.h"

const char *tb_slot_state_name(enum tb_slot_state state)
{
	static const char *const names[] = {
		"ok", "crashed", "timeout", "refused", "failed", "interrupted"
	};

	return names[state];
}

static int prepare(struct tb_plan *plan, struct tb_sig *sig, struct tb_err *err)
{
	char release[128];
	unsigned int i;

	(void)sig;
	tb_audit_release(release, sizeof(release));
	/* There are two in an A/A. */
	for (i = 0; i < plan->nr_kernels; i++) {
		struct tb_kernel *k = &plan->kernels[i];

		k->id = strdup(release);
		k->release = strdup(release);
		if (!k->id || !k->release)
			return tb_fail_errno(err, -ENOMEM, "backend here");
	}
	return 0;
}

static int run(const struct tb_boot *boot, struct tb_outcome *out,
	       struct tb_err *err)
{
	uint64_t begin_ns = tb_now_ns();
	struct tb_tally tally;
	int ret = tb_slot_execute(boot->plan, -1, boot->sig, boot->sink, &tally,
				  err);

	out->host_seconds = (double)(tb_now_ns() - begin_ns) / 1e9;
	out->first_record_seconds = -1;
	out->nr_not_ok = tally.nr_bad;
	if (ret == -EINTR)
		out->state = TB_SLOT_INTERRUPTED;
	else if (ret)
		out->state = TB_SLOT_FAILED;
	if (ret)
		snprintf(out->reason, sizeof(out->reason), "%s", err->text);
	else if (tally.caveats.nr && boot->plan->quiet &&
		 boot->plan->quiet->profile == TB_PROFILE_STRICT) {
		out->state = TB_SLOT_REFUSED;
		snprintf(out->reason, sizeof(out->reason), "%s",
			 tally.caveats.text[0]);
	}
	return ret;
}

const struct tb_backend tb_backend_here = {
	.prepare = prepare,
	.run = run,
};
