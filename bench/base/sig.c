// SPDX-License-Identifier: GPL-2.0-only
/* Signals through signalfd. */
#include "base/sig.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void watched(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGCHLD);
}

int tb_sig_init(struct tb_sig *sig)
{
	sigset_t set;

	watched(&set);
	*sig = (struct tb_sig){ .fd = -1 };
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	sig->fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return sig->fd < 0 ? -errno : 0;
}

void tb_sig_drain(struct tb_sig *sig)
{
	struct signalfd_siginfo info;

	while (read(sig->fd, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			sig->was_interrupted = true;
}

void tb_sig_restore(void)
{
	sigset_t set;

	watched(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}
