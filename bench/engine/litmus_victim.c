// SPDX-License-Identifier: GPL-2.0-only
/*
 * Victims of litmus tests: one thread for each CPU.
 *
 * Whether an access faults is part of what they see, so they catch the signal,
 * or have the kernel access the page, which then says -EFAULT.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/litmus_arena.h"
#include "machine/place.h"

#define STACK_BYTES (128UL << 10)
/* How much later they begin to hammer from try to try, and how often. */
#define DELAY_TURNS 32
#define NR_DELAYS 4

/**
 * struct victim - a victim in its own process
 * @pipe: through which the kernel reads and writes pages for it
 * @last: what it wrote last to each page of the window; 0: nothing
 * @nr_written: makes values differ
 */
struct victim {
	struct tb_litmus_arena *arena;
	struct tb_litmus_victim *v;
	int pipe[2];
	uint64_t last[TB_LITMUS_WINDOW];
	unsigned int at;
};

/* --- accesses ------------------------------------------------------------- */

static __thread sigjmp_buf fault_jump;
static __thread volatile sig_atomic_t may_fault;

static void on_fault(int sig)
{
	if (may_fault)
		siglongjmp(fault_jump, 1);
	signal(sig, SIG_DFL);
}

static int catch_faults(void)
{
	struct sigaction sa = { .sa_handler = on_fault,
				.sa_flags = SA_NODEFER };

	return sigaction(SIGSEGV, &sa, NULL) || sigaction(SIGBUS, &sa, NULL)
		       ? -errno
		       : 0;
}

static bool load(const volatile uint64_t *p, uint64_t *value)
{
	if (sigsetjmp(fault_jump, 0)) {
		may_fault = 0;
		return false;
	}
	may_fault = 1;
	*value = *p;
	may_fault = 0;
	return true;
}

static bool store(volatile uint64_t *p, uint64_t value)
{
	if (sigsetjmp(fault_jump, 0)) {
		may_fault = 0;
		return false;
	}
	may_fault = 1;
	*p = value;
	may_fault = 0;
	return true;
}

static bool kernel_load(const struct victim *me, const volatile uint64_t *p,
			uint64_t *value)
{
	if (write(me->pipe[1], (const void *)p, sizeof(*p)) != sizeof(*p))
		return false;
	return read(me->pipe[0], value, sizeof(*value)) == sizeof(*value);
}

static bool kernel_store(const struct victim *me, volatile uint64_t *p,
			 uint64_t value)
{
	uint64_t rest;

	if (write(me->pipe[1], &value, sizeof(value)) != sizeof(value))
		return false;
	if (read(me->pipe[0], (void *)p, sizeof(*p)) == sizeof(*p))
		return true;
	/* What could not be stored is still in the pipe. */
	return read(me->pipe[0], &rest, sizeof(rest)) < 0;
}

/* Read the word at @p, or write @value there; false if it faults. */
static bool touch(const struct victim *me, volatile uint64_t *p, bool is_write,
		  uint64_t *value)
{
	if (me->arena->order.state == LITMUS_SYSCALL)
		return is_write ? kernel_store(me, p, *value)
				: kernel_load(me, p, value);
	return is_write ? store(p, *value) : load(p, value);
}

/* --- what is seen --------------------------------------------------------- */

static volatile uint64_t *own_word(const struct victim *me, unsigned int i)
{
	return tb_litmus_word(&me->arena->order, me->v->window[i],
			      me->v->writer);
}

static volatile uint64_t *first_word(const struct victim *me, unsigned int i)
{
	const struct tb_litmus_order *o = &me->arena->order;

	return (volatile uint64_t *)(o->addr +
				     me->v->window[i] * o->page_bytes);
}

static void judge_value(struct victim *me, unsigned int i, uint64_t value)
{
	const struct tb_litmus_order *o = &me->arena->order;
	uint64_t old = litmus_value(LITMUS_BY_ARM, o->try_nr, me->v->window[i]);
	uint64_t new = litmus_value(LITMUS_BY_ACT, o->try_nr, me->v->window[i]);
	uint64_t wanted = 0;

	if (o->sight == LITMUS_OLD || o->sight == LITMUS_OLD_OR_ZERO)
		wanted = old;
	else if (o->sight == LITMUS_NEW)
		wanted = new;
	if (value != wanted && !(o->sight == LITMUS_OLD_OR_ZERO && !value))
		tb_litmus_report(me->v, me->v->window[i], TB_SAW_VALUE, value,
				 wanted);
}

static void look_at(struct victim *me, unsigned int i)
{
	const struct tb_litmus_order *o = &me->arena->order;
	uint64_t value =
		litmus_value(me->v->writer, o->try_nr, me->v->window[i]);
	volatile uint64_t *word =
		o->is_write ? own_word(me, i) : first_word(me, i);
	bool is_done = touch(me, word, o->is_write, &value);

	me->v->nr_looks++;
	if (o->sight == LITMUS_FAULT && is_done)
		tb_litmus_report(me->v, me->v->window[i], TB_SAW_NO_FAULT,
				 value, 0);
	else if (o->sight != LITMUS_FAULT && !is_done)
		tb_litmus_report(me->v, me->v->window[i], TB_SAW_FAULT, 0, 0);
	else if (is_done && !o->is_write)
		judge_value(me, i, value);
}

/* What this victim wrote last to a page is still there. */
static void check_last(struct victim *me, unsigned int i)
{
	uint64_t value;

	if (me->last[i] && load(own_word(me, i), &value) &&
	    value != me->last[i])
		tb_litmus_report(me->v, me->v->window[i], TB_SAW_LOST, value,
				 me->last[i]);
}

static void look(struct victim *me)
{
	unsigned int i, n = me->v->nr_window;

	if (me->arena->order.sight == LITMUS_ANY)
		return;
	for (i = 0; i < n && me->arena->order.hammers; i++)
		check_last(me, i);
	for (i = 0; i < n; i++)
		look_at(me, (i + me->v->first) % n);
}

/* --- before --------------------------------------------------------------- */

static void load_window(struct victim *me)
{
	const struct tb_litmus_order *o = &me->arena->order;
	unsigned int i;

	memset(me->last, 0, sizeof(me->last));
	me->at = 0;
	for (i = 0; i < me->v->nr_window && me->v->loads; i++) {
		uint64_t value = 0;

		touch(me, o->is_write ? own_word(me, i) : first_word(me, i),
		      o->is_write, &value);
	}
}

/* Write a page and see that the last write to it is still there. */
static bool hammer(struct victim *me)
{
	unsigned int i = me->at % me->v->nr_window;
	uint64_t value = litmus_value(me->v->writer, ++me->at, 0);

	check_last(me, i);
	if (!store(own_word(me, i), value))
		return false;
	me->last[i] = value;
	return true;
}

/* One turn of a victim that runs; false if there is nothing to touch. */
static bool turn(struct victim *me, bool may_touch)
{
	const struct tb_litmus_order *o = &me->arena->order;
	uint64_t value;

	if (o->state == LITMUS_SYSCALL) {
		litmus_wait_in_kernel(o->initiator_cpu);
		return false;
	}
	if (may_touch && o->hammers)
		return hammer(me);
	return may_touch &&
	       load(first_word(me, me->at++ % me->v->nr_window), &value);
}

static void spin_until(struct victim *me, uint32_t stage)
{
	const struct tb_litmus_order *o = &me->arena->order;
	/* Where each page has one writer some victims have none. */
	bool may_touch = (o->spins_reading || o->hammers) && me->v->nr_window;

	while (atomic_load_explicit(&me->v->go, memory_order_acquire) < stage) {
		may_touch = turn(me, may_touch);
		tb_cpu_relax();
	}
}

/*
 * Those without entries begin when the act does, or somewhat later, to take
 * their faults while it is under way. Any earlier, they would have entries.
 */
static void let_act_begin(struct victim *me, unsigned int try_nr)
{
	unsigned int turns = try_nr % NR_DELAYS * DELAY_TURNS;

	while (atomic_load_explicit(&me->v->go, memory_order_acquire) <
	       tb_litmus_stage(try_nr, TB_STAGE_RISE))
		tb_cpu_relax();
	while (turns--)
		tb_cpu_relax();
}

static void sleep_until(struct victim *me, uint32_t stage)
{
	uint32_t now;

	while ((now = atomic_load_explicit(&me->v->go, memory_order_acquire)) <
	       stage)
		tb_futex_wait(&me->v->go, now);
}

/* --- the thread ----------------------------------------------------------- */

static void say_done(struct victim *me, uint32_t stage)
{
	atomic_store_explicit(&me->v->done, stage, memory_order_release);
}

static void let_other_run(struct victim *me, uint32_t stage)
{
	atomic_store_explicit(&me->v->swap, stage, memory_order_release);
	tb_futex_wake(&me->v->swap);
}

/* From the load to the moment when it may look. */
static void be_victim(struct victim *me, unsigned int try_nr)
{
	const struct tb_litmus_order *o = &me->arena->order;
	enum litmus_state state = o->state;
	uint32_t loaded = tb_litmus_stage(try_nr, TB_STAGE_LOAD);
	uint32_t until = tb_litmus_stage(try_nr, TB_STAGE_LOOK);

	load_window(me);
	if (state == LITMUS_MOVED)
		tb_place_pin(o->initiator_cpu);
	if (state == LITMUS_SWITCHED)
		let_other_run(me, loaded);
	say_done(me, loaded);
	if (state == LITMUS_WAKING)
		sleep_until(me, tb_litmus_stage(try_nr, TB_STAGE_RISE));
	if (o->hammers && !me->v->loads)
		let_act_begin(me, try_nr);
	if (tb_litmus_sleeps(state) && state != LITMUS_WAKING)
		sleep_until(me, until);
	else
		spin_until(me, until);
	if (state == LITMUS_MOVED)
		tb_place_pin(me->v->cpu);
}

static void *victim_main(void *arg)
{
	struct victim me = { .v = arg };
	uint32_t stage = 0;

	me.arena = me.v->arena;
	if (tb_place_pin(me.v->cpu) || pipe2(me.pipe, O_CLOEXEC))
		return NULL;
	atomic_store(&me.v->tid, (pid_t)syscall(SYS_gettid));
	for (;;) {
		sleep_until(&me, stage + 1);
		if (atomic_load(&me.arena->is_over))
			break;
		stage = atomic_load(&me.v->go);
		be_victim(&me, stage / TB_NR_STAGES);
		look(&me);
		stage += TB_STAGE_LOOK - TB_STAGE_LOAD;
		say_done(&me, stage);
	}
	close(me.pipe[0]);
	close(me.pipe[1]);
	return NULL;
}

/* The other process: run on this CPU until the victim is to look. */
static void *partner_main(void *arg)
{
	struct tb_litmus_victim *v = arg;
	uint32_t stage = 0, now;

	if (tb_place_pin(v->cpu))
		return NULL;
	for (;;) {
		while ((now = atomic_load(&v->swap)) == stage)
			tb_futex_wait(&v->swap, now);
		stage = now;
		atomic_store(&v->swapped, stage);
		while (atomic_load(&v->go) == stage)
			tb_cpu_relax();
	}
	return NULL;
}

static int start_all(struct tb_litmus_arena *a, void *(*body)(void *arg),
		     struct tb_err *err)
{
	pthread_attr_t attr;
	unsigned int i;
	int ret = 0;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (i = 0; i < a->nr_victims && !ret; i++) {
		pthread_t thread;

		ret = -pthread_create(&thread, &attr, body, &a->victims[i]);
	}
	pthread_attr_destroy(&attr);
	return ret ? tb_fail_errno(err, ret, "cannot start a thread") : 0;
}

int tb_litmus_victims_start(struct tb_litmus_arena *a, struct tb_err *err)
{
	int ret = catch_faults();

	if (ret)
		return tb_fail_errno(err, ret, "signals");
	litmus_may_wait_in_kernel();
	return start_all(a, victim_main, err);
}

int tb_litmus_partners_start(struct tb_litmus_arena *a, struct tb_err *err)
{
	return start_all(a, partner_main, err);
}
