// SPDX-License-Identifier: GPL-2.0-only
/* KTAP as it is written. */
#include "base/ktap.h"
#include "tests/t.h"

static void writes_results_and_subtests(void **state)
{
	struct tb_buf text = { 0 };
	struct tb_ktap k = { .out = &text };

	(void)state;
	tb_ktap_begin(&k, 3);
	tb_ktap_enter(&k, "a", 2);
	tb_ktap_result(&k, TB_KTAP_OK, "one", "3 tries");
	tb_ktap_note(&k, "seen: %d", 7);
	tb_ktap_result(&k, TB_KTAP_NOT_OK, "two", "");
	tb_ktap_leave(&k, "a");
	assert_int_equal(k.state, TB_KTAP_NOT_OK);
	tb_ktap_enter(&k, "b", 1);
	tb_ktap_result(&k, TB_KTAP_SKIP, "one", "no CPU");
	tb_ktap_leave(&k, "b");
	assert_int_equal(k.state, TB_KTAP_SKIP);
	tb_ktap_result(&k, TB_KTAP_OK, "c", "");
	assert_string_equal(text.data, "KTAP version 1\n"
				       "1..3\n"
				       "    KTAP version 1\n"
				       "    # Subtest: a\n"
				       "    1..2\n"
				       "    ok 1 one # 3 tries\n"
				       "    # seen: 7\n"
				       "    not ok 2 two\n"
				       "not ok 1 a\n"
				       "    KTAP version 1\n"
				       "    # Subtest: b\n"
				       "    1..1\n"
				       "    ok 1 one # SKIP no CPU\n"
				       "ok 2 b # SKIP nothing of it could run\n"
				       "ok 3 c\n");
	tb_buf_fini(&text);
}

static void judges_text(void **state)
{
	(void)state;
	assert_int_equal(tb_ktap_judge("1..1\nok 1 a\n"), TB_KTAP_OK);
	assert_int_equal(tb_ktap_judge("ok 1 a\nnot ok 2 b\n"), TB_KTAP_NOT_OK);
	assert_int_equal(tb_ktap_judge("    ok 1 a\nok 1 b # SKIP no\n"),
			 TB_KTAP_SKIP);
	assert_int_equal(tb_ktap_judge("ok 1 a # SKIP no\nok 2 b # 3 tries\n"),
			 TB_KTAP_OK);
	assert_int_equal(tb_ktap_judge("    not ok 1 a\nok 1 b\n"), TB_KTAP_OK);
	assert_int_equal(tb_ktap_judge(""), TB_KTAP_SKIP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_results_and_subtests),
		cmocka_unit_test(judges_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
