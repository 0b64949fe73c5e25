// SPDX-License-Identifier: GPL-2.0-only
/* The file of previous values, its lock, and the guardian. */
#include "machine/quiet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "machine/knobs.h"

#define DIR "/run/tlbbench"
#define STATE "quiet"
#define LOCK "lock"
#define MAGIC "tlbbench quiet 1"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
/* A guardian that is restoring needs some milliseconds. */
#define LOCK_TRIES 10
#define LOCK_WAIT_US 100000

static const char *const profiles[] = { "observe", "quiet", "strict" };

const char *tb_profile_name(enum tb_profile profile)
{
	return profiles[profile];
}

bool tb_profile_parse(const char *name, enum tb_profile *profile)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(profiles); i++)
		if (!strcmp(name, profiles[i])) {
			*profile = (enum tb_profile)i;
			return true;
		}
	return false;
}

/* --- the directory ------------------------------------------------------- */

/* A file in the directory, or with "" itself; tests have one of their own. */
static int own_path(const char *root, const char *name, char full[PATH_MAX],
		    struct tb_err *err)
{
	const char *dir = *root ? NULL : getenv("TLBBENCH_RUN_DIR");

	if (!dir || !*dir)
		dir = DIR;
	return tb_path(full, PATH_MAX, err, "%s%s%s%s", root, dir,
		       *name ? "/" : "", name);
}

/* Who may write there may make root write elsewhere. */
static int check_dir(const char *path, struct tb_err *err)
{
	struct stat st;

	if (lstat(path, &st))
		return -errno;
	if (geteuid() && st.st_uid != geteuid())
		return -EACCES;
	if (S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
	    !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	return tb_fail(err, -EPERM,
		       "%s: expected a directory that only its owner, this "
		       "user, can write; remove it",
		       path);
}

static int make_dir(const char *root, struct tb_err *err)
{
	char path[PATH_MAX];
	int ret = own_path(root, "", path, err);

	if (ret)
		return ret;
	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	return check_dir(path, err);
}

/* Descriptor that holds the lock; -EBUSY if another process does. */
static int take_lock(const char *root, struct tb_err *err)
{
	char path[PATH_MAX], pid[32] = "";
	int fd, i, ret = own_path(root, LOCK, path, err);

	if (ret)
		return ret;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	for (i = 0; i < LOCK_TRIES; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return fd;
		if (errno != EWOULDBLOCK)
			break;
		usleep(LOCK_WAIT_US);
	}
	ret = -errno;
	close(fd);
	if (ret != -EWOULDBLOCK)
		return tb_fail_errno(err, ret, "cannot lock %s", path);
	tb_read_line(path, pid, sizeof(pid));
	return tb_fail(err, -EBUSY,
		       "another tlbbench (process %s) keeps this machine quiet "
		       "until it ends",
		       *pid ? pid : "unknown");
}

static int sign_lock(int fd)
{
	char pid[32];

	snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(fd, 0))
		return -errno;
	return tb_write_all(fd, pid, strlen(pid));
}

/* --- the file ------------------------------------------------------------ */

static int boot_id(const char *root, char id[64])
{
	struct tb_err ignored = { 0 };
	char path[PATH_MAX];

	return tb_path(path, sizeof(path), &ignored, "%s%s", root, BOOT_ID)
		       ?: tb_read_line(path, id, 64);
}

static int sync_dir(const char *root, struct tb_err *err)
{
	char path[PATH_MAX];
	int fd, ret = own_path(root, "", path, err);

	if (ret)
		return ret;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		ret = tb_fail_errno(err, -errno, "cannot write %s", path);
	if (fd >= 0)
		close(fd);
	return ret;
}

static int save(const struct tb_quiet *q, struct tb_err *err)
{
	struct tb_buf b = { 0 };
	char path[PATH_MAX], id[64];
	unsigned int i;
	int ret = own_path(q->root, STATE, path, err);

	if (!ret && boot_id(q->root, id))
		ret = tb_fail(err, -ENOENT, "cannot read %s", BOOT_ID);
	if (ret)
		return ret;
	tb_buf_printf(&b, MAGIC "\n%s\n", id);
	for (i = 0; i < q->nr_knobs; i++)
		tb_buf_printf(&b, "%s\t%s\n", q->knobs[i].path,
			      q->knobs[i].before);
	if (b.has_failed)
		ret = tb_fail_errno(err, -ENOMEM, "profile quiet");
	else
		ret = tb_write_file(path, b.data, b.len_bytes, err);
	tb_buf_fini(&b);
	return ret ? ret : sync_dir(q->root, err);
}

static int load_line(struct tb_quiet *q, char *line)
{
	char *tab = strchr(line, '\t');

	if (!tab)
		return -EBADMSG;
	*tab = '\0';
	if (!tb_knob_is_ours(line) || strstr(line, ".."))
		return -EBADMSG;
	return tb_knob_add(q, line, tab + 1, "");
}

/* Settings of this boot; a reboot has reset those of another one. */
static int load(struct tb_quiet *q, struct tb_err *err)
{
	struct tb_buf b = { 0 };
	char path[PATH_MAX], id[64], *rest, *line;
	int ret = own_path(q->root, STATE, path, err);

	if (!ret)
		ret = tb_read_file(path, &b);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	rest = b.data;
	line = strsep(&rest, "\n");
	if (!line || strcmp(line, MAGIC) != 0)
		ret = -EBADMSG;
	line = strsep(&rest, "\n");
	if (!ret && (!line || boot_id(q->root, id)))
		ret = -EBADMSG;
	if (ret || strcmp(line, id) != 0)
		rest = NULL;
	while (!ret && (line = strsep(&rest, "\n")) && *line)
		ret = load_line(q, line);
	tb_buf_fini(&b);
	if (ret)
		tb_fail_errno(err, ret,
			      "%s: not a file of tlbbench; look into it, then "
			      "remove it",
			      path);
	return ret;
}

/* Restore and forget. What does not take its old value is kept in the file. */
static int restore(struct tb_quiet *q, struct tb_err *err)
{
	char path[PATH_MAX];
	unsigned int nr = tb_knobs_restore(q);
	int ret = own_path(q->root, STATE, path, err);

	if (nr)
		return tb_fail(err, -EIO,
			       "%u settings did not take their previous value; "
			       "%s has them all",
			       nr, path);
	if (!ret && unlink(path) && errno != ENOENT)
		ret = tb_fail_errno(err, -errno, "cannot remove %s", path);
	return ret;
}

/* --- recovery ------------------------------------------------------------ */

static int recover_locked(const char *root, struct tb_buf *names,
			  struct tb_err *err)
{
	struct tb_quiet left = { .root = root };
	unsigned int i;
	int ret = load(&left, err);

	if (!ret)
		ret = restore(&left, err);
	for (i = 0; !ret && names && i < left.nr_knobs; i++)
		tb_buf_printf(names, "%s%s", i ? ", " : "", left.knobs[i].path);
	tb_knobs_free(&left);
	return ret;
}

int tb_quiet_recover(const char *root, struct tb_buf *names, struct tb_err *err)
{
	char path[PATH_MAX];
	int fd, ret = own_path(root, STATE, path, err);

	if (ret || access(path, F_OK))
		return ret;
	if (access(path, W_OK))
		return tb_fail(
			err, -EACCES,
			"a tlbbench has changed settings of this machine "
			"and is at work or was killed; in the latter case "
			"'tlbbench env' restores them as root");
	ret = make_dir(root, err);
	fd = ret ? ret : take_lock(root, err);
	if (fd < 0)
		return tb_fail_errno(err, fd, "cannot restore from %s", path);
	ret = recover_locked(root, names, err);
	close(fd);
	return ret;
}

/* --- the guardian -------------------------------------------------------- */

/* All signals are blocked; only one is waited for. */
static void guard(struct tb_quiet *q, pid_t parent)
{
	struct tb_err err = { 0 };
	sigset_t end;
	int signal;

	sigemptyset(&end);
	sigaddset(&end, SIGUSR1);
	/* A terminal that hangs up must not take the guardian with it. */
	setsid();
	prctl(PR_SET_NAME, "tlbbench-guard");
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	if (getppid() == parent)
		sigwait(&end, &signal);
	if (!restore(q, &err))
		_exit(TB_EXIT_OK);
	fprintf(stderr, "tlbbench: %s\n", err.text);
	_exit(TB_EXIT_FAIL);
}

/* The lock stays with the guardian alone. */
static int start_guardian(struct tb_quiet *q, int lock, struct tb_err *err)
{
	pid_t parent = getpid();
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	q->guardian = fork();
	if (!q->guardian)
		guard(q, parent);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(lock);
	if (q->guardian > 0)
		return 0;
	q->guardian = 0;
	return tb_fail_errno(err, -errno, "cannot start the guardian");
}

static void refuse_all(struct tb_quiet *q, int code)
{
	unsigned int i;

	for (i = 0; i < q->nr_knobs; i++)
		snprintf(q->knobs[i].reason, sizeof(q->knobs[i].reason), "%s",
			 tb_knob_reason(code));
}

int tb_quiet_plan(struct tb_quiet *q, const char *root)
{
	*q = (struct tb_quiet){ .profile = TB_PROFILE_QUIET, .root = root };
	return tb_knobs_find(q);
}

int tb_quiet_begin(struct tb_quiet *q, const char *root, struct tb_err *err)
{
	int lock, ret;

	*q = (struct tb_quiet){ .profile = TB_PROFILE_QUIET, .root = root };
	ret = make_dir(root, err);
	lock = ret ? ret : take_lock(root, err);
	if (err->code)
		return err->code;
	if (lock < 0) {
		ret = tb_quiet_plan(q, root);
		refuse_all(q, lock);
		return ret ? tb_fail_errno(err, ret, "profile quiet") : 0;
	}
	ret = recover_locked(root, NULL, err);
	if (!ret && tb_quiet_plan(q, root))
		ret = tb_fail_errno(err, -ENOMEM, "profile quiet");
	if (!ret)
		ret = sign_lock(lock);
	if (!ret)
		ret = save(q, err);
	if (ret) {
		close(lock);
		return tb_fail_errno(err, ret, "profile quiet");
	}
	ret = start_guardian(q, lock, err);
	if (!ret)
		tb_knobs_apply(q);
	return ret;
}

int tb_quiet_end(struct tb_quiet *q, struct tb_err *err)
{
	int status = 0, ret = 0;

	if (q->guardian) {
		kill(q->guardian, SIGUSR1);
		while (waitpid(q->guardian, &status, 0) < 0 && errno == EINTR)
			;
		if (WIFSIGNALED(status))
			ret = tb_quiet_recover(q->root, NULL, err);
		else if (status)
			ret = tb_fail(err, -EIO,
				      "not all settings were restored");
	}
	tb_knobs_free(q);
	q->guardian = 0;
	return ret;
}
