/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The mappings and files of an instance of mprotect_fault.
 */
#ifndef MPROTECT_FAULT_MEMORY_H
#define MPROTECT_FAULT_MEMORY_H

#include <fcntl.h>
#include <stdlib.h>

#include "mprotect_fault_state.h"
#include "wl_uffd.h"

static int map(const struct state *s, const struct wl_range *r, enum fault kind)
{
	bool is_file = kind == COW || kind == SHARED_FILE;
	int flags = MAP_FIXED;

	flags |= kind == SHARED_FILE ? MAP_SHARED : MAP_PRIVATE;
	flags |= is_file ? 0 : MAP_ANONYMOUS;
	return mmap(r->addr, r->len_bytes, PROT_READ | PROT_WRITE, flags,
		    is_file ? r->memfd : -1,
		    is_file ? r->addr - s->range.addr : 0) == MAP_FAILED
		       ? -errno
		       : 0;
}

static int map_file(struct state *s)
{
	const struct wl_range *r = &s->faulted;
	size_t off;

	s->file = mmap(NULL, s->range.len_bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED, s->range.memfd, 0);
	if (s->file == MAP_FAILED)
		return -errno;
	for (off = (size_t)(r->addr - s->range.addr); off < s->range.len_bytes;
	     off += r->page_bytes)
		((struct page *)(s->file + off))->stamp =
			off / r->page_bytes + 1;
	return 0;
}

/* One mapping, or two of which one may be of another kind. */
static int map_all(struct state *s)
{
	const struct mprotect_fault_conf *conf = s->conf;
	int ret;

	if (conf->where != OTHER_VMA)
		return map(s, &s->range, conf->fault);
	ret = map(s, &s->changed, ZERO_PAGE);
	return ret ? ret : map(s, &s->faulted, conf->fault);
}

/* A VMA that is not concerned stays as it is. */
static int watch_all(const struct state *s)
{
	const bool is_one = s->conf->where != OTHER_VMA;
	int ret = 0;

	if (is_one || s->conf->change == UFFD_WP)
		ret = wl_uffd_register(s->uffd, &s->changed);
	if (!ret && (is_one || s->conf->fault == FAULT_UFFD_WP))
		ret = wl_uffd_register(s->uffd, &s->faulted);
	return ret;
}

static int open_files(struct state *s)
{
	if (needs_uffd(s->conf)) {
		s->uffd = wl_uffd_open();
		if (s->uffd < 0)
			return s->uffd;
	}
	if (s->conf->change == CLEAR_REFS) {
		s->clear_refs =
			open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
		if (s->clear_refs < 0)
			return -errno;
	}
	return 0;
}

/* What is changed, a page-table page's pages if it is to be apart, areas. */
static int lay_out(struct state *s, struct wl_ctx *c)
{
	const struct mprotect_fault_conf *conf = s->conf;
	const bool is_same = conf->where == SAME_RANGE;
	uint64_t changed = is_same ? 0 : c->nr_threads[0] * conf->pages;
	uint64_t apart =
		conf->where == OTHER_VMA ? c->page_bytes / sizeof(uint64_t) : 0;
	uint64_t faulted = s->nr_faulters * conf->fault_pages;
	const struct wl_mem_conf mem = {
		.pages = changed + apart + faulted,
		.memory = has_file(conf) ? WL_SHARED : WL_ANONYMOUS,
	};
	size_t from = (changed + apart) * c->page_bytes;
	unsigned int i;
	int ret;

	ret = wl_range_init(&s->range, c, 0, &mem);
	if (ret)
		return ret;
	s->faulted = part_of(&s->range, from, faulted * c->page_bytes);
	s->changed = is_same ? s->faulted
			     : part_of(&s->range, 0, changed * c->page_bytes);
	for (i = 0; i < s->nr_faulters; i++)
		s->faulters[i].area = part_of(
			&s->faulted, i * conf->fault_pages * c->page_bytes,
			conf->fault_pages * c->page_bytes);
	return 0;
}

static void close_file(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void teardown(struct wl_ctx *c)
{
	struct state *s = c->priv;

	close_file(s->uffd);
	close_file(s->clear_refs);
	if (s->file != MAP_FAILED)
		munmap(s->file, s->range.len_bytes);
	wl_range_fini(&s->range);
	free(s);
}

static int fill(struct state *s)
{
	int ret = open_files(s);

	if (!ret)
		ret = map_all(s);
	if (!ret && has_file(s->conf))
		ret = map_file(s);
	if (ret)
		return ret;
	/* Write-protection is of pages that are there. */
	if (s->conf->fault == FAULT_UFFD_WP)
		write_pages(&s->faulted);
	return needs_uffd(s->conf) ? watch_all(s) : 0;
}

static int setup(struct wl_ctx *c)
{
	const unsigned int nr = c->nr_threads[1];
	struct state *s = calloc(1, sizeof(*s) + nr * sizeof(*s->faulters));
	int ret;

	if (!s)
		return -ENOMEM;
	s->conf = c->conf;
	s->nr_faulters = nr;
	s->uffd = s->clear_refs = -1;
	s->file = MAP_FAILED;
	ret = lay_out(s, c);
	if (ret) {
		free(s);
		return ret;
	}
	c->priv = s;
	ret = fill(s);
	if (ret)
		teardown(c);
	return ret;
}

#endif
