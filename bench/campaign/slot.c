// SPDX-License-Identifier: GPL-2.0-only
/* Executes a slot and hands every record over at once. */
#include "campaign/slot.h"

#include <errno.h>
#include <stdlib.h>

#include "campaign/frame.h"
#include "engine/run.h"
#include "machine/trace.h"

static int put(struct tb_sink *sink, struct tb_buf *line, struct tb_err *err)
{
	int ret;

	if (line->has_failed)
		ret = tb_fail_errno(err, -ENOMEM, "cannot make a record");
	else
		ret = sink->put(sink, line->data, line->len_bytes, err);
	tb_buf_fini(line);
	return ret;
}

static int run_one(const struct tb_run_env *env, const struct tb_case *cs,
		   unsigned int repetition, struct tb_result *r,
		   struct tb_sink *sink, struct tb_err *err)
{
	struct tb_buf line = { 0 };
	int ret = tb_run_case(env, cs, r, err);

	if (ret)
		return ret;
	tb_record_repetition(cs, repetition, r, &line);
	return put(sink, &line, err);
}

static void count(struct tb_tally *tally, enum tb_state state)
{
	if (state == TB_STATE_OK)
		tally->nr_ok++;
	else if (state == TB_STATE_SKIPPED)
		tally->nr_skipped++;
	else
		tally->nr_bad++;
}

int tb_slot_execute(const struct tb_plan *plan, int icount_shift,
		    struct tb_sig *sig, struct tb_sink *sink,
		    struct tb_tally *tally, struct tb_err *err)
{
	/* Many histograms: too large for the stack of a thread. */
	struct tb_result *r = calloc(1, sizeof(*r));
	struct tb_topo topo = { 0 };
	struct tb_run_env env = {
		.topo = &topo,
		.sig = sig,
		.undo = &plan->quiet->undo,
		.icount_shift = icount_shift,
	};
	struct tb_frame *frame = NULL;
	struct tb_buf line = { 0 };
	unsigned int i;
	int ret;

	*tally = (struct tb_tally){ 0 };
	if (!r)
		return tb_fail_errno(err, -ENOMEM, "cannot run a slot");
	ret = tb_topo_read(&topo, "/sys", err);
	if (ret)
		goto out;
	tb_trace_mount();
	frame = tb_frame_begin(icount_shift >= 0, &line);
	ret = frame ? put(sink, &line, err)
		    : tb_fail_errno(err, -ENOMEM, "audit");
	for (i = 0; i < plan->nr_reps && !ret; i++) {
		const struct tb_case *cs = &plan->cases[plan->reps[i].cs];

		ret = run_one(&env, cs, plan->reps[i].repetition, r, sink, err);
		tb_frame_use(frame, cs, r);
		if (!ret)
			count(tally, r->state);
		if (!ret && sink->show)
			sink->show(sink, cs, r);
		tb_result_fini(r);
	}
	if (!ret) {
		ret = tb_frame_end(frame, &tally->caveats, &line);
		ret = ret ? tb_fail_errno(err, ret, "audit")
			  : put(sink, &line, err);
	}
	tb_frame_free(frame);
	tb_topo_fini(&topo);
out:
	free(r);
	return ret;
}
