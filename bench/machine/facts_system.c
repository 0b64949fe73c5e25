// SPDX-License-Identifier: GPL-2.0-only
/* Facts about memory, other processes and what this one is confined to. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/facts.h"

/* "Key:   N kB" of /proc/meminfo. */
static int meminfo_kib(const struct tb_source *src, const char *key,
		       unsigned long *kib)
{
	struct tb_buf b = { 0 };
	int ret = tb_source_text(src, "/proc/meminfo", &b);
	const char *line;

	if (ret)
		return ret;
	line = b.data ? strstr(b.data, key) : NULL;
	if (line)
		*kib = strtoul(line + strlen(key), NULL, 10);
	tb_buf_fini(&b);
	return line ? 0 : -ENOENT;
}

static int add_mib(const struct tb_source *src, struct tb_fact *f,
		   const char *key)
{
	unsigned long kib;
	int ret = meminfo_kib(src, key, &kib);

	if (!ret)
		tb_buf_printf(&f->value, "%lu MiB", kib >> 10);
	return ret;
}

int tb_fact_memory(struct tb_source *src, struct tb_fact *f)
{
	return add_mib(src, f, "MemTotal:");
}

int tb_fact_free_memory(struct tb_source *src, struct tb_fact *f)
{
	return add_mib(src, f, "MemFree:");
}

int tb_fact_swap_used(struct tb_source *src, struct tb_fact *f)
{
	unsigned long total, free_kib;
	int ret = meminfo_kib(src, "SwapTotal:", &total);

	if (!ret)
		ret = meminfo_kib(src, "SwapFree:", &free_kib);
	if (!ret)
		tb_buf_printf(&f->value, "%lu KiB", total - free_kib);
	return ret;
}

/* /proc/swaps: a header, then file, type, size in KiB, ... */
int tb_fact_swap_devices(struct tb_source *src, struct tb_fact *f)
{
	struct tb_buf b = { 0 };
	char name[128], size[32], *rest, *line;
	int ret = tb_source_text(src, "/proc/swaps", &b);

	rest = ret ? NULL : b.data;
	strsep(&rest, "\n");
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (sscanf(line, "%127s %*s %31s", name, size) != 2)
			continue;
		tb_list_add(&f->value, ", ", name);
		tb_buf_printf(&f->value, " %s KiB", size);
	}
	tb_buf_fini(&b);
	/* A kernel without swap has no such file. */
	return ret == -ENOENT ? 0 : ret;
}

/* Free blocks of each order, zone after zone. */
int tb_fact_buddyinfo(struct tb_source *src, struct tb_fact *f)
{
	struct tb_buf b = { 0 };
	char *rest, *line;
	int ret = tb_source_text(src, "/proc/buddyinfo", &b);

	rest = ret ? NULL : b.data;
	while ((line = strsep(&rest, "\n")) && *line) {
		char *word;

		if (f->value.len_bytes)
			tb_buf_printf(&f->value, ";");
		while ((word = strsep(&line, " ,")) != NULL)
			if (*word)
				tb_list_add(&f->value, " ", word);
	}
	tb_buf_fini(&b);
	return ret;
}

static int need_comms(const struct tb_source *src, struct tb_fact *f)
{
	if (src->comms.len_bytes)
		return 0;
	return tb_fact_unknown(f, -ENOENT,
			       "processes of another pid namespace cannot be "
			       "seen");
}

static int is_running(const struct tb_source *src, struct tb_fact *f,
		      const char *comm)
{
	int ret = need_comms(src, f);

	if (!ret)
		tb_buf_printf(&f->value, tb_source_runs(src, comm) ? "running"
								   : "stopped");
	return ret;
}

int tb_fact_khugepaged(struct tb_source *src, struct tb_fact *f)
{
	return is_running(src, f, "khugepaged");
}

int tb_fact_irqbalance(struct tb_source *src, struct tb_fact *f)
{
	return is_running(src, f, "irqbalance");
}

/* Its threads are kdamond.0, kdamond.1, ... */
int tb_fact_damon(struct tb_source *src, struct tb_fact *f)
{
	int ret = need_comms(src, f);

	if (!ret)
		tb_buf_printf(&f->value, strstr(src->comms.data, "\nkdamond.")
						 ? "running"
						 : "stopped");
	return ret;
}

int tb_fact_periodic_jobs(struct tb_source *src, struct tb_fact *f)
{
	static const char *const names[] = { "cron", "crond", "anacron", "atd",
					     "systemd" };
	int ret = need_comms(src, f);
	size_t i;

	for (i = 0; !ret && i < ARRAY_SIZE(names); i++)
		if (tb_source_runs(src, names[i]))
			tb_list_add(&f->value, ", ", names[i]);
	return ret;
}

/* "load load load RUNNABLE/ALL PID"; the reader itself is runnable. */
int tb_fact_runnable(struct tb_source *src, struct tb_fact *f)
{
	unsigned int nr;
	char line[64];
	int ret = tb_source_line(src, "/proc/loadavg", line, sizeof(line));

	if (ret)
		return ret;
	if (sscanf(line, "%*s %*s %*s %u/", &nr) != 1 || !nr)
		return -EBADMSG;
	tb_buf_printf(&f->value, "%u", nr - 1);
	return 0;
}

bool tb_is_busy(const char *value)
{
	return strtoul(value, NULL, 10) > 0;
}

/* Quota files of one level of a hierarchy; 1 if there is a limit, else 0. */
static int add_quota(const struct tb_source *src, struct tb_fact *f,
		     const char *mount, const char *group)
{
	char path[PATH_MAX], line[64];

	if (snprintf(path, sizeof(path), "%s%s/cpu.max", mount, group) <
		    (int)sizeof(path) &&
	    !tb_source_line(src, path, line, sizeof(line)) &&
	    strncmp(line, "max", 3) != 0) {
		tb_buf_printf(&f->value, "%s us in cpu.max of %s", line,
			      *group ? group : "/");
		return 1;
	}
	if (snprintf(path, sizeof(path), "%s%s/cpu.cfs_quota_us", mount,
		     group) < (int)sizeof(path) &&
	    !tb_source_line(src, path, line, sizeof(line)) && *line != '-') {
		tb_buf_printf(&f->value, "%s us in cpu.cfs_quota_us of %s",
			      line, *group ? group : "/");
		return 1;
	}
	return 0;
}

/* From the group of this process up to the root of what is mounted. */
static int walk_up(const struct tb_source *src, struct tb_fact *f,
		   const char *mount, char *group)
{
	char *slash;

	for (;;) {
		if (add_quota(src, f, mount, group))
			return 1;
		slash = strrchr(group, '/');
		if (!slash)
			return 0;
		*slash = '\0';
	}
}

int tb_fact_cgroup_quota(struct tb_source *src, struct tb_fact *f)
{
	static const char *const v2[] = { "/sys/fs/cgroup",
					  "/sys/fs/cgroup/unified" };
	struct tb_buf b = { 0 };
	char *rest, *line;
	int ret = tb_source_text(src, "/proc/self/cgroup", &b);
	bool is_limited = false;
	size_t i;

	rest = ret ? NULL : b.data;
	while (!is_limited && (line = strsep(&rest, "\n"))) {
		char *group = strrchr(line, ':');
		char name[PATH_MAX];

		if (!group)
			continue;
		group++;
		if (strstr(line, ":cpu:") || strstr(line, ":cpu,") ||
		    strstr(line, ",cpu:"))
			is_limited =
				walk_up(src, f, "/sys/fs/cgroup/cpu", group);
		if (strncmp(line, "0::", 3) != 0)
			continue;
		for (i = 0; i < ARRAY_SIZE(v2) && !is_limited; i++) {
			snprintf(name, sizeof(name), "%s", group);
			is_limited = walk_up(src, f, v2[i], name);
		}
	}
	tb_buf_fini(&b);
	/* A kernel without control groups limits nothing. */
	return ret == -ENOENT ? 0 : ret;
}

static int read_allowed(struct tb_source *src, const char *path,
			struct tb_fact *f)
{
	const char *const key = "Cpus_allowed_list:";
	struct tb_buf b = { 0 };
	const char *line;
	int ret = tb_source_text(src, path, &b);

	line = ret || !b.data ? NULL : strstr(b.data, key);
	if (line) {
		line += strlen(key);
		line += strspn(line, " \t");
		tb_buf_add(&f->value, line, strcspn(line, "\n"));
	}
	tb_buf_fini(&b);
	return line ? 0 : ret ? ret : -ENOENT;
}

int tb_fact_cpus_allowed(struct tb_source *src, struct tb_fact *f)
{
	return read_allowed(src, "/proc/self/status", f);
}

int tb_fact_kthread_cpus(struct tb_source *src, struct tb_fact *f)
{
	int ret = need_comms(src, f);

	return ret ? ret : read_allowed(src, "/proc/2/status", f);
}

int tb_fact_container(struct tb_source *src, struct tb_fact *f)
{
	static const struct {
		const char *path;
		const char *name;
	} marks[] = {
		{ "/.dockerenv", "docker" },
		{ "/run/.containerenv", "podman" },
	};
	char line[64];
	size_t i;

	if (!tb_source_line(src, "/run/systemd/container", line,
			    sizeof(line))) {
		tb_buf_printf(&f->value, "%s", line);
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(marks); i++)
		if (!tb_source_line(src, marks[i].path, line, sizeof(line)))
			tb_list_add(&f->value, ", ", marks[i].name);
	return 0;
}
