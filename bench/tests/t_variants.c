// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workloads that do one of several things: each of them runs, and the check of
 * each sees what was not done. The contract test has their defaults.
 */
#include "tests/t_engine.h"

#define MAX_TRIES 20

static struct tb_result result;

/* "key=value key=value", into @cs. */
static void set_all(struct tb_case *cs, const char *settings)
{
	char text[256], *save, *key;
	struct tb_err err = { 0 };

	snprintf(text, sizeof(text), "%s", settings);
	for (key = strtok_r(text, " ", &save); key;
	     key = strtok_r(NULL, " ", &save)) {
		char *value = strchr(key, '=');

		*value++ = '\0';
		if (tb_param_set(tb_param_find(cs->ops, key), cs->conf, value,
				 "unit", &err))
			fail_msg("%s", err.text);
	}
}

/* With the first op of @skipped left out, or with all if that is negative. */
static void run(const char *workload, const char *settings, int skipped)
{
	struct tb_case cs;

	t_wrap(tb_workload_find(workload));
	t_case(&cs, &t_copy, &t_topo);
	set_all(&cs, settings);
	/* Who runs free needs the time to come that far. */
	if (tb_case_meet(&cs) == TB_MEET_NONE)
		cs.nr_ops = 300;
	memset(t_counts, 0, sizeof(*t_counts));
	t_fault = (struct t_fault){ 0 };
	if (skipped >= 0)
		t_fault = (struct t_fault){ T_SKIP_OP, T_OP,
					    (unsigned int)skipped, 1 };
	t_run_case(&cs, &result);
	tb_result_fini(&result);
	free(cs.conf);
}

static bool can_run(const char *workload, const char *settings)
{
	run(workload, settings, -1);
	if (result.state == TB_STATE_SKIPPED) {
		print_message("# %s %s: %s\n", workload, settings,
			      result.reasons.text[0]);
		return false;
	}
	if (result.state != TB_STATE_OK)
		fail_msg("%s %s: %s", workload, settings,
			 result.reasons.text[0]);
	return true;
}

/* It is @who, "initiator" or another role, that finds out. */
static void expect_found_out(const char *workload, const char *settings,
			     int skipped, const char *who)
{
	unsigned int tries = 0;
	char expected[64];

	snprintf(expected, sizeof(expected), ": check of %s 0 failed", who);
	/* On a busy machine one that runs free may come too late to run. */
	do {
		run(workload, settings, skipped);
	} while (!t_counts->called[T_OP][skipped] && ++tries < MAX_TRIES);
	if (result.state != TB_STATE_FAILED ||
	    !strstr(result.reasons.text[0], expected))
		fail_msg("%s %s: op of role %d did nothing, but %s (%s)",
			 workload, settings, skipped,
			 tb_state_name(result.state), result.reasons.text[0]);
}

static void acts_on_idle_cpus(void **state)
{
	static const char *const acts[] = { "dontneed", "mprotect",
					    "munmap",	"munmap_table",
					    "mremap",	"fork" };
	char settings[64];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(acts); i++) {
		snprintf(settings, sizeof(settings), "act=%s wakes=2", acts[i]);
		assert_true(can_run("lazy_idle", settings));
		expect_found_out("lazy_idle", settings, 0, "initiator");
	}
}

static const char *const changes[] = { "mprotect", "uffd_wp", "clear_refs" };
static const char *const faults[] = { "cow", "zero_page", "shared_file",
				      "uffd_wp" };
static const char *const wheres[] = { "same_range", "same_vma", "other_vma" };

/* Each change with each fault, and with each place; @look gets those that run.
 */
static void each_fault(const char *lockstep,
		       void (*look)(const char *settings, const char *where))
{
	char settings[128];
	size_t c, f, w;

	for (c = 0; c < ARRAY_SIZE(changes); c++)
		for (f = 0; f < ARRAY_SIZE(faults); f++)
			for (w = 0; w < ARRAY_SIZE(wheres); w++) {
				if (f && w)
					continue;
				snprintf(settings, sizeof(settings),
					 "change=%s fault=%s where=%s "
					 "lockstep=%s fault_pages=4",
					 changes[c], faults[f], wheres[w],
					 lockstep);
				if (can_run("mprotect_fault", settings))
					look(settings, wheres[w]);
			}
}

/* A change that was none, and a store that never came. */
static void look_in_lockstep(const char *settings, const char *where)
{
	(void)where;
	expect_found_out("mprotect_fault", settings, 0, "initiator");
	expect_found_out("mprotect_fault", settings, 1, "initiator");
}

/* Faulters that write what was changed hide whether it was. */
static void look_at_free_ones(const char *settings, const char *where)
{
	expect_found_out("mprotect_fault", settings, 1, "faulter");
	if (strcmp(where, "same_range"))
		expect_found_out("mprotect_fault", settings, 0, "initiator");
}

static void faults_in_lockstep(void **state)
{
	(void)state;
	if (t_topo.nr_cpus < 2)
		T_SKIP("needs two CPUs");
	each_fault("yes", look_in_lockstep);
}

static void faults_that_run_free(void **state)
{
	(void)state;
	if (t_topo.nr_cpus < 2)
		T_SKIP("needs two CPUs");
	each_fault("no", look_at_free_ones);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(acts_on_idle_cpus),
		cmocka_unit_test(faults_in_lockstep),
		cmocka_unit_test(faults_that_run_free),
	};

	t_engine_init();
	return T_RUN("variants", tests);
}
