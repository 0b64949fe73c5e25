// SPDX-License-Identifier: GPL-2.0-only
/*
 * Litmus tests: what can run here, processes that run it, and what they found.
 *
 * Each size of pages has a process of its own, and what victims do in another
 * process has one more: one that crashes or hangs spoils no other.
 */
#include "engine/litmus.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/process.h"
#include "engine/resource.h"
#include "machine/stack.h"
#include "workloads/wl_mem.h"

/*
 * Of one try, which takes milliseconds, on a machine that is overloaded a
 * second. Well below the limit of a boot, see litmus_vm.c: a second of an
 * emulated machine may be several of ours.
 */
#define LIMIT_S 60
#define POLL_MS 50
#define MAX_BASE_PAGES 1024
#define MAX_HUGE_PAGES 3
/*
 * Of hugetlb: the range, what is eaten, and what takes its place. The kernel
 * spreads them over nodes, and all may be needed on one of two.
 */
#define HUGETLB_PAGES "14"
#define HUGETLB_FILE "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"

#define SHMEM_FILE "/sys/kernel/mm/transparent_hugepage/shmem_enabled"

static const char *const state_names[] = { "running", "syscall", "woken",
					   "waking",  "moved",	 "switched",
					   "process" };

const char *tb_litmus_state_name(enum litmus_state state)
{
	return state_names[state];
}

const struct litmus_ops *tb_litmus_find(const char *name)
{
	const struct litmus_ops *const *ops;

	for (ops = litmus_registry; *ops; ops++)
		if (!strcmp((*ops)->name, name))
			return *ops;
	return NULL;
}

unsigned int tb_litmus_max_pages(const struct litmus_ops *ops,
				 enum wl_page_size page_size)
{
	if (page_size != WL_BASE)
		return MAX_HUGE_PAGES;
	return ops->max_pages ? ops->max_pages : MAX_BASE_PAGES;
}

/* --- what can run ----------------------------------------------------------
 */

static bool has_pcid(void)
{
	struct tb_buf text = { 0 };
	bool has = !tb_read_file("/proc/cpuinfo", &text) && text.data &&
		   strstr(text.data, " pcid ");

	tb_buf_fini(&text);
	return has;
}

unsigned int tb_litmus_states(const struct litmus_ops *ops)
{
	unsigned int states =
		ops->states ? ops->states : (1U << LITMUS_NR_STATES) - 1;

	if (!ops->is_shared)
		states &= ~(1U << LITMUS_PROCESS);
	return states;
}

/* Shared memory has huge pages on few machines, if nobody asks for them. */
static void ask_for_thp(enum wl_memory memory, struct tb_made *made,
			struct wl_reasons *why)
{
	const struct wl_mem_conf conf = { .page_size = WL_THP,
					  .memory = memory };

	if (memory == WL_SHARED && !access(SHMEM_FILE, F_OK))
		wl_res_set(&made->asked, SHMEM_FILE, "advise");
	else
		wl_mem_probe_thp(&conf, why);
}

static void probe(const struct tb_litmus_job *job, struct tb_made *made,
		  struct wl_reasons *why)
{
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t bytes = tb_litmus_max_pages(job->ops, job->page_size);

	if (job->env->topo->nr_cpus < 2)
		wl_reason(why, "needs two CPUs");
	bytes *= job->page_size == WL_BASE ? page_bytes
					   : wl_huge_bytes(page_bytes);
	if (job->ops->probe)
		job->ops->probe(why);
	if (job->page_size == WL_HUGETLB)
		wl_res_set(&made->asked, HUGETLB_FILE, HUGETLB_PAGES);
	if (job->page_size == WL_THP)
		ask_for_thp(job->ops->memory, made, why);
	if (job->ops->prepare)
		job->ops->prepare(&made->asked, bytes);
	tb_made_probe_asked(made, job->ops->name, job->env->undo, why);
}

/* --- processes -------------------------------------------------------------
 */

static size_t arena_bytes(unsigned int nr_victims)
{
	return sizeof(struct tb_litmus_arena) +
	       nr_victims * sizeof(struct tb_litmus_victim);
}

static struct tb_litmus_arena *make_arena(const struct tb_topo *topo)
{
	unsigned int i, nr = topo->nr_cpus;
	struct tb_litmus_arena *a;

	if (nr > TB_LITMUS_MAX_VICTIMS)
		nr = TB_LITMUS_MAX_VICTIMS;
	a = mmap(NULL, arena_bytes(nr), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (a == MAP_FAILED)
		return NULL;
	a->nr_victims = nr;
	for (i = 0; i < nr; i++) {
		a->victims[i].arena = a;
		a->victims[i].cpu = topo->cpus[i].cpu;
		a->victims[i].writer = LITMUS_BY_VICTIM + i;
	}
	return a;
}

static void say_how_it_ended(struct tb_litmus_arena *a, int status)
{
	if (WIFSIGNALED(status))
		tb_fail(&a->failure, -ECHILD,
			"the test was killed by signal "
			"%d (%s)",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		tb_fail(&a->failure, -ECHILD, "the test ended early");
}

/* Has there been no further try for too long? */
static bool is_late(const struct tb_litmus_job *job, uint32_t *nr_tried,
		    uint64_t *until_ns)
{
	uint32_t nr = atomic_load(&job->arena->nr_tried);

	if (!*until_ns || nr != *nr_tried)
		*until_ns = tb_now_ns() + 1000000000ULL * LIMIT_S;
	*nr_tried = nr;
	return tb_now_ns() > *until_ns;
}

/* Bounded: a kernel that hangs is a result, too. */
static int await_process(const struct tb_litmus_job *job, pid_t pid,
			 struct tb_err *err)
{
	struct pollfd fd = { .fd = job->env->sig->fd, .events = POLLIN };
	char stack[TB_STACK_BYTES];
	uint32_t nr_tried = 0;
	uint64_t until_ns = 0;
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		poll(&fd, 1, POLL_MS);
		tb_sig_drain(job->env->sig);
		if (!job->env->sig->was_interrupted &&
		    !is_late(job, &nr_tried, &until_ns))
			continue;
		tb_stack_read(pid, stack);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		if (job->env->sig->was_interrupted)
			return tb_fail(err, -EINTR, "interrupted");
		tb_fail(&job->arena->failure, -ETIMEDOUT,
			"try %u not done within %d s%s", nr_tried, LIMIT_S,
			stack);
		return 0;
	}
	say_how_it_ended(job->arena, status);
	return 0;
}

static int run_process(const struct tb_litmus_job *job, struct tb_err *err)
{
	pid_t pid = tb_process_fork();
	struct tb_err why = { 0 };

	if (pid < 0)
		return tb_fail_errno(err, pid, "cannot fork");
	if (pid)
		return await_process(job, pid, err);
	if (!tb_litmus_instance(job, &why))
		_exit(TB_EXIT_OK);
	job->arena->failure = why;
	_exit(TB_EXIT_FAIL);
}

/* --- results ---------------------------------------------------------------
 */

static void explain(struct tb_ktap *k, const struct tb_litmus_find *f)
{
	static const char *const what[] = {
		[TB_SAW_VALUE] = "read another value",
		[TB_SAW_NO_FAULT] = "met no fault",
		[TB_SAW_FAULT] = "met a fault",
		[TB_SAW_LOST] = "wrote what was lost",
		[TB_SAW_UNNOTICED] = "wrote and the kernel did not notice",
	};

	tb_ktap_note(k,
		     "CPU %d %s: page %zu of %zu, %s after the act on CPU %d "
		     "(try %u; 0x%" PRIx64 ", expected 0x%" PRIx64 ")",
		     f->cpu, what[f->fault], f->page, f->nr_pages,
		     f->is_write ? "a write" : "a read", f->initiator_cpu,
		     f->try_nr, f->value, f->wanted);
}

static void put_result(struct tb_ktap *k, const struct tb_litmus_result *r,
		       const char *name)
{
	char detail[160];

	if (r->nr_bad) {
		explain(k, &r->find);
		snprintf(detail, sizeof(detail), "%u of %u tries", r->nr_bad,
			 r->nr_tries);
		tb_ktap_result(k, TB_KTAP_NOT_OK, name, detail);
	} else if (!r->nr_tries) {
		snprintf(detail, sizeof(detail), "no try could be made: %s",
			 strerror(-r->why));
		tb_ktap_result(k, TB_KTAP_SKIP, name, detail);
	} else {
		snprintf(detail, sizeof(detail),
			 "%u tries, %u missed, up to %u victims, %" PRIu64
			 " looks, %u ms%s",
			 r->nr_tries, r->nr_missed, r->nr_victims, r->nr_looks,
			 r->took_ms,
			 r->was_cut ? ", no more tries: time is up" : "");
		tb_ktap_result(k, TB_KTAP_OK, name, detail);
	}
}

static void name_point(char name[64], enum wl_page_size size,
		       enum litmus_state state)
{
	snprintf(name, 64, "%s.%s", wl_page_sizes[size], state_names[state]);
}

/* Of all states, once for each; those that were not reached have failed. */
static void put_results(const struct tb_litmus_job *job, struct tb_ktap *k)
{
	const struct tb_litmus_arena *a = job->arena;
	bool has_failed = a->failure.code;
	unsigned int state;
	char name[64];

	for (state = 0; state < LITMUS_NR_STATES; state++) {
		if (!(job->states & 1U << state))
			continue;
		name_point(name, job->page_size, (enum litmus_state)state);
		if (!has_failed || state < a->state) {
			put_result(k, &a->results[state], name);
		} else if (state == a->state) {
			tb_ktap_note(k, "%s", a->failure.text);
			tb_ktap_result(k, TB_KTAP_NOT_OK, name, "");
		} else {
			tb_ktap_result(k, TB_KTAP_SKIP, name,
				       "an earlier one ended the test");
		}
	}
}

static void put_skips(const struct tb_litmus_job *job, struct tb_ktap *k,
		      const char *reason)
{
	unsigned int state;
	char name[64];

	for (state = 0; state < LITMUS_NR_STATES; state++) {
		if (!(job->states & 1U << state))
			continue;
		name_point(name, job->page_size, (enum litmus_state)state);
		tb_ktap_result(k, TB_KTAP_SKIP, name, reason);
	}
}

/* --- a test ----------------------------------------------------------------
 */

static void join_reasons(const struct wl_reasons *why, struct tb_buf *text)
{
	unsigned int i;

	for (i = 0; i < why->nr; i++)
		tb_buf_printf(text, "%s%s", i ? "; " : "", why->text[i]);
}

/* The states of a job that has resources, in one process. */
static int run_states(struct tb_litmus_job *job, unsigned int states,
		      struct tb_ktap *k, struct tb_err *err)
{
	int ret;

	job->states = states;
	if (!states)
		return 0;
	job->arena = make_arena(job->env->topo);
	if (!job->arena)
		return tb_fail_errno(err, -ENOMEM, "litmus");
	ret = run_process(job, err);
	if (!ret)
		put_results(job, k);
	munmap(job->arena, arena_bytes(job->arena->nr_victims));
	return ret;
}

static int run_made(struct tb_litmus_job *job, struct tb_ktap *k,
		    struct tb_err *err)
{
	unsigned int all = job->states, process = all & 1U << LITMUS_PROCESS;
	unsigned int switched = all & 1U << LITMUS_SWITCHED;
	int ret;

	if (has_pcid())
		switched = 0;
	ret = run_states(job, all & ~process & ~switched, k, err);
	if (!ret && switched) {
		job->states = switched;
		put_skips(job, k,
			  "the CPU has no PCIDs, so each switch "
			  "flushes everything");
	}
	return ret ? ret : run_states(job, process, k, err);
}

static int run_size(struct tb_litmus_job *job, struct tb_ktap *k,
		    struct tb_err *err)
{
	struct wl_reasons why = { 0 }, caveats = { 0 };
	struct tb_made made = { 0 };
	struct tb_buf text = { 0 };
	int ret = 0, undone;

	job->states = tb_litmus_states(job->ops);
	probe(job, &made, &why);
	if (why.nr) {
		join_reasons(&why, &text);
		put_skips(job, k, text.data ? text.data : "");
		tb_buf_fini(&text);
		return 0;
	}
	job->files = made.files;
	ret = tb_made_make(&made, job->env->undo, &caveats, err);
	if (!ret)
		ret = run_made(job, k, err);
	undone = tb_made_undo(&made, job->env->undo, err);
	job->files = NULL;
	return ret ? ret : undone;
}

int tb_litmus_run(const struct tb_litmus_env *env, const struct litmus_ops *ops,
		  struct tb_ktap *k, struct tb_err *err)
{
	struct tb_litmus_job job = { .env = env, .ops = ops };
	unsigned int nr_sizes =
		(unsigned int)__builtin_popcount(ops->page_sizes);
	unsigned int size;
	int ret = 0;

	tb_ktap_enter(k, ops->name,
		      nr_sizes * (unsigned int)__builtin_popcount(
					 tb_litmus_states(ops)));
	for (size = WL_BASE; size <= WL_HUGETLB && !ret; size++) {
		if (!(ops->page_sizes & 1U << size))
			continue;
		job.page_size = (enum wl_page_size)size;
		ret = run_size(&job, k, err);
	}
	tb_ktap_leave(k, ops->name);
	return ret;
}
