/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parameters of mprotect_fault, and what its threads share.
 */
#ifndef MPROTECT_FAULT_STATE_H
#define MPROTECT_FAULT_STATE_H

#include "wl.h"
#include "wl_mem.h"

enum change {
	MPROTECT,
	UFFD_WP,
	CLEAR_REFS
};

enum fault {
	COW,
	ZERO_PAGE,
	SHARED_FILE,
	FAULT_UFFD_WP
};

enum where {
	SAME_RANGE,
	SAME_VMA,
	OTHER_VMA
};

static const char *const changes[] = { "mprotect", "uffd_wp", "clear_refs",
				       NULL };
static const char *const faults[] = { "cow", "zero_page", "shared_file",
				      "uffd_wp", NULL };
static const char *const wheres[] = { "same_range", "same_vma", "other_vma",
				      NULL };

struct mprotect_fault_conf {
	uint64_t change;
	uint64_t fault;
	uint64_t where;
	uint64_t pages;
	uint64_t fault_pages;
	uint64_t lockstep;
};

enum metric {
	FAULTS,
	REFUSED
};

/**
 * struct page - how threads use a page
 * @stamp: number of the page in its file, from 1; 0 without a file
 * @value: what the faulter has written last; of a time, seconds
 * @rest: of a time
 */
struct page {
	uint64_t stamp;
	uint64_t value;
	uint64_t rest;
};

/**
 * struct faulter - what a faulter does next
 * @area: its pages
 * @nr: faults for which it has been prepared
 * @page: where the next one will be; NULL before the first
 * @value: to be written
 * @since: when it was prepared
 * @nr_faults: of the thread, when it was prepared
 */
struct faulter {
	struct wl_range area;
	uint64_t nr;
	volatile struct page *page;
	uint64_t value;
	struct timespec since;
	long nr_faults;
};

/**
 * struct state - of an instance
 * @range: all of it
 * @changed: what initiators share out among themselves
 * @faulted: the areas of all faulters
 * @file: another mapping of the file, as long as @range
 * @uffd, @clear_refs: -1 if nobody needs it
 */
struct state {
	const struct mprotect_fault_conf *conf;
	struct wl_range range;
	struct wl_range changed;
	struct wl_range faulted;
	char *file;
	int uffd;
	int clear_refs;
	unsigned int nr_faulters;
	struct faulter faulters[];
};

static bool needs_uffd(const struct mprotect_fault_conf *conf)
{
	return conf->change == UFFD_WP || conf->fault == FAULT_UFFD_WP;
}

static bool has_file(const struct mprotect_fault_conf *conf)
{
	return conf->fault == COW || conf->fault == SHARED_FILE;
}

static bool copies(const struct mprotect_fault_conf *conf)
{
	return conf->fault == COW || conf->fault == ZERO_PAGE;
}

/* May a store of a faulter be refused? */
static bool may_refuse(const struct mprotect_fault_conf *conf)
{
	return conf->change == MPROTECT && conf->where == SAME_RANGE;
}

/* Does nobody write what an initiator has changed, until it checks that? */
static bool stays_changed(const struct mprotect_fault_conf *conf)
{
	return conf->lockstep || conf->where != SAME_RANGE;
}

static struct wl_range part_of(const struct wl_range *r, size_t offset_bytes,
			       size_t len_bytes)
{
	struct wl_range part = *r;

	part.addr += offset_bytes;
	part.len_bytes = len_bytes;
	return part;
}

static void write_pages(const struct wl_range *r)
{
	size_t off;

	for (off = 0; off < r->len_bytes; off += r->page_bytes)
		((volatile struct page *)(r->addr + off))->value = 0;
}

#endif
