/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The contract of litmus tests: does a kernel forget to flush a TLB?
 *
 * A test is one file under workloads/litmus/ that ends with
 *
 *	const struct litmus_ops litmus_<name> = { ... };
 *
 * where <name> is the file's base name. As for workloads the Makefile makes the
 * registry, and nothing else is edited to add one.
 *
 * A test says three things: how to prepare a range of pages (arm), what the
 * initiator does to it (act), and what a victim on another CPU must see of each
 * page from then on (read, write). The engine does the rest, for each size of
 * pages, each state of the victims, and ranges of 1 to 1024 pages. One try is
 *
 * 1. arm: map the pages and store the old values, by litmus_stamp();
 * 2. victims read or write the pages that they watch, so that entries for them
 *    are in the TLBs of their CPUs, and go into their state;
 * 3. act, on the initiator's CPU;
 * 4. victims look: each reads or writes its pages once more. These accesses
 *    begin after act has returned, so what is seen then is a fact;
 * 5. look, and the initiator sees whether what victims wrote is there, and
 *    whether the kernel has noticed;
 * 6. disarm.
 *
 * Pages are watched in base pages, also of huge ones. Each has words of 64
 *bits: the first is the initiator's, the others belong to one victim each.
 *
 * Callbacks return 0 or -errno. -EAGAIN, -EBUSY, -ENOMEM and -EPERM mean that
 * there was no such try: it is counted as missed. All run on the initiator's
 * thread and may neither allocate nor print: what flushes meanwhile hides a
 * fault.
 */
#ifndef LITMUS_H
#define LITMUS_H

#include <errno.h>
#include <linux/membarrier.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "../wl_range.h"

#define LITMUS_ABI 1

/* For litmus_ops.page_sizes; bits by enum wl_page_size. */
#define LITMUS_BASE (1U << WL_BASE)
#define LITMUS_THP (1U << WL_THP)
#define LITMUS_HUGETLB (1U << WL_HUGETLB)

/**
 * enum litmus_state - where victims are while the act runs
 * @LITMUS_RUNNING: in user mode, on their CPUs; every other time they go on
 *	reading their pages, too
 * @LITMUS_SYSCALL: in and out of system calls, most of the time waiting in the
 *	kernel for other CPUs, and it is the kernel that reads and writes the
 *	pages for them
 * @LITMUS_WOKEN: asleep, their CPUs idle and so in lazy TLB mode; woken after
 * @LITMUS_WAKING: the same, but woken just before the act, sooner or later
 * @LITMUS_MOVED: asleep on the initiator's CPU, where they moved; they go back
 *	to look. What they left behind is idle
 * @LITMUS_SWITCHED: asleep, and another process runs on their CPU
 * @LITMUS_PROCESS: running, but in a process of their own that has mapped the
 *	same pages
 */
enum litmus_state {
	LITMUS_RUNNING,
	LITMUS_SYSCALL,
	LITMUS_WOKEN,
	LITMUS_WAKING,
	LITMUS_MOVED,
	LITMUS_SWITCHED,
	LITMUS_PROCESS,
	LITMUS_NR_STATES
};

/**
 * enum litmus_sight - what an access after the act must find
 * @LITMUS_ANY: nothing can be said, so nobody looks
 * @LITMUS_OLD: the value of litmus_stamp(), of this try
 * @LITMUS_NEW: that of litmus_renew()
 * @LITMUS_ZERO: zero
 * @LITMUS_OLD_OR_ZERO: one of both
 * @LITMUS_FAULT: a signal, or -EFAULT in a system call
 * @LITMUS_KEPT: of writes: the initiator finds what was written
 */
enum litmus_sight {
	LITMUS_ANY,
	LITMUS_OLD,
	LITMUS_NEW,
	LITMUS_ZERO,
	LITMUS_OLD_OR_ZERO,
	LITMUS_FAULT,
	LITMUS_KEPT
};

/**
 * struct litmus - one test with pages of one size, in the initiator's process
 * @range: as long as this try has it, and where
 * @try_nr: 0, 1, ... in each state of the victims
 * @value_nr: the same, but never twice: for litmus_value()
 * @is_write: victims write in this try, else they read
 * @files: of wl_res_file()
 * @victims: their process, where they have one of their own, else 0
 * @file: of litmus_arm_any(); -1 before it is needed
 * @eaten: memory for litmus_eat()
 * @eaten_bytes: how much of it there is
 * @priv: the test's own, by setup
 */
struct litmus {
	struct wl_range range;
	unsigned int try_nr;
	unsigned int value_nr;
	bool is_write;
	const int *files;
	pid_t victims;
	int file;
	char *eaten;
	size_t eaten_bytes;
	void *priv;
};

/**
 * struct litmus_ops - one test
 * @abi: LITMUS_ABI
 * @name: equals the file's base name
 * @summary: completes the sentence "Catches a kernel that forgets ..."
 * @path: kernel functions that must flush
 * @page_sizes: LITMUS_BASE and so on
 * @memory: enum wl_memory; of WL_SHARED the range is a memfd, or what setup
 *	puts into range.memfd
 * @states: other than all: a set of 1U << enum litmus_state
 * @is_shared: other processes map the pages, too, so LITMUS_PROCESS makes
 *sense; then the range is mapped by setup once and arm leaves it mapped
 * @hammers: while they wait, victims write and read back what they watch;
 *	those with odd numbers have not loaded it, and begin with the act;
 *	nothing that was written may get lost
 * @races: several threads act at a time, so emulated CPUs that take turns take
 *	short ones
 * @keeps_writes: what running victims write while the act runs may not get lost
 *	either, so in some tries they do
 * @one_writer: each page is written by one victim alone: one that writes as it
 *	should would hide another that does not
 * @effort: multiplies the tries; 0 is 1
 * @max_watched: pages that one victim looks at; 0 is as many as it can
 * @max_pages: of a range of base pages; 0 is 1024
 * @read, @write: what victims must find; one try reads, the next one writes
 * @probe: every reason why it cannot run; may be NULL
 * @prepare: asks for resources, by wl_res_*(), for so many bytes; may be NULL
 * @setup, @teardown: before the first and after the last try; may be NULL
 * @arm: NULL: litmus_arm()
 * @look: before the initiator looks at what victims wrote; may be NULL
 * @noticed: has the kernel noticed that this page was written after the act?
 *	1, 0 or -errno; NULL: there is nothing to notice
 * @disarm: may be NULL
 */
struct litmus_ops {
	unsigned int abi;
	const char *name;
	const char *summary;
	const char *path;
	unsigned int page_sizes;
	enum wl_memory memory;
	unsigned int states;
	bool is_shared;
	bool hammers;
	bool races;
	bool keeps_writes;
	bool one_writer;
	unsigned int effort;
	unsigned int max_watched;
	unsigned int max_pages;
	enum litmus_sight read;
	enum litmus_sight write;
	void (*probe)(struct wl_reasons *why);
	void (*prepare)(struct wl_res *res, uint64_t bytes);
	int (*setup)(struct litmus *l);
	int (*arm)(struct litmus *l);
	int (*act)(struct litmus *l);
	int (*look)(struct litmus *l);
	int (*noticed)(struct litmus *l, size_t page);
	void (*disarm)(struct litmus *l);
	void (*teardown)(struct litmus *l);
};

/* Generated by the Makefile; ends with NULL, sorted by name. */
extern const struct litmus_ops *const litmus_registry[];

/* --- values -------------------------------------------------------------- */

/* Who wrote a value; victims are LITMUS_BY_VICTIM and above. */
enum litmus_writer {
	LITMUS_BY_ARM = 1,
	LITMUS_BY_ACT,
	LITMUS_BY_EATER,
	LITMUS_BY_VICTIM
};

/* A value that nobody else writes, nor anybody in another try. */
static inline uint64_t litmus_value(unsigned int writer, unsigned int value_nr,
				    size_t page)
{
	return (uint64_t)writer << 48 | (uint64_t)(value_nr + 1) << 20 | page;
}

static inline size_t litmus_pages(const struct litmus *l)
{
	return l->range.len_bytes / l->range.ctx->page_bytes;
}

static inline volatile uint64_t *litmus_word(const struct litmus *l,
					     size_t page)
{
	return (volatile uint64_t *)(l->range.addr +
				     page * l->range.ctx->page_bytes);
}

static inline void litmus_store(const struct litmus *l,
				enum litmus_writer writer)
{
	size_t i;

	for (i = 0; i < litmus_pages(l); i++)
		*litmus_word(l, i) = litmus_value(writer, l->value_nr, i);
}

/* Old values, into each base page. */
static inline void litmus_stamp(const struct litmus *l)
{
	litmus_store(l, LITMUS_BY_ARM);
}

/* New ones, for LITMUS_NEW: part of the act. */
static inline void litmus_renew(const struct litmus *l)
{
	litmus_store(l, LITMUS_BY_ACT);
}

/* Has the entry of this page all of @bits in pagemap? 1, 0 or -errno. */
static inline long litmus_pagemap(const struct litmus *l, size_t page,
				  uint64_t bits)
{
	const struct wl_ctx *c = l->range.ctx;

	return wl_pagemap_count(c->pagemap,
				(uintptr_t)litmus_word(l, page) / c->page_bytes,
				1, bits);
}

/* --- parts of arm and act ------------------------------------------------ */

/* -ENOMEM if the kernel gave base pages where huge ones were asked for. */
static inline int litmus_check_huge(const struct litmus *l)
{
	size_t off;

	if (l->range.conf.page_size != WL_THP)
		return 0;
	for (off = 0; off < l->range.len_bytes; off += l->range.page_bytes)
		*(volatile uint64_t *)(l->range.addr + off) = 1;
	return wl_range_check_all(&l->range, WL_PM_PRESENT) ? -ENOMEM : 0;
}

/* Pages that are there already, with old values. */
static inline int litmus_fill(const struct litmus *l)
{
	int ret = litmus_check_huge(l);

	if (!ret)
		litmus_stamp(l);
	return ret;
}

/* A new mapping that may be written, with old values. */
static inline int litmus_arm(struct litmus *l)
{
	int ret = wl_range_map(&l->range);

	return ret ? ret : litmus_fill(l);
}

/* Pages of a file with old values: shared and written, or private and clean. */
static inline int litmus_arm_file(struct litmus *l)
{
	int flags = MAP_FIXED | MAP_SHARED;
	struct wl_range *r = &l->range;

	if (l->file < 0) {
		l->file = memfd_create("tlbbench-litmus", MFD_CLOEXEC);
		if (l->file < 0 || ftruncate(l->file, (off_t)r->total_bytes))
			return -errno;
	}
	if (mmap(r->addr, r->len_bytes, PROT_READ | PROT_WRITE, flags, l->file,
		 0) == MAP_FAILED)
		return -errno;
	litmus_stamp(l);
	flags = MAP_FIXED | MAP_PRIVATE;
	if (!l->is_write && mmap(r->addr, r->len_bytes, PROT_READ | PROT_WRITE,
				 flags, l->file, 0) == MAP_FAILED)
		return -errno;
	return 0;
}

/*
 * For acts that do the same to any memory: every other two tries with base
 * pages it is that of a file.
 */
static inline int litmus_arm_any(struct litmus *l)
{
	return l->range.conf.page_size == WL_BASE && l->value_nr & 4
		       ? litmus_arm_file(l)
		       : litmus_arm(l);
}

/* act() that takes the right to write from the range. */
static inline int litmus_protect(struct litmus *l)
{
	return mprotect(l->range.addr, l->range.len_bytes, PROT_READ) ? -errno
								      : 0;
}

/* Emulated CPUs that take turns give way to others at a pause. */
static inline void litmus_pause(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#endif
}

/*
 * A system call that waits, at a pause in the kernel, for an interrupt of
 * another CPU. Emulated CPUs that take turns give way to others at a pause, so
 * that is where a flush finds this one; others would never be interrupted in
 * the kernel.
 */
static inline void litmus_wait_in_kernel(int cpu)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ,
		MEMBARRIER_CMD_FLAG_CPU, cpu);
}

/* Once in each process. Without it, and in old kernels, that is a system call
 * that does not wait. */
static inline void litmus_may_wait_in_kernel(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ,
		0, 0);
}

/*
 * Take the pages that the act has freed, as far as they are still on this CPU's
 * lists, and write to them: an old entry finds that, and not a page that came
 * back to the same place. Taken from memory that was mapped before.
 */
static inline void litmus_eat(const struct litmus *l)
{
	size_t off, page_bytes = l->range.ctx->page_bytes;
	size_t bytes = l->range.len_bytes < l->eaten_bytes ? l->range.len_bytes
							   : l->eaten_bytes;

	for (off = 0; off < bytes; off += page_bytes)
		*(volatile uint64_t *)(l->eaten + off) =
			litmus_value(LITMUS_BY_EATER, l->value_nr, off);
}

#endif
