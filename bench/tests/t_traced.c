// SPDX-License-Identifier: GPL-2.0-only
/* The traced pass: how much fits, what becomes of it, and munmap() for real. */
#include "engine/traced.h"

#include "engine/metric.h"
#include "engine/thread.h"
#include "machine/trace.h"
#include "machine/tracer.h"
#include "tests/t_engine.h"

#define NR_OPS 500
/* Runs in which somebody else may have taken a CPU before we give up. */
#define NR_TRIES 20

static struct tb_result result;

/* --- how much fits ------------------------------------------------------- */

static struct tb_counter *count(const char *name, uint64_t value)
{
	struct tb_counter *c = &result.counters.all[result.counters.nr++];

	*c = (struct tb_counter){ .value = value };
	snprintf(c->name, sizeof(c->name), "%s", name);
	return c;
}

/* 100 ops counted of one initiator and three responders, each on a CPU. */
static struct tb_case counted_case(int cpus[4])
{
	unsigned int i;

	memset(&result, 0, sizeof(result));
	for (i = 0; i < 4; i++)
		cpus[i] = (int)i * 2;
	result.cpus = cpus;
	result.counted.nr_ops = 100;
	return (struct tb_case){
		.instances = 1,
		.nr_roles = 2,
		.nr_threads = { 1, 3 },
		.nr_cpus = 4,
		.nr_ops = 1000,
	};
}

/* The sender's send, three queues and own part; and each CPU may be asked. */
static void rings_have_room_for_what_was_counted(void **state)
{
	uint64_t nr_events;
	int cpus[4];
	struct tb_case cs = counted_case(cpus);

	(void)state;
	count("tlb_flush." TB_TRACE_IPI_SEND, 100);
	count("csd_flush", 300);
	assert_int_equal(tb_traced_fit(&cs, &result, &nr_events), 1000);
	assert_in_range(nr_events, 6000, 8000);
}

static void what_does_not_fit_is_not_traced(void **state)
{
	uint64_t nr_events, nr_ops, room = tb_tracer_room(UINT64_MAX, 4);
	int cpus[4];
	struct tb_case cs = counted_case(cpus);

	(void)state;
	count("tlb_flush." TB_TRACE_IPI_SEND, 1000);
	count("csd_flush", 3000);
	cs.nr_ops = 1000000000;
	nr_ops = tb_traced_fit(&cs, &result, &nr_events);
	assert_int_equal(nr_events, room);
	assert_true(nr_ops > 0);
	assert_true(60 * nr_ops < room);
	assert_true(100 * nr_ops > room);
	/* An op that fills a ring by itself is traced once, and loses events.
	 */
	result.counters.all[0].value = 1ULL << 40;
	assert_int_equal(tb_traced_fit(&cs, &result, &nr_events), 1);
}

/* Two instances on the same CPUs leave twice the events there. */
static void shared_cpus_add_up(void **state)
{
	uint64_t alone, shared;
	int cpus[4];
	struct tb_case cs = counted_case(cpus);

	(void)state;
	count("tlb_flush." TB_TRACE_IPI_SEND, 100);
	count("csd_flush", 100);
	cs.instances = 2;
	cs.nr_threads[1] = 1;
	tb_traced_fit(&cs, &result, &alone);
	cpus[2] = cpus[0];
	cpus[3] = cpus[1];
	tb_traced_fit(&cs, &result, &shared);
	assert_in_range(shared, alone + alone / 2, 2 * alone);
}

static void no_shootdown_needs_no_room(void **state)
{
	uint64_t nr_events;
	int cpus[4];
	struct tb_case cs = counted_case(cpus);

	(void)state;
	count("tlb_flush." TB_TRACE_IPI_SEND, 0);
	assert_int_equal(tb_traced_fit(&cs, &result, &nr_events), 1000);
	assert_in_range(nr_events, 1, 1000);
}

/* --- what becomes of it -------------------------------------------------- */

static void see(uint64_t nr, uint64_t latency_ns)
{
	memset(&result, 0, sizeof(result));
	result.shootdown.seen.nr = result.shootdown.seen.nr_complete = nr;
	while (nr--)
		tb_hist_add(&result.shootdown.seen.latency, latency_ns);
}

static const struct tb_metric *p50(void)
{
	const struct tb_metric *m;

	tb_traced_fill(&result);
	m = tb_metric_find(&result, "shootdown_p50_ns");
	assert_non_null(m);
	assert_non_null(tb_metric_find(&result, "shootdown_p99_ns"));
	assert_false(m->is_headline);
	assert_string_equal(m->better, "lower");
	return m;
}

static void times_are_metrics(void **state)
{
	(void)state;
	see(5, 100);
	assert_int_equal(p50()->status, TB_STATUS_OK);
	assert_true(p50()->value == 100);
	assert_int_equal(result.caveats.nr, 0);
	assert_string_equal(tb_metric_find(&result, "shootdown_p99_ns")->reason,
			    "needs 1000 shootdowns");
	/* Neighbours in a bucket: their mean, as for times of ops. */
	see(999, 1000);
	tb_hist_add(&result.shootdown.seen.latency, 1003);
	assert_true(p50()->value == 1000.003);
	assert_int_equal(tb_metric_find(&result, "shootdown_p99_ns")->status,
			 TB_STATUS_OK);
}

static void virtual_time_is_no_latency(void **state)
{
	(void)state;
	see(5, 100);
	result.clock.kind = TB_CLOCK_ICOUNT;
	assert_int_equal(p50()->status, TB_STATUS_ABSENT);
	assert_non_null(strstr(p50()->reason, "instructions"));
}

static void nothing_seen_is_no_zero(void **state)
{
	(void)state;
	see(0, 0);
	assert_int_equal(p50()->status, TB_STATUS_ABSENT);
	see(0, 0);
	result.shootdown.status = TB_STATUS_ABSENT;
	strcpy(result.shootdown.reason, "no tracefs");
	assert_string_equal(p50()->reason, "no tracefs");
}

static void gaps_are_told(void **state)
{
	(void)state;
	see(5, 100);
	result.shootdown.nr_lost = 7;
	p50();
	assert_int_equal(result.caveats.nr, 1);
	assert_non_null(strstr(result.caveats.text[0], "7 events"));
	see(5, 100);
	result.shootdown.seen.nr_orphans = 3;
	p50();
	assert_int_equal(result.caveats.nr, 1);
	assert_non_null(strstr(result.caveats.text[0], "3 events no begin"));
}

/* --- munmap() ------------------------------------------------------------ */

static void run_munmap(uint64_t nr_ops, enum tb_sched sched)
{
	struct tb_case cs;

	t_case(&cs, tb_workload_find("munmap"), &t_topo);
	cs.nr_ops = nr_ops;
	cs.sched = sched;
	cs.traced = true;
	t_run_case(&cs, &result);
	tb_result_fini(&result);
	free(cs.conf);
	assert_int_equal(result.state, TB_STATE_OK);
}

/* Where others run on these CPUs as well, a responder may miss its IPI. */
static bool is_exact(void)
{
	const struct tb_shootdowns *s = &result.shootdown.seen;

	return s->nr == NR_OPS && s->nr_complete == NR_OPS &&
	       s->responders.min == 1 && s->responders.max == 1;
}

static void each_op_is_one_shootdown(void **state)
{
	const struct tb_shootdown_result *s = &result.shootdown;
	unsigned int i = 0;

	(void)state;
	T_SKIP_IF_MUNMAP_FLUSHES_TWICE();
	if (t_topo.nr_cpus < 2 || !tb_thread_fifo_allowed())
		T_SKIP("needs two CPUs and SCHED_FIFO");
	do
		run_munmap(NR_OPS, TB_SCHED_FIFO);
	while (!s->status && !is_exact() && ++i < NR_TRIES);
	if (s->status == TB_STATUS_ABSENT)
		T_SKIP(s->reason);
	assert_true(is_exact());
	assert_int_equal(result.traced.nr_ops, NR_OPS);
	assert_int_equal(s->nr_lost, 0);
	assert_int_equal(s->seen.nr_orphans, 0);
	assert_int_equal(s->seen.pages.sum, NR_OPS);
	assert_true(s->seen.latency.min > s->seen.first_queue.min);
	assert_int_equal(tb_metric_find(&result, "shootdown_p50_ns")->status,
			 TB_STATUS_OK);
}

static void without_privilege_it_says_why(void **state)
{
	int status;
	pid_t child;

	(void)state;
	if (geteuid())
		T_SKIP("needs root, to give it up");
	child = fork();
	if (!child) {
		if (setuid(65534))
			_exit(1);
		run_munmap(T_OPS, TB_SCHED_OTHER);
		assert_int_equal(result.shootdown.status, TB_STATUS_ABSENT);
		assert_non_null(strstr(result.shootdown.reason, "root"));
		assert_int_equal(result.traced.nr_ops, 0);
		assert_string_equal(
			tb_metric_find(&result, "shootdown_p50_ns")->reason,
			result.shootdown.reason);
		_exit(42);
	}
	waitpid(child, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 42);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(rings_have_room_for_what_was_counted),
		cmocka_unit_test(what_does_not_fit_is_not_traced),
		cmocka_unit_test(shared_cpus_add_up),
		cmocka_unit_test(no_shootdown_needs_no_room),
		cmocka_unit_test(times_are_metrics),
		cmocka_unit_test(virtual_time_is_no_latency),
		cmocka_unit_test(nothing_seen_is_no_zero),
		cmocka_unit_test(gaps_are_told),
		cmocka_unit_test(each_op_is_one_shootdown),
		cmocka_unit_test(without_privilege_it_says_why),
	};

	tb_trace_mount();
	t_engine_init();
	return T_RUN("traced", tests);
}
