// SPDX-License-Identifier: GPL-2.0-only
/* tlbbench campaign: run every slot of a plan, or those that are left. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
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
#include "cmd/cmd.h"
#include "cmd/profile.h"

/* A campaign on its way. */
struct run {
	const char *results;
	const char *resume;
	const char *conf_path;
	bool is_aa;
	enum tb_profile profile;
	struct tb_quiet quiet;
	struct tb_buf conf_text;
	struct tb_topo topo;
	struct tb_plan plan;
	struct tb_store store;
	struct tb_sig sig;
	struct tb_progress progress;
	unsigned int nr_bad;
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
	r->nr_bad += !is_good;
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
		ret = tb_litmus_check(&r->plan, &r->store, &r->sig, &r->nr_bad,
				      err);
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

	if (r->resume)
		ret = tb_store_reopen(&r->store, r->resume, &r->plan, err);
	else
		ret = tb_store_create(&r->store, r->results, &r->plan,
				      r->conf_text.data, err);
	return ret ? ret : lock_store(r, err);
}

static int prepare(struct run *r, struct tb_err *err)
{
	int ret = tb_topo_read(&r->topo, "/sys", err);

	if (!ret)
		ret = tb_plan_load(&r->plan, r->conf_path, &r->topo, err);
	if (!ret && r->is_aa)
		ret = tb_aa_make(&r->plan, err);
	if (!ret) {
		ret = tb_read_file(r->conf_path, &r->conf_text);
		if (ret)
			tb_fail_errno(err, ret, "cannot read %s", r->conf_path);
	}
	if (!ret)
		ret = hash_plan(r, err);
	if (!ret && r->plan.is_vm)
		ret = tb_images_resolve(&r->plan, true, err);
	if (!ret)
		ret = tb_profile_enter(r->profile, &r->quiet, err);
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
	if (ret) {
		int code = tb_cmd_fail(&err);

		if (*r->store.dir && !err.is_usage)
			fprintf(stderr,
				"tlbbench: what was measured is kept; continue "
				"with: tlbbench campaign --resume %s\n",
				r->store.dir);
		return code;
	}
	printf("%s\n", r->store.dir);
	return r->nr_bad ? TB_EXIT_FAIL : TB_EXIT_OK;
}

static int parse(struct run *r, int argc, char **argv, char *conf,
		 char *results, struct tb_err *err)
{
	static const struct option options[] = {
		{ "results", required_argument, NULL, 'o' },
		{ "resume", required_argument, NULL, 'r' },
		{ "profile", required_argument, NULL, 'p' },
		{ "aa", no_argument, NULL, 'a' },
		{ 0 },
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == ':')
			return tb_usage(err, "campaign: %s: expected its value",
					argv[optind - 1]);
		if (option == 'o')
			r->results = optarg;
		else if (option == 'r')
			r->resume = optarg;
		else if (option == 'a')
			r->is_aa = true;
		else if (option == 'p') {
			if (tb_profile_option("campaign", optarg, &r->profile,
					      err))
				return err->code;
		} else
			return tb_usage(
				err,
				"campaign: unknown option %s, expected "
				"--aa, --results, --resume or --profile",
				argv[optind - 1]);
	}
	if (argc - optind != (r->resume ? 0 : 1) || (r->results && r->resume))
		return -EINVAL;
	/* Not "/": an unset variable of a script. */
	if ((r->results && !*r->results) || (r->resume && !*r->resume))
		return tb_usage(err, "campaign: %s: expected a directory",
				r->resume ? "--resume" : "--results");
	if (r->resume)
		return tb_path(conf, PATH_MAX, err, "%s/campaign.conf",
			       r->resume);
	if (tb_path(conf, PATH_MAX, err, "%s", argv[optind]))
		return err->code;
	if (r->results)
		return 0;
	r->results = results;
	if (tb_home(results, PATH_MAX - 16, err))
		return err->code;
	strcat(results, "/results");
	return 0;
}

static int run(int argc, char **argv)
{
	char conf[PATH_MAX], results[PATH_MAX];
	struct run r = { .conf_path = conf };
	struct tb_err err = { 0 };
	int code;

	if (parse(&r, argc, argv, conf, results, &err))
		return err.code ? tb_cmd_fail(&err)
				: tb_cmd_usage(&tb_cmd_campaign);
	code = tb_profile_leave(&r.quiet, execute(&r));
	tb_plan_fini(&r.plan);
	tb_topo_fini(&r.topo);
	tb_buf_fini(&r.conf_text);
	return code;
}

const struct tb_cmd tb_cmd_campaign = {
	.name = "campaign",
	.usage = "[--aa] [--profile PROFILE] [--results DIR] CONF | "
		 "--resume DIR",
	.help = "run a campaign, or what is left of one",
	.run = run,
};
