// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 in a VM: mounts what is needed, makes sure that the kernel is the one
 * that was asked for, runs its slot, sends the records, powers off.
 *
 * The machine belongs to this run, so real-time throttling is switched off;
 * the audit records it. So is a kernel thread that each second folds counters
 * of the memory management on all CPUs (vmstat_update()): a flush that finds it
 * running sends no IPI there. Threads of the kernel that may run anywhere get
 * the CPUs that no case uses; litmus tests use all, and want company.
 */
#include "guest/init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include "campaign/channel.h"
#include "campaign/initramfs.h"
#include "campaign/litmus_suite.h"
#include "campaign/slot.h"
#include "guest/cpus.h"
#include "guest/kthreads.h"
#include "machine/audit.h"

#define CGROUPS "/sys/fs/cgroup"

/* What slot.conf says. */
struct guest {
	struct tb_conf conf;
	int icount_shift;
	const char *release;
	/* What must stand in a file of sysfs; NULL: nothing is known of it. */
	const char *family;
	const char *expect;
	const char *work;
	struct tb_channel channel;
};

/* A sink that sends. */
struct channel_sink {
	struct tb_sink sink;
	struct tb_channel *channel;
};

static int put(struct tb_sink *sink, const char *line, size_t len_bytes,
	       struct tb_err *err)
{
	struct channel_sink *s = (struct channel_sink *)sink;

	return tb_channel_send(s->channel, TB_FRAME_RECORD, line, len_bytes,
			       err);
}

/*
 * What is missing shows later, where it is needed and can be named.
 *
 * libnuma reads /proc and /sys before main(), so this runs in a first life
 * that ends by executing the same binary again.
 */
static void mount_all(void)
{
	static const struct {
		const char *type;
		const char *at;
	} mounts[] = {
		{ "proc", "/proc" },
		{ "sysfs", "/sys" },
		{ "devtmpfs", "/dev" },
		{ "tmpfs", "/tmp" },
		{ "tracefs", "/sys/kernel/tracing" },
		{ "debugfs", "/sys/kernel/debug" },
		{ "cgroup2", CGROUPS },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mounts); i++) {
		mkdir(mounts[i].at, 0755);
		if (mount(mounts[i].type, mounts[i].at, mounts[i].type, 0,
			  NULL) &&
		    errno != EBUSY)
			fprintf(stderr, "tlbbench: cannot mount %s: %s\n",
				mounts[i].at, strerror(errno));
	}
}

void tb_guest_set(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (tb_write_all(fd, value, strlen(value)))
		fprintf(stderr, "tlbbench: %s does not take %s\n", path, value);
	close(fd);
}

/* Resources of cases: where they are made, and where that is noted. */
static void prepare_resources(void)
{
	setenv("TLBBENCH_SCRATCH_DISK", "/dev/ram0", 1);
	setenv("TLBBENCH_RUN_DIR", "/tmp/tlbbench", 1);
	tb_guest_set(CGROUPS "/cgroup.subtree_control", "+memory");
}

/* Before anything looks at the CPUs. */
static void wake_foreign_kernel(void)
{
	struct tb_err ignored = { 0 };
	struct tb_conf conf;

	if (tb_conf_load(&conf, "/" TB_GUEST_SLOT, &ignored))
		return;
	if (tb_section_find(tb_conf_section(&conf, "slot"), "foreign")) {
		tb_cpus_start();
		tb_cpus_settle();
	}
	tb_conf_fini(&conf);
}

static bool is_mounted(void)
{
	return !access("/proc/self/exe", F_OK);
}

static int read_slot(struct guest *g, struct tb_err *err)
{
	struct tb_section *s;
	uint64_t shift;
	int ret = tb_conf_load(&g->conf, "/" TB_GUEST_SLOT, err);

	if (ret)
		return ret;
	s = tb_conf_section(&g->conf, "slot");
	ret = tb_section_u64(&g->conf, s, "icount_shift", UINT64_MAX, 0, 10,
			     &shift, err);
	if (ret)
		return ret;
	g->icount_shift = shift == UINT64_MAX ? -1 : (int)shift;
	g->release = tb_section_text(s, "release", "");
	g->family = tb_section_text(s, "family", NULL);
	g->expect = tb_section_text(s, "expect", "");
	g->work = tb_section_text(s, "work", "cases");
	return 0;
}

static void send_end(struct guest *g, const char *state, const char *reason)
{
	struct tb_err err = { 0 };
	char text[TB_ERR_TEXT_BYTES + 16];
	int len = snprintf(text, sizeof(text), "%s\n%s", state, reason);

	if (tb_channel_send(&g->channel, TB_FRAME_END, text, (size_t)len, &err))
		fprintf(stderr, "tlbbench: %s\n", err.text);
}

static bool is_right_release(struct guest *g)
{
	char release[128], reason[320];

	tb_audit_release(release, sizeof(release));
	if (!strcmp(release, g->release))
		return true;
	snprintf(reason, sizeof(reason),
		 "the running kernel is %s, expected %s", release, g->release);
	send_end(g, "refused", reason);
	return false;
}

/* One image with all strategies has one release for all of them. */
static bool is_right_strategy(struct guest *g)
{
	char path[128], strategy[64] = "nothing", reason[320];

	if (!g->family)
		return true;
	snprintf(path, sizeof(path), TB_STRATEGY_DIR "/%s", g->family);
	tb_read_line(path, strategy, sizeof(strategy));
	if (!strcmp(strategy, g->expect))
		return true;
	snprintf(reason, sizeof(reason), "%s says %s, expected %s", path,
		 strategy, g->expect);
	send_end(g, "refused", reason);
	return false;
}

/* A kernel that is not the one asked for is never measured. */
static bool is_right_kernel(struct guest *g)
{
	return is_right_release(g) && is_right_strategy(g);
}

static int run_slot(struct guest *g, struct tb_err *err)
{
	struct channel_sink sink = { { .put = put }, &g->channel };
	struct tb_topo topo = { 0 };
	struct tb_plan plan = { 0 };
	struct tb_quiet quiet = { .undo.root = TB_LIVE_ROOT };
	struct tb_sig sig;
	struct tb_tally tally;
	char count[16];
	int ret;

	ret = tb_sig_init(&sig);
	if (ret)
		return tb_fail_errno(err, ret, "signals");
	ret = tb_topo_read(&topo, "/sys", err);
	if (!ret)
		ret = tb_plan_load(&plan, "/" TB_GUEST_CAMPAIGN, &topo, err);
	if (ret)
		goto out;
	plan.quiet = &quiet;
	ret = tb_kthreads_clear(&plan, &topo, err);
	if (!ret)
		ret = tb_slot_execute(&plan, g->icount_shift, &sig, &sink.sink,
				      &tally, err);
	if (!ret) {
		snprintf(count, sizeof(count), "%u", tally.nr_bad);
		send_end(g, "ok", count);
	}
	tb_quiet_end(&quiet, err);
	tb_plan_fini(&plan);
out:
	tb_topo_fini(&topo);
	return ret;
}

/* --- litmus tests ----------------------------------------------------------
 */

/* A suite that sends. */
struct channel_suite {
	struct tb_litmus_suite suite;
	struct tb_channel *channel;
};

static int put_ktap(struct tb_litmus_suite *suite, struct tb_buf *text,
		    struct tb_err *err)
{
	struct channel_suite *s = (struct channel_suite *)suite;

	if (text->has_failed)
		return tb_fail_errno(err, -ENOMEM, "litmus");
	return tb_channel_send(s->channel, TB_FRAME_KTAP, text->data,
			       text->len_bytes, err);
}

/* Split @text at blanks, in place. */
static void split(char *text, char **words, size_t max)
{
	char *word;
	size_t nr = 0;

	while ((word = strsep(&text, " ")))
		if (*word && nr + 1 < max)
			words[nr++] = word;
	words[nr] = NULL;
}

static int read_litmus(struct guest *g, struct tb_litmus_suite *s, char **names,
		       size_t max, struct tb_err *err)
{
	struct tb_section *section = tb_conf_section(&g->conf, "slot");
	struct tb_entry *tests = tb_section_find(section, "tests");
	uint64_t effort, soak_s;

	split(tests ? tests->value : NULL, names, max);
	if (tb_section_u64(&g->conf, section, "effort", 1, 0, UINT32_MAX,
			   &effort, err) ||
	    tb_section_u64(&g->conf, section, "soak_s", 0, 0, UINT32_MAX,
			   &soak_s, err))
		return err->code;
	s->effort = (unsigned int)effort;
	s->soak_s = (unsigned int)soak_s;
	return tb_litmus_suite_choose(s, names, err);
}

static int run_litmus(struct guest *g, struct tb_err *err)
{
	struct channel_suite s = { { .put = put_ktap }, &g->channel };
	struct tb_undo undo = { .root = TB_LIVE_ROOT };
	char *names[128], count[16];
	struct tb_sig sig;
	int ret = tb_sig_init(&sig);

	if (ret)
		return tb_fail_errno(err, ret, "signals");
	ret = read_litmus(g, &s.suite, names, ARRAY_SIZE(names), err);
	if (!ret)
		ret = tb_litmus_suite_run(&s.suite, &undo, &sig, err);
	if (ret)
		return ret;
	snprintf(count, sizeof(count), "%u",
		 s.suite.nr_by_state[TB_KTAP_NOT_OK]);
	send_end(g, "ok", count);
	return tb_undo_end(&undo, err);
}

void tb_guest_main(void)
{
	struct guest g = { .icount_shift = -1 };
	struct tb_err err = { 0 };
	int ret;

	if (!is_mounted()) {
		mount_all();
		wake_foreign_kernel();
		execl("/proc/self/exe", "tlbbench", NULL);
		fprintf(stderr, "tlbbench: cannot start over: %s\n",
			strerror(errno));
	}
	tb_guest_set("/proc/sys/kernel/sched_rt_runtime_us", "-1");
	tb_guest_set("/proc/sys/vm/stat_interval", "86400");
	/* As the configuration has it for anonymous memory; a workload asks. */
	tb_guest_set("/sys/kernel/mm/transparent_hugepage/shmem_enabled",
		     "advise");
	prepare_resources();
	ret = tb_channel_open(&g.channel, &err);
	if (!ret)
		ret = read_slot(&g, &err);
	if (!ret && is_right_kernel(&g)) {
		if (!strcmp(g.work, "cases"))
			ret = run_slot(&g, &err);
		else if (!strcmp(g.work, "litmus"))
			ret = run_litmus(&g, &err);
		else
			send_end(&g, "ok", "0");
	}
	if (ret) {
		fprintf(stderr, "tlbbench: %s\n", err.text);
		if (g.channel.mem)
			send_end(&g, "failed", err.text);
	}
	reboot(RB_POWER_OFF);
	/* Not reached where power-off works; a restart ends QEMU as well. */
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}
