// SPDX-License-Identifier: GPL-2.0-only
/*
 * msync() of dirty pages: folio_mkclean() write-protects each page in all
 * processes that map it, by ptep_clear_flush() in page_vma_mkclean_one(),
 * before it is written (read in 6.12). A write from then on must make the page
 * dirty again: after one more msync() it is on the disk.
 */
#include <stdlib.h>

#include "litmus.h"

#define PAGE_BYTES 4096

/* O_DIRECT wants memory that begins with a block. */
struct msync_clean {
	int direct;
	uint64_t *page;
};

static void prepare(struct wl_res *res, uint64_t bytes)
{
	wl_res_file(res, WL_FS_DISK, bytes);
}

static int setup(struct litmus *l)
{
	struct msync_clean *m = calloc(1, sizeof(*m));
	char path[64];

	l->priv = m;
	if (!m)
		return -ENOMEM;
	m->page = aligned_alloc(PAGE_BYTES, PAGE_BYTES);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", l->files[0]);
	m->direct = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	l->range.memfd = fcntl(l->files[0], F_DUPFD_CLOEXEC, 0);
	if (m->direct < 0 || l->range.memfd < 0 || !m->page)
		return -errno;
	return wl_range_map(&l->range);
}

static int arm(struct litmus *l)
{
	memset(l->range.addr, 0, l->range.len_bytes);
	litmus_stamp(l);
	return 0;
}

static int act(struct litmus *l)
{
	return msync(l->range.addr, l->range.len_bytes, MS_SYNC) ? -errno : 0;
}

/* What is on the disk is what is in memory. */
static int noticed(struct litmus *l, size_t page)
{
	const struct msync_clean *m = l->priv;

	if (pread(m->direct, m->page, PAGE_BYTES, (off_t)(page * PAGE_BYTES)) !=
	    PAGE_BYTES)
		return -errno;
	return !memcmp(m->page, (const void *)litmus_word(l, page), PAGE_BYTES);
}

const struct litmus_ops litmus_msync_clean = {
	.abi = LITMUS_ABI,
	.name = "msync_clean",
	.summary = "the flush of a page that is written to disk",
	.path = "page_vma_mkclean_one ptep_clear_flush flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE,
	.is_shared = true,
	.one_writer = true,
	.max_pages = 34,
	.write = LITMUS_KEPT,
	.prepare = prepare,
	.setup = setup,
	.arm = arm,
	.act = act,
	.look = act,
	.noticed = noticed,
};
