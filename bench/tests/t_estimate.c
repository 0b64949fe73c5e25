// SPDX-License-Identifier: GPL-2.0-only
/* The memory of durations, and what is estimated from it. */
#include "campaign/estimate.h"

#include <errno.h>
#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/t.h"

static struct tb_cpu here_cpus[8];
static struct tb_topo here = { .nr_cpus = ARRAY_SIZE(here_cpus),
			       .cpus = here_cpus };

static const char conf[] = "[campaign]\nname = c\nbackend = vm\nboots = 2\n"
			   "[vm]\ncpus = 4\naccel = exact\n"
			   "timeout_seconds = 90\n"
			   "[kernel a]\nimage = /a\n[kernel b]\nimage = /b\n"
			   "[defaults]\nops = 90\nwarmup_ops = 10\n"
			   "[case m]\nworkload = munmap\nrepetitions = 2\n"
			   "[case l]\nworkload = lazy_idle\n";

static void parse(struct tb_plan *plan, const char *text)
{
	struct tb_err err = { 0 };
	unsigned int i;

	if (tb_plan_parse(plan, "c.conf", text, &here, &err))
		fail_msg("%s", err.text);
	for (i = 0; i < plan->nr_kernels; i++)
		plan->kernels[i].id = strdup(plan->kernels[i].name);
}

static void add(struct tb_durations *d, struct tb_duration key, double seconds)
{
	key.seconds = seconds;
	assert_int_equal(tb_durations_add(d, &key), 0);
}

static void add_boot(struct tb_durations *d, const struct tb_plan *plan,
		     unsigned int kernel, double seconds)
{
	struct tb_duration key;

	tb_estimate_key_boot(plan, kernel, &key);
	add(d, key, seconds);
}

static void add_case(struct tb_durations *d, const struct tb_plan *plan,
		     unsigned int kernel, unsigned int cs, double seconds)
{
	struct tb_duration key;

	tb_estimate_key_case(plan, kernel, cs, &key);
	add(d, key, seconds);
}

static void assert_seconds(double is, double expected)
{
	if (fabs(is - expected) > 1e-4)
		fail_msg("%g, expected %g", is, expected);
}

/* --- the file ------------------------------------------------------------ */

static void load(struct tb_durations *d, const char *path)
{
	struct tb_err err = { 0 };

	if (tb_durations_load(d, path, &err))
		fail_msg("%s", err.text);
}

static void save(const struct tb_durations *fresh, const char *path)
{
	struct tb_durations known = { 0 };
	struct tb_err err = { 0 };

	if (tb_durations_save(&known, fresh, path, &err))
		fail_msg("%s", err.text);
	tb_durations_fini(&known);
}

static const struct tb_duration one = {
	.seconds = 1,
	.ops = 5,
	.backend = "here",
	.machine = "-",
	.kernel = "k",
	.what = "munmap",
	.point = "p",
};

static void what_is_saved_is_loaded(void **state)
{
	const char *path = t_path(*state, "durations");
	struct tb_durations d = { 0 }, back;

	load(&back, path);
	assert_int_equal(back.nr, 0);
	add(&d, one, 1.25);
	save(&d, path);
	load(&back, path);
	assert_int_equal(back.nr, 1);
	assert_string_equal(back.all[0].backend, "here");
	assert_string_equal(back.all[0].machine, "-");
	assert_string_equal(back.all[0].kernel, "k");
	assert_string_equal(back.all[0].what, "munmap");
	assert_string_equal(back.all[0].point, "p");
	assert_int_equal(back.all[0].ops, 5);
	assert_seconds(back.all[0].seconds, 1.25);
	tb_durations_fini(&back);
	tb_durations_fini(&d);
}

static void the_newest_counts_in_part_and_is_last(void **state)
{
	const char *path = t_path(*state, "durations");
	struct tb_durations d = { 0 }, back;
	struct tb_duration other = one;

	other.ops = 6;
	add(&d, one, 1);
	add(&d, other, 7);
	save(&d, path);
	tb_durations_fini(&d);
	add(&d, one, 2);
	save(&d, path);
	load(&back, path);
	assert_int_equal(back.nr, 2);
	assert_int_equal(back.all[0].ops, 6);
	assert_seconds(back.all[1].seconds, 1.3);
	tb_durations_fini(&back);
	tb_durations_fini(&d);
}

static double after(double known_s, double newest_s)
{
	struct tb_durations d = { 0 };
	double seconds;

	add(&d, one, known_s);
	add(&d, one, newest_s);
	assert_int_equal(d.nr, 1);
	seconds = d.all[0].seconds;
	tb_durations_fini(&d);
	return seconds;
}

static void one_run_on_a_busy_machine_does_not_decide(void **state)
{
	(void)state;
	assert_seconds(after(1, 100), 1 + 0.3 * 1.1);
	assert_seconds(after(100, 1), 1);
	assert_seconds(after(1, 0.6), 0.88);
	/* What is too short to be seen can grow. */
	assert_seconds(after(0, 5), 0.03);
}

static void the_oldest_go(void **state)
{
	const char *path = t_path(*state, "durations");
	struct tb_durations d = { 0 }, back;
	struct tb_duration key = one;

	for (key.ops = 0; key.ops < 5000; key.ops++)
		add(&d, key, 1);
	save(&d, path);
	load(&back, path);
	assert_int_equal(back.nr, 4096);
	assert_int_equal(back.all[0].ops, 5000 - 4096);
	tb_durations_fini(&back);
	tb_durations_fini(&d);
}

#define VERSION "tlbbench durations 1\n"

/* Said, and empty; the next one to save begins anew. */
static void check_damaged(const char *path, const char *text, const char *why)
{
	struct tb_durations d = { 0 }, back;
	struct tb_err err = { 0 };
	char message[PATH_MAX + 64];

	t_write(path, text);
	assert_int_equal(tb_durations_load(&back, path, &err), -EINVAL);
	snprintf(message, sizeof(message), "%s%s", path, why);
	assert_string_equal(err.text, message);
	assert_int_equal(back.nr, 0);
	add(&d, one, 1);
	save(&d, path);
	load(&back, path);
	assert_int_equal(back.nr, 1);
	tb_durations_fini(&back);
	tb_durations_fini(&d);
}

static void damaged_files_are_begun_anew(void **state)
{
	const char *path = t_path(*state, "durations");
	static const char line[] = "1 5 here - k munmap p";
	static const char *const bad[] = {
		"1 5 here - k munmap",
		"1 5 here - k munmap p q",
		"-1 5 here - k munmap p",
		"nan 5 here - k munmap p",
		"inf 5 here - k munmap p",
		"1 x here - k munmap p",
		"1 5 hereherehereherehere - k munmap p",
		"",
	};
	struct tb_buf b = { 0 };
	size_t i;

	check_damaged(path, "", ":1: expected 'tlbbench durations 1'");
	check_damaged(path,
		      "\x7f"
		      "ELF",
		      ":1: expected 'tlbbench durations 1'");
	check_damaged(path, "tlbbench durations 2\n",
		      ":1: expected 'tlbbench durations 1'");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		tb_buf_printf(&b, VERSION "%s\n%s\n%s\n", line, bad[i], line);
		check_damaged(path, b.data, ":3: expected a duration");
		tb_buf_fini(&b);
	}
	/* Without its newline a last line may lack digits. */
	tb_buf_printf(&b, VERSION "%s", line);
	check_damaged(path, b.data, ": cut off");
	tb_buf_fini(&b);
}

static void what_cannot_be_written_is_known_all_the_same(void **state)
{
	const char *path = t_path(*state, "no/such/durations");
	struct tb_durations known = { 0 }, fresh = { 0 };
	struct tb_err err = { 0 };

	add(&fresh, one, 1);
	assert_int_equal(tb_durations_save(&known, &fresh, path, &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(known.nr, 1);
	/* Without a path nothing is tried. */
	assert_int_equal(tb_durations_save(&known, &fresh, "", &err), 0);
	assert_int_equal(known.nr, 1);
	tb_durations_fini(&known);
	tb_durations_fini(&fresh);
}

/* Processes that save at once lose nothing of each other. */
static void many_writers_lose_nothing(void **state)
{
	enum {
		WRITERS = 8,
		EACH = 10
	};
	const char *path = t_path(*state, "durations");
	struct tb_durations back;
	unsigned int w, i;
	int status;

	for (w = 0; w < WRITERS; w++) {
		if (fork())
			continue;
		for (i = 0; i < EACH; i++) {
			struct tb_durations d = { 0 };
			struct tb_duration key = one;

			key.ops = w * EACH + i;
			add(&d, key, 1);
			save(&d, path);
			tb_durations_fini(&d);
		}
		_exit(0);
	}
	for (w = 0; w < WRITERS; w++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	load(&back, path);
	assert_int_equal(back.nr, WRITERS * EACH);
	tb_durations_fini(&back);
}

/* --- estimates ----------------------------------------------------------- */

static void make(struct tb_estimate *e, const struct tb_plan *plan,
		 const struct tb_durations *known)
{
	struct tb_err err = { 0 };

	if (tb_estimate_make(e, plan, known, &err))
		fail_msg("%s", err.text);
}

static void check_text(const struct tb_estimate *e, double seconds,
		       unsigned int nr_slots, const char *expected)
{
	struct tb_buf b = { 0 };

	tb_estimate_text(e, seconds, nr_slots, &b);
	tb_buf_printf(&b, "; ");
	tb_estimate_basis(e, &b);
	assert_string_equal(b.data, expected);
	tb_buf_fini(&b);
}

static void what_is_known_adds_up(void **state)
{
	struct tb_durations known = { 0 };
	struct tb_estimate e;
	struct tb_plan plan;

	(void)state;
	parse(&plan, conf);
	add_boot(&known, &plan, 0, 1);
	add_boot(&known, &plan, 1, 2);
	add_case(&known, &plan, 0, 0, 0.25);
	add_case(&known, &plan, 1, 0, 0.5);
	add_case(&known, &plan, 0, 1, 4);
	add_case(&known, &plan, 1, 1, 8);
	make(&e, &plan, &known);
	/* Order: m:0 l:0 m:1. */
	assert_seconds(tb_estimate_rep(&e, 0, 1), 4);
	assert_seconds(tb_estimate_rep(&e, 1, 2), 0.5);
	assert_seconds(tb_estimate_slot(&e, 0), 5.5);
	assert_seconds(tb_estimate_slot(&e, 1), 11);
	assert_int_equal(e.nr_by_basis[TB_BASIS_SAME], 6);
	check_text(&e, 33, 4,
		   "4 slots to run: about 33 s, 8.2 s each, at most 6 min by "
		   "timeout; of the cases and boots 6 as measured here before");
	check_text(&e, 5.5, 1,
		   "1 slot to run: about 5.5 s, at most 1 min 30 s by "
		   "timeout; of the cases and boots 6 as measured here before");
	tb_estimate_fini(&e);
	tb_durations_fini(&known);
	tb_plan_fini(&plan);
}

static void what_never_ran_is_a_guess(void **state)
{
	struct tb_durations known = { 0 };
	struct tb_estimate e;
	struct tb_plan plan;

	(void)state;
	parse(&plan, "[campaign]\nname = c\n[case m]\nworkload = munmap\n");
	make(&e, &plan, &known);
	assert_int_equal(e.nr_by_basis[TB_BASIS_GUESS], 2);
	assert_true(tb_estimate_slot(&e, 0) > 0);
	check_text(&e, 2, 1,
		   "1 slot to run: about 2.0 s, without a bound; of the cases "
		   "and boots 2 a guess, never run here");
	tb_estimate_fini(&e);
	tb_plan_fini(&plan);
}

/* Seconds of case m on kernel 0, and what they are based on. */
static void check_basis(const struct tb_durations *known, const char *text,
			enum tb_basis basis, double seconds)
{
	struct tb_estimate e;
	struct tb_plan plan;

	parse(&plan, text);
	make(&e, &plan, known);
	assert_seconds(tb_estimate_rep(&e, 0, 0), seconds);
	/* Its boot is always a guess. */
	assert_int_equal(e.nr_by_basis[basis], basis == TB_BASIS_GUESS ? 2 : 1);
	tb_estimate_fini(&e);
	tb_plan_fini(&plan);
}

#define VM "[campaign]\nname = c\nbackend = vm\n"
#define EXACT "[vm]\naccel = exact\n"
#define KVM "[vm]\naccel = kvm\n"
#define KERNEL "[kernel a]\nimage = /a\n"
#define OTHER "[kernel b]\nimage = /b\n"
#define MUNMAP "[case m]\nworkload = munmap\nwarmup_ops = 0\n"

static void the_finest_that_is_known_counts(void **state)
{
	struct tb_durations known = { 0 };
	struct tb_plan plan;

	(void)state;
	parse(&plan, VM EXACT KERNEL MUNMAP "ops = 100\n");
	add_case(&known, &plan, 0, 0, 1);
	tb_plan_fini(&plan);
	check_basis(&known, VM EXACT KERNEL MUNMAP "ops = 100\n", TB_BASIS_SAME,
		    1);
	check_basis(&known, VM EXACT OTHER MUNMAP "ops = 100\n",
		    TB_BASIS_OTHER_KERNEL, 1);
	check_basis(&known, VM EXACT KERNEL "append = x\n" MUNMAP "ops = 100\n",
		    TB_BASIS_OTHER_KERNEL, 1);
	check_basis(&known, VM EXACT KERNEL MUNMAP "ops = 300\n",
		    TB_BASIS_SCALED, 0.05 + 3 * 0.95);
	check_basis(&known, VM EXACT KERNEL MUNMAP "ops = 100\npages = 2\n",
		    TB_BASIS_SCALED, 1);
	check_basis(&known,
		    VM EXACT KERNEL MUNMAP "ops = 100\nplacement = list:0-3\n",
		    TB_BASIS_SCALED, 1);
	check_basis(&known, VM EXACT "cpus = 8\n" KERNEL MUNMAP "ops = 50\n",
		    TB_BASIS_SCALED, 0.05 + 0.95 / 2);
	/* Nothing of another backend or workload fits at all. */
	check_basis(&known, VM KVM KERNEL MUNMAP "ops = 1000\n", TB_BASIS_GUESS,
		    0.07);
	tb_durations_fini(&known);
}

static void the_nearest_number_of_ops_counts(void **state)
{
	static const char *const ops[] = { "100", "10000" };
	struct tb_durations known = { 0 };
	struct tb_buf b = { 0 };
	struct tb_plan plan;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		tb_buf_printf(&b, VM EXACT KERNEL MUNMAP "ops = %s\n", ops[i]);
		parse(&plan, b.data);
		add_case(&known, &plan, 0, 0, i ? 10 : 1);
		tb_plan_fini(&plan);
		tb_buf_fini(&b);
	}
	check_basis(&known, VM EXACT KERNEL MUNMAP "ops = 200\n",
		    TB_BASIS_SCALED, 0.05 + 2 * 0.95);
	check_basis(&known, VM EXACT KERNEL MUNMAP "ops = 5000\n",
		    TB_BASIS_SCALED, 0.05 + 9.95 / 2);
	tb_durations_fini(&known);
}

/* A repetition of few ops says next to nothing of what one costs. */
static void a_fixed_part_is_not_scaled(void **state)
{
	struct tb_durations known = { 0 };
	struct tb_plan plan;

	(void)state;
	parse(&plan, "[campaign]\nname = c\n" MUNMAP "ops = 10\n");
	add_case(&known, &plan, 0, 0, 0.04);
	tb_plan_fini(&plan);
	check_basis(&known, "[campaign]\nname = c\n" MUNMAP "ops = 1000000\n",
		    TB_BASIS_SCALED, 0.04 + 20);
	check_basis(&known, "[campaign]\nname = c\n" MUNMAP "ops = 1\n",
		    TB_BASIS_SCALED, 0.04 + 20e-6);
	tb_durations_fini(&known);
}

/* Few ops that took long may have waited for a CPU. */
static void what_is_far_in_ops_is_not_scaled(void **state)
{
	struct tb_durations known = { 0 };
	struct tb_plan plan;

	(void)state;
	parse(&plan, "[campaign]\nname = c\n" MUNMAP "ops = 120\n");
	add_case(&known, &plan, 0, 0, 2);
	tb_plan_fini(&plan);
	check_basis(&known, "[campaign]\nname = c\n" MUNMAP "ops = 300000\n",
		    TB_BASIS_SCALED, 0.05 + 6);
	tb_durations_fini(&known);
	parse(&plan, "[campaign]\nname = c\n" MUNMAP "ops = 1000\n");
	add_case(&known, &plan, 0, 0, 0.05 + 1);
	tb_plan_fini(&plan);
	check_basis(&known, "[campaign]\nname = c\n" MUNMAP "ops = 10000\n",
		    TB_BASIS_SCALED, 0.05 + 10);
	tb_durations_fini(&known);
}

static void seconds_are_words(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} cases[] = {
		{ 0, "0.0 s" },		 { 0.04, "0.0 s" },
		{ 9.94, "9.9 s" },	 { 9.96, "10 s" },
		{ 59.4, "59 s" },	 { 59.6, "1 min" },
		{ 61, "1 min 1 s" },	 { 3599, "59 min 59 s" },
		{ 3599.7, "1 h 0 min" }, { 90000, "25 h 0 min" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tb_buf b = { 0 };

		tb_seconds_text(cases[i].seconds, &b);
		assert_string_equal(b.data, cases[i].text);
		tb_buf_fini(&b);
	}
}

int main(void)
{
	struct CMUnitTest tests[] = {
		T_DIR(what_is_saved_is_loaded),
		T_DIR(the_newest_counts_in_part_and_is_last),
		cmocka_unit_test(one_run_on_a_busy_machine_does_not_decide),
		T_DIR(the_oldest_go),
		T_DIR(damaged_files_are_begun_anew),
		T_DIR(what_cannot_be_written_is_known_all_the_same),
		T_DIR(many_writers_lose_nothing),
		cmocka_unit_test(what_is_known_adds_up),
		cmocka_unit_test(what_never_ran_is_a_guess),
		cmocka_unit_test(the_finest_that_is_known_counts),
		cmocka_unit_test(the_nearest_number_of_ops_counts),
		cmocka_unit_test(a_fixed_part_is_not_scaled),
		cmocka_unit_test(what_is_far_in_ops_is_not_scaled),
		cmocka_unit_test(seconds_are_words),
	};
	size_t i;

	for (i = 0; i < here.nr_cpus; i++)
		here_cpus[i] = (struct tb_cpu){ .cpu = (int)i, .core = (int)i };
	return T_RUN("estimate", tests);
}
