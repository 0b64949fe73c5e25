// SPDX-License-Identifier: GPL-2.0-only
/* From [expect NAME] to plan.json; every refusal. */
#include "campaign/plan.h"

#include <errno.h>

#include "campaign/image.h"
#include "tests/t.h"

static struct tb_cpu here_cpus[8];
static struct tb_topo here = { .nr_cpus = ARRAY_SIZE(here_cpus),
			       .cpus = here_cpus };

/* Lines 1 to 16; an expectation begins on line 17. */
static const char head[] = "[campaign]\n"
			   "name = x\n"
			   "backend = vm\n"
			   "boots = 2\n"
			   "[vm]\n"
			   "cpus = 4\n"
			   "[kernel baseline]\n"
			   "strategy = baseline\n"
			   "[kernel to-come]\n"
			   "strategy = to-come\n"
			   "optional = yes\n"
			   "[case m]\n"
			   "workload = munmap\n"
			   "pages = 1, 8, 64\n"
			   "cpus = 2, 4\n"
			   "[expect e]\n";

/* As read by the parser, with the head in front. */
static int parse(struct tb_plan *plan, const char *keys, struct tb_err *err)
{
	struct tb_buf b = { 0 };
	int ret;

	*err = (struct tb_err){ 0 };
	tb_buf_printf(&b, "%s%s", head, keys);
	ret = tb_plan_parse(plan, "c.conf", b.data, &here, err);
	tb_buf_fini(&b);
	return ret;
}

static void what_is_expected_is_recorded(void **state)
{
	struct tb_plan plan;
	struct tb_buf b = { 0 };
	struct tb_err err;

	(void)state;
	if (parse(&plan,
		  "says = Ranged is dear.\n"
		  "source = 1@x\n"
		  "metric = op_p50_ns, op_instructions\n"
		  "cases = m/*/cpus=4\n"
		  "along = pages\n"
		  "from = 1\n"
		  "to = 64\n"
		  "each = yes\n"
		  "direction = rises\n"
		  "factor = 1.5\n"
		  "break_even = 8..33\n",
		  &err))
		fail_msg("%s", err.text);
	tb_plan_json(&plan, &b);
	assert_non_null(strstr(
		b.data,
		"\"expectations\":[{\"name\":\"e\",\"says\":\"Ranged is "
		"dear.\",\"source\":\"1@x\",\"metrics\":[\"op_p50_ns\","
		"\"op_instructions\"],\"cases\":[\"m/pages=1/cpus=4\","
		"\"m/pages=8/cpus=4\",\"m/pages=64/cpus=4\"],\"kernel_a\":null,"
		"\"kernel_b\":null,\"along\":\"pages\",\"from\":\"1\",\"to\":"
		"\"64\",\"each\":true,\"direction\":\"rises\","
		"\"factor\":1.5,\"knee\":null,\"break_even\":[8,33]}]"));
	tb_buf_fini(&b);
	tb_plan_fini(&plan);
}

static void kernels_are_compared_too(void **state)
{
	struct tb_plan plan;
	struct tb_err err;

	(void)state;
	if (parse(&plan,
		  "says = x\nmetric = m\ncases = m/*\n"
		  "kernels = baseline, to-come\ndirection = same\n",
		  &err))
		fail_msg("%s", err.text);
	assert_string_equal(plan.expects[0].kernels[1], "to-come");
	assert_true(plan.expects[0].factor == 1.02);
	tb_plan_fini(&plan);
}

#define GOOD "says = x\nmetric = m\ncases = m/*\n"

static void mistakes_have_a_line(void **state)
{
	static const struct {
		const char *keys;
		const char *message;
	} bad[] = {
		{ "", "c.conf:16: [expect e]: expected a key 'says'" },
		{ "says = x\n", "c.conf:16: [expect e]: expected a key "
				"'metric'" },
		{ GOOD, "c.conf:16: [expect e]: expected kernels or along" },
		{ GOOD "along = pages\nkernels = baseline, to-come\n",
		  "c.conf:21: kernels = baseline, to-come: expected the name "
		  "of one [kernel NAME]" },
		{ GOOD "along = pages\nfrom = 1\ndirection = rises\n",
		  "c.conf:21: from = 1: expected both from and to, or "
		  "neither" },
		{ GOOD "along = pages\nfrom = 1\nto = 6\n",
		  "c.conf:22: to = 6: expected a value of the key 'along' in "
		  "these cases" },
		{ GOOD "along = pages\n",
		  "c.conf:16: [expect e]: expected a key 'direction', 'knee' "
		  "or 'break_even'" },
		{ GOOD "along = ops\ndirection = rises\n",
		  "c.conf:20: along = ops: expected a key that all cases are "
		  "swept over" },
		{ "says = x\nmetric = m\ncases = m/*, n\nalong = pages\n",
		  "c.conf:19: cases = m/*, n: expected patterns that each "
		  "match a case of this file" },
		{ GOOD "kernels = baseline\n",
		  "c.conf:20: kernels = baseline: expected the names of two "
		  "[kernel NAME], A, B" },
		{ GOOD "kernels = baseline, none\n",
		  "c.conf:20: kernels = baseline, none: expected the names of "
		  "two [kernel NAME], A, B" },
		{ GOOD "along = pages\ndirection = up\n",
		  "c.conf:21: direction = up: expected rises, falls or same" },
		{ GOOD "along = pages\nfactor = 2\n",
		  "c.conf:21: factor = 2: expected it together with "
		  "direction" },
		{ GOOD "along = pages\ndirection = rises\nfactor = 0.5\n",
		  "c.conf:22: factor = 0.5: expected a number from 1 to "
		  "1000000" },
		{ GOOD "along = pages\ndirection = rises\nfactor = 2x\n",
		  "c.conf:22: factor = 2x: expected a number from 1 to "
		  "1000000" },
		{ GOOD "along = pages\neach = 1\n",
		  "c.conf:21: each = 1: expected yes or no" },
		{ GOOD "kernels = baseline, to-come\neach = yes\n",
		  "c.conf:21: each = yes: expected it together with along = "
		  "KEY" },
		{ GOOD "along = pages\nknee = 8\n",
		  "c.conf:21: knee = 8: expected two values of the key, "
		  "LOW..HIGH" },
		{ GOOD "along = pages\nknee = 9..8\n",
		  "c.conf:21: knee = 9..8: expected two values of the key, "
		  "LOW..HIGH" },
		{ GOOD "kernels = baseline, to-come\nknee = 1..8\n",
		  "c.conf:21: knee = 1..8: expected it together with along = "
		  "KEY" },
		{ GOOD "along = pages\nknee = 1..8\nfactr = 2\n",
		  "c.conf:22: unknown key 'factr' in [expect e], did you mean "
		  "'factor'?" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct tb_plan plan;
		struct tb_err err;

		assert_int_equal(parse(&plan, bad[i].keys, &err), -EINVAL);
		assert_true(err.is_usage);
		assert_string_equal(err.text, bad[i].message);
	}
}

/* In whatever state the images are, of those that are left. */
static void optional_kernels_may_be_missing(void **state)
{
	struct tb_plan plan;
	struct tb_buf b = { 0 };
	struct tb_err err;

	(void)state;
	if (access("kernels/build", X_OK))
		T_SKIP("not run at the top of the checkout");
	if (parse(&plan, GOOD "along = pages\ndirection = rises\n", &err))
		fail_msg("%s", err.text);
	assert_int_equal(plan.nr_slots, 4);
	tb_images_resolve(&plan, false, &err);
	assert_int_equal(plan.nr_kernels, 1);
	assert_int_equal(plan.nr_slots, 2);
	assert_int_equal(plan.slots[1].pair, 1);
	tb_plan_json(&plan, &b);
	assert_non_null(strstr(b.data, "\"missing_kernels\":[{\"name\":\"to-"
				       "come\",\"strategy\":\"to-come\"}]"));
	tb_buf_fini(&b);
	tb_plan_fini(&plan);
}

static void the_first_kernel_is_needed(void **state)
{
	static const char text[] = "[campaign]\nname = x\nbackend = vm\n"
				   "[kernel a]\nstrategy = a\noptional = yes\n"
				   "[case m]\nworkload = munmap\n";
	struct tb_err err = { 0 };
	struct tb_plan plan;

	(void)state;
	assert_int_equal(tb_plan_parse(&plan, "c.conf", text, &here, &err),
			 -EINVAL);
	assert_string_equal(err.text,
			    "c.conf:6: optional = yes: expected a strategy "
			    "that is not the first kernel");
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_expected_is_recorded),
		cmocka_unit_test(kernels_are_compared_too),
		cmocka_unit_test(mistakes_have_a_line),
		cmocka_unit_test(optional_kernels_may_be_missing),
		cmocka_unit_test(the_first_kernel_is_needed),
	};

	return T_RUN("expect", tests);
}
