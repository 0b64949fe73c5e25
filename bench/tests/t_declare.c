// SPDX-License-Identifier: GPL-2.0-only
/* What a campaign declares, its A/A, and the host that it ran on. */
#include "campaign/aa.h"
#include "campaign/host.h"
#include "campaign/plan.h"

#include <sys/stat.h>

#include "tests/t.h"

static struct tb_cpu here_cpus[8];
static struct tb_topo here = { .nr_cpus = ARRAY_SIZE(here_cpus),
			       .cpus = here_cpus };

#define CAMPAIGN "[campaign]\nname = c\nbackend = vm\nboots = 2\n"
#define REST                                                     \
	"[kernel a]\nimage = /a\nappend = quiet\n"               \
	"[kernel b]\nstrategy = b\n"                             \
	"[case m]\nworkload = munmap\npages = 1, 2\ncpus = 2\n"  \
	"[case n]\nworkload = null\n"                            \
	"[expect e]\nsays = s\nmetric = m\ncases = n\nkernels =" \
	" a, b\ndirection = same\n"

static char *json_of(struct tb_plan *plan, const char *text, bool is_aa)
{
	struct tb_err err = { 0 };
	struct tb_buf b = { 0 };

	if (tb_plan_parse(plan, "c.conf", text, &here, &err) ||
	    (is_aa && tb_aa_make(plan, &err)))
		fail_msg("%s", err.text);
	tb_plan_json(plan, &b);
	return b.data;
}

static void check_bad(const char *text, const char *message)
{
	struct tb_err err = { 0 };
	struct tb_plan plan;

	assert_true(tb_plan_parse(&plan, "c.conf", text, &here, &err) < 0);
	assert_string_equal(err.text, message);
	assert_true(err.is_usage);
}

static void headline_cases_are_named(void **state)
{
	struct tb_plan plan;
	char *json =
		json_of(&plan,
			CAMPAIGN "headline = m/*, n\n"
				 "may_differ = mitigations, meltdown\n" REST,
			false);

	(void)state;
	assert_non_null(
		strstr(json, "\"headline_cases\":[\"m/pages=1\","
			     "\"m/pages=2\",\"n\"],"
			     "\"may_differ\":[\"mitigations\",\"meltdown\"]"));
	free(json);
	tb_plan_fini(&plan);
}

static void what_does_not_exist_is_refused(void **state)
{
	(void)state;
	check_bad(CAMPAIGN "headline = m/*, x\n" REST,
		  "c.conf:5: headline: 'x': expected patterns that each match "
		  "a case of this file");
	check_bad(CAMPAIGN "may_differ = mitigation\n" REST,
		  "c.conf:5: may_differ: 'mitigation': expected facts of the "
		  "audit that 'tlbbench env' prints, did you mean "
		  "'mitigations'?");
	/* It varies anyway. */
	check_bad(CAMPAIGN "may_differ = uptime\n" REST,
		  "c.conf:5: may_differ: 'uptime': expected facts of the audit "
		  "that 'tlbbench env' prints");
}

static void aa_is_one_kernel_twice(void **state)
{
	struct tb_plan plan;
	char *json = json_of(&plan, CAMPAIGN REST, true);

	(void)state;
	assert_non_null(strstr(json, "\"campaign\":\"c-aa\""));
	assert_non_null(strstr(json, "\"aa\":true,\"reference\":\"a\""));
	assert_non_null(strstr(json, "\"expectations\":[]"));
	assert_int_equal(plan.nr_kernels, 2);
	assert_string_equal(plan.kernels[1].name, "a-again");
	assert_string_equal(plan.kernels[1].image, "/a");
	assert_string_equal(plan.kernels[1].append, "quiet");
	assert_null(plan.kernels[1].strategy);
	/* A B, B A, as any comparison. */
	assert_int_equal(plan.nr_slots, 4);
	assert_int_equal(plan.slots[1].kernel, 1);
	assert_int_equal(plan.slots[2].kernel, 1);
	free(json);
	tb_plan_fini(&plan);
}

static void aa_of_the_running_kernel(void **state)
{
	struct tb_plan plan;
	char *json = json_of(&plan,
			     "[campaign]\nname = c\nboots = 4\n"
			     "[case n]\nworkload = null\n",
			     true);

	(void)state;
	assert_int_equal(plan.nr_slots, 8);
	assert_string_equal(plan.kernels[1].name, "running-again");
	free(json);
	tb_plan_fini(&plan);
}

static void hosts_are_told_apart(void **state)
{
	char a[TB_HOST_CHARS + 1], b[TB_HOST_CHARS + 1], c[TB_HOST_CHARS + 1];

	(void)state;
	assert_int_equal(mkdir(t_path(*state, "etc"), 0755), 0);
	t_write(t_path(*state, "etc/machine-id"),
		"0123456789abcdef0123456789abcdef\n");
	tb_host_id(*state, a);
	tb_host_id(*state, b);
	assert_string_equal(a, b);
	assert_int_equal(strlen(a), TB_HOST_CHARS);
	/* Nobody can read the machine-id from it. */
	assert_null(strstr("0123456789abcdef0123456789abcdef", a));
	t_write(t_path(*state, "etc/machine-id"), "ffff\n");
	tb_host_id(*state, c);
	assert_string_not_equal(a, c);
	/* Empty in images that are made to be copied: the name then. */
	t_write(t_path(*state, "etc/machine-id"), "\n");
	tb_host_id(*state, a);
	tb_host_id("/nonexistent", b);
	assert_string_equal(a, b);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(headline_cases_are_named),
		cmocka_unit_test(what_does_not_exist_is_refused),
		cmocka_unit_test(aa_is_one_kernel_twice),
		cmocka_unit_test(aa_of_the_running_kernel),
		T_DIR(hosts_are_told_apart),
	};
	size_t i;

	for (i = 0; i < here.nr_cpus; i++)
		here_cpus[i] = (struct tb_cpu){ .cpu = (int)i, .core = (int)i };
	return T_RUN("declare", tests);
}
