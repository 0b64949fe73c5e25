/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Signals as a file descriptor: Ctrl-C and dying children are events that the
 * waiting loops poll for, not interruptions anywhere.
 */
#ifndef TB_SIG_H
#define TB_SIG_H

#include <stdbool.h>

/**
 * struct tb_sig - blocked signals and the descriptor that reports them
 * @fd: signalfd of SIGINT, SIGTERM, SIGHUP and SIGCHLD
 * @was_interrupted: one of the first three has arrived
 */
struct tb_sig {
	int fd;
	bool was_interrupted;
};

/* Block the signals in this process and its children; 0 or -errno. */
int tb_sig_init(struct tb_sig *sig);

/* Take what has arrived, without waiting. */
void tb_sig_drain(struct tb_sig *sig);

/* In a child, before exec: back to what an ordinary program expects. */
void tb_sig_restore(void);

#endif
