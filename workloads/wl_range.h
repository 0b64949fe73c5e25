/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A range of pages that a workload flushes, and what can be seen of it. Part of
 * wl_mem.h, which is what workloads include.
 */
#ifndef WL_RANGE_H
#define WL_RANGE_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wl.h"

/* Since Linux 6.1; glibc 2.36 has no name for it. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

/* Bits of an entry of /proc/PID/pagemap, which has one per base page. */
#define WL_PM_SOFT_DIRTY (1ULL << 55)
#define WL_PM_EXCLUSIVE (1ULL << 56)
#define WL_PM_UFFD_WP (1ULL << 57)
#define WL_PM_FILE (1ULL << 61)
#define WL_PM_SWAP (1ULL << 62)
#define WL_PM_PRESENT (1ULL << 63)

enum wl_page_size {
	WL_BASE,
	WL_THP,
	WL_HUGETLB
};

enum wl_memory {
	WL_ANONYMOUS,
	WL_SHARED
};

/**
 * struct wl_mem_conf - parameters of a range; see the macros below
 * @pages: per op, of the size that @page_size says
 * @page_size: enum wl_page_size
 * @memory: enum wl_memory
 */
struct wl_mem_conf {
	uint64_t pages;
	uint64_t page_size;
	uint64_t memory;
};

/**
 * struct wl_range - pages of one size, with page tables that stay
 * @ctx, @region: for wl_place()
 * @conf: size and kind of its pages
 * @base, @total_bytes: the reservation around it
 * @addr, @len_bytes: the range
 * @page_bytes: size of one of its pages
 * @memfd: what is mapped if it is shared, else -1
 *
 * The range begins one page behind a boundary of what one page-table page maps
 * (2 MiB for base pages, 1 GiB for huge ones), in a reservation without access
 * that reaches beyond it on both sides, in the same page-table pages. So
 * unmapping the range alone frees no page table at its ends (free_pgd_range()
 * keeps a table that a neighbouring VMA may use): none up to two tables less
 * the two neighbours, which is 1022 pages. A longer range has a page-table page
 * of its own in the middle, for each further 512 pages.
 */
struct wl_range {
	struct wl_ctx *ctx;
	unsigned int region;
	struct wl_mem_conf conf;
	char *base;
	size_t total_bytes;
	char *addr;
	size_t len_bytes;
	size_t page_bytes;
	int memfd;
};

/* What one page-table page of base pages maps is one huge page. */
static inline size_t wl_huge_bytes(size_t page_bytes)
{
	return page_bytes * (page_bytes / sizeof(uint64_t));
}

static inline int wl_range_reserve(struct wl_range *r)
{
	size_t table_bytes =
		r->page_bytes * (r->ctx->page_bytes / sizeof(uint64_t));
	size_t span = (r->len_bytes + 2 * r->page_bytes + table_bytes - 1) &
		      ~(table_bytes - 1);
	void *base;

	r->total_bytes = span + table_bytes;
	base = mmap(NULL, r->total_bytes, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -errno;
	r->base = base;
	r->addr = (char *)(((uintptr_t)base + table_bytes - 1) &
			   ~(table_bytes - 1)) +
		  r->page_bytes;
	return 0;
}

static inline int wl_range_make_memfd(struct wl_range *r)
{
	unsigned int flags = MFD_CLOEXEC;
	int ret;

	if (r->conf.page_size == WL_HUGETLB)
		flags |= MFD_HUGETLB |
			 (unsigned int)__builtin_ctzl(r->page_bytes)
				 << MAP_HUGE_SHIFT;
	r->memfd = memfd_create("tlbbench", flags);
	if (r->memfd < 0)
		return -errno;
	if (!ftruncate(r->memfd, (off_t)r->len_bytes))
		return 0;
	ret = -errno;
	close(r->memfd);
	return ret;
}

static inline void wl_range_fini(struct wl_range *r)
{
	munmap(r->base, r->total_bytes);
	if (r->memfd >= 0)
		close(r->memfd);
}

/*
 * Reserve; nothing is mapped at @addr yet but PROT_NONE. Base pages are meant
 * to be base pages, so the instance has no transparent huge ones then.
 */
static inline int wl_range_init(struct wl_range *r, struct wl_ctx *c,
				unsigned int region,
				const struct wl_mem_conf *conf)
{
	bool is_base = conf->page_size == WL_BASE;
	int ret;

	*r = (struct wl_range){ .ctx = c, .region = region, .conf = *conf };
	r->page_bytes = is_base ? c->page_bytes : wl_huge_bytes(c->page_bytes);
	r->len_bytes = conf->pages * r->page_bytes;
	r->memfd = -1;
	if (is_base && prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0))
		return -errno;
	if (conf->memory == WL_SHARED) {
		ret = wl_range_make_memfd(r);
		if (ret)
			return ret;
	}
	ret = wl_range_reserve(r);
	if (ret && r->memfd >= 0)
		close(r->memfd);
	return ret;
}

/* Map the range with @prot, in place of what is there. */
static inline int wl_range_map_as(const struct wl_range *r, int prot)
{
	int flags = MAP_FIXED;

	flags |= r->memfd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	if (r->conf.page_size == WL_HUGETLB && r->memfd < 0)
		flags |= MAP_HUGETLB | __builtin_ctzl(r->page_bytes)
					       << MAP_HUGE_SHIFT;
	if (mmap(r->addr, r->len_bytes, prot, flags, r->memfd, 0) == MAP_FAILED)
		return -errno;
	if (r->conf.page_size == WL_THP &&
	    madvise(r->addr, r->len_bytes, MADV_HUGEPAGE))
		return -errno;
	return wl_place(r->ctx, r->region, r->addr, r->len_bytes);
}

/* Nothing but PROT_NONE is there, as wl_range_init() leaves it. */
static inline int wl_range_close(const struct wl_range *r)
{
	void *p = mmap(r->addr, r->len_bytes, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
		       -1, 0);

	return p == MAP_FAILED ? -errno : 0;
}

static inline int wl_range_map(const struct wl_range *r)
{
	return wl_range_map_as(r, PROT_READ | PROT_WRITE);
}

/* How many base pages from the @first one have all of @bits in pagemap. */
static inline long wl_pagemap_count(int pagemap, size_t first, size_t nr_pages,
				    uint64_t bits)
{
	/* Short: pages of the stack cost after each flush. */
	uint64_t entries[64];
	size_t at = 0, i;
	long nr = 0;

	if (pagemap < 0)
		return pagemap;
	while (at < nr_pages) {
		size_t want = nr_pages - at < 64 ? nr_pages - at : 64;
		ssize_t n = pread(pagemap, entries, want * sizeof(uint64_t),
				  (off_t)((first + at) * sizeof(uint64_t)));

		if (n <= 0)
			return n ? -errno : -EIO;
		for (i = 0; i < (size_t)n / sizeof(uint64_t); i++)
			nr += (entries[i] & bits) == bits;
		at += i;
	}
	return nr;
}

/* Base pages of the range whose entry in pagemap has all of @bits; -errno. */
static inline long wl_range_count(const struct wl_range *r, uint64_t bits)
{
	size_t page_bytes = r->ctx->page_bytes;

	return wl_pagemap_count(r->ctx->pagemap,
				(uintptr_t)r->addr / page_bytes,
				r->len_bytes / page_bytes, bits);
}

/* 0 if all base pages have all of @bits in pagemap, or if none has; -errno. */
static inline int wl_range_check_all(const struct wl_range *r, uint64_t bits)
{
	long nr = wl_range_count(r, bits);

	if (nr < 0)
		return (int)nr;
	return (size_t)nr == r->len_bytes / r->ctx->page_bytes ? 0 : -ENODATA;
}

static inline int wl_range_check_none(const struct wl_range *r, uint64_t bits)
{
	long nr = wl_range_count(r, bits);

	return nr > 0 ? -EEXIST : (int)nr;
}

/* Call @see() for each line of a file, without memory of its own; 0, -errno. */
static inline int wl_each_line(const char *path,
			       void (*see)(const char *line, void *arg),
			       void *arg)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret = 0;
	char text[4096], *line, *end;
	size_t have = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, text + have, sizeof(text) - 1 - have)) > 0) {
		text[have + (size_t)n] = '\0';
		for (line = text; (end = strchr(line, '\n')); line = end + 1) {
			*end = '\0';
			see(line, arg);
		}
		have = strlen(line);
		memmove(text, line, have);
	}
	if (n < 0)
		ret = -errno;
	close(fd);
	return ret;
}

/**
 * struct wl_smaps - one field of one mapping in /proc/self/smaps
 * @addr: where the mapping begins
 * @field: such as "Private_Dirty:"
 * @is_here: the lines are those of the mapping
 * @text: what follows the field; "" if there is no such field
 */
struct wl_smaps {
	uintptr_t addr;
	const char *field;
	bool is_here;
	char text[160];
};

static inline void wl_smaps_see(const char *line, void *arg)
{
	struct wl_smaps *s = arg;
	size_t len = strlen(s->field);
	unsigned long from, to;

	if (sscanf(line, "%lx-%lx", &from, &to) == 2)
		s->is_here = from == s->addr;
	else if (s->is_here && !strncmp(line, s->field, len))
		snprintf(s->text, sizeof(s->text), "%s", line + len);
}

/* Look for the mapping that begins with the range; 0 or -errno. */
static inline int wl_range_smaps(const struct wl_range *r, struct wl_smaps *s)
{
	int ret;

	s->addr = (uintptr_t)r->addr;
	ret = wl_each_line("/proc/self/smaps", wl_smaps_see, s);
	return ret || *s->text ? ret : -ENOENT;
}

/* What smaps has for the mapping that begins with the range; or -errno. */
static inline long wl_range_smaps_kib(const struct wl_range *r,
				      const char *field)
{
	struct wl_smaps s = { .field = field };
	int ret = wl_range_smaps(r, &s);

	return ret ? ret : strtol(s.text, NULL, 10);
}

/* 0 if @field of smaps is 0 kB for the range, else -EEXIST or -errno. */
static inline int wl_range_check_smaps(const struct wl_range *r,
				       const char *field)
{
	long kib = wl_range_smaps_kib(r, field);

	return kib > 0 ? -EEXIST : (int)kib;
}

/* 0 if no page of the range is part of a mapping, else -EEXIST or -errno. */
static inline int wl_range_check_unmapped(const struct wl_range *r)
{
	unsigned char resident;
	size_t off;

	for (off = 0; off < r->len_bytes; off += r->page_bytes) {
		/* ENOMEM is mincore's word for "nothing is mapped here". */
		if (!mincore(r->addr + off, r->ctx->page_bytes, &resident))
			return -EEXIST;
		if (errno != ENOMEM)
			return -errno;
	}
	return 0;
}

/* Write one byte of each page, and do nothing else: it may be timed. */
static inline void wl_range_store(const struct wl_range *r)
{
	size_t off;

	for (off = 0; off < r->len_bytes; off += r->page_bytes)
		*(volatile char *)(r->addr + off) = 1;
}

/*
 * The same, so that each page has a writable entry. -ENOMEM if the kernel gave
 * base pages where huge ones were asked for.
 */
static inline int wl_range_write(const struct wl_range *r)
{
	wl_range_store(r);
	if (r->conf.page_size == WL_THP && wl_range_check_all(r, WL_PM_PRESENT))
		return -ENOMEM;
	return 0;
}

/*
 * May this process write what is at @addr? The kernel tries, with the number of
 * a CPU, and is refused where a store would be answered by a signal.
 */
static inline bool wl_is_writable(void *addr)
{
	return !syscall(SYS_getcpu, addr, NULL, NULL);
}

/*
 * Empty the LRU caches of this CPU. An op that drains those of all CPUs would
 * wait for a kernel thread here, which a responder does not let run. Read in
 * 6.12: zap_page_range_single() -> lru_add_drain(); nothing is mapped there.
 */
static inline int wl_range_drain(const struct wl_range *r)
{
	return madvise(r->base, r->ctx->page_bytes, MADV_DONTNEED) ? -errno : 0;
}

/* Read one byte of each page: each translation is in this CPU's TLB after. */
static inline void wl_range_read(const struct wl_range *r)
{
	size_t off;

	for (off = 0; off < r->len_bytes; off += r->page_bytes)
		(void)*(volatile char *)(r->addr + off);
}

#endif
