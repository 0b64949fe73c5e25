// SPDX-License-Identifier: GPL-2.0-only
/*
 * Resources of a case: made for its instances, and gone after it however it
 * ends. Settings are those of a tree that looks like a machine; swap, which
 * concerns the whole machine, is tested by test_profile.py.
 */
#include <dirent.h>
#include <fcntl.h>

#include "machine/memcg.h"
#include "tests/t_engine.h"
#include "tests/t_sysfs.h"

#define KSM "sys/kernel/mm/ksm/run"
#define MIB (1UL << 20)
#define MAX_WAITS 1000
#define WAIT_US 10000

/* What an instance saw in setup(). */
static struct t_seen {
	bool has_data;
	bool has_direct;
	bool is_in_memcg;
	char setting[16];
} * t_seen;

static const char *t_root;

/* A test with a directory of its own for what is to be undone. */
#define T_OWN(f) cmocka_unit_test_setup_teardown(f, own_run_dir, t_dir_remove)

static bool has_no_cgroup(void)
{
	struct tb_memcg m;
	struct tb_err err = { 0 };

	return tb_memcg_find(&m, &err);
}

/* Directory of the cgroup that process @pid would make. */
static const char *memcg_path(pid_t pid)
{
	static char path[PATH_MAX + 32];
	struct tb_memcg m;
	struct tb_err err = { 0 };

	assert_int_equal(tb_memcg_find(&m, &err), 0);
	snprintf(path, sizeof(path), "%s/tlbbench-%d", m.parent, (int)pid);
	return path;
}

static bool can_direct(int fd)
{
	char path[64];
	int direct;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	direct = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (direct >= 0)
		close(direct);
	return direct >= 0;
}

static int look(struct wl_ctx *c)
{
	struct tb_buf cgroup = { 0 };
	uint64_t number = 0;

	t_seen->has_data = c->files[0] &&
			   pread(c->files[0], &number, sizeof(number),
				 5 * 4096) == sizeof(number) &&
			   number == 5;
	t_seen->has_direct = can_direct(c->files[0]);
	tb_read_file("/proc/self/cgroup", &cgroup);
	t_seen->is_in_memcg = cgroup.data && strstr(cgroup.data, "/tlbbench-");
	tb_buf_fini(&cgroup);
	if (t_root)
		tb_read_line(t_path(t_root, KSM), t_seen->setting,
			     sizeof(t_seen->setting));
	return t_setup(c);
}

static void begin(struct tb_case *cs,
		  void (*prepare)(struct wl_res *res, const void *conf))
{
	extern const struct wl_ops wl_munmap;

	t_wrap(&wl_munmap);
	t_copy.setup = look;
	t_copy.prepare = prepare;
	t_case(cs, &t_copy, &t_topo);
	if (!t_seen)
		t_seen = mmap(NULL, sizeof(*t_seen), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(t_seen, MAP_FAILED);
	memset(t_seen, 0, sizeof(*t_seen));
	t_root = NULL;
}

static void want_files(struct wl_res *res, const void *conf)
{
	(void)conf;
	wl_res_file(res, WL_FS_DISK_DATA, 3 * MIB + 4096);
	wl_res_file(res, WL_FS_DISK, 2 * MIB);
	wl_res_file(res, WL_FS_TMPFS, MIB);
}

static void want_memcg(struct wl_res *res, const void *conf)
{
	(void)conf;
	wl_res_file(res, WL_FS_DISK_DATA, MIB);
	wl_res_memcg(res, 64 * MIB);
}

static void want_setting(struct wl_res *res, const void *conf)
{
	(void)conf;
	wl_res_set(res, "/" KSM, "1");
}

static void want_too_much(struct wl_res *res, const void *conf)
{
	(void)conf;
	wl_res_file(res, WL_FS_DISK, 1UL << 50);
	wl_res_set(res, "/etc/passwd", "1");
	wl_res_set(res, "/proc/sys/vm/no_such_setting", "1");
}

/* A machine with one setting, for which undo is noted in the tree. */
static void make_machine(const char *root)
{
	t_put(root, "0", KSM);
	t_put(root, "11-22", "proc/sys/kernel/random/boot_id");
	t_put(root, "", "run/x");
	t_undo.root = t_root = root;
}

static void forget_machine(void)
{
	t_undo.root = TB_LIVE_ROOT;
	t_root = NULL;
}

static bool has_reason(const struct wl_reasons *why, const char *text)
{
	unsigned int i;

	for (i = 0; i < why->nr; i++)
		if (strstr(why->text[i], text))
			return true;
	return false;
}

/* --- each kind ----------------------------------------------------------- */

static void test_files(void **state)
{
	struct tb_result r;
	struct tb_case cs;
	struct t_traces before;

	begin(&cs, want_files);
	setenv("TLBBENCH_SCRATCH_DIR", "/var/tmp", 1);
	before = t_traces(*state);
	t_run_case(&cs, &r);
	assert_int_equal(r.state, TB_STATE_OK);
	assert_true(t_seen->has_data);
	assert_true(t_seen->has_direct);
	assert_false(t_seen->is_in_memcg);
	assert_int_equal(r.made.nr, 3);
	assert_int_equal(r.made.asked.all[0].bytes, 3 * MIB + 4096);
	assert_string_equal(r.made.asked.all[0].name, r.made.asked.all[1].name);
	assert_string_equal(r.made.asked.all[2].name, "tmpfs");
	assert_int_equal(r.caveats.nr > 0 &&
				 has_reason(&r.caveats, "while the case ran"),
			 0);
	tb_result_fini(&r);
	t_assert_no_traces(&before, *state);
	free(cs.conf);
}

static void test_memcg(void **state)
{
	struct tb_result r;
	struct tb_case cs;

	(void)state;
	if (has_no_cgroup())
		T_SKIP("no cgroup can be made here");
	begin(&cs, want_memcg);
	t_run_case(&cs, &r);
	assert_int_equal(r.state, TB_STATE_OK);
	assert_true(t_seen->is_in_memcg);
	assert_int_equal(r.made.asked.all[1].bytes, 64 * MIB);
	assert_int_not_equal(access(memcg_path(getpid()), F_OK), 0);
	tb_result_fini(&r);
	free(cs.conf);
}

static void test_setting(void **state)
{
	struct tb_result r;
	struct tb_case cs;

	begin(&cs, want_setting);
	make_machine(*state);
	t_run_case(&cs, &r);
	assert_int_equal(r.state, TB_STATE_OK);
	assert_string_equal(t_seen->setting, "1");
	t_assert_file(t_path(*state, KSM), "0");
	assert_string_equal(r.made.asked.all[0].before, "0");
	assert_string_equal(r.made.asked.all[0].after, "1");
	assert_true(has_reason(&r.caveats, "/" KSM " was 1, otherwise 0"));
	assert_int_not_equal(access(t_path(*state, "run/tlbbench/undo"), F_OK),
			     0);
	tb_result_fini(&r);
	forget_machine();
	free(cs.conf);
}

/* Nothing is changed, so there is nothing to say and no right is needed. */
static void test_setting_that_is_right(void **state)
{
	struct tb_result r;
	struct tb_case cs;

	begin(&cs, want_setting);
	make_machine(*state);
	t_put(*state, "1", KSM);
	t_run_case(&cs, &r);
	assert_int_equal(r.state, TB_STATE_OK);
	assert_false(has_reason(&r.caveats, KSM));
	assert_int_not_equal(access(t_path(*state, "run/tlbbench"), F_OK), 0);
	tb_result_fini(&r);
	forget_machine();
	free(cs.conf);
}

/* --- however it ends ----------------------------------------------------- */

static void fail_by(void **state, enum t_action action, enum t_call call)
{
	struct tb_result r;
	struct tb_case cs;

	begin(&cs, want_setting);
	make_machine(*state);
	t_fault = (struct t_fault){ action, call, 0, 1 };
	t_run_case(&cs, &r);
	assert_int_equal(r.state, TB_STATE_FAILED);
	assert_string_equal(t_seen->setting, "1");
	t_assert_file(t_path(*state, KSM), "0");
	tb_result_fini(&r);
	forget_machine();
	free(cs.conf);
}

static void test_failure(void **state)
{
	fail_by(state, T_FAIL, T_OP);
}

static void test_killed_instance(void **state)
{
	fail_by(state, T_CRASH, T_OP);
}

/* An instance that ends while it is in the cgroup does not keep it. */
static void test_killed_in_memcg(void **state)
{
	struct tb_result r;
	struct tb_case cs;

	(void)state;
	if (has_no_cgroup())
		T_SKIP("no cgroup can be made here");
	begin(&cs, want_memcg);
	t_fault = (struct t_fault){ T_CRASH, T_OP, 0, 1 };
	t_run_case(&cs, &r);
	assert_int_equal(r.state, TB_STATE_FAILED);
	assert_int_not_equal(access(memcg_path(getpid()), F_OK), 0);
	tb_result_fini(&r);
	free(cs.conf);
}

/* A process that runs a case and hangs in it. */
static pid_t start_hanging(struct tb_case *cs)
{
	pid_t pid;
	int i;

	t_fault = (struct t_fault){ T_HANG, T_OP, 0, 1 };
	pid = fork();
	if (!pid) {
		static struct tb_result r;
		struct tb_sig sig;
		const struct tb_run_env env = {
			.topo = &t_topo,
			.sig = &sig,
			.undo = &t_undo,
			.icount_shift = -1,
		};
		struct tb_err err = { 0 };
		int ret;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		tb_sig_init(&sig);
		ret = tb_run_case(&env, cs, &r, &err);
		tb_undo_end(&t_undo, &err);
		_exit(ret == -EINTR ? 42 : 99);
	}
	for (i = 0; i < MAX_WAITS && !t_counts->called[T_OP][0]; i++)
		usleep(WAIT_US);
	assert_true(t_counts->called[T_OP][0]);
	return pid;
}

static void await_gone(const char *path)
{
	int i;

	for (i = 0; i < MAX_WAITS; i++) {
		if (access(path, F_OK))
			return;
		usleep(WAIT_US);
	}
	fail_msg("%s stays", path);
}

static void test_interrupt(void **state)
{
	struct tb_case cs;
	int status;
	pid_t pid;

	begin(&cs, want_setting);
	make_machine(*state);
	pid = start_hanging(&cs);
	t_assert_file(t_path(*state, KSM), "1");
	kill(pid, SIGINT);
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	t_assert_file(t_path(*state, KSM), "0");
	forget_machine();
	free(cs.conf);
}

/* The guardian does it, as soon as the instances are gone. */
static void test_killed(void **state)
{
	char memcg[PATH_MAX];
	struct tb_case cs;
	pid_t pid;

	(void)state;
	if (has_no_cgroup())
		T_SKIP("no cgroup can be made here");
	begin(&cs, want_memcg);
	pid = start_hanging(&cs);
	snprintf(memcg, sizeof(memcg), "%s", memcg_path(pid));
	assert_int_equal(access(memcg, F_OK), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	await_gone(memcg);
	free(cs.conf);
}

/* All others that pid has started. */
static void kill_family(pid_t pid)
{
	char path[64], line[256] = "";
	char *rest = line, *word;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid,
		 (int)pid);
	tb_read_line(path, line, sizeof(line));
	kill(pid, SIGSTOP);
	while ((word = strsep(&rest, " ")) && *word)
		kill(atoi(word), SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	/* Those that lost their parent are ours, see t_engine_init(). */
	while (waitpid(-1, NULL, 0) > 0)
		;
}

/* Nobody is left to do it but the next one that starts. */
static void test_all_killed(void **state)
{
	struct tb_buf names = { 0 };
	struct tb_err err = { 0 };
	char memcg[PATH_MAX];
	struct tb_case cs;
	pid_t pid;

	(void)state;
	if (has_no_cgroup())
		T_SKIP("no cgroup can be made here");
	begin(&cs, want_memcg);
	pid = start_hanging(&cs);
	snprintf(memcg, sizeof(memcg), "%s", memcg_path(pid));
	kill_family(pid);
	assert_int_equal(access(memcg, F_OK), 0);
	assert_int_equal(tb_undo_recover(TB_LIVE_ROOT, &names, &err), 0);
	assert_non_null(strstr(names.data, "/tlbbench-"));
	tb_buf_fini(&names);
	assert_int_not_equal(access(memcg, F_OK), 0);
	free(cs.conf);
}

/* --- reasons ------------------------------------------------------------- */

static void test_reasons(void **state)
{
	struct tb_result r;
	struct tb_case cs;

	(void)state;
	begin(&cs, want_too_much);
	setenv("TLBBENCH_SCRATCH_DIR", "/var/tmp", 1);
	t_run_case(&cs, &r);
	assert_int_equal(r.state, TB_STATE_SKIPPED);
	assert_true(has_reason(&r.reasons, "MiB free"));
	assert_true(has_reason(&r.reasons, "/etc/passwd: not among"));
	assert_true(has_reason(&r.reasons,
			       "no_such_setting cannot be set to 1: No such"));
	assert_int_equal(r.made.nr, 0);
	tb_result_fini(&r);
	free(cs.conf);
}

static void test_no_disk(void **state)
{
	struct tb_result r;
	struct tb_case cs;

	begin(&cs, want_files);
	setenv("TLBBENCH_SCRATCH_DIR", "/dev/shm", 1);
	t_run_case(&cs, &r);
	assert_int_equal(r.state, TB_STATE_SKIPPED);
	assert_int_equal(r.reasons.nr, 1);
	assert_true(has_reason(&r.reasons, "/dev/shm"));
	tb_result_fini(&r);
	setenv("TLBBENCH_SCRATCH_DIR", t_path(*state, "none"), 1);
	t_run_case(&cs, &r);
	assert_true(has_reason(&r.reasons, "expected a directory for files"));
	tb_result_fini(&r);
	setenv("TLBBENCH_SCRATCH_DIR", "/var/tmp", 1);
	free(cs.conf);
}

static void want_all(struct wl_res *res, const void *conf)
{
	want_memcg(res, conf);
	want_setting(res, conf);
	wl_res_swap(res, 16 * MIB);
}

/* Files need no right; the rest names what it needs, each for itself. */
static void test_without_root(void **state)
{
	struct wl_reasons why = { 0 };
	struct tb_made made = { 0 };
	struct tb_case cs;
	pid_t pid;
	int status;

	begin(&cs, want_all);
	if (geteuid())
		T_SKIP("needs root, to be somebody else");
	unsetenv("TLBBENCH_RUN_DIR");
	make_machine(*state);
	chmod(*state, 0755);
	pid = fork();
	if (!pid) {
		if (setgid(65534) || setuid(65534))
			_exit(99);
		tb_made_probe(&made, &cs, &t_undo, &why);
		_exit(!has_reason(&why, "/var/tmp") &&
				      has_reason(&why, "cgroup") &&
				      has_reason(&why, KSM) &&
				      has_reason(&why, "zram") &&
				      has_reason(&why, "needs root")
			      ? 0
			      : 1);
	}
	waitpid(pid, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	forget_machine();
	free(cs.conf);
}

static int own_run_dir(void **state)
{
	int ret = t_dir_make(state);

	if (!ret)
		setenv("TLBBENCH_RUN_DIR", t_path(*state, "tlbbench"), 1);
	return ret;
}

int main(void)
{
	struct CMUnitTest tests[] = {
		T_OWN(test_files),	     T_OWN(test_memcg),
		T_OWN(test_setting),	     T_OWN(test_setting_that_is_right),
		T_OWN(test_failure),	     T_OWN(test_killed_instance),
		T_OWN(test_killed_in_memcg), T_OWN(test_interrupt),
		T_OWN(test_killed),	     T_OWN(test_all_killed),
		T_OWN(test_reasons),	     T_OWN(test_no_disk),
		T_OWN(test_without_root),
	};

	t_engine_init();
	return T_RUN("resource", tests);
}
