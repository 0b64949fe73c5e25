// SPDX-License-Identifier: GPL-2.0-only
/* Both ends of a slot. */
#include "campaign/frame.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "campaign/record.h"
#include "machine/drift.h"

struct tb_frame {
	bool is_exact;
	struct tb_audit audit;
	struct tb_drift drift;
};

struct tb_frame *tb_frame_begin(bool is_exact, struct tb_buf *line)
{
	struct tb_frame *frame = calloc(1, sizeof(*frame));

	if (!frame)
		return NULL;
	frame->is_exact = is_exact;
	if (tb_audit_read(&frame->audit, TB_LIVE_ROOT)) {
		tb_audit_fini(&frame->audit);
		free(frame);
		return NULL;
	}
	tb_record_boot(&frame->audit, is_exact, line);
	tb_drift_begin(&frame->drift, TB_LIVE_ROOT);
	return frame;
}

void tb_frame_use(struct tb_frame *frame, const struct tb_case *cs,
		  const struct tb_result *r)
{
	unsigned int i, nr = cs->instances * tb_case_threads_per_instance(cs);

	for (i = 0; r->cpus && i < nr; i++)
		if (r->cpus[i] >= 0 && r->cpus[i] < TB_DRIFT_CPUS)
			frame->drift.is_used[r->cpus[i]] = true;
}

static void add_caveat(struct wl_reasons *caveats, struct tb_buf *text)
{
	if (caveats->nr < ARRAY_SIZE(caveats->text) && text->data)
		snprintf(caveats->text[caveats->nr++], sizeof(caveats->text[0]),
			 "%s", text->data);
	tb_buf_fini(text);
}

static void judge_drift(const struct tb_drift *drift,
			struct wl_reasons *caveats)
{
	struct tb_buf text = { 0 };
	unsigned int i;

	for (i = 0; i < TB_NR_DRIFT; i++) {
		const struct tb_drift_item *item = &drift->items[i];

		if (!item->is_wrong || item->policy != TB_REFUSE)
			continue;
		tb_drift_complaint(item, &text);
		add_caveat(caveats, &text);
	}
}

static void judge_changes(const struct tb_audit *before,
			  const struct tb_audit *now,
			  struct wl_reasons *caveats)
{
	struct tb_buf names = { 0 }, text = { 0 };

	tb_audit_differences(before, now, &names);
	if (names.len_bytes) {
		tb_buf_printf(&text, "changed during the run: %s", names.data);
		add_caveat(caveats, &text);
	}
	tb_buf_fini(&names);
}

int tb_frame_end(struct tb_frame *frame, struct wl_reasons *caveats,
		 struct tb_buf *line)
{
	struct tb_audit now = { .nr_facts = 0 };
	int ret = 0;

	tb_drift_end(&frame->drift);
	judge_drift(&frame->drift, caveats);
	if (!frame->is_exact)
		ret = tb_audit_read(&now, TB_LIVE_ROOT);
	if (!ret && !frame->is_exact)
		judge_changes(&frame->audit, &now, caveats);
	if (!ret)
		tb_record_audit_end(&frame->drift,
				    frame->is_exact ? NULL : &now, caveats,
				    line);
	tb_audit_fini(&now);
	return ret;
}

void tb_frame_free(struct tb_frame *frame)
{
	if (!frame)
		return;
	tb_audit_fini(&frame->audit);
	tb_drift_fini(&frame->drift);
	free(frame);
}
