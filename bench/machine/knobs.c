// SPDX-License-Identifier: GPL-2.0-only
/*
 * Settings of a quiet machine.
 *
 * Idle states: all that are deeper than the first one that halts are switched
 * off one by one. /dev/cpu_dma_latency would be shorter, but 0 makes idle CPUs
 * poll, and a CPU that polls is woken without an IPI: what is counted on lazy
 * CPUs would change. So a CPU goes idle and halts as before, only not deeper.
 * Some of the deeper states flush the TLB on entry; this shows in the counts.
 *
 * khugepaged has no switch of its own; it ends when no size is enabled.
 *
 * The limit of real-time threads stays: without it a case under SCHED_FIFO on
 * all CPUs would stop everything else on the machine.
 */
#include "machine/knobs.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/source.h"

#define CPU "/sys/devices/system/cpu/"
#define POLICY CPU "cpufreq/policy*/"
#define THP "/sys/kernel/mm/transparent_hugepage/"

/* State 0 polls on x86; what comes behind the first that halts is deep. */
static bool is_deep_state(const char *root, const char *path)
{
	const char *state = strstr(path, "/state");
	char name[PATH_MAX], value[64];

	snprintf(name, sizeof(name), "%.*s/state0/name", (int)(state - path),
		 path);
	if (tb_knob_read(root, name, value))
		return false;
	return strtoul(state + strlen("/state"), NULL, 10) >
	       (strcmp(value, "POLL") ? 0 : 1);
}

/* "inherit" follows the switch for all sizes. */
static bool is_no_heir(const char *root, const char *path)
{
	char value[64];

	return !tb_knob_read(root, path, value) &&
	       strcmp(value, "inherit") != 0;
}

/**
 * struct knob_def - @pattern is to be @want, or what the file @same_as beside
 *	it says; only where @applies
 */
static const struct knob_def {
	const char *pattern;
	const char *want;
	const char *same_as;
	bool (*applies)(const char *root, const char *path);
} defs[] = {
	/* Turbo first: it moves the limits of the frequency. */
	{ .pattern = CPU "intel_pstate/no_turbo", .want = "1" },
	{ .pattern = CPU "cpufreq/boost", .want = "0" },
	{ .pattern = POLICY "scaling_governor", .want = "performance" },
	{ .pattern = POLICY "scaling_min_freq", .same_as = "scaling_max_freq" },
	{ .pattern = CPU "cpu[0-9]*/cpuidle/state[0-9]*/disable",
	  .want = "1",
	  .applies = is_deep_state },
	{ .pattern = THP "enabled", .want = "never" },
	{ .pattern = THP "hugepages-*/enabled",
	  .want = "never",
	  .applies = is_no_heir },
	{ .pattern = "/sys/kernel/mm/ksm/run", .want = "0" },
	{ .pattern = "/proc/sys/kernel/numa_balancing", .want = "0" },
	{ .pattern = "/proc/sys/vm/compaction_proactiveness", .want = "0" },
	{ .pattern = "/proc/sys/kernel/nmi_watchdog", .want = "0" },
	{ .pattern = "/proc/sys/kernel/perf_event_max_sample_rate",
	  .want = "1" },
};

/* What a case may set besides, because the act that it measures needs it. */
static const char *const of_cases[] = {
	"/proc/sys/kernel/numa_balancing*",
	"/proc/sys/kernel/pid_max",
	"/proc/sys/kernel/shm*",
	"/proc/sys/kernel/threads-max",
	"/proc/sys/vm/*",
	"/sys/devices/system/node/node*/hugepages/hugepages-*/nr_hugepages",
	"/sys/kernel/debug/sched/numa_balancing/*",
	"/sys/kernel/debug/x86/tlb_single_page_flush_ceiling",
	"/sys/kernel/mm/hugepages/hugepages-*/nr_hugepages",
	"/sys/kernel/mm/ksm/*",
	"/sys/kernel/mm/lru_gen/*",
	"/sys/kernel/mm/numa/*",
	"/sys/kernel/mm/transparent_hugepage/*",
	"/sys/kernel/mm/transparent_hugepage/hugepages-*/*",
	"/sys/kernel/mm/transparent_hugepage/khugepaged/*",
	"/sys/kernel/tlb_strategy/*",
};

/* --- one setting --------------------------------------------------------- */

int tb_knob_read(const char *root, const char *path, char value[64])
{
	const struct tb_source src = { .root = root };
	char line[256], *open, *close;
	int ret = tb_source_line(&src, path, line, sizeof(line));

	if (ret)
		return ret;
	open = strchr(line, '[');
	close = open ? strchr(open, ']') : NULL;
	if (close)
		*close = '\0';
	snprintf(value, 64, "%s", tb_strip(close ? open + 1 : line));
	return 0;
}

static int write_knob(const char *root, const char *path, const char *value)
{
	struct tb_err ignored = { 0 };
	char full[PATH_MAX];
	int fd, ret = tb_path(full, sizeof(full), &ignored, "%s%s", root, path);

	if (ret)
		return ret;
	fd = open(full, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = tb_write_all(fd, value, strlen(value));
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

const char *tb_knob_reason(int code)
{
	return code == -EACCES || code == -EPERM ? "needs root"
						 : strerror(-code);
}

/* Some settings take "7" and say "0x0007". */
static bool is_same_number(const char *a, const char *b)
{
	char *end_a, *end_b;

	return strtoull(a, &end_a, 0) == strtoull(b, &end_b, 0) && *a && *b &&
	       !*end_a && !*end_b;
}

static bool is_set(const char *root, const char *path, const char *value)
{
	char now[64];

	return !tb_knob_read(root, path, now) &&
	       (!strcmp(now, value) || is_same_number(now, value));
}

int tb_knob_try(const char *root, const char *path)
{
	struct tb_err ignored = { 0 };
	char full[PATH_MAX], value[64];
	int ret = tb_path(full, sizeof(full), &ignored, "%s%s", root, path);

	if (!ret && access(full, W_OK))
		ret = -errno;
	return ret ? ret : tb_knob_read(root, path, value);
}

bool tb_knob_is_set(const char *root, const struct tb_knob *k)
{
	return is_set(root, k->path, k->after);
}

void tb_knob_set(const char *root, struct tb_knob *k)
{
	int ret;

	if (is_set(root, k->path, k->after))
		return;
	ret = write_knob(root, k->path, k->after);
	if (ret)
		snprintf(k->reason, sizeof(k->reason), "%s",
			 tb_knob_reason(ret));
	else if (!is_set(root, k->path, k->after))
		snprintf(k->reason, sizeof(k->reason),
			 "the kernel did not take '%s'", k->after);
}

/* --- all of them --------------------------------------------------------- */

static const struct knob_def *def_of(const char *path)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(defs); i++)
		if (!fnmatch(defs[i].pattern, path, FNM_PATHNAME))
			return &defs[i];
	return NULL;
}

bool tb_knob_is_ours(const char *path)
{
	size_t i;

	if (strstr(path, ".."))
		return false;
	for (i = 0; i < ARRAY_SIZE(of_cases); i++)
		if (!fnmatch(of_cases[i], path, FNM_PATHNAME))
			return true;
	return def_of(path);
}

static int wanted(const char *root, const struct knob_def *def,
		  const char *path, char value[64])
{
	const char *name = strrchr(path, '/') + 1;
	char other[PATH_MAX];

	if (!def->same_as) {
		snprintf(value, 64, "%s", def->want);
		return 0;
	}
	snprintf(other, sizeof(other), "%.*s%s", (int)(name - path), path,
		 def->same_as);
	return tb_knob_read(root, other, value);
}

static int add(struct tb_quiet *q, const char *path, const char *before,
	       const char *after)
{
	struct tb_knob *all = realloc(q->knobs,
				      (q->nr_knobs + 1) * sizeof(*all)),
		       *knob;

	if (!all)
		return -ENOMEM;
	q->knobs = all;
	knob = &all[q->nr_knobs];
	*knob = (struct tb_knob){ .path = strdup(path) };
	if (!knob->path)
		return -ENOMEM;
	snprintf(knob->before, sizeof(knob->before), "%s", before);
	snprintf(knob->after, sizeof(knob->after), "%s", after);
	q->nr_knobs++;
	return 0;
}

static int consider(struct tb_quiet *q, const struct knob_def *def,
		    const char *path)
{
	char before[64], after[64];

	if (tb_knob_read(q->undo.root, path, before) ||
	    wanted(q->undo.root, def, path, after) ||
	    (def->applies && !def->applies(q->undo.root, path)))
		return 0;
	/* What follows another file may be moved by the settings before it. */
	if (!strcmp(before, after) && !def->same_as)
		return 0;
	return add(q, path, before, after);
}

int tb_knobs_find(struct tb_quiet *q)
{
	const struct tb_source src = { .root = q->undo.root };
	size_t i, k, skip = strlen(q->undo.root);
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(defs) && !ret; i++) {
		glob_t found;

		if (!tb_source_glob(&src, defs[i].pattern, &found))
			for (k = 0; k < found.gl_pathc && !ret; k++)
				ret = consider(q, &defs[i],
					       found.gl_pathv[k] + skip);
		globfree(&found);
	}
	return ret;
}

void tb_knobs_free(struct tb_quiet *q)
{
	unsigned int i;

	for (i = 0; i < q->nr_knobs; i++)
		free(q->knobs[i].path);
	free(q->knobs);
	q->knobs = NULL;
	q->nr_knobs = 0;
}

void tb_knobs_apply(struct tb_quiet *q)
{
	struct tb_knob *end = q->knobs + q->nr_knobs, *k;

	for (k = q->knobs; k < end; k++) {
		wanted(q->undo.root, def_of(k->path), k->path, k->after);
		tb_knob_set(q->undo.root, k);
	}
}

bool tb_knob_undo(const char *root, const char *path, const char *before)
{
	char now[64];

	/* A setting whose file has gone, as of a CPU that is off, is no loss.
	 */
	if (tb_knob_read(root, path, now) == -ENOENT ||
	    is_set(root, path, before))
		return true;
	write_knob(root, path, before);
	return is_set(root, path, before);
}
