// SPDX-License-Identifier: GPL-2.0-only
/* The files of one slot, and its entries in the index. */
#include <errno.h>
#include <fcntl.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "campaign/store.h"

static void slot_name(const struct tb_plan *plan,
		      const struct tb_slot_plan *slot, char name[NAME_MAX])
{
	snprintf(name, NAME_MAX, "slots/%02u-%s", slot->slot,
		 plan->kernels[slot->kernel].name);
}

bool tb_store_has(const struct tb_store *store, const char *name)
{
	char path[PATH_MAX], entry[NAME_MAX + 32];
	struct tb_err ignored = { 0 };
	struct tb_buf index = { 0 };
	bool found;

	if (tb_path(path, sizeof(path), &ignored, "%s/index.sha256",
		    store->dir))
		return false;
	snprintf(entry, sizeof(entry), "  %s\n", name);
	found = !tb_read_file(path, &index) && index.data &&
		strstr(index.data, entry);
	tb_buf_fini(&index);
	return found;
}

bool tb_store_has_slot(const struct tb_store *store, const struct tb_plan *plan,
		       const struct tb_slot_plan *slot)
{
	char dir[NAME_MAX], name[NAME_MAX + 16];

	slot_name(plan, slot, dir);
	snprintf(name, sizeof(name), "%s/slot.json", dir);
	return tb_store_has(store, name);
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
		.soundness = k->soundness,
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
		ret = tb_make_dir(file->dir, err);
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

static int hash_file(const struct tb_store *store, const char *name,
		     char hex[SHA256_DIGEST_STRING_LENGTH], struct tb_err *err)
{
	char path[PATH_MAX];
	int ret = tb_path(path, sizeof(path), err, "%s/%s", store->dir, name);

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

static int append_index(const struct tb_store *store,
			const struct tb_buf *lines, struct tb_err *err)
{
	char path[PATH_MAX];
	int fd, ret;

	ret = tb_path(path, sizeof(path), err, "%s/index.sha256", store->dir);
	if (ret)
		return ret;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		ret = -errno;
	if (!ret && lines->has_failed)
		ret = -ENOMEM;
	if (!ret)
		ret = append_all(fd, lines);
	if (fd >= 0)
		close(fd);
	return ret ? tb_fail_errno(err, ret, "cannot write %s", path) : 0;
}

/* Enter files of a directory into the index, all or none. */
static int enter(const struct tb_store *store, const char *dir,
		 const char *const *names, struct tb_err *err)
{
	char hex[SHA256_DIGEST_STRING_LENGTH], name[PATH_MAX];
	struct tb_buf lines = { 0 };
	int ret = 0;

	for (; *names && !ret; names++) {
		ret = tb_path(name, sizeof(name), err, "%s/%s", dir, *names);
		if (!ret)
			ret = hash_file(store, name, hex, err);
		if (!ret)
			tb_buf_printf(&lines, "%s  %s\n", hex, name);
	}
	if (!ret)
		ret = append_index(store, &lines, err);
	tb_buf_fini(&lines);
	return ret;
}

int tb_store_keep(const struct tb_store *store, const char *dir,
		  const char *name, const struct tb_buf *text,
		  struct tb_err *err)
{
	const char *const names[] = { name, NULL };
	char path[PATH_MAX];
	int ret = tb_path(path, sizeof(path), err, "%s/%s/%s", store->dir, dir,
			  name);

	if (!ret)
		ret = tb_write_file(path, text->data, text->len_bytes, err);
	return ret ? ret : enter(store, dir, names, err);
}

int tb_store_finish(struct tb_slot_file *file, const struct tb_outcome *out,
		    struct tb_err *err)
{
	static const char *const names[] = { "records.jsonl", "slot.json",
					     NULL };
	char records[SHA256_DIGEST_STRING_LENGTH], name[NAME_MAX + 16];
	struct tb_buf json = { 0 };
	char path[PATH_MAX];
	int ret;

	tb_store_abandon(file);
	snprintf(name, sizeof(name), "%s/records.jsonl", file->name);
	ret = hash_file(file->store, name, records, err);
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
	return ret ? ret : enter(file->store, file->name, names, err);
}
