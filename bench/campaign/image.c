// SPDX-License-Identifier: GPL-2.0-only
/* From strategy ids to image directories and their image.conf. */
#include "campaign/image.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "campaign/child.h"
#include "campaign/order.h"

/* What lines of kernels/build begin with that are no answer. */
#define PROGRESS "kernels: "

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

int tb_results_dir(char *path, size_t size_bytes, struct tb_err *err)
{
	char home[PATH_MAX - 16];
	int ret = tb_home(home, sizeof(home), err);

	return ret ? ret : tb_path(path, size_bytes, err, "%s/results", home);
}

/* The last line of what a tool said: its answer, or why it has none. */
static const char *last_line(struct tb_buf *out)
{
	char *text = out->data ? tb_strip(out->data) : "";
	char *newline = strrchr(text, '\n');

	return newline ? newline + 1 : text;
}

/* What went wrong in many lines is shown in full; the first one says what. */
static int build_failed(const struct tb_kernel *k, struct tb_buf *out,
			bool is_usage, struct tb_err *err)
{
	char none[] = "it failed without a word";
	char *rest = out->data ? tb_strip(out->data) : none;
	const char *first = strsep(&rest, "\n");

	while (rest && !strncmp(first, PROGRESS, strlen(PROGRESS)))
		first = strsep(&rest, "\n");
	if (rest)
		fprintf(stderr, "%s\n", rest);
	if (is_usage)
		return tb_usage(err, "%s: %s", k->where, first);
	return tb_fail(err, -EIO, "[kernel %s]: %s", k->name, first);
}

/* kernels/build [@option] NAME: its exit code, or -errno. */
static int call_build(const struct tb_kernel *k, const char *option,
		      struct tb_buf *out, struct tb_err *err)
{
	char tool[PATH_MAX], home[PATH_MAX - 32];
	const char *argv[5] = { tool };
	unsigned int nr = 1;
	int ret = tb_home(home, sizeof(home), err);

	if (!ret)
		ret = tb_path(tool, sizeof(tool), err, "%s/kernels/build",
			      home);
	if (ret)
		return ret;
	if (option)
		argv[nr++] = option;
	/* A name may begin with a dash. */
	argv[nr++] = "--";
	argv[nr] = k->spec ? k->spec : k->strategy;
	ret = tb_child_output(argv, out, option ? NULL : PROGRESS);
	return ret < 0 ? tb_fail_errno(err, ret, "cannot run %s", tool) : ret;
}

/* The directory of the image is the last line. */
static int ask_build(struct tb_kernel *k, bool may_make, struct tb_err *err)
{
	struct tb_buf out = { 0 };
	int ret =
		call_build(k, k->spec && may_make ? NULL : "--path", &out, err);

	if (ret > 0)
		build_failed(k, &out, ret == TB_EXIT_USAGE, err);
	else if (!ret)
		k->image = strdup(last_line(&out));
	tb_buf_fini(&out);
	if (!err->code && !k->image)
		tb_fail_errno(err, -ENOMEM, "image");
	return err->code;
}

/* A mistake in the second kernel is said before the first one is built. */
static int check_specs(const struct tb_plan *plan, struct tb_err *err)
{
	unsigned int i;

	for (i = 1; i < plan->nr_kernels && !err->code; i++) {
		const struct tb_kernel *k = &plan->kernels[i];
		struct tb_buf out = { 0 };

		if (k->spec &&
		    call_build(k, "--dry-run", &out, err) == TB_EXIT_USAGE)
			build_failed(k, &out, true, err);
		tb_buf_fini(&out);
	}
	return err->code;
}

int tb_image_kernel(const struct tb_kernel *k, char *path, size_t size_bytes,
		    struct tb_err *err)
{
	const char *file = tb_kernel_fact(k, "kernel", "vmlinux");

	if (*file == '/')
		return tb_path(path, size_bytes, err, "%s", file);
	return tb_path(path, size_bytes, err, "%s/%s", k->image, file);
}

static int load_facts(struct tb_kernel *k, const char *path, struct tb_err *err)
{
	struct tb_err why = { 0 };
	int ret = tb_conf_load(&k->facts, path, &why);
	if (ret)
		return tb_usage(err, "%s: %s", k->where, why.text);
	k->id = strdup(tb_kernel_fact(k, "id", ""));
	k->release = strdup(tb_kernel_fact(k, "release", ""));
	if (!k->id || !k->release)
		return tb_fail_errno(err, -ENOMEM, "image");
	if (!*k->id || !*k->release)
		return tb_usage(err,
				"%s: %s: expected [image] with id and release",
				k->where, path);
	return 0;
}

static int strategy_file(const char *home, const char *id, char path[PATH_MAX],
			 struct tb_err *err)
{
	return tb_path(path, PATH_MAX, err, "%s/kernels/strategies/%s.conf",
		       home, id);
}

/*
 * A control may be caught by nothing but what the runtime image has. The file
 * is not read as a campaign is, as keys of a strategy may be empty.
 */
static int read_strategy(struct tb_kernel *k, struct tb_err *err)
{
	const char *id = tb_kernel_fact(k, "strategy", "");
	char home[PATH_MAX - 64], path[PATH_MAX];
	struct tb_buf text = { 0 };
	int ret = tb_home(home, sizeof(home), err);

	if (!ret)
		ret = strategy_file(home, id, path, err);
	if (ret || !*id || access(path, F_OK))
		return ret;
	ret = tb_read_file(path, &text);
	k->is_control =
		!ret && text.data && strstr(text.data, "\nsound = no\n");
	tb_buf_fini(&text);
	return ret ? tb_fail_errno(err, ret, "cannot read %s", path) : 0;
}

static int read_identity(struct tb_kernel *k, struct tb_err *err)
{
	char conf[PATH_MAX], kernel[PATH_MAX];
	int ret = tb_path(conf, sizeof(conf), err, "%s/image.conf", k->image);
	bool has_facts = !ret && !access(conf, F_OK);

	if (has_facts)
		ret = load_facts(k, conf, err);
	if (!ret)
		ret = tb_image_kernel(k, kernel, sizeof(kernel), err);
	if (!ret && access(kernel, R_OK))
		return tb_usage(err, "%s: no image: %s: %s", k->where, kernel,
				strerror(errno));
	if (!ret && !has_facts)
		ret = load_facts(k, conf, err);
	return ret ? ret : read_strategy(k, err);
}

static bool has_strategy(const char *home, const char *id)
{
	struct tb_err ignored = { 0 };
	char path[PATH_MAX];

	return !strategy_file(home, id, path, &ignored) && !access(path, F_OK);
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

int tb_images_resolve(struct tb_plan *plan, bool may_make, struct tb_err *err)
{
	unsigned int i;
	int ret = leave_out(plan, err);

	if (!ret && may_make)
		ret = check_specs(plan, err);
	for (i = 0; i < plan->nr_kernels && !ret; i++) {
		struct tb_kernel *k = &plan->kernels[i];

		if (!k->image)
			ret = ask_build(k, may_make, err);
		if (!ret)
			ret = read_identity(k, err);
	}
	return ret;
}
