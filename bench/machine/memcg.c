// SPDX-License-Identifier: GPL-2.0-only
/* Cgroups with a limit of memory. */
#include "machine/memcg.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <mntent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/source.h"

#define PREFIX "tlbbench-"
#define SUBTREE "cgroup.subtree_control"
/* Killed processes need a while to end. */
#define RMDIR_TRIES 200
#define RMDIR_WAIT_US 10000

/* --- where --------------------------------------------------------------- */

/* Mount point of cgroup v2, or of v1's hierarchy of memory; "" for none. */
static void find_mounts(char v2[PATH_MAX], char v1[PATH_MAX])
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *m;

	*v2 = *v1 = '\0';
	while (mounts && (m = getmntent(mounts))) {
		if (!*v2 && !strcmp(m->mnt_type, "cgroup2"))
			snprintf(v2, PATH_MAX, "%s", m->mnt_dir);
		else if (!*v1 && !strcmp(m->mnt_type, "cgroup") &&
			 hasmntopt(m, "memory"))
			snprintf(v1, PATH_MAX, "%s", m->mnt_dir);
	}
	if (mounts)
		endmntent(mounts);
}

/* Does the list in @dir/@name have memory in it? */
static bool has_memory(const char *dir, const char *name)
{
	struct tb_err ignored = { 0 };
	char path[PATH_MAX], line[256];

	return !tb_path(path, sizeof(path), &ignored, "%s/%s", dir, name) &&
	       !tb_read_line(path, line, sizeof(line)) &&
	       tb_has_word(line, "memory");
}

static bool may_make_in(const char *dir)
{
	struct tb_err ignored = { 0 };
	char procs[PATH_MAX];

	return !tb_path(procs, sizeof(procs), &ignored, "%s/cgroup.procs",
			dir) &&
	       !access(dir, W_OK) && !access(procs, W_OK);
}

/* Our own cgroup of v2, below its mount point. */
static int own_cgroup(const char *mount, char dir[PATH_MAX])
{
	struct tb_err ignored = { 0 };
	struct tb_buf b = { 0 };
	const char *line = NULL;
	int ret = tb_read_file("/proc/self/cgroup", &b);

	if (!ret)
		line = strstr(b.data, "0::/");
	ret = line ? tb_path(dir, PATH_MAX, &ignored, "%s%.*s", mount,
			     (int)strcspn(line + 3, "\n"), line + 3)
		   : -ENOENT;
	tb_buf_fini(&b);
	return ret;
}

/* From our own cgroup upward: the first whose children may have limits. */
static int find_v2(struct tb_memcg *m, const char *mount, struct tb_err *err)
{
	char *slash;

	if (own_cgroup(mount, m->parent))
		snprintf(m->parent, sizeof(m->parent), "%s", mount);
	for (;;) {
		if (has_memory(m->parent, SUBTREE) && may_make_in(m->parent))
			return 0;
		slash = strrchr(m->parent, '/');
		if (strlen(m->parent) <= strlen(mount) || !slash)
			break;
		*slash = '\0';
	}
	return tb_fail(err, -EACCES,
		       "cannot make a cgroup: needs root, or one that is "
		       "delegated to this user, with 'memory' in its " SUBTREE);
}

int tb_memcg_find(struct tb_memcg *m, struct tb_err *err)
{
	char v2[PATH_MAX], v1[PATH_MAX];

	find_mounts(v2, v1);
	m->is_v2 = *v2 && has_memory(v2, "cgroup.controllers");
	m->join_fd = -1;
	if (m->is_v2)
		return find_v2(m, v2, err);
	if (!*v1)
		return tb_fail(err, -ENOENT,
			       "no cgroup can limit memory here: expected "
			       "cgroup v2 with the controller 'memory', or v1, "
			       "mounted");
	snprintf(m->parent, sizeof(m->parent), "%s", v1);
	return may_make_in(v1) ? 0
			       : tb_fail(err, -EACCES,
					 "cannot make a cgroup in %s: needs "
					 "root",
					 v1);
}

/* --- one ----------------------------------------------------------------- */

static int set_limit(const struct tb_memcg *m, uint64_t bytes,
		     struct tb_err *err)
{
	char path[PATH_MAX], text[32];
	int fd, ret = tb_path(path, sizeof(path), err, "%s/%s", m->dir,
			      m->is_v2 ? "memory.max"
				       : "memory.limit_in_bytes");

	if (ret)
		return ret;
	snprintf(text, sizeof(text), "%" PRIu64, bytes);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ret = fd < 0 ? -errno : tb_write_all(fd, text, strlen(text));
	if (fd >= 0)
		close(fd);
	return ret ? tb_fail_errno(err, ret, "cannot write %s to %s", text,
				   path)
		   : 0;
}

static int open_procs(struct tb_memcg *m, struct tb_err *err)
{
	char path[PATH_MAX];
	int ret = tb_path(path, sizeof(path), err, "%s/cgroup.procs", m->dir);

	if (ret)
		return ret;
	m->join_fd = open(path, O_WRONLY | O_CLOEXEC);
	return m->join_fd < 0
		       ? tb_fail_errno(err, -errno, "cannot open %s", path)
		       : 0;
}

int tb_memcg_make(struct tb_memcg *m, uint64_t bytes, struct tb_undo *undo,
		  struct tb_err *err)
{
	int ret = tb_path(m->dir, sizeof(m->dir), err, "%s/" PREFIX "%d",
			  m->parent, (int)getpid());

	if (!ret)
		ret = tb_undo_add(undo, TB_CHANGE_MEMCG, m->dir, "");
	if (!ret)
		ret = tb_undo_save(undo, err);
	if (ret)
		return tb_fail_errno(err, ret, "cannot make a cgroup");
	if (mkdir(m->dir, 0755))
		return tb_fail_errno(err, -errno, "cannot make %s", m->dir);
	ret = set_limit(m, bytes, err);
	return ret ? ret : open_procs(m, err);
}

int tb_memcg_join(int join_fd)
{
	return write(join_fd, "0", 1) == 1 ? 0 : -errno;
}

bool tb_memcg_is_ours(const char *path)
{
	const char *name = strrchr(path, '/');

	return name && !strncmp(name + 1, PREFIX, strlen(PREFIX));
}

bool tb_memcg_undo(const char *root, const char *path, const char *before)
{
	struct tb_err ignored = { 0 };
	char full[PATH_MAX];
	int i;

	(void)before;
	if (tb_path(full, sizeof(full), &ignored, "%s%s", root, path))
		return false;
	for (i = 0; i < RMDIR_TRIES; i++) {
		if (!rmdir(full) || errno == ENOENT)
			return true;
		if (errno != EBUSY)
			return false;
		usleep(RMDIR_WAIT_US);
	}
	return false;
}
