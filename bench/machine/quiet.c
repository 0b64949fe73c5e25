// SPDX-License-Identifier: GPL-2.0-only
/* Profile quiet: settings that are changed and restored. */
#include "machine/quiet.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "machine/knobs.h"

static const char *const profiles[] = { "observe", "quiet", "strict" };

const char *tb_profile_name(enum tb_profile profile)
{
	return profiles[profile];
}

bool tb_profile_parse(const char *name, enum tb_profile *profile)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(profiles); i++)
		if (!strcmp(name, profiles[i])) {
			*profile = (enum tb_profile)i;
			return true;
		}
	return false;
}

static void refuse_all(struct tb_quiet *q, int code)
{
	unsigned int i;

	for (i = 0; i < q->nr_knobs; i++)
		snprintf(q->knobs[i].reason, sizeof(q->knobs[i].reason), "%s",
			 tb_knob_reason(code));
}

int tb_quiet_plan(struct tb_quiet *q, const char *root)
{
	*q = (struct tb_quiet){
		.profile = TB_PROFILE_QUIET,
		.undo.root = root,
	};
	return tb_knobs_find(q);
}

/* On disk before any is changed. */
static int note_all(struct tb_quiet *q, struct tb_err *err)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < q->nr_knobs && !ret; i++)
		ret = tb_undo_add(&q->undo, TB_CHANGE_SETTING, q->knobs[i].path,
				  q->knobs[i].before);
	return ret ? tb_fail_errno(err, ret, "profile quiet")
		   : tb_undo_save(&q->undo, err);
}

int tb_quiet_begin(struct tb_quiet *q, const char *root, struct tb_err *err)
{
	int begun, ret;

	*q = (struct tb_quiet){
		.profile = TB_PROFILE_QUIET,
		.undo.root = root,
	};
	begun = tb_undo_begin(&q->undo, err);
	if (err->code)
		return err->code;
	ret = tb_knobs_find(q);
	if (ret)
		return tb_fail_errno(err, ret, "profile quiet");
	if (begun) {
		refuse_all(q, begun);
		return 0;
	}
	ret = note_all(q, err);
	if (!ret)
		tb_knobs_apply(q);
	return ret;
}

int tb_quiet_end(struct tb_quiet *q, struct tb_err *err)
{
	int ret = tb_undo_end(&q->undo, err);

	tb_knobs_free(q);
	return ret;
}
