// SPDX-License-Identifier: GPL-2.0-only
/*
 * Callbacks that hang, more than one instance, reasons to skip. Those that hang
 * take a second each, so they run side by side, each in a process of its own.
 */
#include "tests/t_toy.h"

/* --- hanging ------------------------------------------------------------- */

/* In measure: behind the warm-up of the timed pass. */
#define MEASURED (T_WARMUP_OPS + 3)

/*
 * What hangs, and what of the reason is the same on every machine; the rest is
 * the CPU and the kernel stack.
 */
static const struct {
	const struct wl_ops *ops;
	struct t_fault fault;
	const char *begins;
	const char *holds;
} hangs[] = {
	{ &toy,
	  { T_HANG, T_SETUP, 0, 1 },
	  "initiator 0 of instance 0 on CPU ",
	  " is stuck in setup, phase INIT, after 1 s" },
	{ &toy,
	  { T_HANG, T_THREAD_INIT, 1, 1 },
	  "responder 0 of instance 0 on CPU ",
	  ", phase INIT, after 1 s" },
	{ &toy,
	  { T_HANG, T_REARM, 0, 1 },
	  "initiator 0 of instance 0 on CPU ",
	  " is stuck in rearm, phase WARMUP, after 1 s" },
	{ &toy,
	  { T_HANG, T_OP, 0, MEASURED },
	  "initiator 0 of instance 0 on CPU ",
	  " is stuck in op, phase MEASURE, after 1 s" },
	{ &toy,
	  { T_HANG, T_CHECK, 0, MEASURED },
	  "initiator 0 of instance 0 on CPU ",
	  " is stuck in check, phase MEASURE, after 1 s" },
	{ &toy,
	  { T_HANG, T_OP, 1, 1 },
	  "responder 0 on CPU ",
	  " did not acknowledge within 1 s (phase WARMUP)" },
	{ &toy,
	  { T_HANG, T_OP, 1, MEASURED },
	  "responder 0 on CPU ",
	  " did not acknowledge within 1 s (phase MEASURE)" },
	{ &sleepy_toy,
	  { T_HANG, T_OP, 1, 2 },
	  "sleeper 0 on CPU ",
	  " did not acknowledge within 1 s (phase WARMUP)" },
	{ &toy,
	  { T_HANG, T_THREAD_EXIT, 1, 1 },
	  "responder 0 of instance 0 on CPU ",
	  " is stuck in thread_exit, phase DRAIN, after 1 s" },
	{ &toy,
	  { T_HANG, T_TEARDOWN, 0, 1 },
	  "initiator 0 of instance 0 on CPU ",
	  " is stuck in teardown, phase DRAIN, after 1 s" },
	{ &forked_toy,
	  { T_HANG, T_PROCESS_INIT, 1, 1 },
	  "responder 0 of instance 0 on CPU ",
	  " is stuck in process_init, phase INIT, after 1 s" },
	{ &forked_toy,
	  { T_HANG, T_OP, 1, MEASURED },
	  "responder 0 on CPU ",
	  " did not acknowledge within 1 s (phase MEASURE)" },
	{ &forked_toy,
	  { T_HANG, T_PROCESS_EXIT, 1, 1 },
	  "responder 0 of instance 0 on CPU ",
	  " is stuck in process_exit, phase DRAIN, after 1 s" },
};

/* What each process says; shared with it. */
static struct verdict {
	enum tb_state state;
	unsigned int nr_reasons;
	bool is_alone;
	char reason[TB_ERR_TEXT_BYTES];
} * verdicts;

static void run_hang(unsigned int i)
{
	struct verdict *v = &verdicts[i];
	struct tb_case cs;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	t_counts = NULL;
	t_wrap(hangs[i].ops);
	t_case(&cs, &t_copy, &t_topo);
	cs.timeout_s = 1;
	t_fault = hangs[i].fault;
	t_run_case(&cs, &result);
	v->state = result.state;
	v->nr_reasons = result.reasons.nr;
	memcpy(v->reason, result.reasons.text[0], sizeof(v->reason));
	v->is_alone = waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
	_exit(0);
}

static void hangs_are_told(void **state)
{
	/* They hang in pause(), and root sees them there. */
	const char *in_pause = access("/proc/self/stack", R_OK) || geteuid()
				       ? "kernel stack"
				       : "kernel stack: __do_sys_pause";
	unsigned int i;

	(void)state;
	if (t_topo.nr_cpus < 2)
		T_SKIP("needs two CPUs");
	verdicts =
		mmap(NULL, sizeof(*verdicts) * ARRAY_SIZE(hangs),
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(verdicts, MAP_FAILED);
	for (i = 0; i < ARRAY_SIZE(hangs); i++)
		if (!fork())
			run_hang(i);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	for (i = 0; i < ARRAY_SIZE(hangs); i++) {
		const struct verdict *v = &verdicts[i];

		if (v->state != TB_STATE_TIMEOUT || v->nr_reasons != 1 ||
		    strncmp(v->reason, hangs[i].begins,
			    strlen(hangs[i].begins)) ||
		    !strstr(v->reason, hangs[i].holds) ||
		    !strstr(v->reason, in_pause))
			fail_msg("%s: state %s, reason '%s', expected "
				 "'%s...%s...%s'",
				 t_call_name(hangs[i].fault.call),
				 tb_state_name(v->state), v->reason,
				 hangs[i].begins, hangs[i].holds, in_pause);
		assert_true(v->is_alone);
	}
	munmap(verdicts, sizeof(*verdicts) * ARRAY_SIZE(hangs));
}

/* --- instances ----------------------------------------------------------- */

/* Two instances of an initiator each. */
static void two_instances(struct tb_case *cs)
{
	t_wrap(&toy);
	t_case(cs, &t_copy, &t_topo);
	cs->instances = 2;
	cs->nr_threads[1] = 0;
	cs->nr_cpus = 2;
}

static void instances_add_up(void **state)
{
	struct tb_case cs;

	(void)state;
	if (t_topo.nr_cpus < 2)
		T_SKIP("needs two CPUs");
	two_instances(&cs);
	run(&cs, TB_STATE_OK);
	assert_int_equal(result.timed.nr_ops, 2 * T_OPS);
	assert_int_equal(result.timed.latency.count, 2 * T_OPS);
	assert_int_equal(result.counted.nr_ops, 2 * T_OPS);
	/* Two passes of two instances. */
	assert_int_equal(done(T_SETUP, 0), 4);
	assert_int_equal(done(T_TEARDOWN, 0), 4);
}

static void instances_fail_together(void **state)
{
	static const struct t_fault faults[] = {
		{ T_FAIL, T_SETUP, 0, 1 },
		{ T_FAIL, T_SETUP, 0, 2 },
		{ T_FAIL, T_OP, 0, 2 * T_WARMUP_OPS + 3 },
	};
	struct t_traces before;
	struct tb_case cs;
	size_t i;

	if (t_topo.nr_cpus < 2)
		T_SKIP("needs two CPUs");
	two_instances(&cs);
	before = t_traces(*state);
	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		memset(t_counts, 0, sizeof(*t_counts));
		t_fault = faults[i];
		t_run_case(&cs, &result);
		tb_result_fini(&result);
		assert_int_equal(result.state, TB_STATE_FAILED);
		/* The one that did not fail has undone what it did, too. */
		assert_int_equal(done(T_TEARDOWN, 0), done(T_SETUP, 0));
		assert_int_equal(done(T_THREAD_EXIT, 0),
				 done(T_THREAD_INIT, 0));
		t_assert_no_traces(&before, *state);
	}
	free(cs.conf);
}

/* --- skips ---------------------------------------------------------------- */

static void two_reasons(const struct wl_env *env, const void *conf,
			struct wl_reasons *why)
{
	(void)conf;
	wl_reason(why, "needs %u CPUs", env->nr_cpus + 1);
	wl_reason(why, "needs a moon");
}

static void skips_have_all_reasons(void **state)
{
	struct tb_case cs;

	(void)state;
	t_wrap(&toy);
	t_copy.probe = two_reasons;
	t_case(&cs, &t_copy, &t_topo);
	cs.nr_threads[1] = 0;
	cs.nr_cpus = 1;
	run(&cs, TB_STATE_SKIPPED);
	assert_int_equal(result.reasons.nr, 2);
	assert_string_equal(result.reasons.text[0], "needs 2 CPUs");
	assert_string_equal(result.reasons.text[1], "needs a moon");
	assert_int_equal(atomic_load(&t_counts->called[T_SETUP][0]), 0);
}

static void reasons_do_not_overflow(void **state)
{
	static struct wl_reasons why;
	char text[2 * TB_ERR_TEXT_BYTES];
	unsigned int i;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (i = 0; i < 40; i++)
		wl_reason(&why, "%s", text);
	assert_int_equal(why.nr, 16);
	assert_int_equal(strlen(why.text[14]), TB_ERR_TEXT_BYTES - 1);
	assert_string_equal(why.text[15], "and others, which do not fit here");
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(hangs_are_told),
		cmocka_unit_test(instances_add_up),
		T_DIR(instances_fail_together),
		cmocka_unit_test(skips_have_all_reasons),
		cmocka_unit_test(reasons_do_not_overflow),
	};

	t_engine_init();
	return T_RUN("run", tests);
}
