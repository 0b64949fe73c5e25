// SPDX-License-Identifier: GPL-2.0-only
/* From strategy ids to image directories and their image.conf. */
#include "campaign/image.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "campaign/child.h"
#include "campaign/order.h"

/* Does @dir hold what a checkout holds? */
static bool is_home(const char *dir)
{
	struct tb_err ignored = { 0 };
	char path[PATH_MAX];

	return !tb_path(path, sizeof(path), &ignored, "%s/kernels/build",
			dir) &&
	       !access(path, X_OK);
}

int tb_home(char *path, size_t size_bytes, struct tb_err *err)
{
	const char *home = getenv("TLBBENCH_HOME");
	char exe[PATH_MAX], *dir = exe;
	ssize_t len;

	if (home)
		return tb_path(path, size_bytes, err, "%s", home);
	len = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (len < 0)
		return tb_fail_errno(err, -errno, "cannot find myself");
	exe[len] = '\0';
	do
		dir = dirname(dir);
	while (strcmp(dir, "/") && !is_home(dir));
	if (!is_home(dir))
		return tb_usage(err,
				"kernels/ and report/ are not above my "
				"binary: set TLBBENCH_HOME to the checkout");
	return tb_path(path, size_bytes, err, "%s", dir);
}

/* The last line of what a tool said: its answer, or why it has none. */
static const char *last_line(struct tb_buf *out)
{
	char *text = out->data ? tb_strip(out->data) : "";
	char *newline = strrchr(text, '\n');

	return newline ? newline + 1 : text;
}

static int ask_build(struct tb_kernel *k, const struct tb_plan *plan,
		     struct tb_err *err)
{
	char tool[PATH_MAX], home[PATH_MAX - 32];
	const char *argv[] = { tool, "--path", k->strategy, NULL };
	struct tb_buf out = { 0 };
	int ret = tb_home(home, sizeof(home), err);

	if (!ret)
		ret = tb_path(tool, sizeof(tool), err, "%s/kernels/build",
			      home);
	if (ret)
		return ret;
	ret = tb_child_output(argv, &out);
	if (ret < 0)
		tb_fail_errno(err, ret, "cannot run %s", tool);
	else if (ret && ret != TB_EXIT_USAGE)
		tb_fail(err, -EIO, "%s: %s", tool, last_line(&out));
	else if (ret)
		tb_usage(err, "%s:%u: [kernel %s]: %s", plan->path, k->line,
			 k->name, last_line(&out));
	else
		k->image = strdup(last_line(&out));
	tb_buf_fini(&out);
	if (!err->code && !k->image)
		tb_fail_errno(err, -ENOMEM, "image");
	return err->code;
}

static int read_identity(struct tb_kernel *k, const struct tb_plan *plan,
			 struct tb_err *err)
{
	struct tb_err why = { 0 };
	struct tb_section *s;
	struct tb_conf conf;
	char path[PATH_MAX];
	int ret;

	ret = tb_path(path, sizeof(path), err, "%s/vmlinux", k->image);
	if (ret)
		return ret;
	if (access(path, R_OK))
		return tb_usage(err, "%s:%u: [kernel %s]: no image: %s: %s",
				plan->path, k->line, k->name, path,
				strerror(errno));
	ret = tb_path(path, sizeof(path), err, "%s/image.conf", k->image);
	if (ret)
		return ret;
	ret = tb_conf_load(&conf, path, &why);
	if (ret)
		return tb_usage(err, "%s:%u: [kernel %s]: %s", plan->path,
				k->line, k->name, why.text);
	s = tb_conf_section(&conf, "image");
	k->id = strdup(tb_section_text(s, "id", ""));
	k->release = strdup(tb_section_text(s, "release", ""));
	tb_conf_fini(&conf);
	if (!k->id || !k->release)
		return tb_fail_errno(err, -ENOMEM, "image");
	if (!*k->id || !*k->release)
		return tb_usage(err,
				"%s:%u: [kernel %s]: %s: expected [image] with "
				"id and release",
				plan->path, k->line, k->name, path);
	return 0;
}

static bool has_strategy(const char *home, const char *id)
{
	struct tb_err ignored = { 0 };
	char path[PATH_MAX];

	return !tb_path(path, sizeof(path), &ignored,
			"%s/kernels/strategies/%s.conf", home, id) &&
	       !access(path, F_OK);
}

/* Optional kernels whose strategies are not there yet. */
static int leave_out(struct tb_plan *plan, struct tb_err *err)
{
	unsigned int i, kept = 0;
	char home[PATH_MAX - 64];

	if (tb_home(home, sizeof(home), err))
		return err->code;
	plan->missing = calloc(plan->nr_kernels, sizeof(*plan->missing));
	if (!plan->missing)
		return tb_fail_errno(err, -ENOMEM, "plan");
	for (i = 0; i < plan->nr_kernels; i++) {
		const struct tb_kernel k = plan->kernels[i];

		if (k.is_optional && !has_strategy(home, k.strategy))
			plan->missing[plan->nr_missing++] = k;
		else
			plan->kernels[kept++] = k;
	}
	if (kept == plan->nr_kernels)
		return 0;
	plan->nr_kernels = kept;
	return tb_order_slots(plan, err);
}

int tb_images_resolve(struct tb_plan *plan, struct tb_err *err)
{
	unsigned int i;
	int ret = leave_out(plan, err);

	for (i = 0; i < plan->nr_kernels && !ret; i++) {
		struct tb_kernel *k = &plan->kernels[i];

		if (!k->image)
			ret = ask_build(k, plan, err);
		if (!ret)
			ret = read_identity(k, plan, err);
	}
	return ret;
}
