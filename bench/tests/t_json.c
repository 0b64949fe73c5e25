// SPDX-License-Identifier: GPL-2.0-only
/* The JSON writer, compared as text. */
#include "base/json.h"

#include <float.h>
#include <math.h>

#include "tests/t.h"

/* What tb_json_str() makes of @value. */
static void check_str(const char *value, const char *expected)
{
	struct tb_buf b = { 0 };
	struct tb_json j = { .buf = &b };

	tb_json_str(&j, NULL, value);
	assert_string_equal(b.data, expected);
	tb_buf_fini(&b);
}

static void text_is_escaped(void **state)
{
	(void)state;
	check_str("", "\"\"");
	check_str("plain text / with 'quotes'",
		  "\"plain text / with 'quotes'\"");
	check_str("a\"b\\c", "\"a\\\"b\\\\c\"");
	check_str("\b\f\n\r\t", "\"\\u0008\\u000c\\u000a\\u000d\\u0009\"");
	check_str("\x01\x1f\x20\x7f", "\"\\u0001\\u001f \x7f\"");
	check_str("%s%n", "\"%s%n\"");
	check_str(NULL, "null");
}

static void utf8_passes(void **state)
{
	(void)state;
	/* The first and last of two, three and four bytes. */
	check_str("\xc2\x80\xdf\xbf", "\"\xc2\x80\xdf\xbf\"");
	check_str("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",
		  "\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"");
	check_str("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
		  "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"");
}

static void what_is_not_utf8_is_replaced(void **state)
{
	(void)state;
	check_str("a\x80z", "\"a\\ufffdz\"");
	check_str("\xff\xfe", "\"\\ufffd\\ufffd\"");
	/* Cut off, at the end and by another character. */
	check_str("\xc3", "\"\\ufffd\"");
	check_str("\xe2\x82", "\"\\ufffd\\ufffd\"");
	check_str("\xf0\x9f\x98", "\"\\ufffd\\ufffd\\ufffd\"");
	check_str("\xe2\x82\"", "\"\\ufffd\\ufffd\\\"\"");
	check_str("\xc3\xc3\xa4", "\"\\ufffd\xc3\xa4\"");
}

/* Right in form but no text: a strict reader refuses the whole file. */
static void bad_code_points_are_replaced(void **state)
{
	(void)state;
	/* Longer than need be. */
	check_str("\xc0\xaf", "\"\\ufffd\\ufffd\"");
	check_str("\xe0\x9f\xbf", "\"\\ufffd\\ufffd\\ufffd\"");
	check_str("\xf0\x8f\xbf\xbf", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
	/* Surrogates: U+D800, U+DFFF. */
	check_str("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
	check_str("\xed\xbf\xbf", "\"\\ufffd\\ufffd\\ufffd\"");
	/* Above U+10FFFF. */
	check_str("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
	check_str("\xf5\x80\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

static void members_and_commas(void **state)
{
	struct tb_buf b = { 0 };
	struct tb_json j = { .buf = &b };

	(void)state;
	tb_json_obj(&j, NULL);
	tb_json_u64(&j, "zero", 0);
	tb_json_u64(&j, "max", UINT64_MAX);
	tb_json_obj(&j, "empty");
	tb_json_obj_end(&j);
	tb_json_arr(&j, "none");
	tb_json_arr_end(&j);
	tb_json_arr(&j, "list");
	tb_json_arr(&j, NULL);
	tb_json_u64(&j, NULL, 1);
	tb_json_u64(&j, NULL, 2);
	tb_json_arr_end(&j);
	tb_json_obj(&j, NULL);
	tb_json_bool(&j, "yes", true);
	tb_json_bool(&j, "no", false);
	tb_json_obj_end(&j);
	tb_json_null(&j, NULL);
	tb_json_arr_end(&j);
	tb_json_str(&j, "na\"me", "v");
	tb_json_obj_end(&j);
	assert_string_equal(b.data,
			    "{\"zero\":0,\"max\":18446744073709551615,"
			    "\"empty\":{},\"none\":[],"
			    "\"list\":[[1,2],{\"yes\":true,\"no\":false},"
			    "null],\"na\\\"me\":\"v\"}");
	tb_buf_fini(&b);
}

static void check_f64(double value, const char *expected)
{
	struct tb_buf b = { 0 };
	struct tb_json j = { .buf = &b };

	tb_json_f64(&j, NULL, value);
	assert_string_equal(b.data, expected);
	tb_buf_fini(&b);
}

static void doubles_are_short(void **state)
{
	(void)state;
	check_f64(0, "0");
	check_f64(1, "1");
	check_f64(-2.5, "-2.5");
	check_f64(0.1, "0.1");
	check_f64(0.1 + 0.2, "0.30000000000000004");
	check_f64(1e300, "1e+300");
	check_f64(1.0 / 3, "0.33333333333333331");
}

static void what_is_no_number_is_null(void **state)
{
	(void)state;
	check_f64(NAN, "null");
	check_f64(-NAN, "null");
	check_f64(INFINITY, "null");
	check_f64(-INFINITY, "null");
}

static void check_round_trip(double value)
{
	struct tb_buf b = { 0 };
	struct tb_json j = { .buf = &b };
	double back;

	tb_json_f64(&j, NULL, value);
	back = strtod(b.data, NULL);
	assert_memory_equal(&back, &value, sizeof(value));
	tb_buf_fini(&b);
}

static void doubles_come_back(void **state)
{
	uint64_t seed = 4;
	unsigned int i;

	(void)state;
	check_round_trip(DBL_MAX);
	check_round_trip(DBL_MIN);
	check_round_trip(DBL_EPSILON);
	check_round_trip(5e-324);
	check_round_trip(-0.0);
	for (i = 0; i < 20000; i++) {
		uint64_t bits = t_random(&seed);
		double value;

		memcpy(&value, &bits, sizeof(value));
		if (isfinite(value))
			check_round_trip(value);
	}
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_escaped),
		cmocka_unit_test(utf8_passes),
		cmocka_unit_test(what_is_not_utf8_is_replaced),
		cmocka_unit_test(bad_code_points_are_replaced),
		cmocka_unit_test(members_and_commas),
		cmocka_unit_test(doubles_are_short),
		cmocka_unit_test(what_is_no_number_is_null),
		cmocka_unit_test(doubles_come_back),
	};

	return T_RUN("json", tests);
}
