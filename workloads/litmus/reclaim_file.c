// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reclaim of clean pages of a file: try_to_unmap_one() leaves the flush to a
 * batch, and try_to_unmap_flush() does it before the pages are freed (read in
 * 6.12). The file is written to then, by a system call: others must see that.
 */
#include "litmus.h"

static void prepare(struct wl_res *res, uint64_t bytes)
{
	wl_res_file(res, WL_FS_DISK, bytes);
}

/* Without MADV_RANDOM a fault would bring in pages around it. */
static int setup(struct litmus *l)
{
	int ret;

	l->range.memfd = fcntl(l->files[0], F_DUPFD_CLOEXEC, 0);
	ret = l->range.memfd < 0 ? -errno : wl_range_map(&l->range);
	if (!ret && madvise(l->range.addr, l->range.len_bytes, MADV_RANDOM))
		ret = -errno;
	return ret;
}

static int store(const struct litmus *l, enum litmus_writer writer)
{
	size_t i, page_bytes = l->range.ctx->page_bytes;

	for (i = 0; i < litmus_pages(l); i++) {
		uint64_t value = litmus_value(writer, l->value_nr, i);

		if (pwrite(l->range.memfd, &value, sizeof(value),
			   (off_t)(i * page_bytes)) != sizeof(value))
			return -errno;
	}
	return 0;
}

/* Clean, and mapped. */
static int arm(struct litmus *l)
{
	int ret = store(l, LITMUS_BY_ARM);

	if (!ret && fdatasync(l->range.memfd))
		ret = -errno;
	wl_range_read(&l->range);
	return ret;
}

static int act(struct litmus *l)
{
	const struct wl_range *r = &l->range;
	long nr;

	if (madvise(r->addr, r->len_bytes, MADV_PAGEOUT))
		return -errno;
	nr = wl_range_count(r, WL_PM_PRESENT);
	if (nr < 0 || (size_t)nr == litmus_pages(l))
		return nr < 0 ? (int)nr : -EAGAIN;
	litmus_eat(l);
	return store(l, LITMUS_BY_ACT);
}

const struct litmus_ops litmus_reclaim_file = {
	.abi = LITMUS_ABI,
	.name = "reclaim_file",
	.summary = "the batched flush of clean pages of a file",
	.path = "try_to_unmap_flush arch_tlbbatch_flush",
	.page_sizes = LITMUS_BASE,
	.max_pages = 64,
	.read = LITMUS_NEW,
	.prepare = prepare,
	.setup = setup,
	.arm = arm,
	.act = act,
};
