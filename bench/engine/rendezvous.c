// SPDX-License-Identifier: GPL-2.0-only
/* The initiator's side of a rendezvous. */
#include "engine/rendezvous.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Spins between two looks at the clock. */
#define SPINS_PER_CHECK 4096

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
	return tb_fail(err, -ETIMEDOUT,
		       "%s %u on CPU %d did not %s within %u s (phase %s)",
		       role_name(w, peer->role), peer->idx, peer->cpu, what,
		       w->cs->timeout_s, tb_phase_name(tb_phase_now(w->arena)));
}

static int wait_ack(struct tb_worker *w, struct tb_slot *peer, uint32_t epoch,
		    uint64_t until_ns, struct tb_err *err)
{
	unsigned int spins = 0;

	/* Pairs with the release store in answer() of thread.c. */
	while (atomic_load_explicit(&peer->ack, memory_order_acquire) !=
	       epoch) {
		tb_cpu_relax();
		if (++spins % SPINS_PER_CHECK)
			continue;
		if (tb_phase_now(w->arena) == TB_PHASE_DRAIN)
			return -ECANCELED;
		if (tb_now_ns() > until_ns)
			return not_answering(w, peer, "acknowledge", err);
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
static int wait_off_cpu(struct tb_worker *w, const struct tb_slot *peer, int fd,
			uint64_t until_ns, struct tb_err *err)
{
	char text[16];

	for (;;) {
		ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

		if (n <= 0)
			return tb_fail_errno(err, n ? -errno : -ESRCH,
					     "cannot read whether %s %u sleeps",
					     role_name(w, peer->role),
					     peer->idx);
		if (strncmp(text, "running", 7))
			return 0;
		if (tb_phase_now(w->arena) == TB_PHASE_DRAIN)
			return -ECANCELED;
		if (tb_now_ns() > until_ns)
			return not_answering(w, peer, "go to sleep", err);
		tb_cpu_relax();
	}
}

void tb_peers_fini(struct tb_peers *p)
{
	unsigned int i;

	for (i = 0; i < p->nr; i++)
		if (p->syscall_fd[i] >= 0)
			close(p->syscall_fd[i]);
	free(p->slot);
	free(p->syscall_fd);
}

static int open_syscall_file(const struct tb_slot *peer, struct tb_err *err)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", peer->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return tb_fail_errno(err, -errno,
				     "cannot see whether a sleeper is off its "
				     "CPU: %s",
				     path);
	return fd;
}

int tb_peers_init(struct tb_worker *w, struct tb_peers *p, struct tb_err *err)
{
	unsigned int i;

	*p = (struct tb_peers){ 0 };
	p->slot = calloc(w->nr_slots, sizeof(struct tb_slot *));
	p->syscall_fd = calloc(w->nr_slots, sizeof(*p->syscall_fd));
	if (!p->slot || !p->syscall_fd)
		return tb_fail_errno(err, -ENOMEM, "initiator");
	for (i = 0; i < w->nr_slots; i++) {
		struct tb_slot *s = tb_arena_slot(w->arena, w->first_slot + i);
		enum wl_kind kind = w->cs->ops->roles[s->role].kind;
		int fd = -1;

		if (kind == WL_INITIATOR)
			continue;
		if (kind == WL_SLEEPER) {
			fd = open_syscall_file(s, err);
			if (fd < 0)
				return fd;
		}
		p->slot[p->nr] = s;
		p->syscall_fd[p->nr++] = fd;
	}
	return 0;
}

static void publish(struct tb_slot *peer, uint32_t epoch, bool asleep)
{
	/* Pairs with the acquire load in await_epoch() of thread.c. */
	atomic_store_explicit(&peer->epoch, epoch, memory_order_release);
	if (asleep)
		tb_futex_wake(&peer->epoch);
}

int tb_rendezvous(struct tb_worker *w, struct tb_peers *p, struct tb_err *err)
{
	uint64_t until_ns = deadline(w);
	unsigned int i;
	int ret = 0;

	p->epoch++;
	for (i = 0; i < p->nr; i++)
		publish(p->slot[i], p->epoch, p->syscall_fd[i] >= 0);
	for (i = 0; i < p->nr && !ret; i++)
		ret = wait_ack(w, p->slot[i], p->epoch, until_ns, err);
	for (i = 0; i < p->nr && !ret; i++)
		if (p->syscall_fd[i] >= 0)
			ret = wait_off_cpu(w, p->slot[i], p->syscall_fd[i],
					   until_ns, err);
	return ret;
}

void tb_peers_dismiss(struct tb_worker *w)
{
	unsigned int i;

	for (i = 0; i < w->nr_slots; i++)
		publish(tb_arena_slot(w->arena, w->first_slot + i),
			TB_EPOCH_END, true);
}
