// SPDX-License-Identifier: GPL-2.0-only
/* The error record. */
#include "base/err.h"

#include <errno.h>

#include "tests/t.h"

static void first_record_wins(void **state)
{
	struct tb_err err = { 0 };

	(void)state;
	assert_int_equal(tb_fail(&err, -ENOSPC, "disk %d", 1), -ENOSPC);
	assert_int_equal(tb_fail(&err, -EIO, "later"), -EIO);
	assert_int_equal(tb_fail_errno(&err, -EPERM, "later"), -EPERM);
	assert_int_equal(tb_usage(&err, "later"), -EINVAL);
	assert_int_equal(err.code, -ENOSPC);
	assert_string_equal(err.text, "disk 1");
	assert_false(err.is_usage);
}

static void usage_is_marked(void **state)
{
	struct tb_err err = { 0 };

	(void)state;
	assert_int_equal(tb_usage(&err, "expected %s", "less"), -EINVAL);
	assert_int_equal(err.code, -EINVAL);
	assert_true(err.is_usage);
	assert_string_equal(err.text, "expected less");
	tb_fail(&err, -EIO, "later");
	assert_true(err.is_usage);
	assert_string_equal(err.text, "expected less");
}

static void errno_is_told(void **state)
{
	struct tb_err err = { 0 };

	(void)state;
	assert_int_equal(tb_fail_errno(&err, -ENOENT, "cannot open %s", "x"),
			 -ENOENT);
	assert_string_equal(err.text,
			    "cannot open x: No such file or directory");
	assert_false(err.is_usage);
}

static void long_text_is_cut(void **state)
{
	/* What follows the record must stay as it is. */
	struct {
		struct tb_err err;
		char guard[8];
	} r = { .guard = "guarded" };
	char text[2 * TB_ERR_TEXT_BYTES];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	tb_fail(&r.err, -EIO, "%s", text);
	assert_int_equal(strlen(r.err.text), TB_ERR_TEXT_BYTES - 1);
	r.err = (struct tb_err){ 0 };
	tb_fail_errno(&r.err, -EIO, "%s", text);
	assert_int_equal(strlen(r.err.text), TB_ERR_TEXT_BYTES - 1);
	r.err = (struct tb_err){ 0 };
	tb_fail_errno(&r.err, -EIO, "%.*s", TB_ERR_TEXT_BYTES - 6, text);
	assert_string_equal(r.err.text + TB_ERR_TEXT_BYTES - 6, ": Inp");
	assert_string_equal(r.guard, "guarded");
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(first_record_wins),
		cmocka_unit_test(usage_is_marked),
		cmocka_unit_test(errno_is_told),
		cmocka_unit_test(long_text_is_cut),
	};

	return T_RUN("err", tests);
}
