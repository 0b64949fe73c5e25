// SPDX-License-Identifier: GPL-2.0-only
/* Several initiators, shared CPUs, bystanders, and who stands above them. */
#include "engine/metric.h"
#include "engine/thread.h"
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/t_toy.h"

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
	run(&cs, TB_STATE_OK);
	assert_int_equal(result.timed.nr_ops, initiators * T_OPS);
	/* One rendezvous for all of them, with both responders. */
	assert_int_equal(done(T_OP, 1), 2 * 2 * (T_OPS + T_WARMUP_OPS));
	assert_int_equal(atomic_load(in_op),
			 2 * initiators * (T_OPS + T_WARMUP_OPS));
	munmap(in_op, sizeof(*in_op));
}

#define NR_AWAIT 1000

/* Of initiator 0, in the same process. */
static _Atomic pid_t tid_of_first;

static char state_of(pid_t tid)
{
	char path[64], text[256];
	const char *end;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	if (tb_read_line(path, text, sizeof(text)))
		return '?';
	end = strrchr(text, ')');
	return end ? end[2] : '?';
}

/* The first is done long before the other one, which then looks at it. */
static int look_at_first(struct wl_thread *t)
{
	static unsigned int nr_ops;
	unsigned int i;

	if (t->idx == 0) {
		tid_of_first = (pid_t)syscall(SYS_gettid);
		return 0;
	}
	if (++nr_ops < T_OPS + T_WARMUP_OPS)
		return 0;
	for (i = 0; i < NR_AWAIT; i++)
		if (state_of(tid_of_first) == 'S')
			return -EIO;
	return 0;
}

/* Or the last ops of the others would meet fewer running CPUs. */
static void who_is_done_stays_awake(void **state)
{
	struct tb_case cs;

	(void)state;
	if (t_topo.nr_cpus < 2)
		T_SKIP("needs two CPUs");
	t_wrap(&toy);
	t_case(&cs, &t_copy, &t_topo);
	cs.nr_threads[0] = 2;
	cs.nr_threads[1] = 0;
	cs.nr_cpus = 2;
	cs.meet = TB_MEET_NONE;
	cs.counted = false;
	t_roles[0].op = look_at_first;
	run(&cs, TB_STATE_OK);
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

/* --- the coordinator ------------------------------------------------------ */

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
	run(&cs, TB_STATE_OK);
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
		cmocka_unit_test(initiators_of_an_instance_meet),
		cmocka_unit_test(who_is_done_stays_awake),
		T_DIR(one_of_several_initiators_may_fail),
		T_DIR(instances_may_share_cpus),
		T_DIR(bystanders_watch),
		T_DIR(bystanders_may_share_cpus),
		cmocka_unit_test(the_coordinator_stands_above),
		cmocka_unit_test(an_initiator_may_be_alone),
	};

	t_engine_init();
	return T_RUN("share", tests);
}
