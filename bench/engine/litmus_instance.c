// SPDX-License-Identifier: GPL-2.0-only
/* The initiator of a litmus test: makes the tries, and judges them. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/litmus.h"
#include "engine/process.h"
#include "machine/place.h"

#define RUNNING_TRIES 16
#define OTHER_TRIES 6
#define SHORT_TRIES 2
/* What could never be done until then, cannot be done. */
#define MAX_MISSED 3
#define TIMEOUT_NS 30000000000ULL
#define SPINS_PER_CHECK 1024
#define EATEN_PAGES 64
#define EATEN_HUGE_PAGES 1

/*
 * Around the ceiling of x86 for ranged flushes, 33, and over several page-table
 * pages. The first three are all that some states try.
 */
static const unsigned int lengths[] = { 34, 1, 3, 600, 33, 2, 64, 1024 };
static const unsigned int huge_lengths[] = { 1, 2, 1, 3 };

/**
 * struct instance - one job on its way
 * @active: victims of this try, by index
 * @n: tries of this instance so far, so that no value comes twice
 * @result: of the state that runs
 * @pids: processes in which others run
 */
struct instance {
	const struct tb_litmus_job *job;
	struct tb_litmus_arena *arena;
	struct wl_ctx ctx;
	struct litmus l;
	struct wl_range eaten;
	unsigned int active[TB_LITMUS_MAX_VICTIMS];
	unsigned int nr_active;
	unsigned int n;
	struct tb_litmus_result *result;
	pid_t pids[2];
	unsigned int nr_pids;
	struct tb_err *err;
};

static const struct litmus_ops *ops_of(const struct instance *in)
{
	return in->job->ops;
}

static struct tb_litmus_victim *victim(const struct instance *in,
				       unsigned int i)
{
	return &in->arena->victims[in->active[i]];
}

/* --- waiting ---------------------------------------------------------------
 */

static int late(struct instance *in, const struct tb_litmus_victim *v,
		const char *what)
{
	return tb_fail(in->err, -ETIMEDOUT,
		       "the victim on CPU %d did not %s within %llu s", v->cpu,
		       what, TIMEOUT_NS / 1000000000ULL);
}

/*
 * Who waits where victims have moved to lets them run. So do emulated CPUs that
 * take turns, but only at a pause: else their turn lasts until the next timer.
 */
static void relax(const struct instance *in)
{
	if (in->arena->order.state == LITMUS_MOVED)
		sched_yield();
	tb_cpu_relax();
}

static int await(struct instance *in, const struct tb_litmus_victim *v,
		 const _Atomic uint32_t *word, uint32_t value, const char *what)
{
	uint64_t until_ns = 0;
	unsigned int spins = 0;

	while (atomic_load_explicit(word, memory_order_acquire) != value) {
		relax(in);
		if (++spins % SPINS_PER_CHECK)
			continue;
		if (!until_ns)
			until_ns = tb_now_ns() + TIMEOUT_NS;
		else if (tb_now_ns() > until_ns)
			return late(in, v, what);
	}
	return 0;
}

/* As wait_off_cpu() in rendezvous.c. */
static int await_asleep(struct instance *in, const struct tb_litmus_victim *v)
{
	uint64_t until_ns = tb_now_ns() + TIMEOUT_NS;
	char path[64], text[8] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/syscall", v->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return tb_fail_errno(in->err, -errno, "%s", path);
	do {
		ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

		if (n <= 0 || strncmp(text, "running", 7))
			break;
		relax(in);
	} while (tb_now_ns() < until_ns);
	close(fd);
	return strncmp(text, "running", 7) ? 0 : late(in, v, "go to sleep");
}

static void ask(const struct instance *in, struct tb_litmus_victim *v,
		enum tb_litmus_stage stage, bool sleeps)
{
	atomic_store_explicit(&v->go, tb_litmus_stage(in->n, stage),
			      memory_order_release);
	if (sleeps)
		tb_futex_wake(&v->go);
}

/* --- who and what ----------------------------------------------------------
 */

/* All victims, one of them, two of them, in turn; to hammer takes two. */
static void choose_victims(struct instance *in, unsigned int initiator)
{
	unsigned int nr = in->arena->nr_victims, want = nr - 1, i;
	unsigned int t = in->l.try_nr / 2, few = t % 3;

	if (few && ops_of(in)->hammers)
		few = 2;
	if (few)
		want = few < nr ? few : nr - 1;
	in->nr_active = 0;
	for (i = 0; in->nr_active < want; i++) {
		unsigned int v = (initiator + 1 + t / 3 + i) % nr;

		if (v != initiator)
			in->active[in->nr_active++] = v;
	}
	if (in->nr_active > in->result->nr_victims)
		in->result->nr_victims = in->nr_active;
}

static void watch(struct tb_litmus_victim *v, size_t page, size_t nr_pages)
{
	unsigned int i;

	for (i = 0; i < v->nr_window && v->window[i] != page; i++)
		;
	if (page < nr_pages && i == v->nr_window && i < TB_LITMUS_WINDOW)
		v->window[v->nr_window++] = (uint32_t)page;
}

/*
 * Those who hammer with entries of a long range keep to its end: they take no
 * faults, then, while others take them at its begin.
 */
static void choose_end(struct tb_litmus_victim *v, size_t nr)
{
	size_t page;

	v->nr_window = 0;
	for (page = nr - TB_LITMUS_WINDOW; page < nr; page++)
		watch(v, page, nr);
}

/*
 * Ends, what is about the ceiling of ranged flushes, and a part that moves on.
 * Of @nr victims each watches pages of its own if @is_split.
 */
static void choose_window(const struct instance *in, struct tb_litmus_victim *v,
			  unsigned int rank, bool is_split)
{
	static const size_t fixed[] = { 0, 1, 32, 33, 34, 511, 512 };
	size_t nr = litmus_pages(&in->l), i, page;
	unsigned int parts = is_split ? in->nr_active : 1;
	unsigned int part = (rank + in->n) % in->nr_active % parts;

	v->nr_window = 0;
	for (i = 0; i < ARRAY_SIZE(fixed); i++)
		if (fixed[i] % parts == part)
			watch(v, fixed[i], nr);
	if ((nr - 1) % parts == part)
		watch(v, nr - 1, nr);
	page = nr > TB_LITMUS_WINDOW
		       ? (size_t)(in->n + rank) * TB_LITMUS_WINDOW % nr
		       : 0;
	for (i = 0; i < nr && v->nr_window < TB_LITMUS_WINDOW; i++)
		if ((page + i) % nr % parts == part)
			watch(v, (page + i) % nr, nr);
}

static void give_orders(struct instance *in, enum litmus_state state,
			int initiator_cpu)
{
	const struct litmus_ops *ops = ops_of(in);
	bool is_write = in->l.is_write;
	unsigned int i;

	in->arena->order = (struct tb_litmus_order){
		.state = state,
		.sight = is_write ? ops->write : ops->read,
		.is_write = is_write,
		.hammers = ops->hammers && is_write,
		.spins_reading = in->l.try_nr / 2 % 2,
		.try_nr = in->n,
		.initiator_cpu = initiator_cpu,
		.addr = in->l.range.addr,
		.page_bytes = in->ctx.page_bytes,
		.nr_pages = litmus_pages(&in->l),
	};
	for (i = 0; i < in->nr_active; i++) {
		struct tb_litmus_victim *v = victim(in, i);

		v->loads = !(in->arena->order.hammers && i % 2);
		v->first = in->n * 7;
		if (in->arena->order.hammers && v->loads &&
		    litmus_pages(&in->l) > TB_LITMUS_WINDOW)
			choose_end(v, litmus_pages(&in->l));
		else
			choose_window(in, v, i, is_write && ops->one_writer);
	}
}

/* --- one try ---------------------------------------------------------------
 */

static int have_them_load(struct instance *in, enum litmus_state state)
{
	uint32_t stage = tb_litmus_stage(in->n, TB_STAGE_LOAD);
	unsigned int i;
	int ret = 0;

	for (i = 0; i < in->nr_active; i++)
		ask(in, victim(in, i), TB_STAGE_LOAD, true);
	for (i = 0; i < in->nr_active && !ret; i++) {
		struct tb_litmus_victim *v = victim(in, i);

		ret = await(in, v, &v->done, stage, "load its pages");
		if (!ret && state == LITMUS_SWITCHED)
			ret = await(in, v, &v->swapped, stage,
				    "let another process run");
		if (!ret && tb_litmus_sleeps(state))
			ret = await_asleep(in, v);
	}
	return ret;
}

/* One wakes up now, and the flush finds it further on each time. */
static void rouse_them(struct instance *in, enum litmus_state state)
{
	bool sleeps = tb_litmus_sleeps(state);
	unsigned int i, turns = sleeps ? in->l.try_nr / 2 : 0;

	for (i = 0; i < in->nr_active; i++)
		ask(in, victim(in, i), TB_STAGE_RISE, sleeps);
	for (i = 0; i < turns; i++)
		tb_cpu_relax();
}

/*
 * One looks before the others do: to fault on a page may flush it, or more, on
 * all CPUs, and hide what was forgotten there.
 */
static int have_them_look(struct instance *in, enum litmus_state state)
{
	uint32_t stage = tb_litmus_stage(in->n, TB_STAGE_LOOK);
	unsigned int i, first = in->l.try_nr / 3 % in->nr_active;
	struct tb_litmus_victim *v = victim(in, first);
	bool sleeps = tb_litmus_sleeps(state);
	int ret;

	ask(in, v, TB_STAGE_LOOK, sleeps);
	ret = await(in, v, &v->done, stage, "look at its pages");
	for (i = 0; i < in->nr_active && !ret; i++)
		if (i != first)
			ask(in, victim(in, i), TB_STAGE_LOOK, sleeps);
	for (i = 0; i < in->nr_active && !ret; i++)
		ret = await(in, victim(in, i), &victim(in, i)->done, stage,
			    "look at its pages");
	return ret;
}

static void report(const struct instance *in, struct tb_litmus_victim *v,
		   size_t page, enum tb_litmus_fault fault, uint64_t value,
		   uint64_t wanted)
{
	if (v->find.fault)
		return;
	v->find = (struct tb_litmus_find){
		.fault = fault,
		.cpu = v->cpu,
		.initiator_cpu = in->arena->order.initiator_cpu,
		.is_write = true,
		.try_nr = in->n,
		.page = page,
		.nr_pages = in->arena->order.nr_pages,
		.value = value,
		.wanted = wanted,
	};
}

/* Is what this victim wrote there, and does the kernel know? */
static int check_written(struct instance *in, struct tb_litmus_victim *v)
{
	const struct litmus_ops *ops = ops_of(in);
	unsigned int i;
	int ret;

	for (i = 0; i < v->nr_window; i++) {
		size_t page = v->window[i];
		uint64_t wanted = litmus_value(v->writer, in->n, page);
		uint64_t value =
			*tb_litmus_word(&in->arena->order, page, v->writer);

		if (value != wanted)
			report(in, v, page, TB_SAW_LOST, value, wanted);
		ret = ops->noticed ? ops->noticed(&in->l, page) : 1;
		if (ret < 0)
			return ret;
		if (!ret)
			report(in, v, page, TB_SAW_UNNOTICED, 0, 0);
	}
	return 0;
}

static int look_myself(struct instance *in)
{
	const struct litmus_ops *ops = ops_of(in);
	unsigned int i;
	int ret = 0;

	if (!in->l.is_write || ops->write != LITMUS_KEPT)
		return 0;
	if (ops->look)
		ret = ops->look(&in->l);
	for (i = 0; i < in->nr_active && !ret; i++)
		ret = check_written(in, victim(in, i));
	return ret;
}

static void collect(struct instance *in)
{
	struct tb_litmus_result *r = in->result;
	bool is_bad = false;
	unsigned int i;

	for (i = 0; i < in->nr_active; i++) {
		struct tb_litmus_victim *v = victim(in, i);

		r->nr_looks += v->nr_looks;
		v->nr_looks = 0;
		if (!v->find.fault)
			continue;
		if (!r->find.fault)
			r->find = v->find;
		v->find.fault = TB_SAW_NOTHING;
		is_bad = true;
	}
	r->nr_tries++;
	r->nr_bad += is_bad;
}

/* Victims have loaded: whatever happens they must look, or they never end. */
static int act_and_look(struct instance *in, enum litmus_state state)
{
	int acted, ret;

	if (state == LITMUS_WAKING || in->arena->order.hammers)
		rouse_them(in, state);
	acted = ops_of(in)->act(&in->l);
	if (acted)
		in->arena->order.sight = LITMUS_ANY;
	ret = have_them_look(in, state);
	if (!ret)
		ret = acted ? acted : look_myself(in);
	return ret;
}

static int make_try(struct instance *in, enum litmus_state state)
{
	const struct litmus_ops *ops = ops_of(in);
	unsigned int initiator = in->n % in->arena->nr_victims;
	int cpu = in->arena->victims[initiator].cpu;
	int ret = tb_place_pin(cpu);

	if (ret)
		return tb_fail_errno(in->err, ret, "cannot pin to CPU %d", cpu);
	madvise(in->l.eaten, in->l.eaten_bytes, MADV_DONTNEED);
	ret = ops->arm ? ops->arm(&in->l) : litmus_arm(&in->l);
	if (ret)
		return ret;
	choose_victims(in, initiator);
	give_orders(in, state, cpu);
	ret = have_them_load(in, state);
	if (!ret)
		ret = act_and_look(in, state);
	if (ops->disarm)
		ops->disarm(&in->l);
	if (!ret)
		collect(in);
	return ret;
}

/* --- all tries of a state ----------------------------------------------------
 */

/* Most in the state in which most kernels run most of the time. */
static unsigned int nr_tries(const struct instance *in, enum litmus_state state)
{
	unsigned int effort = ops_of(in)->effort ? ops_of(in)->effort : 1;
	unsigned int nr = state == LITMUS_RUNNING ? RUNNING_TRIES : OTHER_TRIES;

	if (!in->job->env->effort)
		return SHORT_TRIES;
	if (in->job->page_size != WL_BASE)
		nr = nr * 2 / 3;
	return nr * effort * in->job->env->effort;
}

static unsigned int length_of(const struct instance *in, unsigned int t)
{
	unsigned int max = tb_litmus_max_pages(ops_of(in), in->job->page_size);
	unsigned int length;

	if (in->job->page_size == WL_BASE)
		length = lengths[t % ARRAY_SIZE(lengths)];
	else
		length = huge_lengths[t % ARRAY_SIZE(huge_lengths)];
	return length < max ? length : max;
}

/* Every try reads, every other one writes, where both can be judged. */
static void choose_try(struct instance *in, unsigned int t)
{
	const struct litmus_ops *ops = ops_of(in);
	bool both = ops->read != LITMUS_ANY && ops->write != LITMUS_ANY;
	struct litmus *l = &in->l;

	l->try_nr = t;
	l->value_nr = in->n;
	l->is_write = both ? t % 2 : ops->write != LITMUS_ANY;
	l->range.conf.pages = length_of(in, both ? t / 2 : t);
	l->range.len_bytes = l->range.conf.pages * l->range.page_bytes;
}

static int run_state(struct instance *in, enum litmus_state state)
{
	unsigned int t, nr = nr_tries(in, state);
	uint64_t begin_ns = tb_now_ns();
	int ret = 0;

	atomic_store(&in->arena->state, state);
	in->result = &in->arena->results[state];
	for (t = 0; t < nr && !ret; t++) {
		choose_try(in, t);
		ret = make_try(in, state);
		in->n++;
		if (ret != -EAGAIN && ret != -EBUSY && ret != -ENOMEM)
			continue;
		in->result->why = ret;
		ret = 0;
		if (++in->result->nr_missed >= MAX_MISSED &&
		    !in->result->nr_tries)
			break;
	}
	in->result->took_ms =
		(unsigned int)((tb_now_ns() - begin_ns) / 1000000);
	return ret ? tb_fail_errno(in->err, ret, "%s %s, try %u",
				   ops_of(in)->name,
				   tb_litmus_state_name(state), t - 1)
		   : 0;
}

/* --- start and end -----------------------------------------------------------
 */

static int make_range(struct instance *in)
{
	struct wl_mem_conf conf = {
		.pages = tb_litmus_max_pages(ops_of(in), in->job->page_size),
		.page_size = in->job->page_size,
		.memory = ops_of(in)->memory,
	};
	struct wl_mem_conf eaten = conf;
	int ret = wl_range_init(&in->l.range, &in->ctx, 0, &conf);

	if (ret)
		return ret;
	eaten.memory = WL_ANONYMOUS;
	eaten.pages =
		conf.page_size == WL_BASE ? EATEN_PAGES : EATEN_HUGE_PAGES;
	ret = wl_range_init(&in->eaten, &in->ctx, 0, &eaten);
	if (!ret)
		ret = wl_range_map(&in->eaten);
	in->l.eaten = in->eaten.addr;
	in->l.eaten_bytes = in->eaten.len_bytes;
	return ret;
}

static int fork_threads(struct instance *in,
			int (*start)(struct tb_litmus_arena *a,
				     struct tb_err *err))
{
	pid_t pid = tb_process_fork();

	if (pid < 0)
		return tb_fail_errno(in->err, pid, "cannot fork");
	if (pid) {
		in->pids[in->nr_pids++] = pid;
		return 0;
	}
	if (!start(in->arena, in->err))
		for (;;)
			pause();
	_exit(TB_EXIT_FAIL);
}

/* They have mapped the range; who made it can take it away only then. */
static void end_processes(struct instance *in)
{
	while (in->nr_pids) {
		pid_t pid = in->pids[--in->nr_pids];

		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static int start_victims(struct instance *in)
{
	unsigned int i;
	int ret = 0;

	if (in->job->states & 1U << LITMUS_SWITCHED)
		ret = fork_threads(in, tb_litmus_partners_start);
	if (!ret && in->job->states == 1U << LITMUS_PROCESS)
		ret = fork_threads(in, tb_litmus_victims_start);
	else if (!ret)
		ret = tb_litmus_victims_start(in->arena, in->err);
	/* Their start maps memory, so none of it may happen later. */
	for (i = 0; i < in->arena->nr_victims && !ret; i++) {
		const struct tb_litmus_victim *v = &in->arena->victims[i];
		uint64_t until_ns = tb_now_ns() + TIMEOUT_NS;

		while (!atomic_load(&v->tid) && !ret) {
			sched_yield();
			if (tb_now_ns() > until_ns)
				ret = late(in, v, "start");
		}
	}
	return ret;
}

int tb_litmus_instance(const struct tb_litmus_job *job, struct tb_err *err)
{
	static struct instance in;
	const struct litmus_ops *ops = job->ops;
	unsigned int state;
	int ret;

	in = (struct instance){ .job = job, .arena = job->arena, .err = err };
	in.ctx.page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	in.ctx.pagemap = tb_process_pagemap();
	in.l.files = job->files;
	ret = make_range(&in);
	if (!ret && ops->setup)
		ret = ops->setup(&in.l);
	if (ret)
		return tb_fail_errno(err, ret, "%s: cannot set up", ops->name);
	ret = start_victims(&in);
	for (state = 0; state < LITMUS_NR_STATES && !ret; state++)
		if (job->states & 1U << state)
			ret = run_state(&in, (enum litmus_state)state);
	end_processes(&in);
	if (ops->teardown)
		ops->teardown(&in.l);
	return ret;
}
