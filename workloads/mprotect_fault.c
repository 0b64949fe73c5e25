// SPDX-License-Identifier: GPL-2.0-only
/*
 * mprotect_fault: change protection while other threads take write faults.
 *
 * The initiator changes the protection of its part of the range: between the
 * change of the entries and the flush it is pending (mm_tlb_flush_pending()).
 * Faulters write to pages that are mapped read-only, one fault per op. Read in
 * 6.12:
 *
 *	mprotect    change_protection(), tlb_finish_mmu(); mmap_lock and the
 *	            VMA are locked for writing, so only faults in other VMAs
 *	            go on meanwhile. A part of a VMA becomes a VMA of its own
 *	uffd_wp     UFFDIO_WRITEPROTECT: the same under mmap_lock for reading
 *	clear_refs  4 to /proc/self/clear_refs: soft-dirty bits and write bits
 *of the whole mm, then flush_tlb_mm()
 *
 *	cow         private page of a file: wp_page_copy() copies it, and
 *	            ptep_clear_flush() flushes one page
 *	zero_page   the same, from the zero page
 *	shared_file no entry: do_shared_fault(), no flush
 *	uffd_wp     asynchronous: do_wp_page() takes the bit away, and flushes
 *	            the page only if a flush is pending
 *
 * In lockstep, the default, all faulters have taken their fault when the
 * initiator begins, so nothing is pending then, and counts are exact. Else they
 * run free, and what they pay for the flush that is pending is what strategies
 * differ in (wp-upstream: for uffd_wp only; wp-pending-page: at each fault).
 *
 * One op causes one flush of its part (soft-dirty: of everything), and each
 * fault that copies one more, each with an IPI to each other thread. Flushes
 * and IPIs are counted per fault and include those of the changes.
 *
 * On the same range with mprotect a store may be refused; the faulter tries
 * again until the initiator has lifted the protection, and its time is that of
 * the wait. It is the kernel that stores then, as a store of the faulter's own
 * would be answered by a signal.
 *
 * Not measured: lifting the protection (mprotect and userfaultfd flush for it),
 * and mapping the faulters' pages read-only again, once in fault_pages faults,
 * which flushes too.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include "wl.h"
#include "wl_mem.h"
#include "wl_uffd.h"

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
	REFUSED,
	MET_PENDING
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

/* --- faulters ------------------------------------------------------------ */

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

/* --- initiators ---------------------------------------------------------- */

/* Pages that are evenly shared out. */
static struct wl_range slice_of(const struct wl_thread *t)
{
	const struct state *s = t->ctx->priv;
	size_t page_bytes = s->range.page_bytes;
	size_t nr = s->changed.len_bytes / page_bytes;
	size_t all = t->ctx->nr_threads[0];
	size_t from = nr * t->idx / all, to = nr * (t->idx + 1) / all;

	return part_of(&s->changed, from * page_bytes,
		       (to - from) * page_bytes);
}

static int lift(const struct state *s, const struct wl_range *r)
{
	const int prot = PROT_READ | PROT_WRITE;

	if (s->conf->change == MPROTECT)
		return mprotect(r->addr, r->len_bytes, prot) ? -errno : 0;
	/* On the same range faults do that. */
	if (s->conf->change == UFFD_WP && s->conf->where != SAME_RANGE)
		return wl_uffd_protect(s->uffd, r, false);
	return 0;
}

static void write_pages(const struct wl_range *r)
{
	size_t off;

	for (off = 0; off < r->len_bytes; off += r->page_bytes)
		((volatile struct page *)(r->addr + off))->value = 0;
}

static int rearm(struct wl_thread *t)
{
	struct state *s = t->ctx->priv;
	struct wl_range r = slice_of(t);
	int ret = lift(s, &r);

	if (!ret && s->conf->where != SAME_RANGE)
		write_pages(&r);
	if (!ret && s->conf->lockstep && !t->idx)
		ret = each_faulter(s, prepare);
	return ret;
}

static int op(struct wl_thread *t)
{
	const struct state *s = t->ctx->priv;
	struct wl_range r = slice_of(t);

	switch ((enum change)s->conf->change) {
	case MPROTECT:
		return mprotect(r.addr, r.len_bytes, PROT_READ) ? -errno : 0;
	case UFFD_WP:
		return wl_uffd_protect(s->uffd, &r, true);
	case CLEAR_REFS:
		return pwrite(s->clear_refs, "4", 1, 0) == 1 ? 0 : -errno;
	}
	return -EINVAL;
}

/* A read of a shared file's page maps it writable, but not by this mapping. */
static const char *where_to_read(const struct state *s, const char *addr)
{
	return s->conf->fault == SHARED_FILE ? s->file + (addr - s->range.addr)
					     : addr;
}

static bool was_stored_since(const struct state *s, const struct wl_range *r,
			     const struct timespec *since)
{
	size_t off;

	for (off = 0; off < r->len_bytes; off += r->page_bytes)
		if (is_later((const void *)where_to_read(s, r->addr + off),
			     since))
			return true;
	return false;
}

/* No store gets through, neither a new one nor by an old translation. */
static int check_protected(const struct state *s, const struct wl_range *r)
{
	struct timespec since;

	clock_gettime(CLOCK_MONOTONIC, &since);
	if (wl_is_writable(r->addr) ||
	    wl_is_writable(r->addr + r->len_bytes - r->page_bytes))
		return -EEXIST;
	return may_refuse(s->conf) && was_stored_since(s, r, &since) ? -EBADMSG
								     : 0;
}

static int check_changed(const struct state *s, const struct wl_range *r)
{
	if (s->conf->change == MPROTECT)
		return check_protected(s, r);
	if (!stays_changed(s->conf))
		return 0;
	if (s->conf->change == UFFD_WP)
		return wl_range_check_all(r, WL_PM_UFFD_WP);
	return wl_range_check_none(r, WL_PM_SOFT_DIRTY);
}

static int check_faulter(const struct state *s, struct faulter *f)
{
	return check_page(s, f);
}

static int check(struct wl_thread *t)
{
	struct state *s = t->ctx->priv;
	struct wl_range r = slice_of(t);
	int ret = check_changed(s, &r);

	if (!ret && s->conf->lockstep && !t->idx)
		ret = each_faulter(s, check_faulter);
	return ret;
}

/* Who waits until it may store must not wait for ever. */
static void thread_exit(struct wl_thread *t)
{
	struct wl_range r = slice_of(t);

	if (!t->role)
		lift(t->ctx->priv, &r);
}

/* --- the instance -------------------------------------------------------- */

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

	/* Somebody faults, and each initiator has a page. */
	if (!faulted || (is_same && faulted < c->nr_threads[0]))
		return -EINVAL;
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

/* What has been written is soft-dirty, as this page of the stack. */
static bool has_soft_dirty(size_t page_bytes)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	volatile char here = 0;
	long nr = wl_pagemap_count(fd, (uintptr_t)&here / page_bytes, 1,
				   WL_PM_SOFT_DIRTY);

	close_file(fd);
	return nr == 1;
}

static void probe(const struct wl_env *env, const void *p,
		  struct wl_reasons *why)
{
	const struct mprotect_fault_conf *conf = p;

	if (env->nr_cpus < 2)
		wl_reason(why, "needs two CPUs: somebody must take faults");
	if (conf->change == CLEAR_REFS && !has_soft_dirty(env->page_bytes))
		wl_reason(why, "change = clear_refs: this kernel has no "
			       "soft-dirty bits (MEM_SOFT_DIRTY)");
	if (needs_uffd(conf))
		wl_uffd_probe(why);
}

static uint64_t rendezvous_every(const void *conf)
{
	return ((const struct mprotect_fault_conf *)conf)->lockstep ? 1
								    : WL_NEVER;
}

/*
 * Per fault. Who runs free takes any number of them while one op lasts, and may
 * sleep on a lock that a change holds.
 */
static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct mprotect_fault_conf *conf = c->conf;
	double changers = c->nr_threads[0], faulters = c->nr_threads[1];
	double threads = changers + faulters, own, most;

	if (!faulters || !conf->lockstep)
		return;
	/* The copy; the way up and down of the changes; an area's zap. */
	own = copies(conf) ? 1 : 0;
	most = own + 2 * changers / faulters + 1;
	e->ipis_received =
		(struct wl_bound){ own * (threads - 1), most * (threads - 1) };
	e->flushes = (struct wl_bound){ own, most * threads };
}

static const struct wl_param params[] = {
	{
		.name = "change",
		.help = "How the initiator changes protection",
		.type = WL_ENUM,
		.offset = offsetof(struct mprotect_fault_conf, change),
		.values = changes,
	},
	{
		.name = "fault",
		.help = "What kind of write fault the faulters take",
		.type = WL_ENUM,
		.offset = offsetof(struct mprotect_fault_conf, fault),
		.values = faults,
	},
	{
		.name = "where",
		.help = "Faults are in the pages that are changed, in other "
			"pages of the same VMA or in another VMA",
		.type = WL_ENUM,
		.offset = offsetof(struct mprotect_fault_conf, where),
		.def = OTHER_VMA,
		.values = wheres,
	},
	{
		.name = "pages",
		.help = "Pages that one op changes; on the same range it is "
			"those of the faulters instead",
		.type = WL_UINT,
		.offset = offsetof(struct mprotect_fault_conf, pages),
		.def = 1,
		.min = 1,
		.max = 1 << 20,
	},
	{
		.name = "fault_pages",
		.help = "Pages of one faulter, which it makes fault again when "
			"it has written all of them",
		.type = WL_UINT,
		.offset = offsetof(struct mprotect_fault_conf, fault_pages),
		.def = 64,
		.min = 1,
		.max = 1 << 20,
	},
	{
		.name = "lockstep",
		.help = "Each faulter takes one fault before each op and none "
			"during it; no: faulters run free",
		.type = WL_BOOL,
		.offset = offsetof(struct mprotect_fault_conf, lockstep),
		.def = 1,
	},
	{ 0 },
};

static const struct wl_metric metrics[] = {
	[FAULTS] = {
		.name = "write_faults",
		.unit = "faults",
		.help = "Write faults of all faulters",
		.kind = WL_TOTAL,
		.better = WL_HIGHER,
		.is_headline = true,
	},
	[REFUSED] = {
		.name = "refused_stores",
		.unit = "stores",
		.help = "Stores that found the range protected and were tried "
			"again",
		.kind = WL_TOTAL,
		.better = WL_NEITHER,
	},
	/* Of kernels that count it: none of Linux does. */
	[MET_PENDING] = {
		.name = "nr_tlb_wp_pending",
		.unit = "faults",
		.help = "Write faults that met a pending flush, as kernels "
			"made for that count them",
		.kind = WL_VMSTAT,
		.better = WL_LOWER,
	},
	{ 0 },
};

static const struct wl_effect effect = {
	.event = "fault",
	.metrics = (const char *const[]){ "write_faults", NULL },
};

static const struct wl_role roles[] = {
	{
		.name = "initiator",
		.help = "changes the protection of its part of the range",
		.kind = WL_INITIATOR,
		.def_threads = 1,
		.max_threads = 64,
		.rearm = rearm,
		.op = op,
		.check = check,
	},
	{
		.name = "faulter",
		.help = "takes write faults",
		.kind = WL_RESPONDER,
		.fills_cpus = true,
		.rearm = faulter_rearm,
		.op = store,
		.check = faulter_check,
	},
	{ 0 },
};

const struct wl_ops wl_mprotect_fault = {
	.abi = WL_ABI,
	.name = "mprotect_fault",
	.summary =
		"changes of protection while other threads take write faults",
	.path = "change_protection tlb_finish_mmu wp_page_copy "
		"ptep_clear_flush",
	.tags = "protect fault",
	.params = params,
	.conf_bytes = sizeof(struct mprotect_fault_conf),
	.roles = roles,
	.metrics = metrics,
	.effect = &effect,
	.probe = probe,
	.rendezvous_every = rendezvous_every,
	.runs_free = true,
	.setup = setup,
	.thread_exit = thread_exit,
	.teardown = teardown,
	.expect = expect,
};
