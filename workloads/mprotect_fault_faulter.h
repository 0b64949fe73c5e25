/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The faulters of mprotect_fault: how a page is made to fault, and how one sees
 * that a write to it went where it belongs.
 */
#ifndef MPROTECT_FAULT_FAULTER_H
#define MPROTECT_FAULT_FAULTER_H

#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include "mprotect_fault_state.h"
#include "wl_uffd.h"

/* Map the pages so that each write to them will fault. */
static int arm(const struct state *s, const struct wl_range *area)
{
	if (s->conf->fault == FAULT_UFFD_WP)
		return wl_uffd_protect(s->uffd, area, true);
	if (madvise(area->addr, area->len_bytes, MADV_DONTNEED))
		return -errno;
	if (copies(s->conf))
		wl_range_read(area);
	return 0;
}

static int prepare(const struct state *s, struct faulter *f)
{
	uint64_t i = f->nr++ % s->conf->fault_pages;

	f->page = (void *)(f->area.addr + i * f->area.page_bytes);
	f->value++;
	clock_gettime(CLOCK_MONOTONIC, &f->since);
	return i ? 0 : arm(s, &f->area);
}

static int store(struct wl_thread *t)
{
	struct state *s = t->ctx->priv;
	struct faulter *f = &s->faulters[t->idx];

	wl_add(t, FAULTS, 1);
	if (!may_refuse(s->conf)) {
		f->page->value = f->value;
		return 0;
	}
	while (syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &f->page->value)) {
		if (errno != EFAULT)
			return -errno;
		wl_add(t, REFUSED, 1);
	}
	return 0;
}

/* Where stores may be refused, a page has the time of the last one. */
static bool is_later(const volatile struct page *p,
		     const struct timespec *since)
{
	uint64_t s = p->value, ns = p->rest;

	return s > (uint64_t)since->tv_sec ||
	       (s == (uint64_t)since->tv_sec && ns > (uint64_t)since->tv_nsec);
}

/* The write is where it belongs, and only there. */
static int check_page(const struct state *s, const struct faulter *f)
{
	const struct mprotect_fault_conf *conf = s->conf;
	const volatile struct page *page = f->page, *file;
	uint64_t offset = (uint64_t)((char *)page - s->range.addr);
	uint64_t stamp = offset / s->range.page_bytes + 1;

	if (may_refuse(conf) ? !is_later(page, &f->since)
			     : page->value != f->value)
		return -EBADMSG;
	if (!has_file(conf))
		return page->stamp ? -EBADMSG : 0;
	file = (void *)(s->file + offset);
	if (page->stamp != stamp || file->stamp != stamp)
		return -EBADMSG;
	return file->value == (conf->fault == COW ? 0 : page->value) ? 0
								     : -EBADMSG;
}

static long nr_faults(void)
{
	struct rusage use = { 0 };

	getrusage(RUSAGE_THREAD, &use);
	return use.ru_minflt;
}

/*
 * Running free. A store to the page before, which must be refused while the
 * range is protected: the initiator looks for it.
 */
static int faulter_rearm(struct wl_thread *t)
{
	struct state *s = t->ctx->priv;
	struct faulter *f = &s->faulters[t->idx];
	int ret;

	if (may_refuse(s->conf) && f->page)
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &f->page->value);
	ret = prepare(s, f);
	f->nr_faults = nr_faults();
	return ret;
}

static int faulter_check(struct wl_thread *t)
{
	const struct state *s = t->ctx->priv;
	const struct faulter *f = &s->faulters[t->idx];

	/* Without a fault it got through a page that is write-protected. */
	if (nr_faults() == f->nr_faults)
		return -ENODATA;
	return check_page(s, f);
}

static int each_faulter(struct state *s,
			int (*call)(const struct state *s, struct faulter *f))
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < s->nr_faulters && !ret; i++)
		ret = call(s, &s->faulters[i]);
	return ret;
}

#endif
