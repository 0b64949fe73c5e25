// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the audit. Most facts are the first line of one file; the rest are
 * small functions. Nothing here changes anything.
 */
#include "machine/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/text.h"
#include "machine/mech.h"
#include "machine/uring.h"

/* Value behind "key : value" in the first block of /proc/cpuinfo. */
static bool cpuinfo_value(const char *key, char *value, size_t size_bytes)
{
	struct tb_buf b = { 0 };
	const char *line = NULL;

	if (!tb_read_file("/proc/cpuinfo", &b) && b.data)
		line = strstr(b.data, key);
	if (line)
		line = strchr(line, ':');
	if (line) {
		line += strspn(line, ": \t");
		snprintf(value, size_bytes, "%.*s", (int)strcspn(line, "\n"),
			 line);
	}
	tb_buf_fini(&b);
	return line;
}

static bool cpu_model(char *value, size_t size_bytes)
{
	return cpuinfo_value("model name", value, size_bytes);
}

/* Of all CPU flags, those that change what a flush costs. */
static bool tlb_flags(char *value, size_t size_bytes)
{
	static const char *const names[] = { "pcid",	  "invpcid", "invlpgb",
					     "la57",	  "pti",     "pge",
					     "hypervisor" };
	struct tb_buf b = { 0 };
	char flags[8192];
	size_t i;

	if (!cpuinfo_value("flags", flags, sizeof(flags) - 2))
		return false;
	memmove(flags + 1, flags, strlen(flags) + 1);
	flags[0] = ' ';
	strcat(flags, " ");
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		char word[32];

		snprintf(word, sizeof(word), " %s ", names[i]);
		if (strstr(flags, word))
			tb_buf_printf(&b, "%s%s", b.len_bytes ? " " : "",
				      names[i]);
	}
	snprintf(value, size_bytes, "%s", b.data ? b.data : "");
	tb_buf_fini(&b);
	return true;
}

static bool nr_cpus(char *value, size_t size_bytes)
{
	snprintf(value, size_bytes, "%ld", sysconf(_SC_NPROCESSORS_ONLN));
	return true;
}

static bool memory(char *value, size_t size_bytes)
{
	long pages = sysconf(_SC_PHYS_PAGES);

	snprintf(value, size_bytes, "%ld MiB",
		 pages / ((1L << 20) / sysconf(_SC_PAGESIZE)));
	return pages > 0;
}

static bool flush_mechanism(char *value, size_t size_bytes)
{
	snprintf(value, size_bytes, "%s", tb_mech_detect().name);
	return true;
}

static bool io_uring(char *value, size_t size_bytes)
{
	int ret = tb_uring_probe();

	snprintf(value, size_bytes, "%s", ret ? strerror(-ret) : "available");
	return true;
}

static bool kernel_version(char *value, size_t size_bytes)
{
	struct utsname u;

	if (uname(&u))
		return false;
	snprintf(value, size_bytes, "%s %s", u.machine, u.version);
	return true;
}

static const struct {
	const char *name;
	const char *path;
	bool (*read)(char *value, size_t size_bytes);
} facts[] = {
	{ .name = "cpu_model", .read = cpu_model },
	{ .name = "cpu_tlb_flags", .read = tlb_flags },
	{ .name = "nr_cpus", .read = nr_cpus },
	{ .name = "memory", .read = memory },
	{ .name = "flush_mechanism", .read = flush_mechanism },
	{ .name = "kernel_version", .read = kernel_version },
	{ .name = "cmdline", .path = "/proc/cmdline" },
	{ .name = "clocksource",
	  .path = "/sys/devices/system/clocksource/clocksource0/"
		  "current_clocksource" },
	{ .name = "flush_ceiling_pages",
	  .path = "/sys/kernel/debug/x86/tlb_single_page_flush_ceiling" },
	{ .name = "smt_active", .path = "/sys/devices/system/cpu/smt/active" },
	{ .name = "governor",
	  .path = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor" },
	{ .name = "idle_driver",
	  .path = "/sys/devices/system/cpu/cpuidle/current_driver" },
	{ .name = "isolated_cpus", .path = "/sys/devices/system/cpu/isolated" },
	{ .name = "meltdown",
	  .path = "/sys/devices/system/cpu/vulnerabilities/meltdown" },
	{ .name = "thp",
	  .path = "/sys/kernel/mm/transparent_hugepage/enabled" },
	{ .name = "ksm_run", .path = "/sys/kernel/mm/ksm/run" },
	{ .name = "numa_balancing", .path = "/proc/sys/kernel/numa_balancing" },
	{ .name = "sched_rt_runtime_us",
	  .path = "/proc/sys/kernel/sched_rt_runtime_us" },
	{ .name = "randomize_va_space",
	  .path = "/proc/sys/kernel/randomize_va_space" },
	{ .name = "io_uring", .read = io_uring },
};

struct tb_fact *tb_audit_read(unsigned int *nr_facts)
{
	struct tb_fact *all = calloc(ARRAY_SIZE(facts), sizeof(*all));
	size_t i;

	if (!all)
		return NULL;
	for (i = 0; i < ARRAY_SIZE(facts); i++) {
		struct tb_fact *f = &all[i];

		f->name = facts[i].name;
		if (facts[i].read)
			f->is_known = facts[i].read(f->value, sizeof(f->value));
		else
			f->is_known = !tb_read_line(facts[i].path, f->value,
						    sizeof(f->value));
	}
	*nr_facts = ARRAY_SIZE(facts);
	return all;
}

void tb_audit_release(char *release, unsigned int size_bytes)
{
	struct utsname u;

	snprintf(release, size_bytes, "%s", uname(&u) ? "unknown" : u.release);
}
