// SPDX-License-Identifier: GPL-2.0-only
/* How often roles meet, and what is timed of each. */
#include <stddef.h>
#include <sys/resource.h>

#include "engine/rendezvous.h"
#include "tests/t_toy.h"

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
	run(&cs, TB_STATE_OK);
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
		run(&cs, TB_STATE_OK);
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
	run(&cs, TB_STATE_OK);
	/* The measured ones, not those of the warm-up. */
	assert_int_equal(result.timed.peers[1].nr_ops, T_OPS);
	assert_int_equal(result.timed.peers[1].latency.count, T_OPS);
	assert_int_equal(result.counted.peers[1].nr_ops, T_OPS);
	assert_true(result.timed.peers[1].latency.min > 0);
	assert_int_equal(result.timed.peers[0].nr_ops, 0);
}

/* What wakes the sleeper for this op comes once more, and late. */
static int wake_again(struct wl_thread *t)
{
	const struct tb_worker *w =
		(const struct tb_worker *)((char *)t -
					   offsetof(struct tb_worker, wl));
	struct tb_slot *peer = tb_arena_slot(w->arena, w->first_slot + 1);

	tb_futex_wake(tb_epoch_word(peer, atomic_load(&peer->ack)));
	return nap(t);
}

/* From op to op it has slept once. */
static int sleep_once(struct wl_thread *t)
{
	static __thread long before;
	struct rusage used;
	long slept;

	(void)t;
	getrusage(RUSAGE_THREAD, &used);
	slept = used.ru_nvcsw - before;
	before = used.ru_nvcsw;
	return slept > 1 && slept < used.ru_nvcsw ? -EIO : 0;
}

static void a_late_wake_up_wakes_nobody(void **state)
{
	struct tb_case cs;

	(void)state;
	if (t_topo.nr_cpus < 2)
		T_SKIP("needs two CPUs");
	t_wrap(&sleepy_toy);
	t_case(&cs, &t_copy, &t_topo);
	t_roles[0].op = wake_again;
	t_roles[1].op = sleep_once;
	run(&cs, TB_STATE_OK);
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
	run(&cs, TB_STATE_OK);
	assert_int_equal(result.timed.peers[1].latency.count, 3);
	assert_true(tb_clock_value(&result.clock,
				   (double)result.timed.peers[1].latency.min) >
		    NAP_NS);
}

static uint64_t never(const void *conf)
{
	(void)conf;
	return WL_NEVER;
}

/* Until the other one has done some, whoever else has the CPU. */
static int await_faulter(struct wl_thread *t)
{
	unsigned int first = done(T_CHECK, 1);

	(void)t;
	while (done(T_CHECK, 1) < first + 50)
		sched_yield();
	return 0;
}

/* Without rendezvous the responder goes round many times per op. */
static void check_free(uint64_t (*every)(const void *conf))
{
	struct tb_case cs;

	t_wrap(&free_toy);
	t_copy.rendezvous_every = every;
	t_case(&cs, &t_copy, &t_topo);
	cs.nr_ops = 3;
	t_roles[0].op = await_faulter;
	run(&cs, TB_STATE_OK);
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
	run(&cs, TB_STATE_FAILED);
	assert_non_null(strstr(result.reasons.text[0],
			       "check of faulter 0 failed in phase "));
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_meet_as_often_as_asked),
		cmocka_unit_test(the_case_sets_the_batch),
		cmocka_unit_test(peers_are_timed_by_role),
		cmocka_unit_test(a_late_wake_up_wakes_nobody),
		cmocka_unit_test(sleepers_are_timed_from_being_asked),
		cmocka_unit_test(responders_may_run_free),
		cmocka_unit_test(a_free_responder_may_fail),
	};

	t_engine_init();
	return T_RUN("meet", tests);
}
