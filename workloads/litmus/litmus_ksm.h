/* SPDX-License-Identifier: GPL-2.0-only */
/* ksmd, which merges pages that are equal, for litmus tests. */
#ifndef LITMUS_KSM_H
#define LITMUS_KSM_H

#include <sched.h>
#include <time.h>

#include "litmus.h"

#define LITMUS_KSM "/sys/kernel/mm/ksm/"
/*
 * ksmd scans a page twice before it merges it, and at the start of each scan
 * waits for a kworker on every CPU (lru_add_drain_all()), also where victims
 * spin.
 */
#define LITMUS_KSM_LIMIT_MS 5000
/* Kernel threads of the boot come first. */
#define LITMUS_MAX_KSMD_PID 4096

/**
 * struct litmus_ksmd - the kernel thread
 * @pid: 0 if it was not found; @cpus: where it was before
 */
struct litmus_ksmd {
	pid_t pid;
	cpu_set_t cpus;
};

static inline void litmus_ksm_probe(struct wl_reasons *why)
{
	if (access(LITMUS_KSM "run", R_OK))
		wl_reason(why, "this kernel has no " LITMUS_KSM "run");
}

/* Let ksmd merge, without a rest of more than @sleep_ms. */
static inline void litmus_ksm_prepare(struct wl_res *res, const char *sleep_ms)
{
	wl_res_set(res, LITMUS_KSM "use_zero_pages", "0");
	wl_res_set(res, LITMUS_KSM "pages_to_scan", "1000");
	wl_res_set(res, LITMUS_KSM "sleep_millisecs", sleep_ms);
	/*
	 * Pages at an address that was scanned before count as the old ones, so
	 * the tenth try would wait for eight scans more
	 * (should_skip_rmap_item()).
	 */
	if (!access(LITMUS_KSM "smart_scan", F_OK))
		wl_res_set(res, LITMUS_KSM "smart_scan", "0");
	wl_res_set(res, LITMUS_KSM "run", "1");
}

/* Map pages for ksmd, each @nr_equal of which are equal. */
static inline int litmus_ksm_map(const struct wl_range *r, size_t nr_equal)
{
	size_t i, nr = r->len_bytes / r->page_bytes;
	int ret = wl_range_map(r);

	if (ret)
		return ret;
	for (i = 0; i < nr; i++)
		*(volatile uint64_t *)(r->addr + i * r->page_bytes) =
			1 + i / nr_equal;
	return madvise(r->addr, r->len_bytes, MADV_MERGEABLE) ? -errno : 0;
}

/*
 * Until no page of @r belongs to it alone. What the kernel counts as merged is
 * no help: pages that are gone belong to it until ksmd comes by.
 */
static inline int litmus_ksm_await(const struct wl_range *r)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	unsigned int i;
	long nr;

	for (i = 0; (nr = wl_range_count(r, WL_PM_EXCLUSIVE)) > 0; i++) {
		if (i == LITMUS_KSM_LIMIT_MS)
			return -EAGAIN;
		nanosleep(&ms, NULL);
	}
	return (int)nr;
}

static inline bool litmus_is_ksmd(pid_t pid)
{
	char path[32], name[8] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, name, sizeof(name) - 1) < 0)
		name[0] = '\0';
	close(fd);
	return !strcmp(name, "ksmd\n");
}

static inline void litmus_ksmd_find(struct litmus_ksmd *k)
{
	pid_t pid;

	for (pid = 2; pid < LITMUS_MAX_KSMD_PID && !k->pid; pid++)
		if (litmus_is_ksmd(pid) &&
		    !sched_getaffinity(pid, sizeof(k->cpus), &k->cpus))
			k->pid = pid;
}

/* Without the privilege it runs anywhere. */
static inline void litmus_ksmd_pin(const struct litmus_ksmd *k, int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	if (k->pid)
		sched_setaffinity(k->pid, sizeof(cpus), &cpus);
}

static inline void litmus_ksmd_unpin(const struct litmus_ksmd *k)
{
	if (k->pid)
		sched_setaffinity(k->pid, sizeof(k->cpus), &k->cpus);
}

#endif
