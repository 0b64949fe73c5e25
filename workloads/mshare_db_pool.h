/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The buffer pool: pages of the data file in frames of the region.
 *
 * A page may be in one of POOL_WAYS frames: those at the rest of its number
 * modulo the number of sets. Frames are latched while their page is used, and
 * by the administrator for its act. A page begins with its number, so a server
 * that reads through a stale translation finds another page's.
 */
#ifndef MSHARE_DB_POOL_H
#define MSHARE_DB_POOL_H

#include "mshare_db_log.h"

#define POOL_WAYS 8
#define POOL_NONE UINT32_MAX
#define POOL_LINE_BYTES 64

/**
 * struct frame - what is in one page of the region
 * @page: POOL_NONE: nothing
 * @is_used: since the clock has passed last
 * @is_dirty: it is newer than the file
 */
struct frame {
	_Atomic uint32_t latch;
	_Atomic uint32_t page;
	_Atomic uint32_t is_used;
	_Atomic uint32_t is_dirty;
};

/**
 * struct pool - in shared memory but for @base
 * @frames: way after way, so frame f is in set f % @nr_sets
 * @filling: by set: latch of who brings a page in
 */
struct pool {
	struct frame *frames;
	_Atomic uint32_t *filling;
	uint32_t nr_frames;
	uint32_t nr_sets;
	size_t page_bytes;
};

/**
 * struct pool_user - who reads and writes frames
 * @base: the region, where this process has attached it
 * @file: of the data
 * @nr_misses, @nr_written: pages read and written, for reports
 */
struct pool_user {
	struct pool *pool;
	char *base;
	int file;
	struct io_uring ring;
	uint64_t nr_misses;
	uint64_t nr_written;
};

/* What a page begins with. */
struct page_head {
	_Atomic uint64_t number;
	_Atomic uint64_t changed_at;
};

static inline char *pool_addr(const struct pool_user *u, uint32_t frame)
{
	return u->base + frame * u->pool->page_bytes;
}

/* The frame that has @page, or POOL_NONE. */
static inline uint32_t pool_find(const struct pool *p, uint32_t page)
{
	uint32_t way, f = page % p->nr_sets;

	for (way = 0; way < POOL_WAYS; way++, f += p->nr_sets)
		if (atomic_load_explicit(&p->frames[f].page,
					 memory_order_relaxed) == page)
			return f;
	return POOL_NONE;
}

/* Latch an empty frame, or one that was not used lately; POOL_NONE: try again.
 */
static inline uint32_t pool_victim(struct pool *p, uint32_t set)
{
	uint32_t turn, way, f;

	for (turn = 0; turn < 2; turn++)
		for (way = 0, f = set; way < POOL_WAYS;
		     way++, f += p->nr_sets) {
			struct frame *frame = &p->frames[f];

			if (!latch_try(&frame->latch, true))
				continue;
			if (frame->page == POOL_NONE || !frame->is_used)
				return f;
			frame->is_used = 0;
			latch_drop(&frame->latch, true);
		}
	return POOL_NONE;
}

/* Write the frame's page, then read @page there; POOL_NONE: only the one. */
static inline int pool_exchange(struct pool_user *u, uint32_t f, uint32_t page)
{
	struct frame *frame = &u->pool->frames[f];
	unsigned int bytes = (unsigned int)u->pool->page_bytes, nr = 0;
	struct io_uring_sqe *sqe;

	if (frame->page != POOL_NONE && frame->is_dirty) {
		sqe = io_uring_get_sqe(&u->ring);
		io_uring_prep_write(sqe, u->file, pool_addr(u, f), bytes,
				    (uint64_t)frame->page * bytes);
		sqe->flags |= page != POOL_NONE ? IOSQE_IO_LINK : 0;
		u->nr_written++;
		nr++;
	}
	frame->page = POOL_NONE;
	frame->is_dirty = 0;
	if (page != POOL_NONE) {
		sqe = io_uring_get_sqe(&u->ring);
		io_uring_prep_read(sqe, u->file, pool_addr(u, f), bytes,
				   (uint64_t)page * bytes);
		u->nr_misses++;
		nr++;
	}
	return nr ? db_io(&u->ring, nr) : 0;
}

/* With the set's latch; 1 if the page is there, 0 if all frames are in use. */
static inline int pool_fill(struct pool_user *u, uint32_t page)
{
	struct pool *p = u->pool;
	uint32_t f;
	int ret;

	if (pool_find(p, page) != POOL_NONE)
		return 1;
	f = pool_victim(p, page % p->nr_sets);
	if (f == POOL_NONE)
		return 0;
	ret = pool_exchange(u, f, page);
	if (!ret) {
		p->frames[f].is_used = 1;
		p->frames[f].page = page;
	}
	latch_drop(&p->frames[f].latch, true);
	return ret ? ret : 1;
}

/* Latch the frame with @page, if it is there and nobody is in the way. */
static inline bool pool_try(struct pool *p, uint32_t page, bool is_exclusive,
			    uint32_t *f)
{
	*f = pool_find(p, page);
	if (*f == POOL_NONE || !latch_try(&p->frames[*f].latch, is_exclusive))
		return false;
	if (p->frames[*f].page == page)
		return true;
	latch_drop(&p->frames[*f].latch, is_exclusive);
	return false;
}

/* Have @page in a frame, which is latched then. */
static inline int pool_get(struct pool_user *u, uint32_t page,
			   bool is_exclusive, uint32_t *f)
{
	struct pool *p = u->pool;
	_Atomic uint32_t *filling = &p->filling[page % p->nr_sets];
	struct db_wait w = { 0 };
	int ret;

	while (!pool_try(p, page, is_exclusive, f)) {
		ret = 0;
		if (*f == POOL_NONE && latch_try(filling, true)) {
			ret = pool_fill(u, page);
			latch_drop(filling, true);
		}
		if (!ret)
			ret = db_wait(&w);
		if (ret < 0)
			return ret;
	}
	p->frames[*f].is_used = 1;
	return 0;
}

static inline void pool_put(struct pool *p, uint32_t f, bool is_exclusive)
{
	latch_drop(&p->frames[f].latch, is_exclusive);
}

/* Is that page in the frame? If not, somebody reads another page's memory. */
static inline int pool_verify(const struct pool_user *u, uint32_t f,
			      uint32_t page)
{
	const struct page_head *head = (void *)pool_addr(u, f);

	return head->number == page ? 0 : -EUCLEAN;
}

/* Some line of it, as a row that is looked up. */
static inline volatile uint64_t *pool_row(const struct pool_user *u, uint32_t f,
					  uint64_t random)
{
	size_t lines = u->pool->page_bytes / POOL_LINE_BYTES - 1;

	return (void *)(pool_addr(u, f) +
			(1 + random % lines) * POOL_LINE_BYTES);
}

static inline int pool_read(struct pool_user *u, uint32_t page, uint64_t random)
{
	uint32_t f;
	int ret = pool_get(u, page, false, &f);

	if (ret)
		return ret;
	ret = pool_verify(u, f, page);
	(void)*pool_row(u, f, random);
	pool_put(u->pool, f, false);
	return ret;
}

static inline int pool_update(struct pool_user *u, uint32_t page,
			      uint64_t random)
{
	struct page_head *head;
	uint32_t f;
	int ret = pool_get(u, page, true, &f);

	if (ret)
		return ret;
	ret = pool_verify(u, f, page);
	head = (void *)pool_addr(u, f);
	head->changed_at = random;
	*pool_row(u, f, random) = random;
	u->pool->frames[f].is_dirty = 1;
	pool_put(u->pool, f, true);
	return ret;
}

/* --- for the administrator ----------------------------------------------- */

/* Take @nr frames from @first on out of use; what is newer goes to the file. */
static inline int pool_withdraw(struct pool_user *u, uint32_t first,
				uint32_t nr)
{
	uint32_t f;
	int ret = 0;

	for (f = first; f < first + nr && !ret; f++) {
		ret = latch_take(&u->pool->frames[f].latch, true);
		if (!ret)
			ret = pool_exchange(u, f, POOL_NONE);
	}
	return ret;
}

static inline void pool_give_back(struct pool *p, uint32_t first, uint32_t nr)
{
	uint32_t f;

	for (f = first; f < first + nr; f++)
		latch_drop(&p->frames[f].latch, true);
}

/* Read the first pages of the file into all frames, in pieces of a MiB. */
static inline int pool_warm(struct pool *p, char *base, int file)
{
	size_t len = p->nr_frames * p->page_bytes, off = 0;
	uint32_t f;

	while (off < len) {
		size_t piece = len - off < 1UL << 20 ? len - off : 1UL << 20;
		ssize_t n = pread(file, base + off, piece, (off_t)off);

		if (n <= 0)
			return n ? -errno : -EIO;
		off += (size_t)n;
	}
	/* Page p is in set p % nr_sets. */
	for (f = 0; f < p->nr_frames; f++)
		p->frames[f] = (struct frame){ .page = f };
	return 0;
}

#endif
