// SPDX-License-Identifier: GPL-2.0-only
/* Roles whose threads run in processes of their own. */
#include "tests/t_toy.h"

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

/* Of a child that has ended long ago. */
static int wait_for_own_child(struct wl_thread *t)
{
	pid_t pid = fork();

	(void)t;
	if (!pid)
		_exit(0);
	usleep(2000);
	return waitpid(pid, NULL, 0) == pid ? 0 : -errno;
}

/* Children of a workload are its own, also while the instance waits. */
static void others_children_are_left_alone(void **state)
{
	struct tb_case cs;

	(void)state;
	in_processes(&cs, 2, 1);
	t_roles[0].op = wait_for_own_child;
	t_run_case(&cs, &result);
	tb_result_fini(&result);
	if (result.state != TB_STATE_OK)
		fail_msg("%s", result.reasons.text[0]);
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

int main(void)
{
	struct CMUnitTest tests[] = {
		T_DIR(roles_run_in_processes),
		T_DIR(processes_fail_like_threads),
		T_DIR(lost_processes_are_named),
		cmocka_unit_test(processes_die_with_the_coordinator),
		cmocka_unit_test(orphans_are_reaped),
		cmocka_unit_test(others_children_are_left_alone),
		T_DIR(thousands_of_processes_run),
	};

	t_engine_init();
	return T_RUN("processes", tests);
}
