// SPDX-License-Identifier: GPL-2.0-only
/* The file of changes, its directory and its lock. */
#include "machine/undofile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUN "/run"
#define STATE "undo"
#define LOCK "lock"
#define MAGIC "tlbbench undo 1"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
/* A guardian that is at work needs some milliseconds. */
#define LOCK_TRIES 10
#define LOCK_WAIT_US 100000

/* --- the directory ------------------------------------------------------- */

/* A file in the directory, or with "" itself; tests have one of their own. */
static int own_path(const char *root, const char *name, char full[PATH_MAX],
		    struct tb_err *err)
{
	const char *dir = *root ? NULL : getenv("TLBBENCH_RUN_DIR");
	const char *user =
		*root || !geteuid() ? NULL : getenv("XDG_RUNTIME_DIR");
	const char *slash = *name ? "/" : "";

	if (dir && *dir)
		return tb_path(full, PATH_MAX, err, "%s%s%s", dir, slash, name);
	return tb_path(full, PATH_MAX, err, "%s%s/tlbbench%s%s", root,
		       user && *user ? user : RUN, slash, name);
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

int tb_undofile_lock(const char *root, struct tb_err *err)
{
	char path[PATH_MAX], pid[32] = "";
	int fd, i, ret = make_dir(root, err);

	if (!ret)
		ret = own_path(root, LOCK, path, err);
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
		       "another tlbbench (process %s) has changed this machine "
		       "until it ends",
		       *pid ? pid : "unknown");
}

int tb_undofile_sign(int fd)
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

int tb_undo_save(const struct tb_undo *u, struct tb_err *err)
{
	struct tb_buf b = { 0 };
	char path[PATH_MAX], id[64];
	unsigned int i;
	int ret = own_path(u->root, STATE, path, err);

	if (!ret && boot_id(u->root, id))
		ret = tb_fail(err, -ENOENT, "cannot read %s", BOOT_ID);
	if (ret)
		return ret;
	tb_buf_printf(&b, MAGIC "\n%s\n", id);
	for (i = 0; i < u->nr; i++)
		tb_buf_printf(&b, "%s\t%s\t%s\n",
			      tb_undo_kinds[u->all[i].kind].name,
			      u->all[i].what, u->all[i].before);
	if (b.has_failed)
		ret = tb_fail_errno(err, -ENOMEM, "cannot note changes");
	else
		ret = tb_write_file(path, b.data, b.len_bytes, err);
	tb_buf_fini(&b);
	return ret ? ret : sync_dir(u->root, err);
}

int tb_undofile_path(const char *root, char path[PATH_MAX], struct tb_err *err)
{
	return own_path(root, STATE, path, err);
}

bool tb_undofile_is_roots(const char *root)
{
	return geteuid() && !*root && !getenv("TLBBENCH_RUN_DIR") &&
	       !access(RUN "/tlbbench/" STATE, F_OK);
}

static int load_line(struct tb_undo *u, char *line)
{
	const char *kind = strsep(&line, "\t"), *what = strsep(&line, "\t");
	unsigned int i;

	if (!what || !line || strstr(what, ".."))
		return -EBADMSG;
	for (i = 0; i < TB_NR_CHANGE_KINDS; i++)
		if (!strcmp(kind, tb_undo_kinds[i].name) &&
		    tb_undo_kinds[i].is_ours(what))
			return tb_undo_add(u, i, what, line);
	return -EBADMSG;
}

int tb_undofile_load(struct tb_undo *u, struct tb_err *err)
{
	struct tb_buf b = { 0 };
	char path[PATH_MAX], id[64], *rest, *line;
	int ret = own_path(u->root, STATE, path, err);

	if (!ret)
		ret = tb_read_file(path, &b);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	rest = b.data;
	line = strsep(&rest, "\n");
	if (!line || strcmp(line, MAGIC) != 0)
		ret = -EBADMSG;
	line = strsep(&rest, "\n");
	if (!ret && (!line || boot_id(u->root, id)))
		ret = -EBADMSG;
	if (ret || strcmp(line, id) != 0)
		rest = NULL;
	while (!ret && (line = strsep(&rest, "\n")) && *line)
		ret = load_line(u, line);
	tb_buf_fini(&b);
	if (ret)
		tb_fail_errno(err, ret,
			      "%s: not a file of tlbbench; look into it, then "
			      "remove it",
			      path);
	return ret;
}
