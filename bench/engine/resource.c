// SPDX-License-Identifier: GPL-2.0-only
/* wl_res_*() write down what is wanted; here it is looked for and made. */
#include "engine/resource.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/case.h"
#include "machine/knobs.h"
#include "machine/memcg.h"
#include "machine/swap.h"

const char *tb_resource_kind_name(enum tb_resource_kind kind)
{
	static const char *const names[] = { "file", "memcg", "swap",
					     "setting" };

	return names[kind];
}

/* --- asking -------------------------------------------------------------- */

static void ask(struct wl_res *res, const struct tb_resource *wanted)
{
	if (res->nr_asked++ < TB_MAX_RESOURCES)
		res->all[res->nr_asked - 1] = *wanted;
}

void wl_res_file(struct wl_res *res, enum wl_fs fs, uint64_t bytes)
{
	ask(res, &(struct tb_resource){
			 .kind = TB_RESOURCE_FILE,
			 .fs = fs,
			 .bytes = bytes,
		 });
}

void wl_res_memcg(struct wl_res *res, uint64_t bytes)
{
	ask(res, &(struct tb_resource){
			 .kind = TB_RESOURCE_MEMCG,
			 .bytes = bytes,
		 });
}

void wl_res_swap(struct wl_res *res, uint64_t bytes)
{
	ask(res, &(struct tb_resource){
			 .kind = TB_RESOURCE_SWAP,
			 .bytes = bytes,
		 });
}

void wl_res_set(struct wl_res *res, const char *path, const char *value)
{
	struct tb_resource setting = { .kind = TB_RESOURCE_SETTING };

	snprintf(setting.name, sizeof(setting.name), "%s", path);
	snprintf(setting.after, sizeof(setting.after), "%s", value);
	ask(res, &setting);
}

/* --- reasons ------------------------------------------------------------- */

static unsigned int count(const struct wl_res *res, enum tb_resource_kind kind)
{
	unsigned int i, nr = 0;

	for (i = 0; i < res->nr_asked; i++)
		nr += res->all[i].kind == kind;
	return nr;
}

static uint64_t disk_bytes(const struct wl_res *res)
{
	uint64_t bytes = 0;
	unsigned int i;

	for (i = 0; i < res->nr_asked; i++)
		if (res->all[i].kind == TB_RESOURCE_FILE &&
		    res->all[i].fs != WL_FS_TMPFS)
			bytes += res->all[i].bytes;
	return bytes;
}

/* Is that all that there is to do? Then nobody needs any right to it. */
static bool is_set(const struct tb_undo *undo, const struct tb_resource *r)
{
	struct tb_knob k = { .path = (char *)(uintptr_t)r->name };

	snprintf(k.after, sizeof(k.after), "%s", r->after);
	return tb_knob_is_set(undo->root, &k);
}

/* Files go by themselves; the rest needs somebody who undoes it. */
static bool changes_machine(const struct tb_undo *undo,
			    const struct wl_res *res)
{
	unsigned int i;

	for (i = 0; i < res->nr_asked; i++)
		if (res->all[i].kind != TB_RESOURCE_FILE &&
		    !(res->all[i].kind == TB_RESOURCE_SETTING &&
		      is_set(undo, &res->all[i])))
			return true;
	return false;
}

static void probe_setting(const struct tb_undo *undo,
			  const struct tb_resource *r, struct wl_reasons *why)
{
	int ret;

	if (!tb_knob_is_ours(r->name))
		wl_reason(why, "%s: not among the settings that cases change",
			  r->name);
	else if (!is_set(undo, r) && (ret = tb_knob_try(undo->root, r->name)))
		wl_reason(why, "%s cannot be set to %s: %s", r->name, r->after,
			  tb_knob_reason(ret));
}

/* One that may fail, and what it says then. */
static void give(int ret, const struct tb_err *err, struct wl_reasons *why)
{
	if (ret)
		wl_reason(why, "%s", err->text);
}

static void probe_kinds(const struct wl_res *res, struct wl_reasons *why)
{
	struct tb_err err[3] = { 0 };
	struct tb_memcg memcg;

	if (disk_bytes(res))
		give(tb_scratch_try(disk_bytes(res), &err[0]), &err[0], why);
	if (count(res, TB_RESOURCE_MEMCG))
		give(tb_memcg_find(&memcg, &err[1]), &err[1], why);
	if (count(res, TB_RESOURCE_SWAP))
		give(tb_swap_try(&err[2]), &err[2], why);
}

void tb_made_probe(struct tb_made *made, const struct tb_case *cs,
		   const struct tb_undo *undo, struct wl_reasons *why)
{
	if (cs->ops->prepare)
		cs->ops->prepare(&made->asked, cs->conf);
	tb_made_probe_asked(made, cs->ops->name, undo, why);
}

void tb_made_probe_asked(struct tb_made *made, const char *name,
			 const struct tb_undo *undo, struct wl_reasons *why)
{
	const struct wl_res *res = &made->asked;
	struct tb_err err = { 0 };
	unsigned int i;
	int ret;

	if (res->nr_asked > TB_MAX_RESOURCES ||
	    count(res, TB_RESOURCE_FILE) > WL_MAX_FILES ||
	    count(res, TB_RESOURCE_MEMCG) > 1) {
		wl_reason(why, "%s asks for more resources than there can be",
			  name);
		return;
	}
	probe_kinds(res, why);
	for (i = 0; i < res->nr_asked; i++)
		if (res->all[i].kind == TB_RESOURCE_SETTING)
			probe_setting(undo, &res->all[i], why);
	if (!changes_machine(undo, res))
		return;
	ret = tb_undo_try(undo, &err);
	if (ret)
		wl_reason(why, "cannot note what is to be undone: %s",
			  err.code ? err.text : tb_knob_reason(ret));
}

/* --- making -------------------------------------------------------------- */

static int make_file(struct tb_made *made, struct tb_resource *r,
		     struct tb_err *err)
{
	int fd = r->fs == WL_FS_TMPFS
			 ? tb_scratch_tmpfs(r->bytes, err)
			 : tb_scratch_file(&made->scratch, r->bytes,
					   r->fs == WL_FS_DISK_DATA, err);

	if (fd < 0)
		return fd;
	made->files[made->nr_files++] = fd;
	tb_scratch_type(fd, r->name);
	return 0;
}

static int make_memcg(struct tb_made *made, struct tb_resource *r,
		      struct tb_undo *undo, struct tb_err *err)
{
	struct tb_memcg memcg;
	int ret = tb_memcg_find(&memcg, err);

	if (!ret)
		ret = tb_memcg_make(&memcg, r->bytes, undo, err);
	if (ret)
		return ret;
	made->join_fd = memcg.join_fd;
	if (strlen(memcg.dir) < sizeof(made->memcg))
		memcpy(made->memcg, memcg.dir, strlen(memcg.dir) + 1);
	snprintf(r->name, sizeof(r->name), "cgroup v%d", memcg.is_v2 ? 2 : 1);
	return 0;
}

static int make_swap(struct tb_resource *r, struct tb_undo *undo,
		     struct wl_reasons *caveats, struct tb_err *err)
{
	int ret = tb_swap_make(r->bytes, undo, err);

	if (ret)
		return ret;
	snprintf(r->name, sizeof(r->name), "zram");
	wl_reason(
		caveats,
		"while the case ran, all of the machine could swap to %" PRIu64
		" MiB of zram",
		r->bytes >> 20);
	return 0;
}

static int make_setting(struct tb_resource *r, struct tb_undo *undo,
			struct wl_reasons *caveats, struct tb_err *err)
{
	struct tb_knob k = { .path = r->name };
	int ret = tb_knob_read(undo->root, r->name, r->before);

	snprintf(k.after, sizeof(k.after), "%s", r->after);
	if (!ret && tb_knob_is_set(undo->root, &k))
		return 0;
	if (!ret)
		ret = tb_undo_add(undo, TB_CHANGE_SETTING, r->name, r->before);
	if (!ret)
		ret = tb_undo_save(undo, err);
	if (ret)
		return tb_fail_errno(err, ret, "%s", r->name);
	tb_knob_set(undo->root, &k);
	if (*k.reason)
		return tb_fail(err, -EIO, "%s cannot be set to %s: %s", r->name,
			       r->after, k.reason);
	wl_reason(caveats, "while the case ran, %s was %s, otherwise %s",
		  r->name, r->after, r->before);
	return 0;
}

static int make_one(struct tb_made *made, struct tb_undo *undo,
		    struct wl_reasons *caveats, struct tb_err *err)
{
	struct tb_resource *r = &made->asked.all[made->nr];

	switch (r->kind) {
	case TB_RESOURCE_FILE:
		return make_file(made, r, err);
	case TB_RESOURCE_MEMCG:
		return make_memcg(made, r, undo, err);
	case TB_RESOURCE_SWAP:
		return make_swap(r, undo, caveats, err);
	case TB_RESOURCE_SETTING:
		return make_setting(r, undo, caveats, err);
	}
	return tb_fail(err, -EINVAL, "a resource without a kind");
}

int tb_made_make(struct tb_made *made, struct tb_undo *undo,
		 struct wl_reasons *caveats, struct tb_err *err)
{
	uint64_t bytes = disk_bytes(&made->asked);
	int ret = 0;

	if (changes_machine(undo, &made->asked))
		ret = tb_undo_begin(undo, err);
	if (ret)
		return tb_fail_errno(err, ret, "cannot change this machine");
	made->nr_undo = undo->nr;
	if (bytes) {
		made->has_scratch = true;
		ret = tb_scratch_begin(&made->scratch, bytes, err);
	}
	for (; !ret && made->nr < made->asked.nr_asked; made->nr++) {
		ret = make_one(made, undo, caveats, err);
		if (ret)
			break;
	}
	return ret;
}

int tb_made_undo(struct tb_made *made, struct tb_undo *undo, struct tb_err *err)
{
	struct tb_err why = { 0 };
	int ret = tb_undo_back(undo, made->nr_undo, &why);

	if (made->join_fd > 0)
		close(made->join_fd);
	while (made->nr_files)
		close(made->files[--made->nr_files]);
	if (made->has_scratch)
		tb_scratch_end(&made->scratch);
	return ret ? tb_fail(err, ret, "%s", why.text) : 0;
}

int tb_made_join(const struct tb_made *made, struct tb_err *err)
{
	int ret = made->join_fd > 0 ? tb_memcg_join(made->join_fd) : 0;

	return ret ? tb_fail_errno(err, ret, "cannot join the cgroup") : 0;
}
