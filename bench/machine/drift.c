// SPDX-License-Identifier: GPL-2.0-only
/* Differences of /proc, /sys, the kernel's log and two MSRs over a slot. */
#include "machine/drift.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/procstat.h"
#include "machine/source.h"

#define MAX_STOLEN_PCT 0.1
#define MAX_OFF_NOMINAL_PCT 1.0
/* KERN_WARNING; notices and chatter of drivers are no finding. */
#define LEVEL_WARNING 4
#define NO_COLUMN UINT64_MAX

static const struct tb_drift_item templates[TB_NR_DRIFT] = {
	[TB_DRIFT_STOLEN] = { .name = "stolen_pct",
			      .unit = "%",
			      .policy = TB_REFUSE,
			      .why = "the hypervisor ran something else" },
	[TB_DRIFT_THROTTLED] = { .name = "throttle_events",
				 .unit = "events",
				 .policy = TB_REFUSE,
				 .why = "a CPU was too hot and was slowed" },
	[TB_DRIFT_FREQUENCY] = { .name = "frequency_pct",
				 .unit = "% of nominal",
				 .policy = TB_WARN,
				 .why = "CPUs did not run at the frequency of "
					"the TSC" },
	[TB_DRIFT_SWAP] = { .name = "swap_used_change",
			    .unit = "KiB",
			    .policy = TB_REFUSE,
			    .why = "reclaim flushed while ops were measured" },
	[TB_DRIFT_TLB] = { .name = "tlb_interrupts", .unit = "interrupts" },
	[TB_DRIFT_FOREIGN_TLB] = { .name = "foreign_tlb_interrupts",
				   .unit = "interrupts",
				   .policy = TB_WARN,
				   .why = "other processes flush on CPUs "
					  "outside "
					  "of the run" },
	[TB_DRIFT_ALARMS] = { .name = "kernel_alarms",
			      .unit = "messages",
			      .policy = TB_REFUSE,
			      .why = "the kernel's log reports a fault" },
	[TB_DRIFT_WARNINGS] = { .name = "kernel_warnings",
				.unit = "messages",
				.policy = TB_WARN,
				.why = "the kernel's log has new warnings" },
};

/* --- samples ------------------------------------------------------------- */

/* "cpu user nice system idle iowait irq softirq steal ...". */
static void sample_stolen(const struct tb_source *src,
			  struct tb_drift_sample *s)
{
	double t[8];
	char line[256];

	s->stolen_ticks = -1;
	if (tb_source_line(src, "/proc/stat", line, sizeof(line)) ||
	    sscanf(line, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &t[0], &t[1],
		   &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) != 8)
		return;
	s->stolen_ticks = t[7];
	s->all_ticks = t[0] + t[1] + t[2] + t[3] + t[4] + t[5] + t[6] + t[7];
}

static void sample_throttled(const struct tb_source *src,
			     struct tb_drift_sample *s)
{
	glob_t found;
	size_t i;
	int ret = tb_source_glob(src,
				 "/sys/devices/system/cpu/cpu[0-9]*/"
				 "thermal_throttle/*_throttle_count",
				 &found);

	s->throttled = ret ? -1 : 0;
	for (i = 0; !ret && i < found.gl_pathc; i++) {
		char line[32];

		if (!tb_read_line(found.gl_pathv[i], line, sizeof(line)))
			s->throttled += strtod(line, NULL);
	}
	globfree(&found);
}

static void sample_swap(const struct tb_source *src, struct tb_drift_sample *s)
{
	struct tb_buf b = { 0 };
	const char *total = NULL, *free_kib = NULL;

	if (!tb_source_text(src, "/proc/meminfo", &b) && b.data) {
		total = strstr(b.data, "SwapTotal:");
		free_kib = strstr(b.data, "SwapFree:");
	}
	s->swap_used_kib = -1;
	if (total && free_kib)
		s->swap_used_kib =
			strtod(total + 10, NULL) - strtod(free_kib + 9, NULL);
	tb_buf_fini(&b);
}

/* CPUs without a column keep NO_COLUMN. */
static void sample_tlb(const struct tb_source *src, struct tb_drift_sample *s)
{
	struct tb_buf b = { 0 };
	unsigned int cpu;

	for (cpu = 0; cpu < TB_DRIFT_CPUS; cpu++)
		s->tlb[cpu] = NO_COLUMN;
	s->has_tlb = !tb_source_text(src, "/proc/interrupts", &b) && b.data &&
		     !tb_irq_row(b.data, "TLB", s->tlb, TB_DRIFT_CPUS);
	tb_buf_fini(&b);
}

static void sample(const char *root, struct tb_drift_sample *s)
{
	const struct tb_source src = { .root = root };

	sample_stolen(&src, s);
	sample_throttled(&src, s);
	sample_swap(&src, s);
	sample_tlb(&src, s);
}

void tb_drift_begin(struct tb_drift *d, const char *root)
{
	*d = (struct tb_drift){ .root = root };
	memcpy(d->items, templates, sizeof(templates));
	d->log_error = tb_kmsg_open(&d->log, root, true);
	tb_freq_begin(&d->freq, *root ? -ENOTSUP : 0);
	sample(root, &d->begin);
}

void tb_drift_fini(struct tb_drift *d)
{
	tb_kmsg_close(&d->log);
	tb_freq_fini(&d->freq);
}

/* --- items --------------------------------------------------------------- */

static void set(struct tb_drift_item *item, double value, bool is_wrong)
{
	item->is_known = true;
	item->value = value;
	item->is_wrong = is_wrong;
}

static void absent(struct tb_drift_item *item, const char *reason)
{
	snprintf(item->reason, sizeof(item->reason), "%s", reason);
}

static void end_stolen(struct tb_drift_item *item,
		       const struct tb_drift_sample *from,
		       const struct tb_drift_sample *to)
{
	double all = to->all_ticks - from->all_ticks, pct;

	if (from->stolen_ticks < 0 || to->stolen_ticks < 0)
		return absent(item, "no steal time in /proc/stat");
	if (all <= 0)
		return absent(item, "shorter than a tick");
	pct = 100 * (to->stolen_ticks - from->stolen_ticks) / all;
	set(item, pct, pct > MAX_STOLEN_PCT);
}

static void end_tlb(struct tb_drift *d, const struct tb_drift_sample *to)
{
	struct tb_drift_item *all = &d->items[TB_DRIFT_TLB];
	struct tb_drift_item *foreign = &d->items[TB_DRIFT_FOREIGN_TLB];
	double sum = 0, outside = 0;
	bool has_outside = false;
	unsigned int cpu;

	if (!d->begin.has_tlb || !to->has_tlb) {
		absent(all, "no row TLB in /proc/interrupts");
		return absent(foreign, all->reason);
	}
	for (cpu = 0; cpu < TB_DRIFT_CPUS; cpu++) {
		double nr;

		if (to->tlb[cpu] == NO_COLUMN || d->begin.tlb[cpu] == NO_COLUMN)
			continue;
		nr = (double)(to->tlb[cpu] - d->begin.tlb[cpu]);
		sum += nr;
		if (d->is_used[cpu])
			continue;
		outside += nr;
		has_outside = true;
	}
	set(all, sum, false);
	if (has_outside)
		set(foreign, outside, outside > 0);
	else
		absent(foreign, "all CPUs belong to the run");
}

static bool is_alarm(const char *text)
{
	static const char *const words[] = {
		"mce:",
		"Machine check",
		"Hardware Error",
		"Marking TSC unstable",
		"Marking clocksource",
		"soft lockup",
		"hard LOCKUP",
		"self-detected stall",
		"detected stalls",
		"blocked for more than",
		"BUG:",
		"Oops",
		"WARNING:",
		"KCSAN:",
		"Out of memory",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(text, words[i]))
			return true;
	return false;
}

static void end_log(struct tb_drift *d)
{
	struct tb_drift_item *alarms = &d->items[TB_DRIFT_ALARMS];
	struct tb_drift_item *warnings = &d->items[TB_DRIFT_WARNINGS];
	unsigned int level, nr_alarms = 0, nr_warnings = 0;
	char text[256];

	if (d->log_error) {
		snprintf(alarms->reason, sizeof(alarms->reason),
			 "/dev/kmsg: %s", strerror(-d->log_error));
		return absent(warnings, alarms->reason);
	}
	while (tb_kmsg_next(&d->log, &level, text, sizeof(text))) {
		if (is_alarm(text))
			nr_alarms++;
		else if (level <= LEVEL_WARNING)
			nr_warnings++;
		else
			continue;
		if (d->nr_lines < TB_DRIFT_LINES)
			memcpy(d->lines[d->nr_lines++], text, sizeof(text));
	}
	set(alarms, nr_alarms, nr_alarms > 0);
	set(warnings, nr_warnings, nr_warnings > 0);
}

static void end_frequency(struct tb_drift *d)
{
	struct tb_drift_item *item = &d->items[TB_DRIFT_FREQUENCY];
	double ratio;
	int ret = tb_freq_ratio(&d->freq, d->is_used, TB_DRIFT_CPUS, &ratio);

	if (ret == -ENOENT)
		absent(item, "no events aperf and mperf of PMU msr");
	else if (ret == -ENOTSUP)
		absent(item, "not to be had from a captured tree");
	else if (ret)
		absent(item, ret == -EACCES || ret == -EPERM ? "needs root"
							     : strerror(-ret));
	else
		set(item, 100 * ratio,
		    fabs(100 * ratio - 100) > MAX_OFF_NOMINAL_PCT);
}

void tb_drift_end(struct tb_drift *d)
{
	struct tb_drift_item *items = d->items;
	struct tb_drift_sample to = { .has_tlb = false };
	double delta;

	sample(d->root, &to);
	end_stolen(&items[TB_DRIFT_STOLEN], &d->begin, &to);
	delta = to.throttled - d->begin.throttled;
	if (d->begin.throttled < 0 || to.throttled < 0)
		absent(&items[TB_DRIFT_THROTTLED], "no thermal_throttle");
	else
		set(&items[TB_DRIFT_THROTTLED], delta, delta > 0);
	delta = to.swap_used_kib - d->begin.swap_used_kib;
	if (d->begin.swap_used_kib < 0 || to.swap_used_kib < 0)
		absent(&items[TB_DRIFT_SWAP], "no swap in /proc/meminfo");
	else
		set(&items[TB_DRIFT_SWAP], delta, delta != 0);
	end_frequency(d);
	end_tlb(d, &to);
	end_log(d);
}

void tb_drift_complaint(const struct tb_drift_item *item, struct tb_buf *b)
{
	tb_buf_printf(b, "%s = %.4g %s: %s", item->name, item->value,
		      item->unit, item->why);
}
