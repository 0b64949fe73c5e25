// SPDX-License-Identifier: GPL-2.0-only
/* Campaign directories. */
#include "campaign/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"

#define MAX_SAME_SECOND 100

static int make_dir(const char *path, struct tb_err *err)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		return tb_fail_errno(err, -errno, "cannot create %s", path);
	return 0;
}

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
		ret = make_dir(path, err);
	if (!ret && strlen(path) + sizeof("/tlbbench") > size_bytes)
		return tb_fail(err, -ENAMETOOLONG, "path too long: %s", path);
	if (ret)
		return ret;
	strcat(path, "/tlbbench");
	return make_dir(path, err);
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
		ret = make_dir(path, err);
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
	int ret = make_dir(results, err);

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

/* --- slots --------------------------------------------------------------- */

static void slot_name(const struct tb_plan *plan,
		      const struct tb_slot_plan *slot, char name[NAME_MAX])
{
	snprintf(name, NAME_MAX, "slots/%02u-%s", slot->slot,
		 plan->kernels[slot->kernel].name);
}

bool tb_store_has_slot(const struct tb_store *store, const struct tb_plan *plan,
		       const struct tb_slot_plan *slot)
{
	char path[PATH_MAX], name[NAME_MAX], entry[NAME_MAX + 32];
	struct tb_err ignored = { 0 };
	struct tb_buf index = { 0 };
	bool found;

	if (tb_path(path, sizeof(path), &ignored, "%s/index.sha256",
		    store->dir))
		return false;
	slot_name(plan, slot, name);
	snprintf(entry, sizeof(entry), "  %s/slot.json\n", name);
	found = !tb_read_file(path, &index) && index.data &&
		strstr(index.data, entry);
	tb_buf_fini(&index);
	return found;
}

/* What the records of this slot say of where they come from. */
static struct tb_slot_info slot_info(const struct tb_slot_file *file)
{
	const struct tb_plan *plan = file->plan;
	const struct tb_kernel *k = &plan->kernels[file->slot->kernel];

	return (struct tb_slot_info){
		.campaign = plan->name,
		.slot = file->slot->slot,
		.pair = file->slot->pair,
		.kernel = k->name,
		.kernel_id = k->id,
		.seed = file->slot->seed,
		.backend = plan->is_vm ? "vm" : "here",
		.accel = plan->is_vm ? tb_accel_name(plan->accel) : "none",
		.quiet = plan->quiet,
	};
}

static int put(struct tb_sink *sink, const char *record, size_t len_bytes,
	       struct tb_err *err)
{
	struct tb_slot_file *file = (struct tb_slot_file *)sink;
	const struct tb_slot_info info = slot_info(file);
	struct tb_buf line = { 0 };
	int ret;

	tb_record_identify(&info, record, len_bytes, &line);
	ret = line.has_failed
		      ? -ENOMEM
		      : tb_write_all(file->fd, line.data, line.len_bytes);
	tb_buf_fini(&line);
	if (!ret && fsync(file->fd))
		ret = -errno;
	if (ret)
		return tb_fail_errno(err, ret, "cannot write %s/records.jsonl",
				     file->dir);
	file->nr_records++;
	return 0;
}

int tb_store_begin(const struct tb_store *store, const struct tb_plan *plan,
		   const struct tb_slot_plan *slot, struct tb_slot_file *file,
		   struct tb_err *err)
{
	char path[PATH_MAX];
	int ret;

	*file = (struct tb_slot_file){
		.sink = { .put = put },
		.store = store,
		.plan = plan,
		.slot = slot,
		.fd = -1,
	};
	slot_name(plan, slot, file->name);
	ret = tb_path(file->dir, sizeof(file->dir), err, "%s/%s", store->dir,
		      file->name);
	if (!ret)
		ret = make_dir(file->dir, err);
	if (!ret)
		ret = tb_path(path, sizeof(path), err, "%s/records.jsonl",
			      file->dir);
	if (ret)
		return ret;
	file->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (file->fd < 0)
		return tb_fail_errno(err, -errno, "cannot create %s", path);
	return 0;
}

void tb_store_abandon(struct tb_slot_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
}

static int hash_file(const struct tb_slot_file *file, const char *name,
		     char hex[SHA256_DIGEST_STRING_LENGTH], struct tb_err *err)
{
	char path[PATH_MAX];
	int ret = tb_path(path, sizeof(path), err, "%s/%s", file->dir, name);

	if (!ret && !SHA256File(path, hex))
		return tb_fail_errno(err, -errno, "cannot read %s", path);
	return ret;
}

static void add_log_tail(struct tb_json *j, const struct tb_buf *tail)
{
	char *rest = tail->data, *line;

	tb_json_arr(j, "log_tail");
	while (rest && (line = strsep(&rest, "\n"))) {
		line[strcspn(line, "\r")] = '\0';
		if (*line)
			tb_json_str(j, NULL, line);
	}
	tb_json_arr_end(j);
}

static void slot_json(const struct tb_slot_file *file,
		      const struct tb_outcome *out, const char *sha,
		      struct tb_buf *b)
{
	const struct tb_slot_info info = slot_info(file);
	struct tb_json j = { .buf = b };

	tb_json_obj(&j, NULL);
	tb_json_u64(&j, "schema", TB_SCHEMA);
	tb_json_str(&j, "type", "slot");
	tb_record_identity(&j, &info);
	tb_json_str(&j, "state", tb_slot_state_name(out->state));
	tb_json_str(&j, "reason", out->reason);
	add_log_tail(&j, &out->log_tail);
	tb_json_u64(&j, "records", file->nr_records);
	tb_json_u64(&j, "records_not_ok", out->nr_not_ok);
	tb_json_str(&j, "records_sha256", sha);
	tb_json_f64(&j, "host_seconds", out->host_seconds);
	if (out->first_record_seconds >= 0)
		tb_json_f64(&j, "host_first_record_seconds",
			    out->first_record_seconds);
	else
		tb_json_null(&j, "host_first_record_seconds");
	tb_json_obj_end(&j);
	tb_buf_add(b, "\n", 1);
}

/* All or nothing: half a line would spoil the one that follows it. */
static int append_all(int fd, const struct tb_buf *lines)
{
	off_t end = lseek(fd, 0, SEEK_END);
	int ret;

	if (end < 0)
		return -errno;
	ret = tb_write_all(fd, lines->data, lines->len_bytes);
	if (!ret && fsync(fd))
		ret = -errno;
	/* The first error is the one to tell. */
	if (ret && ftruncate(fd, end))
		return ret;
	return ret;
}

static int append_index(const struct tb_slot_file *file, const char *records,
			const char *slot, struct tb_err *err)
{
	struct tb_buf lines = { 0 };
	char path[PATH_MAX];
	int fd, ret;

	ret = tb_path(path, sizeof(path), err, "%s/index.sha256",
		      file->store->dir);
	if (ret)
		return ret;
	tb_buf_printf(&lines, "%s  %s/records.jsonl\n%s  %s/slot.json\n",
		      records, file->name, slot, file->name);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		ret = -errno;
	if (!ret && lines.has_failed)
		ret = -ENOMEM;
	if (!ret)
		ret = append_all(fd, &lines);
	if (fd >= 0)
		close(fd);
	tb_buf_fini(&lines);
	return ret ? tb_fail_errno(err, ret, "cannot write %s", path) : 0;
}

int tb_store_finish(struct tb_slot_file *file, const struct tb_outcome *out,
		    struct tb_err *err)
{
	char records[SHA256_DIGEST_STRING_LENGTH];
	char slot[SHA256_DIGEST_STRING_LENGTH];
	struct tb_buf json = { 0 };
	char path[PATH_MAX];
	int ret;

	tb_store_abandon(file);
	ret = hash_file(file, "records.jsonl", records, err);
	if (!ret)
		ret = tb_path(path, sizeof(path), err, "%s/slot.json",
			      file->dir);
	if (ret)
		return ret;
	slot_json(file, out, records, &json);
	ret = json.has_failed
		      ? tb_fail_errno(err, -ENOMEM, "slot.json")
		      : tb_write_file(path, json.data, json.len_bytes, err);
	tb_buf_fini(&json);
	if (!ret)
		ret = hash_file(file, "slot.json", slot, err);
	if (!ret)
		ret = append_index(file, records, slot, err);
	return ret;
}
