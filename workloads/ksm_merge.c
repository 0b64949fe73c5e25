// SPDX-License-Identifier: GPL-2.0-only
/*
 * ksm_merge: have pages of the same content merged while others read them.
 *
 * The op is a request: MADV_MERGEABLE. The pages are merged later, by ksmd, and
 * that flushes. Read in 6.12: cmp_and_merge_page() -> write_protect_page() ->
 * ptep_clear_flush() takes the write permission away, then replace_page() ->
 * ptep_clear_flush() puts the common page in place; so two flushes for each
 * page, but one for the first, which becomes the common page.
 *
 * rearm takes the request back with MADV_UNMERGEABLE, which breaks the sharing
 * by itself: break_ksm() -> wp_page_copy() -> ptep_clear_flush(), one flush for
 * each page. That counts as a fault, and the copy is read-only, so the write
 * that follows is another one, which flushes nothing. So per merged page a
 * responder is interrupted 3 - 1 / pages times. The initiator waits for ksmd,
 * and is interrupted by it 2 - 1 / pages times. It runs under SCHED_OTHER: if
 * there is no other CPU, ksmd runs on its, and need not interrupt it.
 *
 * ksmd merges a page only if nobody else holds it. Else it flushes in vain, or
 * finds the common page of the op before, which lives until it has left the LRU
 * cache of a CPU, and has no first page. So the pages have another content in
 * each op, and rearm empties the cache of its CPU.
 *
 * Not measured: how ksmd compares. The time from the request until all pages
 * are merged is in the record (merge_...): two scans, as the first one only
 * looks whether a page stays as it is. ksmd is told to scan, again and again.
 */
#include <fcntl.h>

#include "wl.h"
#include "wl_mem.h"

#define KSM "/sys/kernel/mm/ksm/"
/* Pages that ksmd scans without a break: more than there are. */
#define SCAN_PAGES "8192"
/* max_page_sharing: beyond it there is a second common page. */
#define MAX_PAGES 256
/* An hour; when it changes, ksmd scans at once. */
#define PAUSE KSM "sleep_millisecs"
#define MAX_LOOKS 100000

/**
 * struct ksm_merge
 * @range: the pages
 * @content: that all of them have
 * @since: the request
 * @pause: the file
 * @nr_looks: of the initiator, which has ksmd scan before each
 */
struct ksm_merge {
	struct wl_range range;
	uint64_t content;
	uint64_t since;
	int pause;
	unsigned int nr_looks;
};

static const char *const pauses[] = { "3600000", "3600001" };

enum value {
	MERGED,
	MERGE_TIME
};

static void see_field(const char *line, void *arg)
{
	if (!strncmp(line, "KSM:", 4))
		*(bool *)arg = true;
}

static void probe(const struct wl_env *env, const void *conf,
		  struct wl_reasons *why)
{
	bool has_field = false;

	wl_mem_probe(env, conf, why);
	if (wl_each_line("/proc/self/smaps", see_field, &has_field) ||
	    !has_field)
		wl_reason(why, "/proc/self/smaps does not say what is merged: "
			       "needs KSM and Linux 6.8");
}

static void prepare(struct wl_res *res, const void *conf)
{
	(void)conf;
	wl_res_set(res, KSM "pages_to_scan", SCAN_PAGES);
	wl_res_set(res, PAUSE, pauses[0]);
	wl_res_set(res, KSM "smart_scan", "0");
	wl_res_set(res, KSM "run", "1");
}

static int setup(struct wl_ctx *c)
{
	int ret = wl_mem_make_mapped(c, sizeof(struct ksm_merge), c->conf);
	struct ksm_merge *k = c->priv;

	if (ret)
		return ret;
	/* Other than that of other instances. */
	k->content = (uint64_t)getpid() << 32;
	k->pause = open(PAUSE, O_WRONLY | O_CLOEXEC);
	if (k->pause >= 0)
		return 0;
	ret = -errno;
	wl_mem_teardown(c);
	return ret;
}

static void teardown(struct wl_ctx *c)
{
	struct ksm_merge *k = c->priv;

	close(k->pause);
	wl_mem_teardown(c);
}

static int thread_init(struct wl_thread *t)
{
	return t->role ? 0 : wl_run_fair();
}

/* ksmd waits until all CPUs have drained their LRU caches. */
static int load(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;

	wl_range_read(r);
	return wl_range_drain(r);
}

static int rearm(struct wl_thread *t)
{
	struct ksm_merge *k = t->ctx->priv;
	const struct wl_range *r = &k->range;
	size_t off;

	if (madvise(r->addr, r->len_bytes, MADV_UNMERGEABLE))
		return -errno;
	k->content++;
	for (off = 0; off < r->len_bytes; off += r->page_bytes)
		*(volatile uint64_t *)(r->addr + off) = k->content;
	return wl_range_drain(r);
}

static int op(struct wl_thread *t)
{
	struct ksm_merge *k = t->ctx->priv;

	k->since = wl_now(t->ctx);
	return madvise(k->range.addr, k->range.len_bytes, MADV_MERGEABLE)
		       ? -errno
		       : 0;
}

/* Has the kernel taken the request? */
static int check_requested(const struct wl_range *r)
{
	struct wl_smaps s = { .field = "VmFlags:" };
	int ret = wl_range_smaps(r, &s);

	return ret || strstr(s.text, " mg") ? ret : -ENODATA;
}

static int tell_ksmd(struct ksm_merge *k)
{
	const char *pause = pauses[++k->nr_looks % 2];
	size_t len = strlen(pause);

	return pwrite(k->pause, pause, len, 0) == (ssize_t)len ? 0 : -errno;
}

static int merge(struct ksm_merge *k)
{
	long want_kib = (long)(k->range.len_bytes >> 10), kib;
	unsigned int i;
	int ret;

	for (i = 0; i < MAX_LOOKS; i++) {
		kib = wl_range_smaps_kib(&k->range, "KSM:");
		if (kib < 0 || kib == want_kib)
			return kib < 0 ? (int)kib : 0;
		ret = tell_ksmd(k);
		if (ret)
			return ret;
		sched_yield();
	}
	return -ETIMEDOUT;
}

static int check(struct wl_thread *t)
{
	struct ksm_merge *k = t->ctx->priv;
	int ret = check_requested(&k->range);

	if (!ret)
		ret = merge(k);
	if (ret)
		return ret;
	wl_time(t, MERGE_TIME, wl_now(t->ctx) - k->since);
	wl_add(t, MERGED, k->range.conf.pages);
	return 0;
}

/* Of one page that was merged. */
static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct wl_mem_conf *conf = c->conf;
	double flushes = 3 - 1 / (double)conf->pages;
	double ipis = flushes * c->nr_threads[1];

	/* The initiator may be awake while ksmd works, or be woken in between.
	 */
	e->ipis_received = (struct wl_bound){ ipis, ipis + flushes - 1 };
	e->flushes = (struct wl_bound){ ipis + 1, ipis + flushes + 1 };
	e->pages = (struct wl_bound){ 1, 1 };
	e->faults = (struct wl_bound){ 2, 2 };
}

static const struct wl_param params[] = {
	{
		.name = "pages",
		.help = "Pages of the same content that one op asks to merge",
		.type = WL_UINT,
		.offset = offsetof(struct wl_mem_conf, pages),
		.def = 2,
		.min = 2,
		.max = MAX_PAGES,
	},
	{ 0 },
};

static const struct wl_metric metrics[] = {
	[MERGED] = {
		.name = "merged_pages",
		.unit = "pages",
		.help = "pages that ksmd merged",
		.kind = WL_TOTAL,
		.better = WL_NEITHER,
	},
	[MERGE_TIME] = {
		.name = "merge",
		.help = "time from the request until all pages are merged",
		.kind = WL_TIME,
		.better = WL_LOWER,
	},
	{ 0 },
};

static const struct wl_effect effect = {
	.event = "merged_page",
	.metrics = (const char *const[]){ "merged_pages", NULL },
};

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("writes the pages and asks to have them merged",
			  rearm),
	WL_ROLE_RESPONDER_AS(WL_RESPONDER_HELP, load, 0),
	{ 0 },
};

const struct wl_ops wl_ksm_merge = {
	.abi = WL_ABI,
	.name = "ksm_merge",
	.summary = "the flushes of KSM when it merges pages that running CPUs "
		   "have in their TLBs",
	.path = "write_protect_page replace_page wp_page_copy "
		"ptep_clear_flush",
	.tags = "everyday",
	.params = params,
	.conf_bytes = sizeof(struct wl_mem_conf),
	.roles = roles,
	.regions = wl_mem_regions,
	.metrics = metrics,
	.effect = &effect,
	.probe = probe,
	.prepare = prepare,
	.setup = setup,
	.thread_init = thread_init,
	.teardown = teardown,
	.expect = expect,
};
