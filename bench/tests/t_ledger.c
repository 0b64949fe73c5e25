// SPDX-License-Identifier: GPL-2.0-only
/* From counters to metrics and caveats, with results made by hand. */
#include "engine/ledger.h"
#include "engine/metric.h"

#include "campaign/params.h"
#include "engine/values.h"
#include "tests/t.h"

#define NR_OPS 100

/* A munmap or lazy_idle case with one initiator and @nr_others. */
static struct tb_case make_case(const char *workload, unsigned int nr_others)
{
	const struct wl_ops *ops = tb_workload_find(workload);

	assert_non_null(ops);
	return (struct tb_case){
		.ops = ops,
		.conf = tb_params_new(ops),
		.instances = 1,
		.nr_cpus = 1 + nr_others,
		.nr_roles = 2,
		.nr_threads = { 1, nr_others },
		.nr_ops = NR_OPS,
	};
}

static void add_counter(struct tb_result *r, const char *name, uint64_t value)
{
	struct tb_counter *c = &r->counters.all[r->counters.nr++];

	snprintf(c->name, sizeof(c->name), "%s", name);
	c->scope = "cpu";
	c->value = value;
}

/* What munmap with 3 responders leaves on a kernel that works. */
static struct tb_result *make_result(enum tb_clock_kind kind)
{
	struct tb_result *r = calloc(1, sizeof(*r));
	int i;

	assert_non_null(r);
	r->sched = "other";
	r->clock = (struct tb_clock){ .kind = kind, .hz = 1e9 };
	r->clock.icount_shift = 3;
	r->timed.nr_ops = NR_OPS;
	r->counted.nr_ops = NR_OPS;
	tb_hist_init(&r->timed.latency);
	for (i = 0; i < NR_OPS; i++)
		tb_hist_add(&r->timed.latency, 8000);
	add_counter(r, "irq_tlb", 3 * NR_OPS);
	add_counter(r, "irq_tlb_elsewhere", 0);
	add_counter(r, "tlb_flush.flush_on_task_switch", 0);
	add_counter(r, "tlb_flush.remote_shootdown", 3 * NR_OPS);
	add_counter(r, "tlb_flush.local_mm_shootdown", NR_OPS);
	add_counter(r, "tlb_flush.remote_ipi_send", NR_OPS);
	add_counter(r, "tlb_flush.remote_wrong_cpu", 7);
	add_counter(r, "csd_flush", 3 * NR_OPS);
	add_counter(r, "tlb_flush_full", 0);
	add_counter(r, "tlb_flush_ranged", 4 * NR_OPS);
	add_counter(r, "tlb_flush_pages", 4 * NR_OPS);
	add_counter(r, "minor_faults_initiators", NR_OPS);
	add_counter(r, "minor_faults_others", 0);
	add_counter(r, "major_faults_initiators", 0);
	add_counter(r, "major_faults_others", 0);
	return r;
}

static struct tb_counter *counter(struct tb_result *r, const char *name)
{
	unsigned int i;

	for (i = 0; i < r->counters.nr; i++)
		if (!strcmp(r->counters.all[i].name, name))
			return &r->counters.all[i];
	fail_msg("no counter %s", name);
	return NULL;
}

static double value(const struct tb_result *r, const char *name)
{
	const struct tb_metric *m = tb_metric_find(r, name);

	assert_non_null(m);
	assert_int_equal(m->status, TB_STATUS_OK);
	return m->value;
}

static bool has_caveat(const struct tb_result *r, const char *text)
{
	unsigned int i;

	for (i = 0; i < r->caveats.nr; i++)
		if (strstr(r->caveats.text[i], text))
			return true;
	return false;
}

static void fini(struct tb_case *cs, struct tb_result *r)
{
	free(cs->conf);
	free(r);
}

static void counts_are_divided_by_ops(void **state)
{
	struct tb_case cs = make_case("munmap", 3);
	struct tb_result *r = make_result(TB_CLOCK_ICOUNT);

	(void)state;
	tb_ledger_fill(&cs, r);
	assert_true(value(r, "ipis_received_per_op") == 3);
	assert_true(value(r, "ipis_sent_per_op") == 3);
	assert_true(value(r, "ipis_received") == 3 * NR_OPS);
	/* Neither the send nor the arrival at a wrong CPU is a flush. */
	assert_true(value(r, "flushes_per_op") == 4);
	assert_true(value(r, "flushes_per_op.remote_ipi_send") == 1);
	assert_true(value(r, "flushes_per_op.remote_wrong_cpu") == 0.07);
	assert_true(value(r, "full_flushes_per_op") == 0);
	assert_true(value(r, "ranged_flushes_per_op") == 4);
	assert_true(value(r, "pages_per_flush") == 1);
	assert_true(value(r, "fan_out") == 3);
	assert_true(value(r, "faults_per_op") == 1);
	assert_null(tb_metric_find(r, "bystander_ipis_per_op"));
	assert_null(tb_metric_find(r, "idle_wakeups_per_op"));
	fini(&cs, r);
}

static void ratios_of_nothing_are_absent(void **state)
{
	struct tb_case cs = make_case("munmap", 3);
	struct tb_result *r = make_result(TB_CLOCK_ICOUNT);

	(void)state;
	counter(r, "tlb_flush_ranged")->value = 0;
	tb_counter_set_absent(counter(r, "tlb_flush.remote_ipi_send"),
			      "not seen");
	tb_counter_set_absent(counter(r, "major_faults_others"), "too many");
	tb_ledger_fill(&cs, r);
	assert_string_equal(tb_metric_find(r, "pages_per_flush")->reason,
			    "no flush of a range was seen");
	assert_string_equal(tb_metric_find(r, "fan_out")->reason, "not seen");
	assert_string_equal(tb_metric_find(r, "faults_per_op")->reason,
			    "too many");
	assert_int_equal(tb_metric_find(r, "faults_per_op")->status,
			 TB_STATUS_ABSENT);
	fini(&cs, r);
}

static void pages_and_faults_have_bounds(void **state)
{
	struct tb_case cs = make_case("munmap", 3);
	struct tb_result *r = make_result(TB_CLOCK_ICOUNT);

	(void)state;
	counter(r, "tlb_flush_pages")->value = 8 * NR_OPS;
	counter(r, "minor_faults_others")->value = NR_OPS;
	tb_ledger_fill(&cs, r);
	assert_true(has_caveat(r, "pages_per_flush is 2, expected at most 1"));
	assert_true(has_caveat(r, "faults_per_op is 2, expected at most 1"));
	/* Ops that flush everything have no pages of their own. */
	r->nr_metrics = 0;
	r->caveats.nr = 0;
	counter(r, "tlb_flush_ranged")->value = 3;
	tb_ledger_fill(&cs, r);
	assert_false(has_caveat(r, "pages_per_flush"));
	fini(&cs, r);
}

static void what_no_count_shows_is_told(void **state)
{
	struct tb_case cs = make_case("munmap", 3);
	struct tb_result *r = make_result(TB_CLOCK_TSC);
	int cpus[] = { 4, 6 };
	uint64_t steal_ms[] = { 10, 30 };

	(void)state;
	add_counter(r, "csd_flush_all", 5);
	add_counter(r, "csd_flush_all_received", 0);
	add_counter(r, "csd_flush_kernel", 0);
	add_counter(r, "csd_flush_kernel_received", 7);
	add_counter(r, "irq_tlb_bystander", 2 * NR_OPS);
	add_counter(r, "steal_ms", 40);
	counter(r, "steal_ms")->by_cpu = steal_ms;
	r->counters.cpus = cpus;
	r->counters.nr_cpus = 2;
	r->counted.elapsed_ns = 1000000000;
	tb_ledger_fill(&cs, r);
	assert_true(has_caveat(r, "flush_tlb_all(), which is in no count of "
				  "flushes or TLB interrupts, interrupted CPUs "
				  "of the case 0 times; they sent it to CPUs 5 "
				  "times"));
	assert_true(has_caveat(r, "flush_tlb_kernel_range(), which is in no "
				  "count of flushes or TLB interrupts, "
				  "interrupted CPUs of the case 7 times; they "
				  "sent it to CPUs 0 times"));
	assert_true(has_caveat(r, "took at least 2 % of CPU 6's time"));
	assert_true(value(r, "bystander_ipis_per_op") == 2);
	/* A tick may have begun before the window. */
	r->nr_metrics = 0;
	r->caveats.nr = 0;
	steal_ms[1] = 10;
	counter(r, "csd_flush_all")->value = 0;
	counter(r, "csd_flush_kernel_received")->value = 0;
	tb_ledger_fill(&cs, r);
	assert_false(has_caveat(r, "hypervisor took"));
	assert_false(has_caveat(r, "which is in no count"));
	fini(&cs, r);
}

static void unit_follows_the_clock(void **state)
{
	struct tb_case cs = make_case("munmap", 3);
	struct tb_result *exact = make_result(TB_CLOCK_ICOUNT);
	struct tb_result *real = make_result(TB_CLOCK_TSC);

	(void)state;
	tb_ledger_fill(&cs, exact);
	tb_ledger_fill(&cs, real);
	assert_true(value(exact, "op_instructions") == 1000);
	assert_null(tb_metric_find(exact, "op_p50_ns"));
	assert_true(value(real, "op_p50_ns") == 8000);
	assert_null(tb_metric_find(real, "op_instructions"));
	free(real);
	fini(&cs, exact);
}

/* Of 100 ops the slowest is no 99th percentile, let alone one of a thousand. */
static void quantiles_need_ops(void **state)
{
	struct tb_case cs = make_case("munmap", 3);
	struct tb_result *r = make_result(TB_CLOCK_TSC);
	const struct tb_metric *m;

	(void)state;
	tb_ledger_fill(&cs, r);
	m = tb_metric_find(r, "op_p99_ns");
	assert_non_null(m);
	assert_int_equal(m->status, TB_STATUS_ABSENT);
	assert_string_equal(m->reason, "needs 1000 ops");
	while (r->timed.latency.count < 1000)
		tb_hist_add(&r->timed.latency, 8000);
	r->nr_metrics = 0;
	tb_ledger_fill(&cs, r);
	assert_true(value(r, "op_p99_ns") == 8000);
	m = tb_metric_find(r, "op_p999_ns");
	assert_non_null(m);
	assert_int_equal(m->status, TB_STATUS_ABSENT);
	assert_string_equal(m->reason, "needs 10000 ops");
	fini(&cs, r);
}

static void instructions_need_one_instance(void **state)
{
	struct tb_case cs = make_case("munmap", 3);
	struct tb_result *r = make_result(TB_CLOCK_ICOUNT);
	const struct tb_metric *m;

	(void)state;
	cs.instances = 2;
	tb_ledger_fill(&cs, r);
	m = tb_metric_find(r, "op_instructions");
	assert_non_null(m);
	assert_int_equal(m->status, TB_STATUS_ABSENT);
	fini(&cs, r);
}

static void absent_part_makes_the_sum_absent(void **state)
{
	struct tb_case cs = make_case("munmap", 3);
	struct tb_result *r = make_result(TB_CLOCK_ICOUNT);
	struct tb_counter *c = counter(r, "tlb_flush.flush_on_task_switch");
	const struct tb_metric *m;

	(void)state;
	c->status = TB_STATUS_ABSENT;
	snprintf(c->reason, sizeof(c->reason), "not seen");
	tb_ledger_fill(&cs, r);
	m = tb_metric_find(r, "flushes_per_op");
	assert_non_null(m);
	assert_int_equal(m->status, TB_STATUS_ABSENT);
	assert_string_equal(m->reason, "not seen");
	/* The parts that were seen are still there. */
	assert_true(value(r, "flushes_per_op.remote_shootdown") == 3);
	fini(&cs, r);
}

static void absent_is_no_zero(void **state)
{
	struct tb_case cs = make_case("munmap", 3);
	struct tb_result *r = make_result(TB_CLOCK_ICOUNT);
	const struct tb_metric *m;

	(void)state;
	r->counters.nr = 0;
	tb_ledger_fill(&cs, r);
	m = tb_metric_find(r, "ipis_received_per_op");
	assert_int_equal(m->status, TB_STATUS_ABSENT);
	assert_string_equal(m->reason, "not counted");
	m = tb_metric_find(r, "flushes_per_op");
	assert_int_equal(m->status, TB_STATUS_ABSENT);
	fini(&cs, r);
}

static void bounds_of_the_workload_are_checked(void **state)
{
	struct tb_case cs = make_case("munmap", 3);
	struct tb_result *good = make_result(TB_CLOCK_ICOUNT);
	struct tb_result *none = make_result(TB_CLOCK_ICOUNT);
	struct tb_result *more = make_result(TB_CLOCK_ICOUNT);

	(void)state;
	counter(none, "irq_tlb")->value = 0;
	counter(more, "tlb_flush.local_mm_shootdown")->value++;
	tb_ledger_fill(&cs, good);
	tb_ledger_fill(&cs, none);
	tb_ledger_fill(&cs, more);
	assert_false(has_caveat(good, "expected"));
	assert_true(has_caveat(none, "ipis_received_per_op is 0, expected at "
				     "least 3: no remote flush was seen"));
	assert_true(has_caveat(more, "flushes_per_op is 4.01, expected at "
				     "most 4"));
	free(none);
	free(more);
	fini(&cs, good);
}

/* Pages that are flushed one by one, with 3 responders: 192 IPIs per op. */
static void one_of_hundreds_is_no_doubt(void **state)
{
	struct tb_case cs = make_case("msync_clean", 3);
	struct tb_result *some = make_result(TB_CLOCK_ICOUNT);
	struct tb_result *many = make_result(TB_CLOCK_ICOUNT);
	const uint64_t pages = 64;

	(void)state;
	memcpy(cs.conf, &pages, sizeof(pages));
	counter(some, "irq_tlb")->value = 3 * pages * NR_OPS - 1;
	counter(many, "irq_tlb")->value = 3 * pages * NR_OPS - NR_OPS;
	tb_ledger_fill(&cs, some);
	tb_ledger_fill(&cs, many);
	assert_false(has_caveat(some, "ipis_received_per_op is"));
	assert_true(has_caveat(many, "ipis_received_per_op is 191, expected at "
				     "least 192"));
	free(many);
	fini(&cs, some);
}

static void others_may_add_a_percent_outside_a_vm(void **state)
{
	struct tb_case cs = make_case("munmap", 3);
	struct tb_result *r = make_result(TB_CLOCK_TSC);

	(void)state;
	counter(r, "tlb_flush.local_mm_shootdown")->value++;
	counter(r, "irq_tlb_elsewhere")->value = 5;
	tb_ledger_fill(&cs, r);
	assert_false(has_caveat(r, "expected"));
	assert_true(
		has_caveat(r, "5 TLB shootdowns where the case causes none"));
	fini(&cs, r);
}

static void sleepers_that_did_not_idle_are_told(void **state)
{
	struct tb_case cs = make_case("lazy_idle", 3);
	struct tb_result *idle = make_result(TB_CLOCK_TSC);
	struct tb_result *busy = make_result(TB_CLOCK_TSC);

	(void)state;
	add_counter(idle, "idle_entries", 3 * NR_OPS);
	add_counter(idle, "idle_wakeups", 6 * NR_OPS);
	add_counter(busy, "idle_entries", 10);
	tb_ledger_fill(&cs, idle);
	tb_ledger_fill(&cs, busy);
	assert_false(has_caveat(idle, "sleepers"));
	assert_true(value(idle, "idle_wakeups_per_op") == 6);
	assert_int_equal(tb_metric_find(busy, "idle_wakeups_per_op")->status,
			 TB_STATUS_ABSENT);
	assert_true(has_caveat(busy, "sleepers went to sleep 300 times, but "
				     "their CPUs went idle 10 times"));
	free(busy);
	fini(&cs, idle);
}

static void throttled_threads_are_told(void **state)
{
	struct tb_case cs = make_case("munmap", 3);
	struct tb_result *r = make_result(TB_CLOCK_TSC);
	char line[32];

	(void)state;
	if (tb_read_line("/proc/sys/kernel/sched_rt_runtime_us", line,
			 sizeof(line)) ||
	    *line == '-') {
		fini(&cs, r);
		T_SKIP("real-time threads are not throttled here");
	}
	r->counted.elapsed_ns = 2000000000;
	tb_ledger_fill(&cs, r);
	assert_false(has_caveat(r, "sched_rt_runtime_us"));
	r->nr_metrics = 0;
	r->sched = "fifo";
	tb_ledger_fill(&cs, r);
	assert_true(has_caveat(r, "ran for 2.0 s, more than "
				  "sched_rt_runtime_us allows"));
	fini(&cs, r);
}

static void doubts_about_the_clock_are_told(void **state)
{
	struct tb_case cs = make_case("munmap", 3);
	struct tb_result *r = make_result(TB_CLOCK_TSC);

	(void)state;
	tb_ledger_fill(&cs, r);
	assert_false(has_caveat(r, "ppm"));
	r->nr_metrics = 0;
	r->clock.drift_ppm = -1234;
	tb_ledger_fill(&cs, r);
	assert_true(has_caveat(r, "differs by -1234 ppm"));
	fini(&cs, r);
}

/* munmap, but what flushes is elsewhere: 50 events in the counted pass. */
static const struct wl_metric effect_metrics[] = {
	{ .name = "stolen", .unit = "pages", .kind = WL_VMSTAT },
	{ .name = "dropped", .unit = "pages", .kind = WL_TOTAL },
	{ .name = "refaulted", .unit = "pages", .kind = WL_VMSTAT },
	{ 0 },
};

static const char *const summands[] = { "stolen", "dropped", NULL };

static const struct wl_effect effect = {
	.event = "reclaimed_page",
	.metrics = summands,
};

static const struct tb_metric *find(const struct tb_result *r, const char *name)
{
	const struct tb_metric *m = tb_metric_find(r, name);

	if (!m)
		fail_msg("no metric %s", name);
	return m;
}

static void costs_of_an_effect_are_per_event(void **state)
{
	struct tb_case cs = make_case("munmap", 3);
	struct tb_result *r = make_result(TB_CLOCK_TSC);
	struct tb_value *timed = calloc(3, sizeof(*timed));
	struct tb_value *counted = calloc(3, sizeof(*counted));
	struct wl_ops ops = *cs.ops;

	(void)state;
	ops.metrics = effect_metrics;
	ops.effect = &effect;
	cs.ops = &ops;
	r->timed.values = timed;
	r->counted.values = counted;
	r->timed.window_ticks = 1000000;
	counted[1].sum = 20;
	add_counter(r, "stolen", 30);
	add_counter(r, "refaulted", 10);
	tb_ledger_fill(&cs, r);
	/* 300 IPIs and 400 flushes of 50 events, not of 100 ops. */
	assert_true(value(r, "ipis_received_per_reclaimed_page") == 6);
	assert_true(value(r, "flushes_per_reclaimed_page") == 8);
	assert_true(find(r, "flushes_per_reclaimed_page")->is_headline);
	assert_string_equal(find(r, "flushes_per_reclaimed_page")->unit,
			    "flushes/reclaimed_page");
	assert_true(value(r, "faults_per_reclaimed_page") == 2);
	assert_true(value(r, "stolen_per_op") == 0.3);
	assert_true(value(r, "refaulted_per_reclaimed_page") == 0.2);
	assert_null(tb_metric_find(r, "stolen_per_reclaimed_page"));
	assert_true(value(r, "ops_per_s") == 100 * 1e3);
	assert_true(find(r, "ops_per_s")->is_headline);
	/* Never the time of a flushing op. */
	assert_null(tb_metric_find(r, "op_p50_ns"));
	assert_null(tb_metric_find(r, "flushes_per_op"));
	assert_false(find(r, "request_p50_ns")->is_headline);
	/* Bounds are of one event. */
	assert_true(has_caveat(r, "flushes_per_reclaimed_page is 8"));
	r->nr_metrics = 0;
	counter(r, "stolen")->value = 0;
	counted[1].sum = 0;
	tb_ledger_fill(&cs, r);
	assert_string_equal(find(r, "flushes_per_reclaimed_page")->reason,
			    "no reclaimed_page was seen");
	r->nr_metrics = 0;
	tb_counter_set_absent(counter(r, "stolen"), "not there");
	tb_ledger_fill(&cs, r);
	assert_string_equal(find(r, "ipis_sent_per_reclaimed_page")->reason,
			    "stolen: not there");
	assert_string_equal(find(r, "refaulted_per_reclaimed_page")->reason,
			    "stolen: not there");
	assert_int_equal(
		find(r, "flushes_per_reclaimed_page.remote_shootdown")->status,
		TB_STATUS_ABSENT);
	free(timed);
	free(counted);
	fini(&cs, r);
}

static void exact_mode_has_no_rates(void **state)
{
	struct tb_case cs = make_case("munmap", 3);
	struct tb_result *r = make_result(TB_CLOCK_ICOUNT);
	struct wl_ops ops = *cs.ops;
	struct tb_value *timed = calloc(3, sizeof(*timed));

	(void)state;
	ops.metrics = effect_metrics;
	cs.ops = &ops;
	r->timed.values = timed;
	timed[1].sum = 150;
	tb_ledger_fill(&cs, r);
	assert_true(value(r, "dropped_per_op") == 1.5);
	assert_int_equal(find(r, "dropped_per_s")->status, TB_STATUS_ABSENT);
	free(timed);
	fini(&cs, r);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_divided_by_ops),
		cmocka_unit_test(ratios_of_nothing_are_absent),
		cmocka_unit_test(pages_and_faults_have_bounds),
		cmocka_unit_test(what_no_count_shows_is_told),
		cmocka_unit_test(unit_follows_the_clock),
		cmocka_unit_test(quantiles_need_ops),
		cmocka_unit_test(instructions_need_one_instance),
		cmocka_unit_test(absent_part_makes_the_sum_absent),
		cmocka_unit_test(absent_is_no_zero),
		cmocka_unit_test(bounds_of_the_workload_are_checked),
		cmocka_unit_test(one_of_hundreds_is_no_doubt),
		cmocka_unit_test(others_may_add_a_percent_outside_a_vm),
		cmocka_unit_test(sleepers_that_did_not_idle_are_told),
		cmocka_unit_test(throttled_threads_are_told),
		cmocka_unit_test(doubts_about_the_clock_are_told),
		cmocka_unit_test(costs_of_an_effect_are_per_event),
		cmocka_unit_test(exact_mode_has_no_rates),
	};

	return T_RUN("ledger", tests);
}
