/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rendezvous: before an op, every responder and sleeper of the instance loads
 * the range and says so, and every sleeper is seen off its CPU.
 */
#ifndef TB_RENDEZVOUS_H
#define TB_RENDEZVOUS_H

#include "engine/thread.h"

/* The epoch after which no rendezvous follows. */
#define TB_EPOCH_END UINT32_MAX

/**
 * struct tb_peers - whom an initiator meets
 * @syscall_fd: /proc/self/task/TID/syscall of a sleeper, -1 of a responder
 * @epoch: of the last rendezvous
 */
struct tb_peers {
	unsigned int nr;
	struct tb_slot **slot;
	int *syscall_fd;
	uint32_t epoch;
};

/* After the first edge, when every peer has its thread id. */
int tb_peers_init(struct tb_worker *w, struct tb_peers *p, struct tb_err *err);
void tb_peers_fini(struct tb_peers *p);

/**
 * tb_rendezvous() - have every peer run its op once
 *
 * On return every responder spins again, every sleeper sleeps and its CPU
 * has switched away from it, with this mm loaded lazily.
 *
 * Return: 0, -ETIMEDOUT with the peer that did not answer, -ECANCELED if the
 * phase ended.
 */
int tb_rendezvous(struct tb_worker *w, struct tb_peers *p, struct tb_err *err);

/* The initiator leaves: so does everybody who waits for it. */
void tb_peers_dismiss(struct tb_worker *w);

#endif
