/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a range of pages needs, for probe(). Part of wl_mem.h, which is what
 * workloads include.
 */
#ifndef WL_NEEDS_H
#define WL_NEEDS_H

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "wl.h"
#include "wl_range.h"

/* Whether a one-line file has @word; false if it cannot be read. */
static inline bool wl_file_has(const char *path, const char *word)
{
	char line[256] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (read(fd, line, sizeof(line) - 1) < 0)
		line[0] = '\0';
	close(fd);
	return strstr(line, word);
}

static inline void wl_mem_probe_thp(const struct wl_mem_conf *conf,
				    struct wl_reasons *why)
{
	static const char dir[] = "/sys/kernel/mm/transparent_hugepage";
	const char *file =
		conf->memory == WL_SHARED ? "shmem_enabled" : "enabled";
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	if (access(path, R_OK))
		wl_reason(why, "page_size = thp: this kernel has no %s", path);
	else if (wl_file_has(path, "[never]") || wl_file_has(path, "[deny]"))
		wl_reason(why, "page_size = thp: %s gives none; write %s to it",
			  path,
			  conf->memory == WL_SHARED ? "advise" : "madvise");
}

/* Of all instances, and of processes that have pages of their own. */
static inline uint64_t wl_mem_all_pages(const struct wl_env *env,
					const struct wl_mem_conf *conf)
{
	uint64_t copies = 1;

	if (conf->memory == WL_ANONYMOUS)
		copies += env->nr_processes[1];
	return conf->pages * copies * env->nr_instances;
}

static inline void wl_mem_probe_hugetlb(const struct wl_env *env,
					const struct wl_mem_conf *conf,
					struct wl_reasons *why)
{
	unsigned long long need = wl_mem_all_pages(env, conf);
	size_t kib = wl_huge_bytes(env->page_bytes) >> 10;
	unsigned long long nr_free = 0;
	char dir[128], path[160];
	FILE *f;

	snprintf(dir, sizeof(dir), "/sys/kernel/mm/hugepages/hugepages-%zukB",
		 kib);
	snprintf(path, sizeof(path), "%s/free_hugepages", dir);
	f = fopen(path, "re");
	if (!f) {
		wl_reason(why, "page_size = hugetlb: this kernel has no %s",
			  dir);
		return;
	}
	if (fscanf(f, "%llu", &nr_free) != 1)
		nr_free = 0;
	fclose(f);
	if (nr_free < need)
		wl_reason(why,
			  "page_size = hugetlb: needs %llu free pages of %zu "
			  "kB, there are %llu: raise %s/nr_hugepages",
			  need, kib, nr_free, dir);
}

static inline void wl_mem_see_available(const char *line, void *arg)
{
	unsigned long long kib;

	if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
		*(uint64_t *)arg = kib << 10;
}

/* probe(): is there so much memory, caches included that can be dropped? */
static inline void wl_mem_probe_bytes(uint64_t bytes, struct wl_reasons *why)
{
	uint64_t available = UINT64_MAX;

	wl_each_line("/proc/meminfo", wl_mem_see_available, &available);
	if (bytes > available)
		wl_reason(why, "needs %llu MiB of memory, %llu MiB are there",
			  (unsigned long long)bytes >> 20,
			  (unsigned long long)available >> 20);
}

/* probe(): can there be such pages, and are there enough? */
static inline void wl_mem_probe(const struct wl_env *env, const void *conf,
				struct wl_reasons *why)
{
	const struct wl_mem_conf *mem = conf;
	uint64_t need;

	if (mem->page_size == WL_HUGETLB) {
		wl_mem_probe_hugetlb(env, mem, why);
		return;
	}
	need = wl_mem_all_pages(env, mem) * env->page_bytes;
	if (mem->page_size == WL_THP) {
		wl_mem_probe_thp(mem, why);
		need *= wl_huge_bytes(env->page_bytes) / env->page_bytes;
	}
	wl_mem_probe_bytes(need, why);
}

#endif
