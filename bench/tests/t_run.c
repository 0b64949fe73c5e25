// SPDX-License-Identifier: GPL-2.0-only
/*
 * The engine with a workload made for the purpose: callbacks that hang, more
 * than one instance, reasons to skip. Those that hang take a second each, so
 * they run side by side, each in a process of its own.
 */
#include "engine/metric.h"
#include "engine/thread.h"
#include "tests/t_engine.h"

static struct tb_result result;

/* --- the workload -------------------------------------------------------- */

static int nothing(struct wl_thread *t)
{
	(void)t;
	return 0;
}

static int toy_setup(struct wl_ctx *c)
{
	(void)c;
	return 0;
}

static void toy_teardown(struct wl_ctx *c)
{
	(void)c;
}

static const struct wl_role with_responder[] = {
	{ .name = "initiator",
	  .kind = WL_INITIATOR,
	  .def_threads = 1,
	  .rearm = nothing,
	  .op = nothing,
	  .check = nothing },
	{ .name = "responder", .kind = WL_RESPONDER, .op = nothing },
	{ 0 },
};

static const struct wl_role with_sleeper[] = {
	{ .name = "initiator",
	  .kind = WL_INITIATOR,
	  .def_threads = 1,
	  .op = nothing },
	{ .name = "sleeper", .kind = WL_SLEEPER, .op = nothing },
	{ 0 },
};

static const struct wl_ops toy = {
	.abi = WL_ABI,
	.name = "toy",
	.roles = with_responder,
	.setup = toy_setup,
	.teardown = toy_teardown,
};

static const struct wl_ops sleepy_toy = {
	.abi = WL_ABI,
	.name = "sleepy_toy",
	.roles = with_sleeper,
};

static const struct wl_role with_processes[] = {
	{ .name = "initiator",
	  .kind = WL_INITIATOR,
	  .def_threads = 1,
	  .op = nothing },
	{ .name = "responder",
	  .kind = WL_RESPONDER,
	  .max_processes = 4096,
	  .def_processes = 1,
	  .op = nothing },
	{ .name = "sleeper",
	  .kind = WL_SLEEPER,
	  .max_processes = 4096,
	  .op = nothing },
	{ 0 },
};

static const struct wl_ops forked_toy = {
	.abi = WL_ABI,
	.name = "forked_toy",
	.roles = with_processes,
	.setup = toy_setup,
	.teardown = toy_teardown,
};

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

static unsigned int done(enum t_call call, unsigned int role)
{
	return atomic_load(&t_counts->done[call][role]);
}

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
	t_run_case(&cs, &result);
	tb_result_fini(&result);
	assert_int_equal(result.state, TB_STATE_OK);
	assert_int_equal(result.timed.nr_ops, 2 * T_OPS);
	assert_int_equal(result.timed.latency.count, 2 * T_OPS);
	assert_int_equal(result.counted.nr_ops, 2 * T_OPS);
	/* Two passes of two instances. */
	assert_int_equal(done(T_SETUP, 0), 4);
	assert_int_equal(done(T_TEARDOWN, 0), 4);
	free(cs.conf);
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

/* --- skips and rendezvous ------------------------------------------------ */

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
	t_run_case(&cs, &result);
	tb_result_fini(&result);
	assert_int_equal(result.state, TB_STATE_SKIPPED);
	assert_int_equal(result.reasons.nr, 2);
	assert_string_equal(result.reasons.text[0], "needs 2 CPUs");
	assert_string_equal(result.reasons.text[1], "needs a moon");
	assert_int_equal(atomic_load(&t_counts->called[T_SETUP][0]), 0);
	free(cs.conf);
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

static uint64_t every_tenth(const void *conf)
{
	(void)conf;
	return 10;
}

static uint64_t only_once(const void *conf)
{
	(void)conf;
	return 0;
}

static uint64_t three_times(const void *conf)
{
	(void)conf;
	return 3;
}

/* Ops of the peer in a run: both passes have a warm-up and a measured phase. */
static unsigned int nr_meetings(const struct wl_ops *ops,
				uint64_t (*every)(const void *conf),
				uint64_t (*times)(const void *conf))
{
	struct tb_case cs;

	t_wrap(ops);
	t_copy.rendezvous_every = every;
	t_copy.rendezvous_times = times;
	t_case(&cs, &t_copy, &t_topo);
	t_run_case(&cs, &result);
	tb_result_fini(&result);
	free(cs.conf);
	assert_int_equal(result.state, TB_STATE_OK);
	return done(T_OP, 1);
}

static void peers_meet_as_often_as_asked(void **state)
{
	(void)state;
	if (t_topo.nr_cpus < 2)
		T_SKIP("needs two CPUs");
	assert_int_equal(nr_meetings(&toy, NULL, NULL),
			 2 * (T_WARMUP_OPS + T_OPS));
	/* 5 and 23 ops: before op 0; before 0, 10 and 20. */
	assert_int_equal(nr_meetings(&toy, every_tenth, NULL), 2 * (1 + 3));
	assert_int_equal(nr_meetings(&toy, only_once, NULL), 2 * (1 + 1));
	assert_int_equal(nr_meetings(&sleepy_toy, every_tenth, NULL),
			 2 * (1 + 3));
	assert_int_equal(nr_meetings(&sleepy_toy, every_tenth, three_times),
			 3 * 2 * (1 + 3));
	assert_int_equal(nr_meetings(&toy, NULL, three_times),
			 3 * 2 * (T_WARMUP_OPS + T_OPS));
}

/* The key of the case says it where the workload does not. */
static void the_case_sets_the_batch(void **state)
{
	static const struct {
		enum tb_meet meet;
		uint64_t batch;
		unsigned int nr_ops;
	} expected[] = {
		{ TB_MEET_PER_OP, 0, 2 * (T_WARMUP_OPS + T_OPS) },
		{ TB_MEET_PER_BATCH, 10, 2 * (1 + 3) },
		{ TB_MEET_PER_BATCH, 0, 2 * (1 + 1) },
	};
	struct tb_case cs;
	size_t i;

	(void)state;
	if (t_topo.nr_cpus < 2)
		T_SKIP("needs two CPUs");
	for (i = 0; i < ARRAY_SIZE(expected); i++) {
		t_wrap(&toy);
		t_case(&cs, &t_copy, &t_topo);
		cs.meet = expected[i].meet;
		cs.batch = expected[i].batch;
		t_run_case(&cs, &result);
		tb_result_fini(&result);
		free(cs.conf);
		assert_int_equal(result.state, TB_STATE_OK);
		assert_int_equal(done(T_OP, 1), expected[i].nr_ops);
		assert_int_equal(tb_case_meet(&cs), expected[i].meet);
	}
}

static void peers_are_timed_by_role(void **state)
{
	struct tb_case cs;

	(void)state;
	if (t_topo.nr_cpus < 2)
		T_SKIP("needs two CPUs");
	t_wrap(&toy);
	t_case(&cs, &t_copy, &t_topo);
	t_run_case(&cs, &result);
	tb_result_fini(&result);
	free(cs.conf);
	assert_int_equal(result.state, TB_STATE_OK);
	/* The measured ones, not those of the warm-up. */
	assert_int_equal(result.timed.peers[1].nr_ops, T_OPS);
	assert_int_equal(result.timed.peers[1].latency.count, T_OPS);
	assert_int_equal(result.counted.peers[1].nr_ops, T_OPS);
	assert_true(result.timed.peers[1].latency.min > 0);
	assert_int_equal(result.timed.peers[0].nr_ops, 0);
}

#define NAP_NS 20000000

static int nap(struct wl_thread *t)
{
	const struct timespec time = { .tv_nsec = NAP_NS };

	(void)t;
	return clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

/* From being asked: an op of nothing takes longer than nothing. */
static void sleepers_are_timed_from_being_asked(void **state)
{
	struct tb_case cs;

	(void)state;
	if (t_topo.nr_cpus < 2)
		T_SKIP("needs two CPUs");
	t_wrap(&sleepy_toy);
	t_case(&cs, &t_copy, &t_topo);
	cs.nr_ops = 3;
	t_roles[1].op = nap;
	t_run_case(&cs, &result);
	tb_result_fini(&result);
	free(cs.conf);
	assert_int_equal(result.state, TB_STATE_OK);
	assert_int_equal(result.timed.peers[1].latency.count, 3);
	assert_true(tb_clock_value(&result.clock,
				   (double)result.timed.peers[1].latency.min) >
		    NAP_NS);
}

static const struct wl_role free_roles[] = {
	{ .name = "initiator",
	  .kind = WL_INITIATOR,
	  .def_threads = 1,
	  .op = nap },
	{ .name = "faulter",
	  .kind = WL_RESPONDER,
	  .rearm = nothing,
	  .op = nothing,
	  .check = nothing },
	{ 0 },
};

static const struct wl_ops free_toy = {
	.abi = WL_ABI,
	.name = "free_toy",
	.roles = free_roles,
	.runs_free = true,
};

static uint64_t never(const void *conf)
{
	(void)conf;
	return WL_NEVER;
}

/* Without rendezvous the responder goes round many times per op. */
static void check_free(uint64_t (*every)(const void *conf))
{
	struct tb_case cs;

	t_wrap(&free_toy);
	t_copy.rendezvous_every = every;
	t_case(&cs, &t_copy, &t_topo);
	cs.nr_ops = 3;
	t_run_case(&cs, &result);
	tb_result_fini(&result);
	free(cs.conf);
	assert_int_equal(result.state, TB_STATE_OK);
	assert_int_equal(tb_case_meet(&cs), TB_MEET_NONE);
	assert_int_equal(result.timed.nr_ops, 3);
	assert_true(result.timed.peers[1].nr_ops > 100);
	assert_int_equal(result.timed.peers[1].nr_ops,
			 result.timed.peers[1].latency.count);
	assert_int_equal(done(T_REARM, 1), done(T_OP, 1));
	assert_int_equal(done(T_CHECK, 1), done(T_OP, 1));
}

static void responders_may_run_free(void **state)
{
	(void)state;
	if (t_topo.nr_cpus < 2)
		T_SKIP("needs two CPUs");
	check_free(NULL);
	check_free(never);
}

static void a_free_responder_may_fail(void **state)
{
	struct tb_case cs;

	(void)state;
	if (t_topo.nr_cpus < 2)
		T_SKIP("needs two CPUs");
	t_wrap(&free_toy);
	t_case(&cs, &t_copy, &t_topo);
	t_fault = (struct t_fault){ T_FAIL, T_CHECK, 1, 50 };
	t_run_case(&cs, &result);
	tb_result_fini(&result);
	free(cs.conf);
	assert_int_equal(result.state, TB_STATE_FAILED);
	assert_non_null(strstr(result.reasons.text[0],
			       "check of faulter 0 failed in phase "));
}

/* --- several initiators, shared CPUs, bystanders -------------------------- */

static _Atomic unsigned int *in_op;

/* All initiators are in their op at once, or this never ends. */
static int meet_in_op(struct wl_thread *t)
{
	unsigned int all = t->ctx->nr_threads[0];
	unsigned int mine = atomic_fetch_add(in_op, 1);
	unsigned int last = mine / all * all + all;

	while (atomic_load(in_op) < last)
		sched_yield();
	return 0;
}

static void share(struct tb_case *cs, unsigned int initiators,
		  unsigned int responders)
{
	cs->share_cpus = true;
	cs->nr_cpus = t_topo.nr_cpus;
	cs->nr_threads[0] = initiators;
	cs->nr_threads[1] = responders;
}

static void initiators_of_an_instance_meet(void **state)
{
	const unsigned int initiators = 3;
	struct tb_case cs;

	(void)state;
	in_op = mmap(NULL, sizeof(*in_op), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(in_op, MAP_FAILED);
	t_wrap(&toy);
	t_case(&cs, &t_copy, &t_topo);
	share(&cs, initiators, 2);
	t_roles[0].op = meet_in_op;
	t_run_case(&cs, &result);
	tb_result_fini(&result);
	free(cs.conf);
	if (result.state != TB_STATE_OK)
		fail_msg("%s", result.reasons.text[0]);
	assert_int_equal(result.timed.nr_ops, initiators * T_OPS);
	/* One rendezvous for all of them, with both responders. */
	assert_int_equal(done(T_OP, 1), 2 * 2 * (T_OPS + T_WARMUP_OPS));
	assert_int_equal(atomic_load(in_op),
			 2 * initiators * (T_OPS + T_WARMUP_OPS));
	munmap(in_op, sizeof(*in_op));
}

static void one_of_several_initiators_may_fail(void **state)
{
	static const struct t_fault faults[] = {
		{ T_FAIL, T_REARM, 0, 8 },
		{ T_FAIL, T_OP, 0, 3 * T_WARMUP_OPS + 5 },
		{ T_FAIL, T_THREAD_INIT, 0, 2 },
		{ T_FAIL, T_OP, 1, 4 },
	};
	struct t_traces before;
	struct tb_case cs;
	size_t i;

	t_wrap(&toy);
	t_case(&cs, &t_copy, &t_topo);
	share(&cs, 3, 2);
	before = t_traces(*state);
	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		memset(t_counts, 0, sizeof(*t_counts));
		t_fault = faults[i];
		t_run_case(&cs, &result);
		tb_result_fini(&result);
		assert_int_equal(result.state, TB_STATE_FAILED);
		assert_int_equal(done(T_TEARDOWN, 0), done(T_SETUP, 0));
		t_assert_no_traces(&before, *state);
	}
	free(cs.conf);
}

static void instances_may_share_cpus(void **state)
{
	const unsigned int instances = 64;
	struct t_traces before;
	struct tb_case cs;

	t_wrap(&toy);
	t_case(&cs, &t_copy, &t_topo);
	share(&cs, 1, 1);
	cs.instances = instances;
	before = t_traces(*state);
	t_run_case(&cs, &result);
	assert_int_equal(result.state, TB_STATE_OK);
	assert_string_equal(result.sched, "other");
	assert_non_null(strstr(result.caveats.text[0], "threads share CPUs"));
	assert_int_equal(result.timed.nr_ops, instances * T_OPS);
	assert_int_equal(result.counted.nr_ops, instances * T_OPS);
	assert_int_equal(result.timed.peers[1].nr_ops, instances * T_OPS);
	assert_int_equal(done(T_SETUP, 0), 2 * instances);
	assert_int_equal(done(T_TEARDOWN, 0), 2 * instances);
	tb_result_fini(&result);
	t_assert_no_traces(&before, *state);
	free(cs.conf);
}

/* A case of one initiator that naps, and a bystander. */
static void with_bystander(struct tb_case *cs)
{
	t_wrap(&free_toy);
	t_case(cs, &t_copy, &t_topo);
	cs->nr_threads[1] = 0;
	cs->nr_cpus = 1;
	cs->nr_ops = 5;
	cs->nr_bystanders = 1;
}

/* FIFO, or whoever else runs here could keep it from watching at all. */
static void bystanders_watch(void **state)
{
	const struct tb_metric *m;
	struct t_traces before;
	struct tb_case cs;

	if (t_topo.nr_cpus < 2)
		T_SKIP("needs two CPUs");
	if (!tb_thread_fifo_allowed())
		T_SKIP("SCHED_FIFO is not allowed");
	with_bystander(&cs);
	cs.sched = TB_SCHED_FIFO;
	before = t_traces(*state);
	t_run_case(&cs, &result);
	assert_int_equal(result.state, TB_STATE_OK);
	assert_int_not_equal(result.cpus[1], result.cpus[0]);
	assert_true(result.timed.baseline.nr_loops > 1000);
	assert_true(result.timed.witness.nr_loops > 1000);
	assert_true(result.timed.witness.ticks >
		    result.timed.witness.stolen_ticks);
	/* It watched all 5 naps. */
	assert_true(tb_clock_value(&result.clock,
				   (double)result.timed.witness.ticks) >
		    5.0 * NAP_NS);
	m = tb_metric_find(&result, "bystander_lost_pct");
	assert_non_null(m);
	assert_int_equal(m->status, TB_STATUS_OK);
	tb_result_fini(&result);
	t_assert_no_traces(&before, *state);
	free(cs.conf);
}

static void bystanders_may_share_cpus(void **state)
{
	struct t_traces before;
	struct tb_case cs;

	with_bystander(&cs);
	cs.sched = TB_SCHED_AUTO;
	cs.role_placement[cs.nr_roles] = (char *)(uintptr_t) "shared";
	before = t_traces(*state);
	t_run_case(&cs, &result);
	assert_int_equal(result.state, TB_STATE_OK);
	assert_int_equal(result.cpus[1], result.cpus[0]);
	/* The other one would never run. */
	assert_string_equal(result.sched, "other");
	assert_non_null(strstr(result.caveats.text[0],
			       "bystanders share CPUs with the case"));
	assert_int_equal(result.timed.nr_ops, 5);
	tb_result_fini(&result);
	t_assert_no_traces(&before, *state);
	free(cs.conf);
}

/* --- processes ----------------------------------------------------------- */

/* A case whose responders are in processes; with sleepers in the instance. */
static void in_processes(struct tb_case *cs, unsigned int processes,
			 unsigned int threads)
{
	t_wrap(&forked_toy);
	t_case(cs, &t_copy, &t_topo);
	share(cs, 1, processes * threads);
	cs->nr_processes[1] = processes;
	cs->nr_threads[2] = 1;
}

static void assert_processes_ended(void)
{
	unsigned int role;

	assert_int_equal(done(T_TEARDOWN, 0), done(T_SETUP, 0));
	for (role = 0; role < 3; role++) {
		assert_int_equal(done(T_PROCESS_EXIT, role),
				 done(T_PROCESS_INIT, role));
		assert_int_equal(done(T_THREAD_EXIT, role),
				 done(T_THREAD_INIT, role));
	}
}

/* By number of process; shared with all. */
static _Atomic pid_t *pids;

/* What it is told of its process is so: threads share one, others do not. */
static int see_process(struct wl_thread *t)
{
	pid_t none = 0, me = getpid();

	if (t->idx / 2 != t->process || t->ctx->nr_threads[1] != 6 ||
	    t->ctx->nr_processes[1] != 3)
		return -EBADE;
	if (atomic_compare_exchange_strong(&pids[t->process], &none, me) ||
	    none == me)
		return 0;
	return -EXDEV;
}

static void roles_run_in_processes(void **state)
{
	const unsigned int all = 2 * (T_OPS + T_WARMUP_OPS);
	struct t_traces before;
	struct tb_case cs;

	pids = mmap(NULL, 3 * sizeof(*pids), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(pids, MAP_FAILED);
	in_processes(&cs, 3, 2);
	cs.counted = false;
	before = t_traces(*state);
	t_run_case(&cs, &result);
	tb_result_fini(&result);
	if (result.state != TB_STATE_OK)
		fail_msg("%s", result.reasons.text[0]);
	assert_int_equal(done(T_OP, 1), 6 * all / 2);
	memset((void *)pids, 0, 3 * sizeof(*pids));
	memset(t_counts, 0, sizeof(*t_counts));
	t_roles[1].op = see_process;
	t_run_case(&cs, &result);
	tb_result_fini(&result);
	if (result.state != TB_STATE_OK)
		fail_msg("%s", result.reasons.text[0]);
	assert_int_equal(result.timed.nr_ops, T_OPS);
	assert_int_equal(result.timed.peers[1].nr_ops, 6 * T_OPS);
	assert_int_equal(result.timed.peers[1].latency.count, 6 * T_OPS);
	assert_int_equal(result.timed.peers[2].nr_ops, T_OPS);
	assert_int_equal(done(T_PROCESS_INIT, 1), 3);
	assert_int_equal(done(T_PROCESS_INIT, 2), 0);
	assert_int_equal(done(T_THREAD_INIT, 1), 6);
	assert_int_equal(done(T_TEARDOWN, 0), 1);
	assert_processes_ended();
	assert_int_not_equal(pids[0], pids[1]);
	assert_int_not_equal(pids[1], pids[2]);
	t_assert_no_traces(&before, *state);
	munmap((void *)pids, 3 * sizeof(*pids));
	free(cs.conf);
}

static void processes_fail_like_threads(void **state)
{
	static const struct {
		struct t_fault fault;
		const char *text;
	} faults[] = {
		{ { T_FAIL, T_PROCESS_INIT, 1, 2 },
		  "process_init of responder process " },
		{ { T_FAIL, T_THREAD_INIT, 1, 3 },
		  "thread_init of responder " },
		{ { T_FAIL, T_THREAD_INIT, 0, 1 }, "thread_init of initiator" },
		{ { T_FAIL, T_OP, 1, 60 }, "op of responder " },
		{ { T_FAIL, T_OP, 0, 2 }, "op of initiator 0 failed" },
		{ { T_CRASH, T_OP, 1, 60 }, "was killed by signal 11 (" },
		{ { T_CRASH, T_PROCESS_INIT, 1, 1 },
		  "of role responder in instance 0 was killed by signal 11 (" },
		{ { T_CRASH, T_OP, 0, 9 },
		  "instance 0 was killed by signal 11 (" },
	};
	struct t_traces before;
	struct tb_case cs;
	size_t i;

	in_processes(&cs, 3, 2);
	before = t_traces(*state);
	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		memset(t_counts, 0, sizeof(*t_counts));
		t_fault = faults[i].fault;
		t_run_case(&cs, &result);
		tb_result_fini(&result);
		assert_int_equal(result.state, TB_STATE_FAILED);
		assert_int_equal(result.reasons.nr, 1);
		if (!strstr(result.reasons.text[0], faults[i].text))
			fail_msg("expected '%s', got '%s'", faults[i].text,
				 result.reasons.text[0]);
		if (t_fault.action == T_FAIL)
			assert_processes_ended();
		t_assert_no_traces(&before, *state);
	}
	free(cs.conf);
}

static int die_in_process_1(struct wl_thread *t)
{
	return t->process == 1 ? kill(getpid(), SIGKILL) : 0;
}

static int leave_in_process_2(struct wl_thread *t)
{
	if (t->process == 2)
		_exit(0);
	return 0;
}

static void lost_processes_are_named(void **state)
{
	static const struct {
		int (*op)(struct wl_thread *t);
		const char *text;
	} losses[] = {
		{ die_in_process_1,
		  "process 1 of role responder in instance 0 was killed by "
		  "signal 9 (Killed)" },
		{ leave_in_process_2,
		  "process 2 of role responder in instance 0 ended early" },
	};
	struct t_traces before;
	struct tb_case cs;
	size_t i;

	in_processes(&cs, 3, 2);
	before = t_traces(*state);
	for (i = 0; i < ARRAY_SIZE(losses); i++) {
		t_roles[1].op = losses[i].op;
		t_run_case(&cs, &result);
		tb_result_fini(&result);
		assert_int_equal(result.state, TB_STATE_FAILED);
		assert_string_equal(result.reasons.text[0], losses[i].text);
		t_assert_no_traces(&before, *state);
	}
	free(cs.conf);
}

/* Or a test that fails would leave them. */
static int live_short(struct wl_ctx *c)
{
	(void)c;
	alarm(10);
	return 0;
}

static int live_short_too(struct wl_ctx *c, unsigned int role,
			  unsigned int process)
{
	(void)role;
	(void)process;
	return live_short(c);
}

/* All that a killed coordinator leaves ends with it. */
static void processes_die_with_the_coordinator(void **state)
{
	unsigned int nr_ended = 0;
	struct tb_case cs;
	int status;
	pid_t pid;

	(void)state;
	in_processes(&cs, 3, 2);
	t_copy.setup = live_short;
	t_copy.process_init = live_short_too;
	t_fault = (struct t_fault){ T_HANG, T_OP, 1, 60 };
	pid = fork();
	if (!pid) {
		t_run_case(&cs, &result);
		_exit(0);
	}
	while (atomic_load(&t_counts->called[T_OP][1]) < 60)
		usleep(1000);
	kill(pid, SIGKILL);
	/* It, the instance and three more, which are ours then. */
	for (; waitpid(-1, &status, 0) > 0; nr_ended++)
		assert_int_equal(status, SIGKILL);
	assert_int_equal(nr_ended, 5);
	free(cs.conf);
}

/* Those that an instance leaves when it crashes are the coordinator's. */
static void orphans_are_reaped(void **state)
{
	struct tb_case cs;
	int status;
	pid_t pid;

	(void)state;
	in_processes(&cs, 64, 1);
	t_fault = (struct t_fault){ T_CRASH, T_OP, 0, 9 };
	pid = fork();
	if (!pid) {
		prctl(PR_SET_CHILD_SUBREAPER, 0);
		t_run_case(&cs, &result);
		_exit(result.state != TB_STATE_FAILED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	/* What it had missed would be ours. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	free(cs.conf);
}

static void thousands_of_processes_run(void **state)
{
	const unsigned int processes = T_IS_SANITIZED ? 64 : 4096;
	struct t_traces before;
	struct tb_case cs;

	in_processes(&cs, processes, 1);
	cs.nr_ops = 2;
	cs.nr_warmup_ops = 0;
	cs.timeout_s = 60;
	cs.counted = false;
	before = t_traces(*state);
	t_run_case(&cs, &result);
	tb_result_fini(&result);
	if (result.state != TB_STATE_OK)
		fail_msg("%s", result.reasons.text[0]);
	assert_int_equal(result.timed.peers[1].nr_ops, 2 * processes);
	assert_int_equal(done(T_PROCESS_EXIT, 1), processes);
	assert_processes_ended();
	t_assert_no_traces(&before, *state);
	free(cs.conf);
}

static struct sched_param *seen;

/* Priority of the coordinator and of the initiator, while an op runs. */
static int see_priorities(struct wl_thread *t)
{
	(void)t;
	return sched_getparam(getppid(), &seen[0]) ||
			       sched_getparam(0, &seen[1])
		       ? -errno
		       : 0;
}

/* Where nothing else gets a CPU, the watchdog and Ctrl-C still must. */
static void the_coordinator_stands_above(void **state)
{
	struct tb_case cs;
	int before = sched_getscheduler(0);

	(void)state;
	if (!tb_thread_fifo_allowed())
		T_SKIP("SCHED_FIFO is not allowed");
	seen = mmap(NULL, 2 * sizeof(*seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(seen, MAP_FAILED);
	t_wrap(&toy);
	t_case(&cs, &t_copy, &t_topo);
	cs.sched = TB_SCHED_FIFO;
	t_roles[0].op = see_priorities;
	t_run_case(&cs, &result);
	tb_result_fini(&result);
	free(cs.conf);
	assert_int_equal(result.state, TB_STATE_OK);
	assert_true(seen[1].sched_priority > 0);
	assert_true(seen[0].sched_priority > seen[1].sched_priority);
	/* Afterwards it is one of many again. */
	assert_int_equal(sched_getscheduler(0), before);
	munmap(seen, 2 * sizeof(*seen));
}

static void an_initiator_may_be_alone(void **state)
{
	struct tb_case cs;

	(void)state;
	t_wrap(&toy);
	t_case(&cs, &t_copy, &t_topo);
	cs.nr_threads[1] = 0;
	cs.nr_cpus = 1;
	cs.nr_warmup_ops = 0;
	t_run_case(&cs, &result);
	assert_int_equal(result.state, TB_STATE_OK);
	assert_int_equal(result.timed.nr_ops, T_OPS);
	assert_int_equal(result.cpus[0], t_topo.cpus[0].cpu);
	assert_string_equal(result.sched, "other");
	tb_result_fini(&result);
	free(cs.conf);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(hangs_are_told),
		cmocka_unit_test(instances_add_up),
		T_DIR(instances_fail_together),
		cmocka_unit_test(skips_have_all_reasons),
		cmocka_unit_test(reasons_do_not_overflow),
		cmocka_unit_test(peers_meet_as_often_as_asked),
		cmocka_unit_test(the_case_sets_the_batch),
		cmocka_unit_test(peers_are_timed_by_role),
		cmocka_unit_test(sleepers_are_timed_from_being_asked),
		cmocka_unit_test(responders_may_run_free),
		cmocka_unit_test(a_free_responder_may_fail),
		cmocka_unit_test(initiators_of_an_instance_meet),
		T_DIR(one_of_several_initiators_may_fail),
		T_DIR(instances_may_share_cpus),
		T_DIR(roles_run_in_processes),
		T_DIR(processes_fail_like_threads),
		T_DIR(lost_processes_are_named),
		cmocka_unit_test(processes_die_with_the_coordinator),
		cmocka_unit_test(orphans_are_reaped),
		T_DIR(thousands_of_processes_run),
		T_DIR(bystanders_watch),
		T_DIR(bystanders_may_share_cpus),
		cmocka_unit_test(the_coordinator_stands_above),
		cmocka_unit_test(an_initiator_may_be_alone),
	};

	t_engine_init();
	return T_RUN("run", tests);
}
