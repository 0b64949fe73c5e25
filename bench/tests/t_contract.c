// SPDX-License-Identifier: GPL-2.0-only
/*
 * The workload contract (wl.h), for every workload there is: what its tables
 * promise, what a run does, what a failure of any callback leaves behind.
 */
#include <ctype.h>

#include "campaign/keys.h"
#include "engine/region.h"
#include "engine/values.h"
#include "machine/mem.h"
#include "tests/t_each.h"

/* --- tables -------------------------------------------------------------- */

static void assert_phrase(const char *text)
{
	size_t len;

	assert_non_null(text);
	len = strlen(text);
	assert_true(len > 0);
	assert_false(isspace((unsigned char)text[0]));
	assert_int_not_equal(text[len - 1], '.');
	assert_false(isspace((unsigned char)text[len - 1]));
	assert_null(strpbrk(text, "\n\t"));
}

/* Lower-case words, digits and - or _ in them, one blank between two. */
static void assert_words(const char *text, const char *also)
{
	const char *p;

	assert_non_null(text);
	assert_true(islower((unsigned char)text[0]) || text[0] == '_');
	for (p = text; *p; p++) {
		if (*p == ' ')
			assert_true(isalnum((unsigned char)p[1]) ||
				    p[1] == '_');
		else
			assert_true(islower((unsigned char)*p) ||
				    isdigit((unsigned char)*p) ||
				    strchr(also, *p));
	}
}

static void registry_is_sorted(void **state)
{
	const struct wl_ops *before = NULL;

	(void)state;
	assert_non_null(wl_registry[0]);
	FOR_EACH(ops)
	{
		assert_int_equal(ops->abi, WL_ABI);
		assert_words(ops->name, "_");
		assert_null(strchr(ops->name, ' '));
		if (before)
			assert_true(strcmp(before->name, ops->name) < 0);
		assert_ptr_equal(tb_workload_find(ops->name), ops);
		before = ops;
	}
}

static void names_are_those_of_files(void **state)
{
	char path[PATH_MAX];

	(void)state;
	if (access("workloads/wl.h", R_OK))
		T_SKIP("not run at the top of the checkout");
	FOR_EACH(ops)
	{
		snprintf(path, sizeof(path), "workloads/%s.c", ops->name);
		assert_int_equal(access(path, R_OK), 0);
	}
}

static void workloads_are_described(void **state)
{
	(void)state;
	FOR_EACH(ops)
	{
		assert_phrase(ops->summary);
		if (ops->path)
			assert_words(ops->path, "_");
		assert_words(ops->tags, "-");
	}
}

static void check_role(const struct wl_ops *ops, unsigned int i)
{
	const struct wl_role *r = &ops->roles[i];
	unsigned int j;

	assert_words(r->name, "_-");
	assert_phrase(r->help);
	assert_non_null(r->op);
	assert_int_equal(r->kind == WL_INITIATOR, i == 0);
	assert_int_not_equal(r->kind, WL_BYSTANDER);
	if (r->kind != WL_INITIATOR && !ops->runs_free) {
		assert_null(r->rearm);
		assert_null(r->check);
	}
	assert_string_not_equal(r->name, "bystander");
	if (r->max_threads)
		assert_true(r->def_threads <= r->max_threads);
	if (r->fills_cpus)
		assert_int_equal(r->def_threads, 0);
	assert_true(r->def_processes <= r->max_processes);
	if (r->kind == WL_INITIATOR)
		assert_int_equal(r->max_processes, 0);
	for (j = 0; j < i; j++) {
		assert_string_not_equal(ops->roles[j].name, r->name);
		assert_false(ops->roles[j].fills_cpus && r->fills_cpus);
	}
}

static void first_role_and_only_it_initiates(void **state)
{
	(void)state;
	FOR_EACH(ops)
	{
		unsigned int i, nr = tb_workload_roles(ops);

		void *conf = tb_params_new(ops);

		assert_true(nr > 0);
		/* Who never meets anybody runs free. */
		if (ops->rendezvous_every &&
		    ops->rendezvous_every(conf) == WL_NEVER)
			assert_true(ops->runs_free);
		free(conf);
		assert_int_equal(ops->roles[0].def_threads, 1);
		for (i = 0; i < nr; i++)
			check_role(ops, i);
		/* It ends, and not only because WL_MAX_ROLES are read. */
		assert_null(ops->roles[nr].name);
	}
}

static void regions_are_named(void **state)
{
	(void)state;
	FOR_EACH(ops)
	{
		unsigned int i, j;

		assert_true(tb_nr_regions(ops) <= WL_MAX_REGIONS);
		for (i = 0; i < tb_nr_regions(ops); i++) {
			assert_words(ops->regions[i].name, "_-");
			assert_phrase(ops->regions[i].help);
			for (j = 0; j < i; j++)
				assert_string_not_equal(ops->regions[j].name,
							ops->regions[i].name);
		}
	}
}

static void check_metric(const struct wl_ops *ops, const struct wl_metric *m)
{
	const struct wl_metric *n;

	assert_words(m->name, "_");
	assert_phrase(m->help);
	/* Of "The <help>." */
	assert_true(islower((unsigned char)m->help[0]));
	if (tb_metric_is_time(m))
		assert_null(m->unit);
	else
		assert_words(m->unit, "_");
	assert_true(m->kind <= WL_MEMSTAT && m->better <= WL_NEITHER);
	for (n = ops->metrics; n < m; n++)
		assert_string_not_equal(n->name, m->name);
}

static void metrics_are_well_formed(void **state)
{
	(void)state;
	FOR_EACH(ops)
	{
		const char *const *name;
		unsigned int i;

		assert_true(tb_nr_metrics(ops) <= WL_MAX_METRICS);
		for (i = 0; i < tb_nr_metrics(ops); i++)
			check_metric(ops, &ops->metrics[i]);
		if (!ops->effect)
			continue;
		assert_words(ops->effect->event, "_");
		for (name = ops->effect->metrics; *name; name++) {
			int nr = tb_metric_index(ops, *name);

			assert_true(nr >= 0);
			assert_true(ops->metrics[nr].kind == WL_TOTAL ||
				    tb_metric_is_field(&ops->metrics[nr]));
		}
	}
}

static void check_default(const struct wl_param *p)
{
	uint64_t nr_values = 0;

	switch (p->type) {
	case WL_UINT:
	case WL_SIZE:
		assert_in_range(p->def, p->min, p->max);
		break;
	case WL_BOOL:
		assert_in_range(p->def, 0, 1);
		break;
	case WL_ENUM:
		assert_non_null(p->values);
		while (p->values[nr_values])
			assert_words(p->values[nr_values++], "_-");
		assert_true(p->def < nr_values);
		break;
	default:
		fail_msg("%s: no such type", p->name);
	}
}

static void check_param(const struct wl_ops *ops, const struct wl_param *p)
{
	const struct wl_param *q;

	assert_words(p->name, "_");
	assert_phrase(p->help);
	assert_true(p->offset % sizeof(uint64_t) == 0);
	assert_true(p->offset + sizeof(uint64_t) <= ops->conf_bytes);
	/* A parameter of that name would hide the key. */
	assert_false(tb_keys_has(p->name));
	for (q = ops->params; q < p; q++) {
		assert_string_not_equal(q->name, p->name);
		assert_int_not_equal(q->offset, p->offset);
	}
	check_default(p);
}

/* A default written in a campaign is taken and means the same. */
static void check_round_trip(const struct wl_ops *ops, const struct wl_param *p)
{
	void *conf = tb_params_new(ops), *again = tb_params_new(ops);
	struct tb_err err = { 0 };
	struct tb_buf b = { 0 };

	tb_param_text(p, conf, &b);
	assert_int_equal(tb_param_set(p, again, b.data, "f:1", &err), 0);
	assert_memory_equal(conf, again, ops->conf_bytes);
	tb_buf_fini(&b);
	free(conf);
	free(again);
}

static void params_are_well_formed(void **state)
{
	(void)state;
	FOR_EACH(ops)
	{
		const struct wl_param *p;

		for (p = ops->params; p && p->name; p++) {
			check_param(ops, p);
			check_round_trip(ops, p);
		}
	}
}

static void assert_bound(const struct wl_bound *b)
{
	assert_true(b->min >= 0);
	assert_true(b->max == -1 || b->max >= b->min);
}

static void expectations_are_bounds(void **state)
{
	(void)state;
	FOR_EACH(ops)
	{
		struct wl_expect e = {
			{ 0, -1 }, { 0, -1 }, { 0, -1 }, { 0, -1 }
		};
		struct wl_ctx ctx = { .nr_ops = 1000, .page_bytes = 4096 };
		void *conf = tb_params_new(ops);
		unsigned int threads;

		ctx.conf = conf;
		for (threads = 0; ops->expect && threads < 4; threads++) {
			ctx.nr_threads[0] = 1;
			ctx.nr_threads[1] = threads;
			ops->expect(&ctx, &e);
			assert_bound(&e.ipis_received);
			assert_bound(&e.flushes);
			assert_bound(&e.pages);
			assert_bound(&e.faults);
		}
		free(conf);
	}
}

/* --- runs ---------------------------------------------------------------- */

static unsigned int done(enum t_call call, unsigned int role)
{
	return atomic_load(&t_counts->done[call][role]);
}

/* Everything that was set up was torn down, by thread and by instance. */
static void assert_unwound(void)
{
	unsigned int role;

	if (t_copy.setup && t_copy.teardown)
		assert_int_equal(done(T_TEARDOWN, 0), done(T_SETUP, 0));
	for (role = 0; role < WL_MAX_ROLES; role++) {
		assert_int_equal(done(T_THREAD_EXIT, role),
				 done(T_THREAD_INIT, role));
		assert_int_equal(done(T_PROCESS_EXIT, role),
				 done(T_PROCESS_INIT, role));
	}
}

static void assert_ran(const struct tb_case *cs)
{
	/* Two passes. */
	const unsigned int all = 2 * (T_OPS + T_WARMUP_OPS);
	const struct wl_role *initiator = &cs->ops->roles[0];
	unsigned int role;

	assert_int_equal(result.timed.nr_ops, T_OPS);
	assert_int_equal(result.timed.latency.count, T_OPS);
	assert_int_equal(result.counted.nr_ops, T_OPS);
	assert_int_equal(result.counted.latency.count, T_OPS);
	/* Who runs free may be at an op when a phase begins. */
	if (tb_case_meet(cs) != TB_MEET_NONE) {
		assert_int_equal(result.timed.nr_dropped, 0);
		assert_int_equal(result.counted.nr_dropped, 0);
	}
	assert_int_equal(done(T_OP, 0), all);
	assert_int_equal(done(T_REARM, 0), initiator->rearm ? all : 0);
	assert_int_equal(done(T_CHECK, 0), initiator->check ? all : 0);
	if (cs->ops->setup)
		assert_int_equal(done(T_SETUP, 0), 2);
	for (role = 0; role < cs->nr_roles; role++) {
		assert_int_equal(done(T_THREAD_INIT, role),
				 2 * cs->nr_threads[role]);
		assert_int_equal(done(T_PROCESS_INIT, role),
				 2 * cs->nr_processes[role]);
	}
	for (role = 1; role < cs->nr_roles; role++)
		assert_true(!cs->nr_threads[role] || done(T_OP, role) >= 4);
	assert_unwound();
}

/* Threads of roles 1 and above in the instance, or in processes of their own.
 */
static void use_processes(struct tb_case *cs, bool in_processes)
{
	unsigned int i;

	for (i = 1; i < cs->nr_roles; i++)
		if (cs->ops->roles[i].max_processes)
			cs->nr_processes[i] = in_processes && cs->nr_threads[i];
}

static void check_run(const struct wl_ops *ops, const char *dir,
		      bool in_processes)
{
	struct t_traces before;
	struct tb_case cs;
	unsigned int i;

	if (t_has_no_room(ops))
		return;
	t_wrap(ops);
	t_case(&cs, &t_copy, &t_topo);
	use_processes(&cs, in_processes);
	/* Every machine has this node, and with NUMA it can be asked for. */
	for (i = 0; i < WL_MAX_REGIONS; i++)
		cs.is_bound[i] = tb_mem_node_exists(0);
	/* What the first run leaves may be a cache; the second adds nothing. */
	for (i = 0; i < 2; i++) {
		memset(t_counts, 0, sizeof(*t_counts));
		if (i)
			before = t_traces(dir);
		t_run_case(&cs, &result);
		tb_result_fini(&result);
		if (result.state == TB_STATE_SKIPPED) {
			assert_true(result.reasons.nr > 0);
			print_message("# %s skipped: %s\n", ops->name,
				      result.reasons.text[0]);
			continue;
		}
		if (result.state != TB_STATE_OK)
			fail_msg("%s: %s", ops->name, result.reasons.text[0]);
		assert_int_equal(result.reasons.nr, 0);
		assert_ran(&cs);
	}
	t_assert_no_traces(&before, dir);
	free(cs.conf);
}

static void run_leaves_nothing_behind(void **state)
{
	FOR_EACH(ops)
	{
		check_run(ops, *state, false);
		check_run(ops, *state, true);
	}
}

/* --- failures ------------------------------------------------------------ */

static void expect_failure(const struct tb_case *cs,
			   const struct t_fault *fault)
{
	char expected[128];

	if (result.state != TB_STATE_FAILED || result.reasons.nr != 1)
		fail_msg("%s: state %s after %s of role %u failed",
			 cs->ops->name, tb_state_name(result.state),
			 t_call_name(fault->call), fault->role);
	if (fault->call == T_SETUP)
		snprintf(expected, sizeof(expected),
			 "%s: setup failed: Invalid cross-device link",
			 cs->ops->name);
	else if (fault->call == T_PROCESS_INIT)
		snprintf(expected, sizeof(expected),
			 "%s: process_init of %s process 0 failed: ",
			 cs->ops->name, cs->ops->roles[fault->role].name);
	else
		snprintf(expected, sizeof(expected),
			 "%s: %s of %s 0 failed in phase ", cs->ops->name,
			 t_call_name(fault->call),
			 cs->ops->roles[fault->role].name);
	if (strncmp(result.reasons.text[0], expected, strlen(expected)) ||
	    !strstr(result.reasons.text[0], "Invalid cross-device link"))
		fail_msg("expected '%s', got '%s'", expected,
			 result.reasons.text[0]);
	assert_unwound();
}

/* Calls of every callback that the case has: first, later, in the last pass. */
static void check_failures(const struct wl_ops *ops, const char *dir)
{
	static const struct t_fault faults[] = {
		{ T_FAIL, T_SETUP, 0, 1 },
		{ T_FAIL, T_SETUP, 0, 2 },
		{ T_FAIL, T_PROCESS_INIT, 1, 1 },
		{ T_FAIL, T_THREAD_INIT, 0, 1 },
		{ T_FAIL, T_THREAD_INIT, 1, 1 },
		{ T_FAIL, T_REARM, 0, 1 },
		{ T_FAIL, T_REARM, 0, T_WARMUP_OPS + T_OPS },
		{ T_FAIL, T_OP, 0, 1 },
		{ T_FAIL, T_OP, 0, T_WARMUP_OPS + T_OPS + T_WARMUP_OPS + 7 },
		{ T_FAIL, T_CHECK, 0, T_WARMUP_OPS + 1 },
		{ T_FAIL, T_OP, 1, 1 },
		{ T_FAIL, T_OP, 1, 2 },
	};
	struct t_traces before;
	struct tb_case cs;
	size_t i;

	if (t_has_no_room(ops))
		return;
	t_wrap(ops);
	t_case(&cs, &t_copy, &t_topo);
	use_processes(&cs, true);
	before = t_traces(dir);
	for (i = 0; i < ARRAY_SIZE(faults); i++) {
		const struct t_fault *f = &faults[i];

		if ((f->call == T_SETUP && !ops->setup) ||
		    (f->call == T_REARM && !ops->roles[0].rearm) ||
		    (f->call == T_CHECK && !ops->roles[0].check) ||
		    (f->call == T_PROCESS_INIT && !cs.nr_processes[f->role]) ||
		    !cs.nr_threads[f->role])
			continue;
		if (t_run_with(&cs, f))
			expect_failure(&cs, f);
		t_assert_no_traces(&before, dir);
	}
	free(cs.conf);
}

static void failures_are_unwound(void **state)
{
	FOR_EACH(ops)
	check_failures(ops, *state);
}

static void check_crash(const struct wl_ops *ops, const char *dir,
			unsigned int role)
{
	const struct t_fault fault = { T_CRASH, T_OP, role, 2 };
	char of_process[64], expected[128];
	struct t_traces before;
	struct tb_case cs;

	if (t_has_no_room(ops))
		return;
	t_wrap(ops);
	t_case(&cs, &t_copy, &t_topo);
	use_processes(&cs, true);
	snprintf(of_process, sizeof(of_process), "process 0 of role %s in ",
		 ops->roles[role].name);
	before = t_traces(dir);
	if (cs.nr_threads[role] && t_run_with(&cs, &fault)) {
		assert_int_equal(result.state, TB_STATE_FAILED);
		assert_int_equal(result.reasons.nr, 1);
		snprintf(expected, sizeof(expected),
			 "%sinstance 0 was killed by signal 11 "
			 "(Segmentation fault)",
			 cs.nr_processes[role] ? of_process : "");
		assert_string_equal(result.reasons.text[0], expected);
	}
	t_assert_no_traces(&before, dir);
	free(cs.conf);
}

static void crashes_are_told(void **state)
{
	FOR_EACH(ops)
	{
		check_crash(ops, *state, 0);
		check_crash(ops, *state, 1);
	}
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(registry_is_sorted),
		cmocka_unit_test(names_are_those_of_files),
		cmocka_unit_test(workloads_are_described),
		cmocka_unit_test(first_role_and_only_it_initiates),
		cmocka_unit_test(regions_are_named),
		cmocka_unit_test(metrics_are_well_formed),
		cmocka_unit_test(params_are_well_formed),
		cmocka_unit_test(expectations_are_bounds),
		IN_DIR(run_leaves_nothing_behind),
		IN_DIR(failures_are_unwound),
		IN_DIR(crashes_are_told),
	};

	t_engine_init();
	return T_RUN("contract", tests);
}
