// SPDX-License-Identifier: GPL-2.0-only
/*
 * KSM: write_protect_page() protects a page by ptep_clear_flush(), then it is
 * merged with an equal one by replace_page(), which flushes once more (read in
 * 6.12). What other threads write from then on must not be in the page that
 * was equal.
 */
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

/* The equal pages. */
static int setup(struct litmus *l)
{
	struct wl_range *twin = calloc(1, sizeof(*twin));

	l->priv = twin;
	return twin ? wl_range_init(twin, l->range.ctx, 0, &l->range.conf)
		    : -ENOMEM;
}

static int arm(struct litmus *l)
{
	struct wl_range *twin = l->priv;
	int ret;

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
	const struct wl_range *twin = l->priv;
	size_t bytes = l->range.len_bytes;
	unsigned int i;

	if (madvise(l->range.addr, bytes, MADV_MERGEABLE) ||
	    madvise(twin->addr, bytes, MADV_MERGEABLE))
		return -errno;
	for (i = 0; i < LIMIT_MS; i++) {
		if (merged_pages() >= 2 * (long)litmus_pages(l))
			return 0;
		nanosleep(&ms, NULL);
	}
	return -EAGAIN;
}

/* What was written is in one of the two. */
static int noticed(struct litmus *l, size_t page)
{
	const struct wl_range *twin = l->priv;
	size_t i, page_bytes = l->range.ctx->page_bytes;
	const volatile uint64_t *words =
		(const volatile uint64_t *)(twin->addr + page * page_bytes);

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
	.write = LITMUS_KEPT,
	.probe = probe,
	.prepare = prepare,
	.setup = setup,
	.arm = arm,
	.act = act,
	.noticed = noticed,
};
