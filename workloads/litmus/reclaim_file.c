// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reclaim of clean pages of a file: try_to_unmap_one() leaves the flush to a
 * batch, and try_to_unmap_flush() does it before the pages are freed (read in
 * 6.12). The file is written to then, by a system call: others must see that.
 * Victims in another process have their pages reclaimed from here: the batch is
 * not of the mm that is loaded then.
 */
#include <sys/uio.h>

#include "litmus.h"

#define MAX_PAGES 64

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

/* Of victims that are a process of their own only they may map the pages. */
static int page_out(const struct litmus *l)
{
	const struct wl_range *r = &l->range;
	struct iovec pages = { r->addr, r->len_bytes };
	int fd, ret;

	if (!l->victims)
		return madvise(r->addr, r->len_bytes, MADV_PAGEOUT) ? -errno
								    : 0;
	if (madvise(r->addr, r->len_bytes, MADV_DONTNEED))
		return -errno;
	fd = (int)syscall(SYS_pidfd_open, l->victims, 0);
	ret = syscall(SYS_process_madvise, fd, &pages, 1, MADV_PAGEOUT, 0) < 0
		      ? -errno
		      : 0;
	close(fd);
	return ret;
}

/* How many are still in the page cache. */
static long nr_resident(const struct litmus *l)
{
	unsigned char resident[MAX_PAGES];
	size_t i;
	long nr = 0;

	if (mincore(l->range.addr, l->range.len_bytes, resident))
		return -errno;
	for (i = 0; i < litmus_pages(l); i++)
		nr += resident[i] & 1;
	return nr;
}

static int act(struct litmus *l)
{
	int ret = page_out(l);
	long nr;

	if (ret)
		return ret;
	nr = nr_resident(l);
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
	.is_shared = true,
	.max_pages = MAX_PAGES,
	.read = LITMUS_NEW,
	.prepare = prepare,
	.setup = setup,
	.arm = arm,
	.act = act,
};
