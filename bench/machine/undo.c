// SPDX-License-Identifier: GPL-2.0-only
/* The list of changes, and the guardian. */
#include "machine/undo.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine/knobs.h"
#include "machine/memcg.h"
#include "machine/swap.h"
#include "machine/undofile.h"

/* What undoing one may do to another is over after that many rounds. */
#define MAX_ROUNDS 3

const struct tb_undo_kind tb_undo_kinds[] = {
	[TB_CHANGE_SETTING] = { "setting", tb_knob_is_ours, tb_knob_undo },
	[TB_CHANGE_MEMCG] = { "memcg", tb_memcg_is_ours, tb_memcg_undo },
	[TB_CHANGE_SWAP] = { "swap", tb_swap_is_ours, tb_swap_undo },
};

/* --- the list ------------------------------------------------------------ */

int tb_undo_add(struct tb_undo *u, enum tb_change_kind kind, const char *what,
		const char *before)
{
	struct tb_change *all = realloc(u->all, (u->nr + 1) * sizeof(*all)), *c;

	if (!all)
		return -ENOMEM;
	u->all = all;
	c = &all[u->nr];
	*c = (struct tb_change){ kind, strdup(what), strdup(before) };
	if (c->what && c->before) {
		u->nr++;
		return 0;
	}
	free(c->what);
	free(c->before);
	return -ENOMEM;
}

static void forget(struct tb_undo *u, unsigned int nr)
{
	while (u->nr > nr) {
		free(u->all[--u->nr].what);
		free(u->all[u->nr].before);
	}
	if (nr)
		return;
	free(u->all);
	u->all = NULL;
}

/* --- undoing ------------------------------------------------------------- */

static unsigned int undo_round(struct tb_undo *u, unsigned int nr)
{
	unsigned int i, nr_left = 0;

	for (i = u->nr; i-- > nr;) {
		const struct tb_change *c = &u->all[i];

		nr_left += !tb_undo_kinds[c->kind].undo(u->root, c->what,
							c->before);
	}
	return nr_left;
}

/* Number of those that could not be undone. */
static unsigned int undo(struct tb_undo *u, unsigned int nr)
{
	unsigned int round, nr_left = 0;

	/* One more round than needed shows that nothing moved any more. */
	for (round = 0; round < MAX_ROUNDS; round++)
		nr_left = undo_round(u, nr);
	return nr_left;
}

static int tell_left(const struct tb_undo *u, unsigned int nr_left,
		     struct tb_err *err)
{
	char path[PATH_MAX];

	return tb_undofile_path(u->root, path, err)
		       ?: tb_fail(err, -EIO,
				  "%u changes of this machine could not be "
				  "undone; %s has them all",
				  nr_left, path);
}

int tb_undo_back(struct tb_undo *u, unsigned int nr, struct tb_err *err)
{
	unsigned int nr_left;

	if (u->nr == nr)
		return 0;
	nr_left = undo(u, nr);
	if (nr_left)
		return tell_left(u, nr_left, err);
	forget(u, nr);
	return tb_undo_save(u, err);
}

/* Undo all and forget. What could not be undone is kept in the file. */
static int undo_all(struct tb_undo *u, struct tb_err *err)
{
	char path[PATH_MAX];
	unsigned int nr_left = undo(u, 0);
	int ret = tb_undofile_path(u->root, path, err);

	if (nr_left)
		return tell_left(u, nr_left, err);
	if (!ret && unlink(path) && errno != ENOENT)
		ret = tb_fail_errno(err, -errno, "cannot remove %s", path);
	return ret;
}

/* --- recovery ------------------------------------------------------------ */

static int recover_locked(const char *root, struct tb_buf *names,
			  struct tb_err *err)
{
	struct tb_undo left = { .root = root };
	unsigned int i;
	int ret = tb_undofile_load(&left, err);

	if (!ret)
		ret = undo_all(&left, err);
	for (i = 0; !ret && names && i < left.nr; i++)
		tb_buf_printf(names, "%s%s", i ? ", " : "", left.all[i].what);
	forget(&left, 0);
	return ret;
}

static int tell_foreign(struct tb_err *err)
{
	return tb_fail(err, -EACCES,
		       "a tlbbench has changed settings of this machine and is "
		       "at work or was killed; in the latter case 'tlbbench "
		       "env' restores them as root");
}

int tb_undo_recover(const char *root, struct tb_buf *names, struct tb_err *err)
{
	char path[PATH_MAX];
	int fd, ret = tb_undofile_path(root, path, err);

	if (ret)
		return ret;
	if (access(path, F_OK))
		return tb_undofile_is_roots(root) ? tell_foreign(err) : 0;
	if (access(path, W_OK))
		return tell_foreign(err);
	fd = tb_undofile_lock(root, err);
	if (fd < 0)
		return tb_fail_errno(err, fd, "cannot restore from %s", path);
	ret = recover_locked(root, names, err);
	close(fd);
	return ret;
}

/* --- the guardian -------------------------------------------------------- */

/* What is open here stays open, and with it what others close: a pipe, the
 * disk under a file. */
static void close_all_but(int lock)
{
	close_range(STDERR_FILENO + 1, (unsigned int)lock - 1, 0);
	close_range((unsigned int)lock + 1, ~0U, 0);
}

/* All signals are blocked; only one is waited for. */
static void guard(const char *root, int lock, pid_t parent)
{
	struct tb_undo left = { .root = root };
	struct tb_err err = { 0 };
	sigset_t end;
	int signal;

	sigemptyset(&end);
	sigaddset(&end, SIGUSR1);
	/* A terminal that hangs up must not take the guardian with it. */
	setsid();
	close_all_but(lock);
	prctl(PR_SET_NAME, "tlbbench-guard");
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	if (getppid() == parent)
		sigwait(&end, &signal);
	if (!tb_undofile_load(&left, &err))
		undo_all(&left, &err);
	forget(&left, 0);
	if (!err.code)
		_exit(TB_EXIT_OK);
	fprintf(stderr, "tlbbench: %s\n", err.text);
	_exit(TB_EXIT_FAIL);
}

/* The lock stays with the guardian alone. */
static int start_guardian(struct tb_undo *u, int lock, struct tb_err *err)
{
	pid_t parent = getpid();
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	u->guardian = fork();
	if (!u->guardian)
		guard(u->root, lock, parent);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(lock);
	if (u->guardian > 0)
		return 0;
	u->guardian = 0;
	return tb_fail_errno(err, -errno, "cannot start the guardian");
}

int tb_undo_try(const struct tb_undo *u, struct tb_err *err)
{
	int lock = u->guardian ? 0 : tb_undofile_lock(u->root, err);

	if (lock > 0)
		close(lock);
	return lock < 0 ? lock : 0;
}

int tb_undo_begin(struct tb_undo *u, struct tb_err *err)
{
	int lock, ret;

	if (u->guardian)
		return 0;
	lock = tb_undofile_lock(u->root, err);
	if (lock < 0)
		return lock;
	ret = recover_locked(u->root, NULL, err);
	if (!ret)
		ret = tb_undofile_sign(lock);
	if (ret) {
		close(lock);
		return tb_fail_errno(err, ret, "cannot note changes");
	}
	return start_guardian(u, lock, err);
}

int tb_undo_end(struct tb_undo *u, struct tb_err *err)
{
	int status = 0, ret = 0;

	if (u->guardian) {
		kill(u->guardian, SIGUSR1);
		while (waitpid(u->guardian, &status, 0) < 0 && errno == EINTR)
			;
		if (WIFSIGNALED(status))
			ret = tb_undo_recover(u->root, NULL, err);
		else if (status)
			ret = tb_fail(err, -EIO,
				      "not all settings were restored");
	}
	forget(u, 0);
	u->guardian = 0;
	return ret;
}
