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
 *	            of the whole mm, then flush_tlb_mm()
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
 * Kernels with a strategy that asks count such faults as strategy.wp_pending.
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
#include <time.h>

#include "mprotect_fault_faulter.h"
#include "mprotect_fault_memory.h"
#include "mprotect_fault_state.h"
#include "wl.h"
#include "wl_mem.h"
#include "wl_uffd.h"

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

/* A page of a file that is copied takes two. */
static uint64_t probe_bytes(const struct wl_env *env,
			    const struct mprotect_fault_conf *conf)
{
	uint64_t faulted = env->nr_threads[1] * conf->fault_pages;
	uint64_t changed = env->nr_threads[0] * conf->pages;

	faulted *= conf->fault == COW ? 2 : 1;
	changed *= conf->where == SAME_RANGE ? 0 : 1;
	return (faulted + changed) * env->page_bytes * env->nr_instances;
}

static void probe(const struct wl_env *env, const void *p,
		  struct wl_reasons *why)
{
	const struct mprotect_fault_conf *conf = p;
	uint64_t faulted = env->nr_threads[1] * conf->fault_pages;

	if (!faulted)
		wl_reason(why, "needs a faulter: there is no CPU left for "
			       "one, or threads.faulter is 0");
	else if (conf->where == SAME_RANGE && faulted < env->nr_threads[0])
		wl_reason(why, "where = same_range: expected a page of "
			       "faulters for each initiator");
	wl_mem_probe_bytes(probe_bytes(env, conf), why);
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
		.help = "write faults of all faulters",
		.kind = WL_TOTAL,
		.better = WL_HIGHER,
		.is_headline = true,
	},
	[REFUSED] = {
		.name = "refused_stores",
		.unit = "stores",
		.help = "stores that found the range protected and were tried "
			"again",
		.kind = WL_TOTAL,
		.better = WL_NEITHER,
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
