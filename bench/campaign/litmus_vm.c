// SPDX-License-Identifier: GPL-2.0-only
/* Boots that run litmus tests. */
#include "campaign/litmus_vm.h"

#include <errno.h>
#include <stdio.h>

#include "base/ktap.h"

int tb_litmus_boot(const struct tb_plan *plan, unsigned int kernel,
		   struct tb_vm_litmus *litmus, const char *dir,
		   struct tb_sig *sig, struct tb_outcome *out,
		   struct tb_err *err)
{
	const struct tb_slot_plan slot = { .kernel = kernel,
					   .seed = plan->seed };
	const struct tb_boot boot = {
		.plan = plan,
		.slot = &slot,
		.conf_text = "",
		.dir = dir,
		.sig = sig,
	};
	struct tb_vm vm = {
		.boot = &boot,
		.kernel = &plan->kernels[kernel],
		.litmus = litmus,
	};

	*out = (struct tb_outcome){ .state = TB_SLOT_OK };
	return tb_vm_run(&vm, litmus->limit_s, out, err);
}

/* --- of a campaign ----------------------------------------------------------
 */

#define TESTS "tests.ktap"

/* Keeps what comes. */
struct keeper {
	struct tb_vm_litmus litmus;
	struct tb_buf text;
};

static int keep(struct tb_vm_litmus *l, const char *text, size_t len_bytes,
		struct tb_err *err)
{
	struct keeper *k = (struct keeper *)l;

	tb_buf_add(&k->text, text, len_bytes);
	return k->text.has_failed ? tb_fail_errno(err, -ENOMEM, "litmus") : 0;
}

static void judge(struct tb_kernel *k, const struct tb_buf *text)
{
	static const char *const words[] = {
		[TB_KTAP_OK] = "sound",
		[TB_KTAP_NOT_OK] = "unsound",
		[TB_KTAP_SKIP] = "unchecked",
	};

	if (!k->is_control)
		k->soundness = words[tb_ktap_judge(text->data)];
	fprintf(stderr, "tlbbench: litmus tests: kernel %s is %s%s\n", k->name,
		k->soundness, k->is_control ? ", says its strategy" : "");
}

static int make_dirs(const struct tb_store *store, const char *dir,
		     char path[PATH_MAX], struct tb_err *err)
{
	int ret = tb_path(path, PATH_MAX, err, "%s/litmus", store->dir);

	if (!ret)
		ret = tb_make_dir(path, err);
	if (!ret)
		ret = tb_path(path, PATH_MAX, err, "%s/%s", store->dir, dir);
	return ret ? ret : tb_make_dir(path, err);
}

static int recall(struct tb_kernel *k, const struct tb_store *store,
		  const char *name, struct tb_err *err)
{
	struct tb_buf text = { 0 };
	char path[PATH_MAX];
	int ret = tb_path(path, sizeof(path), err, "%s/%s", store->dir, name);

	if (!ret)
		ret = tb_read_file(path, &text);
	if (!ret)
		judge(k, &text);
	tb_buf_fini(&text);
	return ret ? tb_fail_errno(err, ret, "cannot read %s", path) : 0;
}

/* A kernel on which the tests do not come to their end stays unchecked. */
static int check_one(struct tb_plan *plan, unsigned int kernel,
		     const struct tb_store *store, const char *dir,
		     struct tb_sig *sig, unsigned int *nr_bad,
		     struct tb_err *err)
{
	struct tb_kernel *k = &plan->kernels[kernel];
	struct keeper keeper = {
		.litmus = { .tests = "",
			    .effort = plan->litmus == TB_LITMUS_FULL,
			    .limit_s = TB_LITMUS_SILENCE_S,
			    .put = keep },
	};
	struct tb_outcome out = { .state = TB_SLOT_OK };
	char path[PATH_MAX];
	int ret = make_dirs(store, dir, path, err);

	if (!ret)
		ret = tb_litmus_boot(plan, kernel, &keeper.litmus, path, sig,
				     &out, err);
	if (!ret && out.state == TB_SLOT_OK && keeper.text.data) {
		judge(k, &keeper.text);
		ret = tb_store_keep(store, dir, TESTS, &keeper.text, err);
	} else if (!ret) {
		fprintf(stderr,
			"tlbbench: litmus tests: kernel %s is unchecked: %s: "
			"%s\n",
			k->name, tb_slot_state_name(out.state), out.reason);
		++*nr_bad;
	}
	tb_buf_fini(&out.log_tail);
	tb_buf_fini(&keeper.text);
	return ret;
}

int tb_litmus_check(struct tb_plan *plan, const struct tb_store *store,
		    struct tb_sig *sig, unsigned int *nr_bad,
		    struct tb_err *err)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < plan->nr_kernels; i++)
		if (plan->kernels[i].is_control)
			plan->kernels[i].soundness = "unsound";
	if (!plan->is_vm || plan->litmus == TB_LITMUS_NONE)
		return 0;
	for (i = 0; i < plan->nr_kernels && !ret; i++) {
		char dir[NAME_MAX], name[NAME_MAX + 16];

		snprintf(dir, sizeof(dir), "litmus/%s", plan->kernels[i].name);
		snprintf(name, sizeof(name), "%s/" TESTS, dir);
		if (tb_store_has(store, name))
			ret = recall(&plan->kernels[i], store, name, err);
		else
			ret = check_one(plan, i, store, dir, sig, nr_bad, err);
	}
	return ret;
}
