/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs a copy of a workload whose callbacks are counted, and of which one can
 * be made to fail, crash or hang.
 */
#ifndef T_ENGINE_H
#define T_ENGINE_H

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "campaign/params.h"
#include "engine/run.h"
#include "machine/audit.h"
#include "tests/t.h"
#include "tests/t_calls.h"

#define T_OPS 23
#define T_WARMUP_OPS 5

enum t_call {
	T_SETUP,
	T_PROCESS_INIT,
	T_THREAD_INIT,
	T_REARM,
	T_OP,
	T_CHECK,
	T_THREAD_EXIT,
	T_PROCESS_EXIT,
	T_TEARDOWN,
	T_NR_CALLS
};

enum t_action {
	T_NOTHING,
	T_FAIL,
	T_CRASH,
	T_HANG,
	T_SKIP_OP,
	T_SKIP_CALL
};

/**
 * struct t_fault - what goes wrong
 * @nth: call of @call by threads of @role, counted from 1 over a whole run
 */
struct t_fault {
	enum t_action action;
	enum t_call call;
	unsigned int role;
	unsigned int nth;
};

/* Of t_enter(): the op is to be watched by t_calls_...(). */
#define T_WATCH 2

/* The copy that runs, the workload behind it, and the counts of its calls. */
static struct wl_ops t_copy;
static struct wl_role t_roles[WL_MAX_ROLES + 1];
static const struct wl_ops *t_inner;
static struct t_fault t_fault;

/* Of T_SKIP_CALL: which system call of the op does nothing; 0: none. */
static unsigned int t_inert;

/*
 * Shared with the instances; @done are those that returned 0, @nr_calls those
 * of the op of T_SKIP_CALL.
 */
static struct t_counts {
	_Atomic unsigned int called[T_NR_CALLS][WL_MAX_ROLES];
	_Atomic unsigned int done[T_NR_CALLS][WL_MAX_ROLES];
	_Atomic unsigned int nr_calls;
} * t_counts;

static inline const char *t_call_name(enum t_call call)
{
	static const char *const names[] = {
		"setup", "process_init", "thread_init",	 "rearm",   "op",
		"check", "thread_exit",	 "process_exit", "teardown"
	};

	return names[call];
}

/* 0 if the call is to go on, 1 if it is to say that it did. */
static inline int t_enter(enum t_call call, unsigned int role)
{
	unsigned int n = atomic_fetch_add(&t_counts->called[call][role], 1) + 1;

	if (t_fault.call != call || t_fault.role != role || t_fault.nth != n)
		return 0;
	if (t_fault.action == T_CRASH)
		raise(SIGSEGV);
	while (t_fault.action == T_HANG)
		pause();
	if (t_fault.action == T_SKIP_OP)
		return 1;
	if (t_fault.action == T_SKIP_CALL)
		return T_WATCH;
	/* A code that no workload gives by itself. */
	return t_fault.action == T_FAIL ? -EXDEV : 0;
}

static inline int t_leave(enum t_call call, unsigned int role, int ret)
{
	if (!ret)
		atomic_fetch_add(&t_counts->done[call][role], 1);
	return ret;
}

static inline int t_setup(struct wl_ctx *c)
{
	int ret = t_enter(T_SETUP, 0);

	return ret ? ret : t_leave(T_SETUP, 0, t_inner->setup(c));
}

static inline void t_teardown(struct wl_ctx *c)
{
	t_enter(T_TEARDOWN, 0);
	t_inner->teardown(c);
	t_leave(T_TEARDOWN, 0, 0);
}

static inline int t_process_init(struct wl_ctx *c, unsigned int role,
				 unsigned int process)
{
	int ret = t_enter(T_PROCESS_INIT, role);

	if (!ret && t_inner->process_init)
		ret = t_inner->process_init(c, role, process);
	return t_leave(T_PROCESS_INIT, role, ret);
}

static inline void t_process_exit(struct wl_ctx *c, unsigned int role,
				  unsigned int process)
{
	t_enter(T_PROCESS_EXIT, role);
	if (t_inner->process_exit)
		t_inner->process_exit(c, role, process);
	t_leave(T_PROCESS_EXIT, role, 0);
}

static inline int t_thread_init(struct wl_thread *t)
{
	int ret = t_enter(T_THREAD_INIT, t->role);

	if (!ret && t_inner->thread_init)
		ret = t_inner->thread_init(t);
	if (!ret && t_fault.action == T_SKIP_CALL && !t->role)
		ret = t_calls_init();
	return t_leave(T_THREAD_INIT, t->role, ret);
}

static inline void t_thread_exit(struct wl_thread *t)
{
	t_enter(T_THREAD_EXIT, t->role);
	if (t_inner->thread_exit)
		t_inner->thread_exit(t);
	t_leave(T_THREAD_EXIT, t->role, 0);
}

static inline int t_rearm(struct wl_thread *t)
{
	int ret = t_enter(T_REARM, t->role);

	return ret ? ret
		   : t_leave(T_REARM, t->role,
			     t_inner->roles[t->role].rearm(t));
}

static inline int t_watched_op(struct wl_thread *t)
{
	int ret;

	t_calls_begin_watch(t_inert);
	ret = t_inner->roles[t->role].op(t);
	atomic_store(&t_counts->nr_calls, t_calls_end_watch());
	return ret;
}

static inline int t_op(struct wl_thread *t)
{
	int ret = t_enter(T_OP, t->role);

	if (ret == T_WATCH)
		ret = t_watched_op(t);
	else if (!ret)
		ret = t_inner->roles[t->role].op(t);
	return t_leave(T_OP, t->role, ret > 0 ? 0 : ret);
}

static inline int t_check(struct wl_thread *t)
{
	int ret = t_enter(T_CHECK, t->role);

	return ret ? ret
		   : t_leave(T_CHECK, t->role,
			     t_inner->roles[t->role].check(t));
}

/* Callbacks that are optional stay absent, but those of processes and threads.
 */
static inline void t_wrap(const struct wl_ops *ops)
{
	unsigned int i;

	t_inner = ops;
	t_copy = *ops;
	t_copy.setup = ops->setup ? t_setup : NULL;
	t_copy.teardown = ops->teardown ? t_teardown : NULL;
	t_copy.process_init = t_process_init;
	t_copy.process_exit = t_process_exit;
	t_copy.thread_init = t_thread_init;
	t_copy.thread_exit = t_thread_exit;
	t_copy.roles = t_roles;
	memset(t_roles, 0, sizeof(t_roles));
	for (i = 0; i < tb_workload_roles(ops); i++) {
		t_roles[i] = ops->roles[i];
		t_roles[i].op = t_op;
		t_roles[i].rearm = ops->roles[i].rearm ? t_rearm : NULL;
		t_roles[i].check = ops->roles[i].check ? t_check : NULL;
	}
	if (!t_counts)
		t_counts = mmap(NULL, sizeof(*t_counts), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(t_counts, MAP_FAILED);
	memset(t_counts, 0, sizeof(*t_counts));
	t_fault = (struct t_fault){ .action = T_NOTHING };
}

/* What all runs of a binary share. */
static struct tb_topo t_topo;
static struct tb_sig t_sig;
static struct tb_undo t_undo = { .root = TB_LIVE_ROOT };

/* What may be different after a run that leaves something behind. */
struct t_traces {
	unsigned int nr_fds;
	unsigned int nr_threads;
	unsigned int nr_maps;
	unsigned int nr_files;
};

static inline unsigned int t_count_dir(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int n = 0;
	struct dirent *e;

	assert_non_null(dir);
	while ((e = readdir(dir)))
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(dir);
	return n;
}

static inline unsigned int t_count_maps(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned int n = 0;
	int c;

	assert_non_null(f);
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

/* @dir is TMPDIR and the current directory of the run. */
static inline struct t_traces t_traces(const char *dir)
{
	return (struct t_traces){
		.nr_fds = t_count_dir("/proc/self/fd"),
		.nr_threads = t_count_dir("/proc/self/task"),
		.nr_maps = t_count_maps(),
		.nr_files = t_count_dir(dir),
	};
}

static inline void t_assert_no_traces(const struct t_traces *before,
				      const char *dir)
{
	struct t_traces now = t_traces(dir);
	cpu_set_t cpus;

	assert_int_equal(now.nr_fds, before->nr_fds);
	assert_int_equal(now.nr_threads, before->nr_threads);
	/* A sanitizer maps memory of its own when it pleases. */
	if (!T_IS_SANITIZED)
		assert_int_equal(now.nr_maps, before->nr_maps);
	assert_int_equal(now.nr_files, before->nr_files);
	/* Where it may run is as it was. */
	if (!sched_getaffinity(0, sizeof(cpus), &cpus))
		assert_int_equal(CPU_COUNT(&cpus), t_topo.nr_cpus);
	/* No child, and no grandchild that lost its parent. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* One instance on at most two CPUs, but with no role left without a thread
 * where there are CPUs enough. */
static inline void t_case(struct tb_case *cs, const struct wl_ops *ops,
			  const struct tb_topo *topo)
{
	unsigned int i, want = 0, max = topo->nr_cpus < 2 ? topo->nr_cpus : 2;

	*cs = (struct tb_case){
		.name = (char *)(uintptr_t) "unit",
		.ops = ops,
		.conf = tb_params_new(ops),
		.instances = 1,
		.nr_roles = tb_workload_roles(ops),
		.nr_ops = T_OPS,
		.nr_warmup_ops = T_WARMUP_OPS,
		.repetitions = 1,
		.timeout_s = 10,
		.sched = TB_SCHED_OTHER,
		.counted = true,
		.placement = (char *)(uintptr_t) "spread",
	};
	assert_non_null(cs->conf);
	for (i = 0; i < cs->nr_roles && want < max; i++) {
		want += cs->nr_threads[i] = 1;
		cs->nr_processes[i] = ops->roles[i].def_processes ? 1 : 0;
	}
	cs->nr_cpus = want;
}

static inline void t_engine_init(void)
{
	struct rlimit none = { 0 };
	struct tb_err err = { 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (tb_topo_read(&t_topo, "/sys", &err) || tb_sig_init(&t_sig)) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
}

static inline void t_run_case(struct tb_case *cs, struct tb_result *r)
{
	const struct tb_run_env env = {
		.topo = &t_topo,
		.sig = &t_sig,
		.undo = &t_undo,
		.icount_shift = -1,
	};
	struct tb_err err = { 0 };
	unsigned int nr_left;
	int ret;

	/* cmocka goes on with its tests after a crash, here in an instance. */
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	ret = tb_run_case(&env, cs, r, &err);
	/* A case undoes what it made; the end of all is to find nothing. */
	nr_left = t_undo.nr;
	if (ret || tb_undo_end(&t_undo, &err))
		fail_msg("%s", err.text);
	assert_int_equal(nr_left, 0);
}

#endif
