/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rendezvous: before an op, every responder and sleeper of the instance loads
 * the range and says so, and every sleeper is seen off its CPU.
 *
 * Several initiators of one instance wait for each other; the first asks the
 * peers for all of them.
 */
#ifndef TB_RENDEZVOUS_H
#define TB_RENDEZVOUS_H

#include "engine/thread.h"

/* The epoch after which no rendezvous follows. */
#define TB_EPOCH_END UINT32_MAX

/**
 * struct tb_peer - what an initiator must know of one without touching the
 *	slot, which the peer writes to
 * @is_asleep: between two rendezvous, see tb_peer_waits_asleep()
 * @syscall_fd: /proc/TID/syscall of a sleeper, -1 of a responder
 */
struct tb_peer {
	struct tb_slot *slot;
	bool is_asleep;
	int syscall_fd;
};

/**
 * struct tb_peers - whom an initiator meets
 * @meets: there are rendezvous at all
 * @every: before ops 0, n, 2n, ...; 0: before op 0 only
 * @times: so many of them, one after the other
 * @first: slot of the instance's first initiator
 * @peer, @nr: responders and sleepers, known to the first initiator alone, and
 *	only if it meets them
 * @epoch: of the last rendezvous
 */
struct tb_peers {
	bool meets;
	uint64_t every;
	uint64_t times;
	struct tb_slot *first;
	struct tb_peer *peer;
	unsigned int nr;
	uint32_t epoch;
};

/* After the first edge, when every peer has its thread id. */
int tb_peers_init(struct tb_worker *w, struct tb_peers *p, struct tb_err *err);
void tb_peers_fini(struct tb_peers *p);

/**
 * tb_rendezvous() - have every peer run its op, as often as the case says
 *
 * On return every responder spins again, every sleeper sleeps and its CPU
 * has switched away from it, with this mm loaded. Where CPUs are shared,
 * responders sleep as well, and sleepers' CPUs do something else.
 *
 * Return: 0, -ETIMEDOUT with the peer that did not answer, -ECANCELED if the
 * phase ended.
 */
int tb_rendezvous(struct tb_worker *w, struct tb_peers *p, struct tb_err *err);

/* Nobody is asked again: all peers of the instance leave. */
void tb_peers_release(const struct tb_worker *w);

/* An initiator leaves; with the last one everybody who waits for it. */
void tb_peers_leave(struct tb_worker *w);

/* Does a thread of this role sleep between two rendezvous? */
bool tb_peer_waits_asleep(const struct tb_case *cs, const struct wl_role *role);

#endif
