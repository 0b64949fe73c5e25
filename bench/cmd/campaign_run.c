// SPDX-License-Identifier: GPL-2.0-only
/* Every slot of a plan, or those that are left. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "campaign/aa.h"
#include "campaign/image.h"
#include "campaign/litmus_vm.h"
#include "campaign/progress.h"
#include "campaign/store.h"
#include "cmd/campaign_run.h"
#include "cmd/cmd.h"
#include "cmd/profile.h"

/* A campaign on its way. */
struct run {
	const struct tb_campaign_ask *ask;
	struct tb_quiet quiet;
	struct tb_buf conf_text;
	struct tb_topo topo;
	struct tb_plan plan;
	struct tb_store store;
	struct tb_sig sig;
	struct tb_progress progress;
	struct tb_campaign_result *result;
};

static const struct tb_backend *backend_of(const struct run *r)
{
	return r->plan.is_vm ? &tb_backend_vm : &tb_backend_here;
}

static void print_slot(const struct run *r, const struct tb_slot_plan *slot,
		       const struct tb_slot_file *file,
		       const struct tb_outcome *out)
{
	fprintf(stderr,
		"tlbbench: slot %u/%u %s, seed %llu: %s, %u records, "
		"%.1f s%s%s\n",
		slot->slot + 1, r->plan.nr_slots,
		r->plan.kernels[slot->kernel].name,
		(unsigned long long)slot->seed, tb_slot_state_name(out->state),
		file->nr_records, out->host_seconds, *out->reason ? ": " : "",
		out->reason);
	if (out->nr_not_ok)
		fprintf(stderr, "tlbbench: slot %u: %u repetitions not ok\n",
			slot->slot + 1, out->nr_not_ok);
}

static void blame(struct run *r, unsigned int kernel)
{
	if (!kernel)
		r->result->blame = TB_BLAME_REFERENCE;
	else if (!r->result->blame)
		r->result->blame = TB_BLAME_OTHER;
}

static int run_slot(struct run *r, const struct tb_slot_plan *slot,
		    struct tb_err *err)
{
	struct tb_outcome out = { .state = TB_SLOT_OK };
	struct tb_slot_file file;
	int ret = tb_store_begin(&r->store, &r->plan, slot, &file, err);
	const struct tb_boot boot = {
		.plan = &r->plan,
		.slot = slot,
		.conf_text = r->conf_text.data,
		.dir = file.dir,
		.sig = &r->sig,
		.sink = tb_progress_begin(&r->progress, slot, &file.sink),
	};
	bool is_good;

	if (!ret)
		ret = backend_of(r)->run(&boot, &out, err);
	if (!ret)
		ret = tb_store_finish(&file, &out, err);
	is_good = !ret && out.state == TB_SLOT_OK && !out.nr_not_ok;
	tb_progress_end(&r->progress, is_good);
	if (!ret)
		print_slot(r, slot, &file, &out);
	tb_store_abandon(&file);
	if (!is_good)
		blame(r, slot->kernel);
	tb_buf_fini(&out.log_tail);
	return ret;
}

static void tell_missing(const struct tb_plan *plan)
{
	unsigned int i;

	for (i = 0; i < plan->nr_missing; i++)
		fprintf(stderr,
			"tlbbench: [kernel %s] left out: there is no strategy "
			"%s yet\n",
			plan->missing[i].name, plan->missing[i].strategy);
}

static int check_soundness(struct run *r, struct tb_err *err)
{
	unsigned int i, nr_bad = 0;
	int ret = tb_litmus_check(&r->plan, &r->store, &r->sig, &nr_bad, err);

	for (i = 0; nr_bad && i < r->plan.nr_kernels; i++)
		if (!r->plan.kernels[i].soundness)
			blame(r, i);
	return ret;
}

static int run_slots(struct run *r, struct tb_err *err)
{
	struct tb_progress *p = &r->progress;
	unsigned int i;
	int ret = tb_progress_init(p, &r->plan, STDERR_FILENO, err);

	for (i = 0; i < r->plan.nr_slots && !ret; i++)
		if (tb_store_has_slot(&r->store, &r->plan, &r->plan.slots[i]))
			tb_progress_skip(p, &r->plan.slots[i]);
	tell_missing(&r->plan);
	if (!ret && p->nr_slots)
		tb_progress_announce(p);
	if (!ret && r->plan.is_vm)
		fprintf(stderr, "tlbbench: accel %s, in %s\n",
			tb_accel_name(r->plan.accel), r->store.dir);
	if (!ret && p->nr_slots)
		ret = check_soundness(r, err);
	for (i = 0; i < r->plan.nr_slots && !ret; i++)
		if (p->is_left[i])
			ret = run_slot(r, &r->plan.slots[i], err);
	tb_progress_fini(p);
	return ret;
}

static int hash_plan(struct run *r, struct tb_err *err)
{
	SHA256Data((const uint8_t *)r->conf_text.data, r->conf_text.len_bytes,
		   r->plan.conf_sha256);
	if (!SHA256File("/proc/self/exe", r->plan.binary_sha256))
		return tb_fail_errno(err, -errno, "cannot read my own binary");
	tb_host_id("", r->plan.host);
	return 0;
}

/* Two that write to one campaign would spoil it; held until the exit. */
static int lock_store(const struct run *r, struct tb_err *err)
{
	int fd = open(r->store.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
		return 0;
	if (fd >= 0 && errno == EWOULDBLOCK)
		return tb_usage(err, "%s: another tlbbench is at work there",
				r->store.dir);
	return tb_fail_errno(err, -errno, "cannot lock %s", r->store.dir);
}

static int open_store(struct run *r, struct tb_err *err)
{
	int ret;

	if (r->ask->resume)
		ret = tb_store_reopen(&r->store, r->ask->resume, &r->plan, err);
	else
		ret = tb_store_create(&r->store, r->ask->results, &r->plan,
				      r->conf_text.data, err);
	return ret ? ret : lock_store(r, err);
}

static int check_boots(const struct run *r, struct tb_err *err)
{
	if (r->plan.boots >= r->ask->min_boots)
		return 0;
	return tb_usage(err,
			"%s: boots = %u: expected %u or more, or there is no "
			"verdict",
			r->plan.path, r->plan.boots, r->ask->min_boots);
}

/* The file with the kernels of the command line; else as it is, to the byte. */
static int load_conf(struct run *r, struct tb_conf *conf, struct tb_err *err)
{
	const struct tb_campaign_ask *ask = r->ask;
	int ret = tb_conf_parse(conf, ask->path, ask->text, err);

	if (ret)
		return ret;
	ret = tb_kernel_args_apply(&ask->kernels, conf, err);
	if (!ret && ask->kernels.nr)
		tb_conf_write(conf, &r->conf_text);
	else if (!ret)
		tb_buf_printf(&r->conf_text, "%s", ask->text);
	if (!ret && r->conf_text.has_failed)
		ret = tb_fail_errno(err, -ENOMEM, "%s", ask->path);
	if (ret)
		tb_conf_fini(conf);
	return ret;
}

static int load(struct run *r, struct tb_err *err)
{
	struct tb_conf conf;
	int ret = tb_topo_read(&r->topo, "/sys", err);

	if (!ret)
		ret = load_conf(r, &conf, err);
	if (!ret)
		ret = tb_plan_make(&r->plan, &conf, &r->topo, err);
	if (!ret && r->ask->is_aa)
		ret = tb_aa_make(&r->plan, err);
	return ret ? ret : check_boots(r, err);
}

/* In their order, so the first one without an id is the one that failed. */
static int resolve_images(struct run *r, struct tb_err *err)
{
	unsigned int i = 0;
	int ret = tb_images_resolve(&r->plan, true, err);

	if (!ret || err->is_usage)
		return ret;
	while (i < r->plan.nr_kernels && r->plan.kernels[i].id)
		i++;
	blame(r, i);
	return ret;
}

static int prepare(struct run *r, struct tb_err *err)
{
	int ret = load(r, err);

	if (!ret)
		ret = hash_plan(r, err);
	if (!ret && r->plan.is_vm)
		ret = resolve_images(r, err);
	if (!ret)
		ret = tb_profile_enter(r->ask->profile, &r->quiet, err);
	r->plan.quiet = &r->quiet;
	if (ret)
		return ret;
	/* Until here no file was made, and Ctrl-C simply ends the command. */
	ret = tb_sig_init(&r->sig);
	if (ret)
		return tb_fail_errno(err, ret, "signals");
	ret = backend_of(r)->prepare(&r->plan, &r->sig, err);
	return ret ? ret : open_store(r, err);
}
static int execute(struct run *r)
{
	struct tb_err err = { 0 };
	int ret = prepare(r, &err);

	if (!ret)
		ret = run_slots(r, &err);
	memcpy(r->result->dir, r->store.dir, sizeof(r->result->dir));
	if (ret) {
		int code = tb_cmd_fail(&err);

		r->result->is_broken_off = true;
		r->result->is_interrupted = ret == -EINTR;
		if (*r->store.dir && !err.is_usage)
			fprintf(stderr,
				"tlbbench: what was measured is kept; continue "
				"with: tlbbench campaign --resume %s\n",
				r->store.dir);
		return code;
	}
	return r->result->blame ? TB_EXIT_FAIL : TB_EXIT_OK;
}

int tb_campaign_run(const struct tb_campaign_ask *ask,
		    struct tb_campaign_result *result)
{
	struct run r = { .ask = ask, .result = result };
	int code;

	*result = (struct tb_campaign_result){ .blame = TB_BLAME_NOBODY };
	code = tb_profile_leave(&r.quiet, execute(&r));
	tb_plan_fini(&r.plan);
	tb_topo_fini(&r.topo);
	tb_buf_fini(&r.conf_text);
	return code;
}
