// SPDX-License-Identifier: GPL-2.0-only
/*
 * KSM: write_protect_page() protects a page by ptep_clear_flush(), then it is
 * merged with an equal one by replace_page(), which flushes once more (read in
 * 6.12). What other threads write from then on must not be in the page that
 * was equal; and what they read is not in the page that was freed.
 *
 * Of two equal pages the one that is scanned first is replaced, that with the
 * lower address. It is freed on ksmd's CPU, so that is the initiator's.
 */
#include <sched.h>
#include <stdlib.h>
#include <time.h>

#include "litmus.h"

#define KSM "/sys/kernel/mm/ksm/"
/*
 * ksmd scans a page twice before it merges it, and at the start of each scan
 * waits for a kworker on every CPU (lru_add_drain_all()), also where victims
 * spin.
 */
#define LIMIT_MS 5000
/* Kernel threads of the boot come first. */
#define MAX_KSMD_PID 4096

/**
 * struct ksm
 * @twin: the equal pages; @place: where they are, or the range in their place
 * @ksmd: 0 if it was not found; @cpus: where it was before
 */
struct ksm {
	struct wl_range twin;
	char *place;
	pid_t ksmd;
	cpu_set_t cpus;
};

static void probe(struct wl_reasons *why)
{
	if (access("/proc/self/ksm_merging_pages", R_OK))
		wl_reason(why,
			  "this kernel has no /proc/self/ksm_merging_pages");
}

static void prepare(struct wl_res *res, uint64_t bytes)
{
	(void)bytes;
	wl_res_set(res, KSM "use_zero_pages", "0");
	wl_res_set(res, KSM "pages_to_scan", "1000");
	wl_res_set(res, KSM "sleep_millisecs", "1");
	/*
	 * Pages at an address that was scanned before count as the old ones, so
	 * the tenth try would wait for eight scans more
	 * (should_skip_rmap_item()).
	 */
	if (!access(KSM "smart_scan", F_OK))
		wl_res_set(res, KSM "smart_scan", "0");
	wl_res_set(res, KSM "run", "1");
}

static bool is_ksmd(pid_t pid)
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

static int setup(struct litmus *l)
{
	struct ksm *k = calloc(1, sizeof(*k));
	pid_t pid;
	int ret;

	l->priv = k;
	if (!k)
		return -ENOMEM;
	ret = wl_range_init(&k->twin, l->range.ctx, 0, &l->range.conf);
	k->place = k->twin.addr;
	for (pid = 2; pid < MAX_KSMD_PID && !k->ksmd; pid++)
		if (is_ksmd(pid) &&
		    !sched_getaffinity(pid, sizeof(k->cpus), &k->cpus))
			k->ksmd = pid;
	return ret;
}

static void teardown(struct litmus *l)
{
	const struct ksm *k = l->priv;

	if (k->ksmd)
		sched_setaffinity(k->ksmd, sizeof(k->cpus), &k->cpus);
}

/* Without the privilege it runs anywhere. */
static void have_ksmd_here(const struct ksm *k)
{
	cpu_set_t here;

	CPU_ZERO(&here);
	CPU_SET(sched_getcpu(), &here);
	if (k->ksmd)
		sched_setaffinity(k->ksmd, sizeof(here), &here);
}

static int arm(struct litmus *l)
{
	struct ksm *k = l->priv;
	struct wl_range *twin = &k->twin;
	int ret;

	have_ksmd_here(k);
	twin->addr = k->place;
	if (l->try_nr & 2) {
		twin->addr = l->range.addr;
		l->range.addr = k->place;
	}
	twin->len_bytes = l->range.len_bytes;
	ret = wl_range_map(twin);
	if (!ret)
		ret = litmus_arm(l);
	if (!ret)
		memcpy(twin->addr, l->range.addr, l->range.len_bytes);
	return ret;
}

static long merged_pages(void)
{
	char text[32] = "";
	int fd = open("/proc/self/ksm_merging_pages", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	return strtol(text, NULL, 10);
}

static int act(struct litmus *l)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	const struct ksm *k = l->priv;
	size_t bytes = l->range.len_bytes;
	unsigned int i;

	if (madvise(l->range.addr, bytes, MADV_MERGEABLE) ||
	    madvise(k->twin.addr, bytes, MADV_MERGEABLE))
		return -errno;
	for (i = 0; merged_pages() < 2 * (long)litmus_pages(l); i++) {
		if (i == LIMIT_MS)
			return -EAGAIN;
		nanosleep(&ms, NULL);
	}
	litmus_eat(l);
	return 0;
}

/* What was written is in one of the two. */
static int noticed(struct litmus *l, size_t page)
{
	const struct ksm *k = l->priv;
	size_t i, page_bytes = l->range.ctx->page_bytes;
	const volatile uint64_t *words =
		(const volatile uint64_t *)(k->twin.addr + page * page_bytes);

	for (i = 1; i < page_bytes / sizeof(*words); i++)
		if (words[i])
			return 0;
	return 1;
}

const struct litmus_ops litmus_ksm = {
	.abi = LITMUS_ABI,
	.name = "ksm",
	.summary = "the flush of pages that are merged",
	.path = "write_protect_page replace_page ptep_clear_flush",
	.page_sizes = LITMUS_BASE,
	.one_writer = true,
	.max_pages = 34,
	.read = LITMUS_OLD,
	.write = LITMUS_KEPT,
	.probe = probe,
	.prepare = prepare,
	.setup = setup,
	.arm = arm,
	.act = act,
	.noticed = noticed,
	.teardown = teardown,
};
