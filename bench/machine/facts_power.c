// SPDX-License-Identifier: GPL-2.0-only
/* Facts about frequency, idle states and temperature. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/facts.h"

#define POLICIES "/sys/devices/system/cpu/cpufreq/policy*/"

int tb_fact_frequency_range(struct tb_source *src, struct tb_fact *f)
{
	int ret =
		tb_source_distinct(src, POLICIES "scaling_min_freq", &f->value);

	if (ret)
		return tb_fact_unknown(f, ret, "no cpufreq driver");
	tb_buf_printf(&f->value, " to ");
	return tb_source_distinct(src, POLICIES "scaling_max_freq", &f->value);
}

bool tb_is_frequency_free(const char *value)
{
	const char *to = strstr(value, " to ");

	return !to || strlen(to + 4) != (size_t)(to - value) ||
	       strncmp(value, to + 4, to - value) != 0;
}

/* intel_pstate says no_turbo, the other drivers say boost. */
int tb_fact_turbo(struct tb_source *src, struct tb_fact *f)
{
	static const struct {
		const char *path;
		char on;
	} switches[] = {
		{ "/sys/devices/system/cpu/intel_pstate/no_turbo", '0' },
		{ "/sys/devices/system/cpu/cpufreq/boost", '1' },
	};
	char line[16];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(switches); i++)
		if (!tb_source_line(src, switches[i].path, line,
				    sizeof(line))) {
			tb_buf_printf(&f->value,
				      *line == switches[i].on ? "on" : "off");
			return 0;
		}
	return tb_fact_unknown(f, -ENOENT,
			       "neither intel_pstate nor cpufreq/boost");
}

/* Names of CPU 0's states with their exit latency; "off" where disabled. */
static int idle_states_of_cpu0(const struct tb_source *src, struct tb_fact *f)
{
	char path[96], name[32], latency[16], disable[16];
	unsigned int i;

	for (i = 0;; i++) {
		const char *const dir = "/sys/devices/system/cpu/cpu0/cpuidle";

		snprintf(path, sizeof(path), "%s/state%u/name", dir, i);
		if (tb_source_line(src, path, name, sizeof(name)))
			break;
		snprintf(path, sizeof(path), "%s/state%u/latency", dir, i);
		if (tb_source_line(src, path, latency, sizeof(latency)))
			break;
		snprintf(path, sizeof(path), "%s/state%u/disable", dir, i);
		if (tb_source_line(src, path, disable, sizeof(disable)))
			break;
		tb_list_add(&f->value, ", ", name);
		tb_buf_printf(&f->value, " %s us%s", latency,
			      *disable == '0' ? "" : " (off)");
	}
	return i ? 0 : tb_fact_unknown(f, -ENOENT, "no cpuidle driver");
}

/* Where a state is off on one CPU and on on another one, that is said. */
int tb_fact_idle_states(struct tb_source *src, struct tb_fact *f)
{
	int ret = idle_states_of_cpu0(src, f);
	unsigned int i;

	for (i = 0; !ret && i < 16; i++) {
		struct tb_buf b = { 0 };
		char pattern[96];

		snprintf(pattern, sizeof(pattern),
			 "/sys/devices/system/cpu/cpu[0-9]*/cpuidle/state%u/"
			 "disable",
			 i);
		/* Without memory it is empty. */
		if (!tb_source_distinct(src, pattern, &b) && b.data &&
		    strchr(b.data, ','))
			tb_buf_printf(&f->value, "; state %u differs by CPU",
				      i);
		tb_buf_fini(&b);
	}
	return ret;
}

/*
 * Deeper than the first state that halts: slow to leave, and some of them
 * flush the TLB, which hides what lazy TLB mode does.
 */
bool tb_has_deep_states(const char *value)
{
	char *copy = strdup(value), *rest = copy, *state;
	bool has_halt = false, is_deep = false;

	while (copy && (state = strsep(&rest, ",;"))) {
		state += *state == ' ';
		is_deep |= has_halt && !strstr(state, "(off)");
		has_halt |= strncmp(state, "POLL", 4) != 0;
	}
	free(copy);
	return is_deep;
}

/* The file gives four bytes: the shortest limit that anybody holds. */
int tb_fact_dma_latency(struct tb_source *src, struct tb_fact *f)
{
	const int32_t no_limit = 2000000000;
	struct tb_buf b = { 0 };
	int32_t limit_us;
	int ret = tb_source_text(src, "/dev/cpu_dma_latency", &b);

	if (!ret && b.len_bytes != sizeof(limit_us))
		ret = -EBADMSG;
	if (!ret) {
		memcpy(&limit_us, b.data, sizeof(limit_us));
		if (limit_us == no_limit)
			tb_buf_printf(&f->value, "no limit");
		else
			tb_buf_printf(&f->value, "%d us", limit_us);
	}
	tb_buf_fini(&b);
	return ret;
}

int tb_fact_temperature(struct tb_source *src, struct tb_fact *f)
{
	long highest = 0;
	glob_t found;
	size_t i;
	int ret = tb_source_glob(src, "/sys/class/thermal/thermal_zone*/temp",
				 &found);

	for (i = 0; !ret && i < found.gl_pathc; i++) {
		char line[32];
		long millidegrees;

		if (tb_read_line(found.gl_pathv[i], line, sizeof(line)))
			continue;
		millidegrees = strtol(line, NULL, 10);
		if (millidegrees > highest)
			highest = millidegrees;
	}
	globfree(&found);
	if (!highest)
		return tb_fact_unknown(f, -ENOENT, "no thermal zone");
	tb_buf_printf(&f->value, "%.1f degrees C", (double)highest / 1000);
	return 0;
}
