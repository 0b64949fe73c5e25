// SPDX-License-Identifier: GPL-2.0-only
/*
 * thp_split: split transparent huge pages that others use.
 *
 * by = madvise: MADV_DONTNEED of the first base page of each, which splits the
 * entry of the page table but not the page. Read in 6.12: zap_pmd_range() ->
 * __split_huge_pmd() -> pmdp_invalidate() flushes what the entry mapped, more
 * pages than the ceiling and so everything; then tlb_finish_mmu() ->
 * flush_tlb_mm_range() flushes the base page. For each huge page two flushes
 * on the CPU of the initiator and two on that of each responder.
 *
 * by = debugfs: split_huge_pages of debugfs, which splits the pages, as reclaim
 * and migration do: split_huge_page_to_list_to_order() -> unmap_folio() ->
 * try_to_migrate() -> pmdp_invalidate(), one flush for each huge page.
 *
 * rearm maps the range anew, because a huge page needs the page table out of
 * its way: one flush more, of everything. Then it writes the huge pages.
 *
 * Not measured: the huge page faults (rearm), and the misses that follow.
 */
#include "wl.h"
#include "wl_mem.h"

#define SPLIT_FILE "/sys/kernel/debug/split_huge_pages"

enum by {
	BY_MADVISE,
	BY_DEBUGFS
};

static const char *const by_names[] = { "madvise", "debugfs", NULL };

struct thp_split_conf {
	struct wl_mem_conf mem;
	uint64_t by;
};

/**
 * struct thp_split - the range and what the op needs
 * @fd: of SPLIT_FILE, or -1
 * @request: what is written to it
 */
struct thp_split {
	struct wl_range range;
	int fd;
	char request[64];
};

static struct wl_mem_conf huge(const void *conf)
{
	struct wl_mem_conf mem = *(const struct wl_mem_conf *)conf;

	mem.page_size = WL_THP;
	return mem;
}

static void probe(const struct wl_env *env, const void *conf,
		  struct wl_reasons *why)
{
	const struct thp_split_conf *split = conf;
	struct wl_mem_conf mem = huge(conf);

	wl_mem_probe(env, &mem, why);
	if (split->by == BY_DEBUGFS && access(SPLIT_FILE, W_OK))
		wl_reason(why,
			  "by = debugfs: %s: %s; needs root, and debugfs "
			  "mounted",
			  SPLIT_FILE, strerror(errno));
}

static int open_split_file(struct thp_split *s)
{
	const char *addr = s->range.addr;

	snprintf(s->request, sizeof(s->request), "%d,0x%lx,0x%lx", getpid(),
		 (unsigned long)addr,
		 (unsigned long)(addr + s->range.len_bytes));
	s->fd = open(SPLIT_FILE, O_WRONLY | O_CLOEXEC);
	return s->fd < 0 ? -errno : 0;
}

static int setup(struct wl_ctx *c)
{
	const struct thp_split_conf *conf = c->conf;
	struct wl_mem_conf mem = huge(conf);
	int ret = wl_mem_make(c, sizeof(struct thp_split), &mem);
	struct thp_split *s = c->priv;

	if (ret)
		return ret;
	s->fd = -1;
	if (conf->by == BY_DEBUGFS)
		ret = open_split_file(s);
	if (ret)
		wl_mem_teardown(c);
	return ret;
}

static void teardown(struct wl_ctx *c)
{
	struct thp_split *s = c->priv;

	if (s->fd >= 0)
		close(s->fd);
	wl_mem_teardown(c);
}

/* 0 if @nr_bytes of the range are mapped huge. */
static int check_huge(const struct wl_range *r, size_t nr_bytes)
{
	long kib = wl_range_smaps_kib(r, "AnonHugePages:");

	if (kib < 0)
		return (int)kib;
	return (size_t)kib == nr_bytes >> 10 ? 0 : -EEXIST;
}

/* khugepaged would collapse again what the op splits, before check sees it. */
static int keep_khugepaged_out(const struct wl_range *r)
{
	return madvise(r->addr, r->len_bytes, MADV_NOHUGEPAGE) ? -errno : 0;
}

static int rearm(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;
	int ret = wl_range_map(r);

	if (!ret)
		ret = wl_range_write(r);
	if (!ret)
		ret = keep_khugepaged_out(r);
	return ret ? ret : check_huge(r, r->len_bytes);
}

static int drop_first_pages(const struct wl_range *r)
{
	size_t off;

	for (off = 0; off < r->len_bytes; off += r->page_bytes)
		if (madvise(r->addr + off, r->ctx->page_bytes, MADV_DONTNEED))
			return -errno;
	return 0;
}

static int op(struct wl_thread *t)
{
	const struct thp_split *s = t->ctx->priv;
	size_t len = strlen(s->request);

	if (s->fd < 0)
		return drop_first_pages(&s->range);
	return pwrite(s->fd, s->request, len, 0) < 0 ? -errno : 0;
}

static int check(struct wl_thread *t)
{
	return check_huge(t->ctx->priv, 0);
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct thp_split_conf *conf = c->conf;
	double each = conf->by == BY_MADVISE ? 2 : 1;
	double flushes = each * (double)conf->mem.pages + 1;

	wl_mem_expect_flushes(c, e, flushes, flushes);
	e->pages = (struct wl_bound){ 1, 1 };
}

static const struct wl_param params[] = {
	{
		.name = "pages",
		.help = "Huge pages that one op splits",
		.type = WL_UINT,
		.offset = offsetof(struct thp_split_conf, mem.pages),
		.def = 1,
		.min = 1,
		.max = 4096,
	},
	{
		.name = "by",
		.help = "MADV_DONTNEED of one base page of each, or "
			"split_huge_pages of debugfs",
		.type = WL_ENUM,
		.offset = offsetof(struct thp_split_conf, by),
		.values = by_names,
	},
	{ 0 },
};

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("writes huge pages and splits them", rearm),
	WL_ROLE_RESPONDER,
	{ 0 },
};

const struct wl_ops wl_thp_split = {
	.abi = WL_ABI,
	.name = "thp_split",
	.summary = "splits of transparent huge pages that running CPUs have in "
		   "their TLBs",
	.path = "__split_huge_pmd pmdp_invalidate tlb_finish_mmu "
		"flush_tlb_mm_range",
	.tags = "everyday",
	.params = params,
	.conf_bytes = sizeof(struct thp_split_conf),
	.roles = roles,
	.regions = wl_mem_regions,
	.probe = probe,
	.setup = setup,
	.teardown = teardown,
	.expect = expect,
};
