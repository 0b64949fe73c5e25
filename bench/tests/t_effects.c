// SPDX-License-Identifier: GPL-2.0-only
/*
 * What check() is for: an op that did not do what it says is found out, of
 * every workload, in each way that its parameters let one choose.
 */
#include "campaign/params.h"
#include "tests/t_each.h"

/* Of an op of more calls the first ones are tried. */
#define MAX_CALLS 20

/* How many values a parameter is tried with, one after the other. */
static uint64_t nr_values(const struct wl_param *p)
{
	uint64_t nr = 0;

	if (p->type == WL_BOOL)
		return 2;
	while (p->type == WL_ENUM && p->values[nr])
		nr++;
	return nr;
}

static void set(struct tb_case *cs, const struct wl_param *p, uint64_t value)
{
	memcpy((char *)cs->conf + p->offset, &value, sizeof(value));
}

/* Without its effect an op that says it was done is found out, at any time. */
static void check_op(struct tb_case *cs, const char *how)
{
	static const unsigned int nths[] = { 1, T_WARMUP_OPS + 3 };
	char failed[64];
	size_t i;

	snprintf(failed, sizeof(failed), ": check of %s 0 ",
		 cs->ops->roles[0].name);
	for (i = 0; i < ARRAY_SIZE(nths); i++) {
		const struct t_fault fault = { T_SKIP_OP, T_OP, 0, nths[i] };

		if (!t_run_with(cs, &fault))
			break;
		if (result.state != TB_STATE_FAILED || result.reasons.nr != 1 ||
		    !strstr(result.reasons.text[0], failed))
			fail_msg("%s %s: check did not see that op %u did "
				 "nothing: %s, %s",
				 cs->ops->name, how, nths[i],
				 tb_state_name(result.state),
				 result.reasons.nr ? result.reasons.text[0]
						   : "no reason");
	}
}

/* An op of several calls is found out if one of them did nothing. */
static void check_calls(struct tb_case *cs, const char *how)
{
	const struct t_fault fault = { T_SKIP_CALL, T_OP, 0, T_WARMUP_OPS + 3 };
	unsigned int nr_calls = 0;

	for (t_inert = 0; t_inert <= nr_calls; t_inert++) {
		if (!t_run_with(cs, &fault))
			break;
		if (t_inert && result.state != TB_STATE_FAILED)
			fail_msg("%s %s: nobody saw that call %u of %u did "
				 "nothing",
				 cs->ops->name, how, t_inert, nr_calls);
		if (t_inert)
			continue;
		if (result.state != TB_STATE_OK)
			fail_msg("%s %s: %s", cs->ops->name, how,
				 result.reasons.text[0]);
		nr_calls = atomic_load(&t_counts->nr_calls);
		nr_calls = nr_calls < MAX_CALLS ? nr_calls : MAX_CALLS;
		print_message("# %s %u calls\n", how, nr_calls);
	}
}

typedef void check_fn(struct tb_case *cs, const char *how);

/* As it is by default, and with each value of each choice. */
static void check_each_choice(const struct wl_ops *ops, check_fn *check)
{
	const struct wl_param *p;
	struct tb_case cs;
	uint64_t value;
	char how[64];

	t_wrap(ops);
	t_case(&cs, &t_copy, &t_topo);
	check(&cs, "default");
	/* What is chosen is the kernel's work, and instrumented code is slow.
	 */
	for (p = ops->params; p && p->name && !T_IS_SANITIZED; p++) {
		for (value = 0; value < nr_values(p); value++) {
			if (value == p->def)
				continue;
			snprintf(how, sizeof(how), "%s=%s", p->name,
				 p->type == WL_ENUM ? p->values[value]
				 : value	    ? "yes"
						    : "no");
			set(&cs, p, value);
			check(&cs, how);
		}
		if (nr_values(p))
			set(&cs, p, p->def);
	}
	free(cs.conf);
}

static void checks_see_an_op_that_did_nothing(void **state)
{
	(void)state;
	FOR_EACH(ops)
	{
		/* What a yardstick does may be nothing. */
		if (!ops->roles[0].check)
			assert_non_null(strstr(ops->tags, "harness"));
		/* This one looks at the clock, and instrumented code is slow.
		 */
		else if (!t_has_no_room(ops) &&
			 !(T_IS_SANITIZED && !strcmp(ops->name, "spin")))
			check_each_choice(ops, check_op);
	}
}

static void checks_see_a_call_that_did_nothing(void **state)
{
	(void)state;
	if (!T_HAS_CALLS)
		T_SKIP("system calls can be watched on x86-64 only, and not "
		       "with a sanitizer");
	FOR_EACH(ops)
	{
		if (ops->roles[0].check)
			check_each_choice(ops, check_calls);
	}
}

int main(void)
{
	struct CMUnitTest tests[] = {
		IN_DIR(checks_see_an_op_that_did_nothing),
		IN_DIR(checks_see_a_call_that_did_nothing),
	};

	t_engine_init();
	return T_RUN("effects", tests);
}
