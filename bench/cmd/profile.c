// SPDX-License-Identifier: GPL-2.0-only
/* Profiles on the command line. */
#include "cmd/profile.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/cmd.h"
#include "machine/audit.h"

int tb_profile_option(const char *command, const char *name,
		      enum tb_profile *profile, struct tb_err *err)
{
	if (tb_profile_parse(name, profile))
		return 0;
	return tb_usage(err,
			"%s: --profile: '%s': expected observe, quiet or "
			"strict",
			command, name);
}

int tb_profile_recover(struct tb_err *err)
{
	struct tb_buf names = { 0 };
	int ret = tb_undo_recover(TB_LIVE_ROOT, &names, err);

	if (names.len_bytes)
		fprintf(stderr,
			"tlbbench: an earlier tlbbench was killed; undid what "
			"it had changed: %s\n",
			names.data);
	tb_buf_fini(&names);
	return ret;
}

/* Who only reads can go on where settings are not as they were, and says so. */
static int recover(struct tb_quiet *q, struct tb_err *err)
{
	int ret = tb_profile_recover(err);

	if (q->profile == TB_PROFILE_QUIET || (ret != -EBUSY && ret != -EACCES))
		return ret;
	fprintf(stderr, "tlbbench: %s\n", err->text);
	snprintf(q->caveat, sizeof(q->caveat), "%s", err->text);
	*err = (struct tb_err){ 0 };
	return 0;
}

static int refuse(struct tb_err *err)
{
	struct tb_audit audit;
	unsigned int i, nr = 0;
	int ret = tb_audit_read(&audit, TB_LIVE_ROOT);

	for (i = 0; !ret && i < audit.nr_facts; i++) {
		const struct tb_fact *f = &audit.facts[i];
		struct tb_buf text = { 0 };

		if (!f->is_wrong || f->def->policy != TB_REFUSE)
			continue;
		tb_fact_complaint(f, &text);
		fprintf(stderr, "tlbbench: refused: %s. Do: %s\n",
			text.has_failed ? f->def->name : text.data,
			f->def->advice);
		tb_buf_fini(&text);
		nr++;
	}
	tb_audit_fini(&audit);
	if (ret)
		return tb_fail_errno(err, ret, "audit");
	if (nr)
		return tb_fail(err, -EPERM,
			       "profile strict: not started for the reasons "
			       "above");
	return 0;
}

int tb_profile_enter(enum tb_profile profile, struct tb_quiet *q,
		     struct tb_err *err)
{
	int ret;

	*q = (struct tb_quiet){ .profile = profile, .undo.root = TB_LIVE_ROOT };
	ret = recover(q, err);
	if (ret)
		return ret;
	if (profile == TB_PROFILE_STRICT)
		return refuse(err);
	if (profile == TB_PROFILE_QUIET)
		return tb_quiet_begin(q, TB_LIVE_ROOT, err);
	return 0;
}

int tb_profile_leave(struct tb_quiet *q, int code)
{
	struct tb_err err = { 0 };

	if (!tb_quiet_end(q, &err))
		return code;
	fprintf(stderr, "tlbbench: %s\n", err.text);
	return code ? code : TB_EXIT_FAIL;
}
