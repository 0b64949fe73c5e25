/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory helpers that workloads share.
 */
#ifndef WL_MEM_H
#define WL_MEM_H

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "wl.h"

/* What one page-table page maps on x86-64 and arm64 with 4 KiB pages. */
#define WL_PMD_BYTES (2UL << 20)

/**
 * struct wl_range - a private anonymous range whose page tables stay
 * @ctx, @region: for wl_place()
 * @base: start of the reservation, for wl_range_unmap()
 * @total_bytes: length of the reservation
 * @addr: start of the range, aligned to WL_PMD_BYTES plus one page
 * @len_bytes: length of the range
 *
 * The range lies inside a reservation without access that reaches at least a
 * page beyond it on both sides, in the same page-table page. So unmapping the
 * range alone frees no page table, and the flush is one of PTEs only
 * (free_pgd_range() keeps a table that a neighbouring VMA may use). That holds
 * up to two page-table pages less the two neighbours, 1022 pages of 4 KiB.
 */
struct wl_range {
	struct wl_ctx *ctx;
	unsigned int region;
	char *base;
	size_t total_bytes;
	char *addr;
	size_t len_bytes;
};

/* Reserve; nothing is mapped at @addr yet but PROT_NONE. 0 or -errno. */
static inline int wl_range_reserve(struct wl_ctx *c, unsigned int region,
				   struct wl_range *r, size_t len_bytes)
{
	size_t page_bytes = c->page_bytes;
	size_t span = (len_bytes + 2 * page_bytes + WL_PMD_BYTES - 1) &
		      ~(WL_PMD_BYTES - 1);
	void *base;

	r->total_bytes = span + WL_PMD_BYTES;
	base = mmap(NULL, r->total_bytes, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -errno;
	r->ctx = c;
	r->region = region;
	r->base = base;
	r->addr = (char *)(((uintptr_t)base + WL_PMD_BYTES - 1) &
			   ~(WL_PMD_BYTES - 1)) +
		  page_bytes;
	r->len_bytes = len_bytes;
	return 0;
}

static inline void wl_range_unmap(struct wl_range *r)
{
	munmap(r->base, r->total_bytes);
}

/* Map the range readable and writable, in place of what is there. */
static inline int wl_range_map(const struct wl_range *r)
{
	void *p = mmap(r->addr, r->len_bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	return wl_place(r->ctx, r->region, r->addr, r->len_bytes);
}

/* Write one byte of each page, so that each has a writable PTE. */
static inline void wl_range_write(const struct wl_range *r, size_t page_bytes)
{
	size_t off;

	for (off = 0; off < r->len_bytes; off += page_bytes)
		*(volatile char *)(r->addr + off) = 1;
}

/* Read one byte of each page: each translation is in this CPU's TLB after. */
static inline void wl_range_read(const struct wl_range *r, size_t page_bytes)
{
	size_t off;

	for (off = 0; off < r->len_bytes; off += page_bytes)
		(void)*(volatile char *)(r->addr + off);
}

#endif
