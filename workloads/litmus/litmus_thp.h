/* SPDX-License-Identifier: GPL-2.0-only */
/* Huge pages of litmus tests that are made or taken apart. */
#ifndef LITMUS_THP_H
#define LITMUS_THP_H

#include "litmus.h"

/* What a file has had in pages of another size is gone. */
static inline int litmus_empty_file(const struct litmus *l)
{
	const struct wl_range *r = &l->range;

	if (r->memfd < 0)
		return 0;
	return ftruncate(r->memfd, 0) ||
			       ftruncate(r->memfd, (off_t)r->len_bytes)
		       ? -errno
		       : 0;
}

/* All of one huge page but the first base page. */
static inline int litmus_arm_part(struct litmus *l)
{
	struct wl_range *r = &l->range;
	size_t page_bytes = r->ctx->page_bytes;
	int ret;

	r->conf.pages = 1;
	r->len_bytes = r->page_bytes;
	ret = litmus_empty_file(l);
	if (!ret)
		ret = litmus_arm(l);
	if (ret)
		return ret;
	r->addr += page_bytes;
	r->len_bytes -= page_bytes;
	litmus_stamp(l);
	return 0;
}

/* Base pages, where huge ones may be. */
static inline int litmus_arm_apart(struct litmus *l)
{
	const struct wl_range *r = &l->range;
	int ret = litmus_empty_file(l);

	if (!ret)
		ret = wl_range_map(r);
	if (!ret && madvise(r->addr, r->len_bytes, MADV_NOHUGEPAGE))
		ret = -errno;
	if (ret)
		return ret;
	litmus_stamp(l);
	return madvise(r->addr, r->len_bytes, MADV_HUGEPAGE) ? -errno : 0;
}

static inline int litmus_collapse(struct litmus *l)
{
	if (madvise(l->range.addr, l->range.len_bytes, MADV_COLLAPSE))
		return -errno;
	litmus_renew(l);
	return 0;
}

#endif
