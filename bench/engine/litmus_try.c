// SPDX-License-Identifier: GPL-2.0-only
/* One try of a litmus test: what the initiator does, and how it judges. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/litmus_initiator.h"
#include "engine/process.h"
#include "machine/place.h"

#define SPINS_PER_CHECK 1024

/* --- waiting ---------------------------------------------------------------
 */

int tb_litmus_late(struct tb_litmus_initiator *in,
		   const struct tb_litmus_victim *v, const char *what)
{
	return tb_fail(in->err, -ETIMEDOUT,
		       "the victim on CPU %d did not %s within %llu s", v->cpu,
		       what, TB_LITMUS_TIMEOUT_NS / 1000000000ULL);
}

/*
 * Who waits where victims have moved to lets them run. So do emulated CPUs that
 * take turns, but only at a pause: else their turn lasts until the next timer.
 */
static void relax(const struct tb_litmus_initiator *in)
{
	if (in->arena->order.state == LITMUS_MOVED)
		sched_yield();
	tb_cpu_relax();
}

static int await(struct tb_litmus_initiator *in,
		 const struct tb_litmus_victim *v, const _Atomic uint32_t *word,
		 uint32_t value, const char *what)
{
	uint64_t until_ns = 0;
	unsigned int spins = 0;

	while (atomic_load_explicit(word, memory_order_acquire) != value) {
		relax(in);
		if (++spins % SPINS_PER_CHECK)
			continue;
		if (!until_ns)
			until_ns = tb_now_ns() + TB_LITMUS_TIMEOUT_NS;
		else if (tb_now_ns() > until_ns)
			return tb_litmus_late(in, v, what);
	}
	return 0;
}

/* As wait_off_cpu() in rendezvous.c. */
static int await_asleep(struct tb_litmus_initiator *in,
			const struct tb_litmus_victim *v)
{
	uint64_t until_ns = tb_now_ns() + TB_LITMUS_TIMEOUT_NS;
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
	return strncmp(text, "running", 7)
		       ? 0
		       : tb_litmus_late(in, v, "go to sleep");
}

static void ask(const struct tb_litmus_initiator *in,
		struct tb_litmus_victim *v, enum tb_litmus_stage stage,
		bool sleeps)
{
	atomic_store_explicit(&v->go, tb_litmus_stage(in->n, stage),
			      memory_order_release);
	if (sleeps)
		tb_futex_wake(&v->go);
}

/* --- one try ---------------------------------------------------------------
 */

static int have_them_load(struct tb_litmus_initiator *in,
			  enum litmus_state state)
{
	uint32_t stage = tb_litmus_stage(in->n, TB_STAGE_LOAD);
	unsigned int i;
	int ret = 0;

	for (i = 0; i < in->nr_active; i++)
		ask(in, tb_litmus_victim_of(in, i), TB_STAGE_LOAD, true);
	for (i = 0; i < in->nr_active && !ret; i++) {
		struct tb_litmus_victim *v = tb_litmus_victim_of(in, i);

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
static void rouse_them(struct tb_litmus_initiator *in, enum litmus_state state)
{
	bool sleeps = tb_litmus_sleeps(state);
	unsigned int i, turns = sleeps ? in->l.try_nr / 2 : 0;

	for (i = 0; i < in->nr_active; i++)
		ask(in, tb_litmus_victim_of(in, i), TB_STAGE_RISE, sleeps);
	for (i = 0; i < turns; i++)
		tb_cpu_relax();
}

/*
 * One looks before the others do: to fault on a page may flush it, or more, on
 * all CPUs, and hide what was forgotten there.
 */
static int have_them_look(struct tb_litmus_initiator *in,
			  enum litmus_state state)
{
	uint32_t stage = tb_litmus_stage(in->n, TB_STAGE_LOOK);
	unsigned int i, first = in->l.try_nr / 3 % in->nr_active;
	struct tb_litmus_victim *v = tb_litmus_victim_of(in, first);
	bool sleeps = tb_litmus_sleeps(state);
	int ret;

	ask(in, v, TB_STAGE_LOOK, sleeps);
	ret = await(in, v, &v->done, stage, "look at its pages");
	for (i = 0; i < in->nr_active && !ret; i++)
		if (i != first)
			ask(in, tb_litmus_victim_of(in, i), TB_STAGE_LOOK,
			    sleeps);
	for (i = 0; i < in->nr_active && !ret; i++)
		ret = await(in, tb_litmus_victim_of(in, i),
			    &tb_litmus_victim_of(in, i)->done, stage,
			    "look at its pages");
	return ret;
}

/* Is what this victim wrote there, and does the kernel know? */
static int check_written(struct tb_litmus_initiator *in,
			 struct tb_litmus_victim *v)
{
	const struct litmus_ops *ops = tb_litmus_ops_of(in);
	unsigned int i;
	int ret;

	for (i = 0; i < v->nr_window; i++) {
		size_t page = v->window[i];
		uint64_t wanted = litmus_value(v->writer, in->n, page);
		uint64_t value =
			*tb_litmus_word(&in->arena->order, page, v->writer);

		if (value != wanted)
			tb_litmus_report(v, page, TB_SAW_LOST, value, wanted);
		ret = ops->noticed ? ops->noticed(&in->l, page) : 1;
		if (ret < 0)
			return ret;
		if (!ret)
			tb_litmus_report(v, page, TB_SAW_UNNOTICED, 0, 0);
	}
	return 0;
}

static int look_myself(struct tb_litmus_initiator *in)
{
	const struct litmus_ops *ops = tb_litmus_ops_of(in);
	unsigned int i;
	int ret = 0;

	if (!in->l.is_write || ops->write != LITMUS_KEPT)
		return 0;
	if (ops->look)
		ret = ops->look(&in->l);
	for (i = 0; i < in->nr_active && !ret; i++)
		ret = check_written(in, tb_litmus_victim_of(in, i));
	return ret;
}

static void collect(struct tb_litmus_initiator *in)
{
	struct tb_litmus_result *r = in->result;
	bool is_bad = false;
	unsigned int i;

	for (i = 0; i < in->nr_active; i++) {
		struct tb_litmus_victim *v = tb_litmus_victim_of(in, i);

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
static int act_and_look(struct tb_litmus_initiator *in, enum litmus_state state)
{
	bool ticks = in->arena->order.hammers || tb_litmus_ops_of(in)->races;
	int acted, ret;

	if (state == LITMUS_WAKING || in->arena->order.hammers)
		rouse_them(in, state);
	tb_litmus_tick(in->arena, ticks);
	acted = tb_litmus_ops_of(in)->act(&in->l);
	if (acted)
		in->arena->order.sight = LITMUS_ANY;
	ret = have_them_look(in, state);
	tb_litmus_tick(in->arena, false);
	if (!ret)
		ret = acted ? acted : look_myself(in);
	return ret;
}

int tb_litmus_make_try(struct tb_litmus_initiator *in, enum litmus_state state)
{
	const struct litmus_ops *ops = tb_litmus_ops_of(in);
	unsigned int initiator = in->n % in->arena->nr_victims;
	int cpu = in->arena->victims[initiator].cpu;
	int ret = tb_place_pin(cpu);

	if (ret)
		return tb_fail_errno(in->err, ret, "cannot pin to CPU %d", cpu);
	madvise(in->l.eaten, in->l.eaten_bytes, MADV_DONTNEED);
	ret = ops->arm ? ops->arm(&in->l) : litmus_arm(&in->l);
	if (ret)
		return ret;
	tb_litmus_give_orders(in, state, initiator);
	ret = have_them_load(in, state);
	if (!ret)
		ret = act_and_look(in, state);
	if (ops->disarm)
		ops->disarm(&in->l);
	if (!ret)
		collect(in);
	return ret;
}
