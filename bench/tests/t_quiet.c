// SPDX-License-Identifier: GPL-2.0-only
/*
 * Profile quiet on a tree that looks like a machine. The process that makes it
 * quiet is a child, so that it can end in every way there is.
 */
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "machine/quiet.h"
#include "tests/t_sysfs.h"

#define CPU "sys/devices/system/cpu/"
#define THP "sys/kernel/mm/transparent_hugepage/"
#define STATE "run/tlbbench/undo"
#define WAIT_US 10000
#define MAX_WAITS 1000

/* Settings: as they are found, and what quiet makes of them. */
static const struct {
	const char *path;
	const char *before;
	const char *after;
} settings[] = {
	{ CPU "intel_pstate/no_turbo", "0", "1" },
	{ CPU "cpufreq/policy0/scaling_governor", "powersave", "performance" },
	{ CPU "cpufreq/policy4/scaling_governor", "schedutil", "performance" },
	{ CPU "cpufreq/policy0/scaling_min_freq", "400000", "4700000" },
	{ CPU "cpufreq/policy4/scaling_min_freq", "500000", "3500000" },
	{ CPU "cpu0/cpuidle/state2/disable", "0", "1" },
	{ CPU "cpu3/cpuidle/state1/disable", "0", "1" },
	{ THP "enabled", "madvise", "never" },
	{ THP "hugepages-64kB/enabled", "always", "never" },
	{ "sys/kernel/mm/ksm/run", "1", "0" },
	{ "proc/sys/kernel/numa_balancing", "1", "0" },
	{ "proc/sys/vm/compaction_proactiveness", "20", "0" },
	{ "proc/sys/kernel/nmi_watchdog", "1", "0" },
	{ "proc/sys/kernel/perf_event_max_sample_rate", "100000", "1" },
};

/* What quiet leaves alone. */
static const struct {
	const char *path;
	const char *value;
} others[] = {
	{ CPU "cpufreq/policy0/scaling_max_freq", "4700000" },
	{ CPU "cpufreq/policy4/scaling_max_freq", "3500000" },
	/* POLL and the state that halts. */
	{ CPU "cpu0/cpuidle/state0/name", "POLL" },
	{ CPU "cpu0/cpuidle/state0/disable", "0" },
	{ CPU "cpu0/cpuidle/state1/disable", "0" },
	/* A machine without POLL. */
	{ CPU "cpu3/cpuidle/state0/name", "WFI" },
	{ CPU "cpu3/cpuidle/state0/disable", "0" },
	/* What is right already. */
	{ CPU "cpu0/cpuidle/state3/disable", "1" },
	{ THP "hugepages-2048kB/enabled", "always [inherit] madvise never" },
	{ "proc/sys/kernel/randomize_va_space", "2" },
	/* Without this limit a case could stop the whole machine. */
	{ "proc/sys/kernel/sched_rt_runtime_us", "950000" },
	{ "proc/sys/kernel/random/boot_id", "11-22" },
};

static void make_machine(const char *root)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(settings); i++)
		t_put(root, settings[i].before, "%s", settings[i].path);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		t_put(root, others[i].value, "%s", others[i].path);
	t_put(root, "", "run/x");
}

static bool has_value(const char *root, const char *path, const char *value)
{
	char full[PATH_MAX], line[64];

	snprintf(full, sizeof(full), "%s/%s", root, path);
	return !tb_read_line(full, line, sizeof(line)) && !strcmp(line, value);
}

static bool has_state(const char *root)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" STATE, root);
	return !access(path, F_OK);
}

static void assert_machine(const char *root, bool is_quiet)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(settings); i++)
		if (!has_value(root, settings[i].path,
			       is_quiet ? settings[i].after
					: settings[i].before))
			fail_msg("%s is not %s", settings[i].path,
				 is_quiet ? settings[i].after
					  : settings[i].before);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (!has_value(root, others[i].path, others[i].value))
			fail_msg("%s changed", others[i].path);
	assert_int_equal(has_state(root), is_quiet);
}

static void await(bool (*is_so)(const char *root), const char *root)
{
	int i;

	for (i = 0; i < MAX_WAITS; i++) {
		if (is_so(root))
			return;
		usleep(WAIT_US);
	}
	fail_msg("did not happen in time");
}

/* A process that made the machine quiet. */
struct child {
	pid_t pid;
	pid_t guardian;
};

static struct child start_child(const char *root)
{
	struct child c = { .guardian = 0 };
	int fds[2], sig;

	assert_int_equal(pipe(fds), 0);
	c.pid = fork();
	if (!c.pid) {
		struct tb_err err = { 0 };
		struct tb_quiet q;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* cmocka's, and those that nohup and "&" ignore. */
		for (sig = 1; sig < SIGRTMIN; sig++)
			signal(sig, SIG_DFL);
		if (tb_quiet_begin(&q, root, &err))
			_exit(99);
		if (write(fds[1], &q.undo.guardian, sizeof(q.undo.guardian)) <
		    0)
			_exit(98);
		for (;;)
			pause();
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &c.guardian, sizeof(c.guardian)),
			 sizeof(c.guardian));
	close(fds[0]);
	assert_true(c.guardian > 0);
	return c;
}

static bool is_restored(const char *root)
{
	return !has_state(root);
}

/* Gone, or a zombie that nobody reaps. */
static bool is_gone(pid_t pid)
{
	char path[64], line[256];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	return tb_read_line(path, line, sizeof(line)) ||
	       strstr(line, ") Z") != NULL;
}

/* --- tests --------------------------------------------------------------- */

static void test_begin_and_end(void **state)
{
	struct tb_err err = { 0 };
	struct tb_quiet q;
	unsigned int i;

	make_machine(*state);
	assert_int_equal(tb_quiet_begin(&q, *state, &err), 0);
	assert_machine(*state, true);
	assert_int_equal(q.nr_knobs, ARRAY_SIZE(settings));
	for (i = 0; i < q.nr_knobs; i++) {
		assert_string_equal(q.knobs[i].path + 1, settings[i].path);
		assert_string_equal(q.knobs[i].before, settings[i].before);
		assert_string_equal(q.knobs[i].after, settings[i].after);
		assert_string_equal(q.knobs[i].reason, "");
	}
	assert_int_equal(tb_quiet_end(&q, &err), 0);
	assert_machine(*state, false);
}

/* Every way to die but those that take the guardian along. */
static void die_by(void **state, int sig)
{
	struct child c;
	int status;

	make_machine(*state);
	c = start_child(*state);
	assert_machine(*state, true);
	kill(c.pid, sig);
	waitpid(c.pid, &status, 0);
	assert_int_equal(WTERMSIG(status), sig);
	await(is_restored, *state);
	assert_machine(*state, false);
}

static void test_sigint(void **state)
{
	die_by(state, SIGINT);
}

static void test_sigterm(void **state)
{
	die_by(state, SIGTERM);
}

static void test_sighup(void **state)
{
	die_by(state, SIGHUP);
}

static void test_crash(void **state)
{
	die_by(state, SIGSEGV);
}

static void test_sigkill(void **state)
{
	die_by(state, SIGKILL);
}

/* Whom a signal wakes is runnable at once, until it waits again or ends. */
static void await_rest(pid_t pid)
{
	char path[64], line[256];
	int i;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	for (i = 0; i < MAX_WAITS; i++) {
		if (!tb_read_line(path, line, sizeof(line)) &&
		    strstr(line, ") S"))
			return;
		usleep(WAIT_US);
	}
	fail_msg("the guardian does not wait");
}

/* The guardian cannot be stopped by what stops others. */
static void test_guardian_ignores_signals(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT,
				       SIGPIPE };
	struct child c;
	size_t i;

	make_machine(*state);
	c = start_child(*state);
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		kill(c.guardian, signals[i]);
	await_rest(c.guardian);
	assert_machine(*state, true);
	kill(c.pid, SIGKILL);
	waitpid(c.pid, NULL, 0);
	await(is_restored, *state);
	assert_machine(*state, false);
}

static void kill_both(struct child c)
{
	int i;

	kill(c.guardian, SIGKILL);
	kill(c.pid, SIGKILL);
	waitpid(c.pid, NULL, 0);
	for (i = 0; i < MAX_WAITS && !is_gone(c.guardian); i++)
		usleep(WAIT_US);
}

/* All killed: the next start restores, and names what it restored. */
static void test_recover(void **state)
{
	struct tb_buf names = { 0 };
	struct tb_err err = { 0 };

	make_machine(*state);
	kill_both(start_child(*state));
	assert_machine(*state, true);
	assert_int_equal(tb_undo_recover(*state, &names, &err), 0);
	assert_machine(*state, false);
	assert_non_null(strstr(names.data, "/proc/sys/kernel/nmi_watchdog"));
	tb_buf_fini(&names);
	assert_int_equal(tb_undo_recover(*state, &names, &err), 0);
	assert_null(names.data);
}

/* The old values survive a quiet start on top of a killed one. */
static void test_begin_after_kill(void **state)
{
	struct tb_err err = { 0 };
	struct tb_quiet q;

	make_machine(*state);
	kill_both(start_child(*state));
	assert_int_equal(tb_quiet_begin(&q, *state, &err), 0);
	assert_machine(*state, true);
	assert_int_equal(tb_quiet_end(&q, &err), 0);
	assert_machine(*state, false);
}

/* Where only the guardian was killed, the process itself restores. */
static void test_guardian_killed(void **state)
{
	struct tb_err err = { 0 };
	struct tb_quiet q;

	make_machine(*state);
	assert_int_equal(tb_quiet_begin(&q, *state, &err), 0);
	kill(q.undo.guardian, SIGKILL);
	assert_int_equal(tb_quiet_end(&q, &err), 0);
	assert_machine(*state, false);
}

/* A reboot has reset the settings; old values would be wrong ones. */
static void test_other_boot(void **state)
{
	struct tb_buf names = { 0 };
	struct tb_err err = { 0 };

	make_machine(*state);
	kill_both(start_child(*state));
	t_put(*state, "33-44", "proc/sys/kernel/random/boot_id");
	assert_int_equal(tb_undo_recover(*state, &names, &err), 0);
	assert_null(names.data);
	assert_true(is_restored(*state));
	assert_true(has_value(*state, "sys/kernel/mm/ksm/run", "0"));
}

static void test_two_at_once(void **state)
{
	struct tb_err err = { 0 };
	struct tb_quiet q;
	char text[64];
	struct child c;

	make_machine(*state);
	c = start_child(*state);
	assert_int_equal(tb_quiet_begin(&q, *state, &err), -EBUSY);
	snprintf(text, sizeof(text),
		 "another tlbbench (process %d) has changed", c.pid);
	assert_non_null(strstr(err.text, text));
	tb_quiet_end(&q, &err);
	assert_machine(*state, true);
	err = (struct tb_err){ 0 };
	assert_int_equal(tb_undo_recover(*state, NULL, &err), -EBUSY);
	assert_machine(*state, true);
	kill(c.pid, SIGTERM);
	waitpid(c.pid, NULL, 0);
	await(is_restored, *state);
	assert_machine(*state, false);
}

/* What cannot be set has a reason; the rest is set. */
static void test_what_cannot_be_set(void **state)
{
	const char *path = t_path(*state, "proc/sys/kernel/nmi_watchdog");
	struct tb_err err = { 0 };
	struct tb_quiet q;
	unsigned int i, nr_bad = 0;

	make_machine(*state);
	/* Takes what is written and stays as it is. */
	unlink(path);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_int_equal(tb_quiet_begin(&q, *state, &err), 0);
	for (i = 0; i < q.nr_knobs; i++)
		if (*q.knobs[i].reason) {
			nr_bad++;
			assert_non_null(
				strstr(q.knobs[i].path, "nmi_watchdog"));
			assert_non_null(
				strstr(q.knobs[i].reason, "did not take '0'"));
		}
	assert_int_equal(nr_bad, 1);
	assert_int_equal(tb_quiet_end(&q, &err), 0);
	assert_true(is_restored(*state));
}

/* What does not take its old value is a failure, and is not forgotten. */
static void test_what_cannot_be_restored(void **state)
{
	const char *path = t_path(*state, "proc/sys/kernel/nmi_watchdog");
	struct tb_buf b = { 0 };
	struct tb_err err = { 0 };
	struct tb_quiet q;

	make_machine(*state);
	assert_int_equal(tb_quiet_begin(&q, *state, &err), 0);
	unlink(path);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_int_equal(tb_quiet_end(&q, &err), -EIO);
	assert_int_equal(tb_read_file(t_path(*state, STATE), &b), 0);
	assert_non_null(strstr(b.data, "/nmi_watchdog\t1\n"));
	tb_buf_fini(&b);
	unlink(path);
	t_put(*state, "0", "proc/sys/kernel/nmi_watchdog");
	err = (struct tb_err){ 0 };
	assert_int_equal(tb_undo_recover(*state, NULL, &err), 0);
	assert_machine(*state, false);
}

/* A CPU that went off has no settings to restore. */
static void test_file_that_went_away(void **state)
{
	struct tb_err err = { 0 };
	struct tb_quiet q;

	make_machine(*state);
	assert_int_equal(tb_quiet_begin(&q, *state, &err), 0);
	unlink(t_path(*state, CPU "cpu3/cpuidle/state1/disable"));
	assert_int_equal(tb_quiet_end(&q, &err), 0);
	assert_true(is_restored(*state));
}

/* A directory that others can write could make root write anywhere. */
static void test_foreign_directory(void **state)
{
	struct tb_err err = { 0 };
	struct tb_quiet q;

	make_machine(*state);
	mkdir(t_path(*state, "run/tlbbench"), 0777);
	chmod(t_path(*state, "run/tlbbench"), 0777);
	assert_int_equal(tb_quiet_begin(&q, *state, &err), -EPERM);
	assert_non_null(strstr(err.text, "only its owner"));
	tb_quiet_end(&q, &err);
	assert_machine(*state, false);
}

/* Only settings that we change are restored, whatever the file says. */
static void test_forged_file(void **state)
{
	static const char *const lines[] = {
		"setting\t/etc/passwd\troot",
		"setting\t/sys/kernel/mm/ksm/../../../../etc/passwd\troot",
		"setting\t/sys/kernel/mm/ksm/run",
		"setting\t/proc/sys/kernel/randomize_va_space\t0",
		"/sys/kernel/mm/ksm/run\t0",
		"other\t/sys/kernel/mm/ksm/run\t0",
		"memcg\t/etc\t",
		"memcg\t/sys/fs/cgroup/../../../etc/tlbbench-1\t",
		"swap\tsda\tthere",
	};
	size_t i;

	make_machine(*state);
	t_put(*state, "keep", "etc/passwd");
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		char text[256];
		struct tb_err err = { 0 };

		snprintf(text, sizeof(text), "tlbbench undo 1\n11-22\n%s\n",
			 lines[i]);
		t_put(*state, text, STATE);
		assert_int_equal(tb_undo_recover(*state, NULL, &err), -EBADMSG);
		assert_non_null(strstr(err.text, "not a file of tlbbench"));
	}
	t_put(*state, "something else\n", STATE);
	assert_int_not_equal(
		tb_undo_recover(*state, NULL, &(struct tb_err){ 0 }), 0);
	assert_true(has_value(*state, "etc/passwd", "keep"));
	unlink(t_path(*state, STATE));
	assert_machine(*state, false);
}

/* Previous values are on disk before anything is changed. */
static void test_saved_before_changed(void **state)
{
	struct tb_err err = { 0 };
	struct tb_quiet q;

	make_machine(*state);
	mkdir(t_path(*state, "run/tlbbench"), 0755);
	/* Nothing can be saved: a directory is in the way. */
	mkdir(t_path(*state, STATE ".tmp"), 0755);
	assert_int_not_equal(tb_quiet_begin(&q, *state, &err), 0);
	assert_non_null(strstr(err.text, "cannot create"));
	tb_quiet_end(&q, &err);
	assert_machine(*state, false);
}

static void test_machine_that_is_quiet(void **state)
{
	struct tb_err err = { 0 };
	struct tb_quiet q;

	t_put(*state, "always madvise [never]", THP "enabled");
	t_put(*state, "11-22", "proc/sys/kernel/random/boot_id");
	t_put(*state, "", "run/x");
	assert_int_equal(tb_quiet_begin(&q, *state, &err), 0);
	assert_int_equal(q.nr_knobs, 0);
	assert_int_equal(tb_quiet_end(&q, &err), 0);
	assert_true(has_value(*state, THP "enabled", "always madvise [never]"));
}

static void test_profile_names(void **state)
{
	enum tb_profile profile;

	(void)state;
	assert_true(tb_profile_parse("quiet", &profile));
	assert_int_equal(profile, TB_PROFILE_QUIET);
	assert_true(tb_profile_parse("strict", &profile));
	assert_string_equal(tb_profile_name(profile), "strict");
	assert_false(tb_profile_parse("Quiet", &profile));
	assert_false(tb_profile_parse("", &profile));
}

int main(void)
{
	struct CMUnitTest tests[] = {
		T_DIR(test_begin_and_end),
		T_DIR(test_sigint),
		T_DIR(test_sigterm),
		T_DIR(test_sighup),
		T_DIR(test_crash),
		T_DIR(test_sigkill),
		T_DIR(test_guardian_ignores_signals),
		T_DIR(test_recover),
		T_DIR(test_begin_after_kill),
		T_DIR(test_guardian_killed),
		T_DIR(test_other_boot),
		T_DIR(test_two_at_once),
		T_DIR(test_what_cannot_be_set),
		T_DIR(test_what_cannot_be_restored),
		T_DIR(test_file_that_went_away),
		T_DIR(test_foreign_directory),
		T_DIR(test_forged_file),
		T_DIR(test_saved_before_changed),
		T_DIR(test_machine_that_is_quiet),
		cmocka_unit_test(test_profile_names),
	};

	return T_RUN("quiet", tests);
}
