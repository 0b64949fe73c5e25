// SPDX-License-Identifier: GPL-2.0-only
/* The initiator's side of a rendezvous. */
#include "engine/rendezvous.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/stack.h"

/* Spins between two looks at the clock. */
#define SPINS_PER_CHECK 4096

/* One sleep of those who share a CPU, between two looks at phase and clock. */
#define SLEEP_MS 20

bool tb_peer_waits_asleep(const struct tb_case *cs, const struct wl_role *role)
{
	return role->kind == WL_SLEEPER || cs->share_cpus;
}

static const char *role_name(const struct tb_worker *w, unsigned int role)
{
	return w->cs->ops->roles[role].name;
}

static uint64_t deadline(const struct tb_worker *w)
{
	return tb_now_ns() + w->cs->timeout_s * 1000000000ULL;
}

static int not_answering(struct tb_worker *w, const struct tb_slot *peer,
			 const char *what, struct tb_err *err)
{
	char stack[TB_STACK_BYTES];

	tb_stack_read(peer->tid, stack);
	return tb_fail(err, -ETIMEDOUT,
		       "%s %u on CPU %d did not %s within %u s (phase %s)%s",
		       role_name(w, peer->role), peer->idx, peer->cpu, what,
		       w->cs->timeout_s, tb_phase_name(tb_phase_now(w->arena)),
		       stack);
}

/* One turn of a wait for a word that is @now at the moment. */
static void wait_once(const struct tb_worker *w, _Atomic uint32_t *word,
		      uint32_t now)
{
	unsigned int spins;

	if (w->cs->share_cpus) {
		tb_futex_wait_for(word, now, SLEEP_MS);
		return;
	}
	for (spins = 0; spins < SPINS_PER_CHECK &&
			atomic_load_explicit(word, memory_order_relaxed) == now;
	     spins++)
		tb_cpu_relax();
}

/*
 * Until *@word is @value. Pairs with the release stores in answer() of peer.c
 * and in publish() and follow() below. The clock is not read before a turn was
 * in vain: most waits are shorter, and precede an op that may be.
 */
static int wait_word(struct tb_worker *w, _Atomic uint32_t *word,
		     uint32_t value, bool is_bounded)
{
	uint64_t until_ns = 0;
	uint32_t now;

	while ((now = atomic_load_explicit(word, memory_order_acquire)) !=
	       value) {
		if (tb_phase_now(w->arena) == TB_PHASE_DRAIN)
			return -ECANCELED;
		wait_once(w, word, now);
		if (!is_bounded ||
		    atomic_load_explicit(word, memory_order_acquire) == value)
			continue;
		if (!until_ns)
			until_ns = deadline(w);
		else if (tb_now_ns() > until_ns)
			return -ETIMEDOUT;
	}
	return 0;
}

/*
 * Wait until @peer sleeps and its CPU has switched away from it.
 *
 * Reading /proc/<tid>/syscall calls wait_task_inactive(): when it says
 * anything but "running", the switch is complete, so the CPU has passed
 * enter_lazy_tlb() with this mm loaded (6.12: task_current_syscall() in
 * lib/syscall.c, context_switch() in kernel/sched/core.c).
 */
static int wait_off_cpu(struct tb_worker *w, const struct tb_peer *peer,
			struct tb_err *err)
{
	const struct tb_slot *s = peer->slot;
	uint64_t until_ns = deadline(w);
	char text[16];

	for (;;) {
		ssize_t n = pread(peer->syscall_fd, text, sizeof(text) - 1, 0);

		if (n <= 0)
			return tb_fail_errno(err, n ? -errno : -ESRCH,
					     "cannot read whether %s %u sleeps",
					     role_name(w, s->role), s->idx);
		if (strncmp(text, "running", 7))
			return 0;
		if (tb_phase_now(w->arena) == TB_PHASE_DRAIN)
			return -ECANCELED;
		if (tb_now_ns() > until_ns)
			return not_answering(w, s, "go to sleep", err);
		tb_worker_relax(w);
	}
}

void tb_peers_fini(struct tb_peers *p)
{
	unsigned int i;

	for (i = 0; i < p->nr; i++)
		if (p->peer[i].syscall_fd >= 0)
			close(p->peer[i].syscall_fd);
	free(p->peer);
}

static int open_syscall_file(const struct tb_slot *peer, struct tb_err *err)
{
	char path[64];
	int fd;

	/* It may be a thread of another process. */
	snprintf(path, sizeof(path), "/proc/%d/syscall", peer->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return tb_fail_errno(err, -errno,
				     "cannot see whether a sleeper is off its "
				     "CPU: %s",
				     path);
	return fd;
}

static int add_peer(const struct tb_worker *w, struct tb_peers *p,
		    struct tb_slot *s, struct tb_err *err)
{
	const struct wl_role *role = tb_case_role(w->cs, s->role);
	int fd = role->kind == WL_SLEEPER ? open_syscall_file(s, err) : -1;

	if (role->kind == WL_SLEEPER && fd < 0)
		return fd;
	p->peer[p->nr++] = (struct tb_peer){
		.slot = s,
		.is_asleep = tb_peer_waits_asleep(w->cs, role),
		.syscall_fd = fd,
	};
	return 0;
}

int tb_peers_init(struct tb_worker *w, struct tb_peers *p, struct tb_err *err)
{
	unsigned int i;
	int ret = 0;

	*p = (struct tb_peers){
		.meets = tb_case_meet(w->cs) != TB_MEET_NONE,
		.every = tb_case_rendezvous_every(w->cs),
		.times = tb_case_rendezvous_times(w->cs),
		.first = tb_arena_slot(w->arena, w->first_slot),
	};
	if (w->wl.idx || !p->meets)
		return 0;
	p->peer = calloc(w->nr_slots, sizeof(*p->peer));
	if (!p->peer)
		return tb_fail_errno(err, -ENOMEM, "initiator");
	for (i = 0; i < w->nr_slots && !ret; i++) {
		struct tb_slot *s = tb_arena_slot(w->arena, w->first_slot + i);

		if (tb_case_role(w->cs, s->role)->kind != WL_INITIATOR)
			ret = add_peer(w, p, s, err);
	}
	/* Who is alone has nobody to meet. */
	if (!p->nr && w->cs->nr_threads[0] == 1)
		p->meets = false;
	return ret;
}

static void publish(_Atomic uint32_t *word, uint32_t epoch, bool is_asleep)
{
	/* Pairs with the acquire loads in await_epoch() and wait_word(). */
	atomic_store_explicit(word, epoch, memory_order_release);
	if (is_asleep)
		tb_futex_wake(word);
}

static void ask(const struct tb_worker *w, const struct tb_peer *peer,
		uint32_t epoch)
{
	if (peer->is_asleep)
		peer->slot->asked_ticks = tb_ticks_begin(&w->clock);
	publish(tb_epoch_word(peer->slot, epoch), epoch, peer->is_asleep);
}

static int await_peer(struct tb_worker *w, const struct tb_peer *peer,
		      uint32_t epoch, struct tb_err *err)
{
	int ret = wait_word(w, &peer->slot->ack, epoch, true);

	if (ret == -ETIMEDOUT)
		return not_answering(w, peer->slot, "acknowledge", err);
	return ret;
}

/* On a shared CPU others run when the sleeper sleeps; it is not idle anyway. */
static int ask_peers(struct tb_worker *w, struct tb_peers *p,
		     struct tb_err *err)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < p->nr; i++)
		ask(w, &p->peer[i], p->epoch);
	for (i = 0; i < p->nr && !ret; i++)
		ret = await_peer(w, &p->peer[i], p->epoch, err);
	for (i = 0; i < p->nr && !ret; i++)
		if (p->peer[i].syscall_fd >= 0)
			ret = wait_off_cpu(w, &p->peer[i], err);
	return ret;
}

/* The first of several initiators: gather the others, ask, let all go. */
static int lead(struct tb_worker *w, struct tb_peers *p, struct tb_err *err)
{
	uint32_t others = w->cs->nr_threads[0] - 1;
	int ret = wait_word(w, &p->first->ack, p->epoch * others, false);

	if (!ret)
		ret = ask_peers(w, p, err);
	if (!ret && others)
		publish(tb_epoch_word(p->first, p->epoch), p->epoch,
			w->cs->share_cpus);
	return ret;
}

static int follow(struct tb_worker *w, struct tb_peers *p)
{
	atomic_fetch_add_explicit(&p->first->ack, 1, memory_order_release);
	if (w->cs->share_cpus)
		tb_futex_wake(&p->first->ack);
	return wait_word(w, tb_epoch_word(p->first, p->epoch), p->epoch, false);
}

int tb_rendezvous(struct tb_worker *w, struct tb_peers *p, struct tb_err *err)
{
	uint64_t i;
	int ret = 0;

	for (i = 0; i < p->times && !ret; i++) {
		p->epoch++;
		ret = w->wl.idx ? follow(w, p) : lead(w, p, err);
	}
	return ret;
}

void tb_peers_release(const struct tb_worker *w)
{
	unsigned int i;

	for (i = 0; i < w->nr_slots; i++) {
		struct tb_slot *s = tb_arena_slot(w->arena, w->first_slot + i);

		publish(&s->epoch[0], TB_EPOCH_END, true);
		publish(&s->epoch[1], TB_EPOCH_END, true);
	}
}

void tb_peers_leave(struct tb_worker *w)
{
	struct tb_slot *first = tb_arena_slot(w->arena, w->first_slot);

	if (atomic_fetch_add(&first->nr_gone, 1) + 1 == w->cs->nr_threads[0])
		tb_peers_release(w);
}
