// SPDX-License-Identifier: GPL-2.0-only
/* Campaign directories. */
#include "campaign/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_SAME_SECOND 100

int tb_cache_dir(char *path, size_t size_bytes, struct tb_err *err)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	int ret;

	if (xdg && *xdg)
		ret = tb_path(path, size_bytes, err, "%s", xdg);
	else
		ret = tb_path(path, size_bytes, err, "%s/.cache",
			      home ? home : "");
	if (!ret)
		ret = tb_make_dir(path, err);
	if (!ret && strlen(path) + sizeof("/tlbbench") > size_bytes)
		return tb_fail(err, -ENAMETOOLONG, "path too long: %s", path);
	if (ret)
		return ret;
	strcat(path, "/tlbbench");
	return tb_make_dir(path, err);
}

/* --- the directory ------------------------------------------------------- */

static int make_stamped_dir(struct tb_store *store, const char *results,
			    const char *name, struct tb_err *err)
{
	char stamp[32];
	time_t now = time(NULL);
	struct tm utc;
	int i, ret;

	gmtime_r(&now, &utc);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &utc);
	for (i = 1; i < MAX_SAME_SECOND; i++) {
		char more[16] = "";

		if (i > 1)
			snprintf(more, sizeof(more), "-%d", i);
		ret = tb_path(store->dir, sizeof(store->dir), err, "%s/%s-%s%s",
			      results, name, stamp, more);
		if (ret || !mkdir(store->dir, 0755))
			return ret;
		if (errno != EEXIST)
			break;
	}
	return tb_fail_errno(err, -errno, "cannot create %s", store->dir);
}

static int write_in(const struct tb_store *store, const char *name,
		    const char *text, size_t len_bytes, struct tb_err *err)
{
	char path[PATH_MAX];
	int ret = tb_path(path, sizeof(path), err, "%s/%s", store->dir, name);

	return ret ? ret : tb_write_file(path, text, len_bytes, err);
}

static int write_plan(const struct tb_store *store, const struct tb_plan *plan,
		      const char *conf_text, struct tb_err *err)
{
	struct tb_buf json = { 0 };
	char path[PATH_MAX];
	int ret;

	tb_plan_json(plan, &json);
	if (json.has_failed)
		return tb_fail_errno(err, -ENOMEM, "plan.json");
	ret = write_in(store, "campaign.conf", conf_text, strlen(conf_text),
		       err);
	if (!ret)
		ret = write_in(store, "plan.json", json.data, json.len_bytes,
			       err);
	if (!ret)
		ret = tb_path(path, sizeof(path), err, "%s/slots", store->dir);
	if (!ret)
		ret = tb_make_dir(path, err);
	tb_buf_fini(&json);
	return ret;
}

static void remove_plan(const struct tb_store *store)
{
	static const char *const names[] = { "campaign.conf", "plan.json",
					     "slots" };
	struct tb_err ignored = { 0 };
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!tb_path(path, sizeof(path), &ignored, "%s/%s", store->dir,
			     names[i]))
			remove(path);
	rmdir(store->dir);
}

/* Point @results/@name at the new directory, in one step. */
static int link_newest(const struct tb_store *store, const char *results,
		       const char *name, struct tb_err *err)
{
	const char *target = strrchr(store->dir, '/') + 1;
	char path[PATH_MAX], tmp[PATH_MAX];
	struct stat st;
	int ret;

	ret = tb_path(path, sizeof(path), err, "%s/%s", results, name);
	if (!ret)
		ret = tb_path(tmp, sizeof(tmp), err, "%s/.%s.tmp", results,
			      name);
	if (ret)
		return ret;
	if (!lstat(path, &st) && !S_ISLNK(st.st_mode))
		return tb_fail(err, -EEXIST,
			       "%s is in the way: expected nothing or a link",
			       path);
	unlink(tmp);
	if (symlink(target, tmp) || rename(tmp, path))
		return tb_fail_errno(err, -errno, "cannot link %s", path);
	return 0;
}

int tb_store_create(struct tb_store *store, const char *results,
		    const struct tb_plan *plan, const char *conf_text,
		    struct tb_err *err)
{
	int ret = tb_make_dir(results, err);

	if (!ret)
		ret = make_stamped_dir(store, results, plan->name, err);
	if (ret)
		goto out_no_dir;
	ret = write_plan(store, plan, conf_text, err);
	if (!ret)
		ret = link_newest(store, results, plan->name, err);
	if (!ret)
		return 0;
	remove_plan(store);
out_no_dir:
	store->dir[0] = '\0';
	return ret;
}

int tb_store_reopen(struct tb_store *store, const char *dir,
		    const struct tb_plan *plan, struct tb_err *err)
{
	struct tb_buf then = { 0 }, now = { 0 };
	char path[PATH_MAX];
	int ret;

	ret = tb_path(store->dir, sizeof(store->dir), err, "%s", dir);
	if (!ret)
		ret = tb_path(path, sizeof(path), err, "%s/plan.json", dir);
	if (ret)
		return ret;
	ret = tb_read_file(path, &then);
	tb_plan_json(plan, &now);
	if (ret)
		tb_usage(err, "--resume %s: not a campaign: plan.json: %s", dir,
			 strerror(-ret));
	else if (then.len_bytes != now.len_bytes ||
		 memcmp(then.data, now.data, now.len_bytes))
		tb_usage(err,
			 "--resume %s: campaign file, binary, kernels or "
			 "backend are not those it "
			 "began with; expected the plan of %s",
			 dir, path);
	tb_buf_fini(&then);
	tb_buf_fini(&now);
	return err->code;
}
