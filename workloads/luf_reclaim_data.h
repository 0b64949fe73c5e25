/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What readers of luf_reclaim read: more than fits into memory.
 */
#ifndef LUF_RECLAIM_DATA_H
#define LUF_RECLAIM_DATA_H

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "luf_reclaim_conf.h"
#include "wl.h"

/**
 * struct data - what is read
 * @fd: of the file, or -1
 * @ro, @rw: mapped twice, so that a PTE is writable only where it is meant to
 *	be; of anonymous memory there is one mapping
 * @nr_pages: a multiple of the pages of an op
 * @has_numbers: each page begins with its number, else with 0
 */
struct data {
	int fd;
	char *ro;
	char *rw;
	uint64_t len_bytes;
	uint64_t nr_pages;
	bool has_numbers;
};

/* The first word of page @n: any that reads it sees @n. */
static volatile uint64_t *word(const struct wl_ctx *c, char *base, uint64_t n)
{
	return (volatile uint64_t *)(base + n * c->page_bytes);
}

static int map_data(struct data *d)
{
	int flags = d->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, ret;

	d->rw = mmap(NULL, d->len_bytes, PROT_READ | PROT_WRITE, flags, d->fd,
		     0);
	if (d->rw == MAP_FAILED)
		return -errno;
	d->ro = d->fd < 0
			? d->rw
			: mmap(NULL, d->len_bytes, PROT_READ, flags, d->fd, 0);
	if (d->ro != MAP_FAILED)
		return 0;
	ret = -errno;
	munmap(d->rw, d->len_bytes);
	return ret;
}

/* The next instance begins with a file that is not cached, as this one did. */
static void unmap_data(struct data *d)
{
	munmap(d->rw, d->len_bytes);
	if (d->fd < 0)
		return;
	munmap(d->ro, d->len_bytes);
	posix_fadvise(d->fd, 0, 0, POSIX_FADV_DONTNEED);
}

/* What a reader does to page @n; its first word. */
static uint64_t touch(const struct wl_ctx *c, const struct data *d, uint64_t n)
{
	const struct luf_reclaim_conf *conf = c->conf;

	if (n % 100 >= conf->written_percent)
		return *word(c, d->ro, n);
	*word(c, d->rw, n) = d->has_numbers ? n : 0;
	return *word(c, d->rw, n);
}

/*
 * Memory is full from here on, of pages as the readers leave them. What is in
 * no file yet gets its numbers first, and with that goes to swap once.
 */
static int fill(const struct wl_ctx *c, struct data *d)
{
	const struct luf_reclaim_conf *conf = c->conf;
	uint64_t n, first;

	for (n = 0; n < d->nr_pages && conf->backing != DISK; n++)
		*word(c, d->rw, n) = n;
	for (n = 0; n < d->nr_pages; n++)
		if (conf->read == MMAP)
			touch(c, d, n);
		else if (pread(d->fd, &first, sizeof(first),
			       (off_t)(n * c->page_bytes)) < 0)
			return -errno;
	return 0;
}

static int setup(struct wl_ctx *c)
{
	const struct luf_reclaim_conf *conf = c->conf;
	struct data *d = calloc(1, sizeof(*d));
	int ret;

	if (!d)
		return -ENOMEM;
	d->fd = conf->backing == ANON ? -1 : c->files[0];
	d->nr_pages = conf->bytes / c->page_bytes / conf->pages * conf->pages;
	d->len_bytes = d->nr_pages * c->page_bytes;
	d->has_numbers = conf->backing != DISK || conf->data;
	ret = map_data(d);
	if (ret)
		goto out_free;
	ret = fill(c, d);
	if (ret)
		goto out_unmap;
	c->priv = d;
	return 0;

out_unmap:
	unmap_data(d);
out_free:
	free(d);
	return ret;
}

static void teardown(struct wl_ctx *c)
{
	unmap_data(c->priv);
	free(c->priv);
}

#endif
