/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What lazy_idle does to its page, and what each of these acts causes.
 */
#ifndef LAZY_IDLE_ACTS_H
#define LAZY_IDLE_ACTS_H

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "wl.h"
#include "wl_mem.h"

/* Exit status of a child that has the page. */
#define CHILD_HAS_PAGE 42
#define CHILD_STACK_BYTES 16384

enum act_id {
	DONTNEED,
	MPROTECT,
	MUNMAP,
	MUNMAP_TABLE,
	MREMAP,
	FORK
};

static const char *const act_names[] = {
	"dontneed", "mprotect", "munmap", "munmap_table", "mremap", "fork", NULL
};

struct lazy_idle_conf {
	uint64_t wake_every;
	uint64_t wakes;
	uint64_t act;
};

/**
 * struct lazy_idle - the page, and what is mapped around it
 * @page: what sleepers read: a page of one of @range
 * @range: of mremap two, between which the page moves
 * @at: the one where it is
 * @child: that the op has forked
 */
struct lazy_idle {
	struct wl_range page;
	struct wl_range range[2];
	unsigned int at;
	pid_t child;
	_Alignas(16) char child_stack[CHILD_STACK_BYTES];
};

/* The harness looks at where the page is, if a node is asked for. */
static int place(const struct lazy_idle *s)
{
	const struct wl_range *r = &s->page;

	return wl_place(r->ctx, r->region, r->addr, r->len_bytes);
}

/* --- the acts ------------------------------------------------------------ */

static int zap(struct lazy_idle *s)
{
	const struct wl_range *r = &s->page;

	return madvise(r->addr, r->len_bytes, MADV_DONTNEED) ? -errno : 0;
}

/* Not by reading: that would map the zero page, and rearm flush it. */
static int check_zapped(struct lazy_idle *s)
{
	return wl_range_check_none(&s->page, WL_PM_PRESENT);
}

static int protect(struct lazy_idle *s)
{
	return mprotect(s->page.addr, s->page.len_bytes, PROT_READ) ? -errno
								    : 0;
}

static int unprotect(struct lazy_idle *s)
{
	const int prot = PROT_READ | PROT_WRITE;

	return mprotect(s->page.addr, s->page.len_bytes, prot) ? -errno : 0;
}

static int check_protected(struct lazy_idle *s)
{
	return wl_is_writable(s->page.addr) ? -EEXIST : 0;
}

static int map(struct lazy_idle *s)
{
	return wl_range_map(&s->range[0]);
}

static int unmap(struct lazy_idle *s)
{
	const struct wl_range *r = &s->range[0];

	return munmap(r->addr, r->len_bytes) ? -errno : 0;
}

static int check_unmapped(struct lazy_idle *s)
{
	return wl_range_check_unmapped(&s->page);
}

/* Both places stay mapped, so that nobody else's memory gets there. */
static int move(struct lazy_idle *s)
{
	const int flags = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;
	const size_t len = s->page.len_bytes;

	return mremap(s->page.addr, len, len, flags, s->range[!s->at].addr) ==
			       MAP_FAILED
		       ? -errno
		       : 0;
}

static int check_moved(struct lazy_idle *s)
{
	int ret = wl_range_check_none(&s->page, WL_PM_PRESENT);

	s->at = !s->at;
	s->page = s->range[s->at];
	if (!ret)
		ret = wl_range_check_all(&s->page, WL_PM_PRESENT);
	return ret ? ret : place(s);
}

static int child_main(void *page)
{
	return *(volatile char *)page ? CHILD_HAS_PAGE : 0;
}

/* A stack of its own: then it does not touch that of the parent. */
static int fork_child(struct lazy_idle *s)
{
	s->child = clone(child_main, s->child_stack + CHILD_STACK_BYTES,
			 SIGCHLD, s->page.addr);
	return s->child < 0 ? -errno : 0;
}

static int check_child(struct lazy_idle *s)
{
	int status;

	if (s->child <= 0 || waitpid(s->child, &status, 0) != s->child)
		return -ECHILD;
	return WIFEXITED(status) && WEXITSTATUS(status) == CHILD_HAS_PAGE
		       ? 0
		       : -EBADMSG;
}

/**
 * struct act - what is done to the page
 * @undo: before the page is written again; may be NULL
 * @flushes, @faults: bounds per op, of the initiator with rearm and check
 */
struct act {
	int (*undo)(struct lazy_idle *s);
	int (*op)(struct lazy_idle *s);
	int (*check)(struct lazy_idle *s);
	struct wl_bound flushes;
	struct wl_bound faults;
};

static const struct act acts[] = {
	[DONTNEED] = { NULL, zap, check_zapped, { 1, 1 }, { 1, 1 } },
	/* The way up changes present entries too, which is flushed. */
	[MPROTECT] = { unprotect,
		       protect,
		       check_protected,
		       { 2, 2 },
		       { 0, 0 } },
	[MUNMAP] = { map, unmap, check_unmapped, { 1, 1 }, { 1, 1 } },
	[MUNMAP_TABLE] = { map, unmap, check_unmapped, { 1, 1 }, { 1, 1 } },
	[MREMAP] = { NULL, move, check_moved, { 1, 1 }, { 0, 0 } },
	/* Each page that parent and child write is copied or taken back. */
	[FORK] = { NULL, fork_child, check_child, { 1, -1 }, { 1, -1 } },
};

static const struct act *act_of(const struct wl_ctx *c)
{
	return &acts[((const struct lazy_idle_conf *)c->conf)->act];
}

#endif
