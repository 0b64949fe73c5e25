// SPDX-License-Identifier: GPL-2.0-only
/* Values of a workload's own: from its threads to the metrics. */
#include "engine/metric.h"
#include "engine/values.h"
#include "tests/t_engine.h"

static struct tb_result result;

enum {
	M_ADDED,
	M_LEVEL,
	M_SPAN,
	M_ATTACH,
	M_FAULTS,
	M_MISSING,
	M_MEMCG
};

static const struct wl_metric metrics[] = {
	[M_ADDED] = { .name = "added",
		      .unit = "things",
		      .kind = WL_TOTAL,
		      .better = WL_HIGHER,
		      .is_headline = true },
	[M_LEVEL] = { .name = "level", .unit = "bytes", .kind = WL_LEVEL },
	[M_SPAN] = { .name = "span", .kind = WL_TIME },
	[M_ATTACH] = { .name = "attach", .kind = WL_SETUP_TIME },
	[M_FAULTS] = { .name = "pgfault", .unit = "faults", .kind = WL_VMSTAT },
	[M_MISSING] = { .name = "no_such_field",
			.unit = "pages",
			.kind = WL_VMSTAT },
	[M_MEMCG] = { .name = "pgscan", .unit = "pages", .kind = WL_MEMSTAT },
	{ 0 },
};

/* Before the window: of all kinds only two count. */
static int thread_init(struct wl_thread *t)
{
	uint64_t begin = wl_now(t->ctx);

	wl_add(t, M_ADDED, 1000);
	wl_level(t, M_LEVEL, 7);
	wl_level(t, M_LEVEL, 4096);
	wl_time(t, M_SPAN, 1000);
	wl_time(t, M_ATTACH, wl_now(t->ctx) - begin + 1);
	return 0;
}

static int nothing(struct wl_thread *t)
{
	(void)t;
	return 0;
}

static int add_two(struct wl_thread *t)
{
	wl_add(t, M_ADDED, 2);
	wl_time(t, M_SPAN, 100 + t->role);
	return 0;
}

static const struct wl_role roles[] = {
	{ .name = "initiator",
	  .kind = WL_INITIATOR,
	  .def_threads = 1,
	  .op = add_two },
	{ .name = "responder", .kind = WL_RESPONDER, .op = nothing },
	{ 0 },
};

static const struct wl_ops toy = {
	.abi = WL_ABI,
	.name = "toy",
	.roles = roles,
	.metrics = metrics,
	.runs_free = true,
	.thread_init = thread_init,
};

static struct tb_case make_case(unsigned int nr_responders)
{
	struct tb_case cs;

	t_wrap(&toy);
	t_case(&cs, &t_copy, &t_topo);
	cs.meet = TB_MEET_PER_OP;
	cs.nr_threads[1] = nr_responders;
	cs.nr_cpus = 1 + nr_responders;
	return cs;
}

static const struct tb_metric *find(const char *name)
{
	const struct tb_metric *m = tb_metric_find(&result, name);

	if (!m)
		fail_msg("no metric %s", name);
	return m;
}

static double value(const char *name)
{
	assert_int_equal(find(name)->status, TB_STATUS_OK);
	return find(name)->value;
}

static void check_pass(const struct tb_pass *p, unsigned int nr_threads)
{
	assert_non_null(p->values);
	assert_int_equal(p->values[M_ADDED].sum, 2 * T_OPS);
	assert_int_equal(p->values[M_LEVEL].sum, 4096 * nr_threads);
	assert_int_equal(p->values[M_LEVEL].nr, nr_threads);
	assert_int_equal(p->values[M_SPAN].times.count, T_OPS);
	assert_int_equal(p->values[M_SPAN].times.max, 100);
	assert_int_equal(p->values[M_ATTACH].times.count, nr_threads);
	assert_true(p->values[M_ATTACH].times.min > 0);
	assert_true(p->window_ticks > 0);
}

/* Neither warm-up nor set-up, in each of the passes. */
static void the_window_counts(void **state)
{
	struct tb_case cs = make_case(t_topo.nr_cpus > 1);
	unsigned int nr = 1 + cs.nr_threads[1];

	(void)state;
	t_run_case(&cs, &result);
	assert_int_equal(result.state, TB_STATE_OK);
	check_pass(&result.timed, nr);
	check_pass(&result.counted, nr);
	assert_true(value("added_per_op") == 2);
	assert_true(value("added_per_s") > 0);
	assert_string_equal(find("added_per_s")->unit, "things/s");
	assert_string_equal(find("added_per_s")->better, "higher");
	assert_true(find("added_per_s")->is_headline);
	assert_false(find("added_per_op")->is_headline);
	assert_true(value("level") == 4096.0 * nr);
	assert_true(value("level_per_process") == 4096);
	assert_true(value("span_p50_ns") > 0);
	assert_string_equal(find("span_p99_ns")->reason, "needs 1000 values");
	tb_result_fini(&result);
	free(cs.conf);
}

static void fields_are_counters(void **state)
{
	struct tb_case cs = make_case(0);

	(void)state;
	t_run_case(&cs, &result);
	assert_int_equal(result.state, TB_STATE_OK);
	assert_true(value("pgfault_per_op") >= 0);
	assert_string_equal(tb_counter_get(&result.counters, "pgfault")->scope,
			    "system");
	assert_string_equal(find("no_such_field_per_op")->reason,
			    "not in /proc/vmstat of this kernel");
	assert_int_equal(find("no_such_field_per_s")->status, TB_STATUS_ABSENT);
	assert_string_equal(find("pgscan_per_op")->reason,
			    "the case has no memory cgroup");
	tb_result_fini(&result);
	free(cs.conf);
}

/* One counter cannot be both. */
static void fields_of_one_name_are_refused(void **state)
{
	static const struct wl_metric both[] = {
		{ .name = "pgfault", .unit = "faults", .kind = WL_VMSTAT },
		{ .name = "pgfault", .unit = "faults", .kind = WL_MEMSTAT },
		{ 0 },
	};
	struct tb_case cs = make_case(0);

	(void)state;
	t_copy.metrics = both;
	t_copy.thread_init = NULL;
	t_roles[0].op = nothing;
	t_run_case(&cs, &result);
	assert_int_equal(result.state, TB_STATE_FAILED);
	assert_string_equal(result.reasons.text[0],
			    "cannot count the field pgfault: another counter "
			    "has its name");
	tb_result_fini(&result);
	free(cs.conf);
}

static void without_counters_fields_are_absent(void **state)
{
	struct tb_case cs = make_case(0);

	(void)state;
	cs.counted = false;
	t_run_case(&cs, &result);
	assert_int_equal(result.state, TB_STATE_OK);
	assert_string_equal(find("pgfault_per_op")->reason, "not counted");
	assert_string_equal(find("pgfault_per_s")->reason, "not counted");
	assert_true(value("added_per_op") == 2);
	tb_result_fini(&result);
	free(cs.conf);
}

/* Memory of a slot is that of one thread, also of many that share a CPU. */
static void instances_add_up(void **state)
{
	struct tb_case cs = make_case(0);

	(void)state;
	cs.share_cpus = true;
	cs.instances = 16;
	cs.nr_cpus = t_topo.nr_cpus;
	t_run_case(&cs, &result);
	assert_int_equal(result.state, TB_STATE_OK);
	assert_int_equal(result.timed.values[M_ADDED].sum, 16 * 2 * T_OPS);
	assert_int_equal(result.timed.values[M_LEVEL].nr, 16);
	tb_result_fini(&result);
	free(cs.conf);
}

static _Atomic unsigned int *nr_free_ops;

static int add_two_and_tell(struct wl_thread *t)
{
	atomic_fetch_add(nr_free_ops, 1);
	return add_two(t);
}

/* Until the other one has begun and ended some, whoever else has the CPU. */
static int await_free_ops(struct wl_thread *t)
{
	unsigned int first = atomic_load(nr_free_ops);

	(void)t;
	while (atomic_load(nr_free_ops) < first + 3)
		sched_yield();
	return 0;
}

/* What a free role adds is of the same ops as are counted. */
static void free_roles_have_a_rate(void **state)
{
	struct tb_case cs = make_case(1);
	uint64_t nr_ops, nr_added;

	(void)state;
	if (t_topo.nr_cpus < 2)
		T_SKIP("needs two CPUs");
	nr_free_ops = mmap(NULL, sizeof(*nr_free_ops), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(nr_free_ops, MAP_FAILED);
	cs.meet = TB_MEET_NONE;
	t_roles[0].op = await_free_ops;
	t_roles[1].op = add_two_and_tell;
	t_run_case(&cs, &result);
	assert_int_equal(result.state, TB_STATE_OK);
	nr_ops = result.timed.peers[1].nr_ops;
	nr_added = result.timed.values[M_ADDED].sum / 2;
	assert_true(nr_ops > 0);
	/* One may begin before the window and one end after it. */
	assert_in_range(nr_added, nr_ops, nr_ops + 2);
	assert_float_equal(
		value("responder_ops_per_s"),
		(double)nr_ops * 1e9 /
			tb_clock_value(&result.clock,
				       (double)result.timed.window_ticks),
		1);
	assert_true(find("responder_ops_per_s")->is_headline);
	munmap(nr_free_ops, sizeof(*nr_free_ops));
	tb_result_fini(&result);
	free(cs.conf);
}

static int take_long(struct wl_thread *t)
{
	(void)t;
	return usleep(200000) ? -errno : 0;
}

/* An op that lasts longer than all others together has no rate, not 0. */
static void a_rate_needs_ops(void **state)
{
	struct tb_case cs = make_case(1);

	(void)state;
	if (t_topo.nr_cpus < 2)
		T_SKIP("needs two CPUs");
	cs.meet = TB_MEET_NONE;
	t_roles[0].op = nothing;
	t_roles[1].op = take_long;
	t_run_case(&cs, &result);
	assert_int_equal(result.state, TB_STATE_OK);
	assert_int_equal(find("responder_ops_per_s")->status, TB_STATUS_ABSENT);
	tb_result_fini(&result);
	free(cs.conf);
}

static int add_wrong(struct wl_thread *t)
{
	wl_add(t, M_SPAN, 1);
	return 0;
}

/* A mistake in a workload is loud. */
static void a_wrong_kind_is_a_failure(void **state)
{
	struct tb_case cs = make_case(0);

	(void)state;
	t_roles[0].op = add_wrong;
	t_run_case(&cs, &result);
	assert_int_equal(result.state, TB_STATE_FAILED);
	assert_non_null(strstr(result.reasons.text[0], "signal 6"));
	tb_result_fini(&result);
	free(cs.conf);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(the_window_counts),
		cmocka_unit_test(fields_are_counters),
		cmocka_unit_test(fields_of_one_name_are_refused),
		cmocka_unit_test(without_counters_fields_are_absent),
		cmocka_unit_test(instances_add_up),
		cmocka_unit_test(free_roles_have_a_rate),
		cmocka_unit_test(a_rate_needs_ops),
		cmocka_unit_test(a_wrong_kind_is_a_failure),
	};

	t_engine_init();
	return T_RUN("values", tests);
}
