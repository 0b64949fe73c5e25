// SPDX-License-Identifier: GPL-2.0-only
/* Suggestions: what one slip away was meant, and when to be silent. */
#include "base/near.h"

#include "tests/t.h"

static const char *const known[] = { "ops",	    "boots", "placement",
				     "repetitions", "cpus",  "timeout_seconds",
				     "warmup_ops" };

static void check(const char *word, const char *expected)
{
	struct tb_near near = { .word = word };
	struct tb_buf b = { 0 };
	bool is_known = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		is_known |= tb_near_is(&near, known[i]);
	assert_false(is_known);
	tb_near_text(&near, &b);
	assert_string_equal(b.data ? b.data : "", expected);
	tb_buf_fini(&b);
}

static void slips_are_understood(void **state)
{
	(void)state;
	/* One too many, one too few, another one, two that changed places. */
	check("oops", ", did you mean 'ops'?");
	check("boot", ", did you mean 'boots'?");
	check("opt", ", did you mean 'ops'?");
	check("osp", ", did you mean 'ops'?");
	check("palcment", ", did you mean 'placement'?");
	check("warmupops", ", did you mean 'warmup_ops'?");
	/* The beginning of a word. */
	check("timeout", ", did you mean 'timeout_seconds'?");
	check("rep", ", did you mean 'repetitions'?");
}

static void other_words_are_not(void **state)
{
	(void)state;
	check("", "");
	check("o", "");
	check("nope", "");
	check("strategy", "");
	check("op s", ", did you mean 'ops'?");
	check("an_extremely_long_word_that_nobody_knows", "");
}

static void a_known_word_is_known(void **state)
{
	struct tb_near near = { .word = "ops" };

	(void)state;
	assert_false(tb_near_is(&near, "oops"));
	assert_true(tb_near_is(&near, "ops"));
	assert_string_equal(near.best, "ops");
	assert_false(tb_near_is(&near, "opt"));
	assert_string_equal(near.best, "ops");
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(slips_are_understood),
		cmocka_unit_test(other_words_are_not),
		cmocka_unit_test(a_known_word_is_known),
	};

	return T_RUN("near", tests);
}
