/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Children that have a range of pages in common with their parent, and no other
 * private memory: else each thread of the parent would copy a page of its
 * stack, too, when it goes on.
 */
#ifndef WL_FORK_H
#define WL_FORK_H

#include <pthread.h>
#include <signal.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "wl.h"
#include "wl_range.h"

/**
 * struct wl_fork
 * @is_kept: all other memory is kept from children
 * @child: that has the range as well; 0: none
 */
struct wl_fork {
	bool is_kept;
	pid_t child;
};

/* probe(): can there be such a child? */
static inline void wl_fork_probe(struct wl_reasons *why)
{
#ifdef __x86_64__
	(void)why;
#else
	wl_reason(why, "its child is machine code of x86-64");
#endif
}

static inline void wl_fork_keep_line(const char *line, void *arg)
{
	const struct wl_range *r = arg;
	unsigned long from, to;
	char rights[5];

	if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) == 3 &&
	    !strcmp(rights, "rw-p") && from != (uintptr_t)r->addr)
		madvise((void *)from, to - from, MADV_DONTFORK);
}

/* Once, when all threads are there. */
static inline int wl_fork_keep(struct wl_fork *f, const struct wl_range *r)
{
	/* The range is looked at, not changed. */
	void *arg = (void *)(uintptr_t)r;

	if (f->is_kept)
		return 0;
	f->is_kept = true;
	return wl_each_line("/proc/self/maps", wl_fork_keep_line, arg);
}

/*
 * fork() to a child that needs neither stack nor data: it has itself killed
 * when its parent ends, leaves if that has happened already, and waits.
 */
static inline pid_t wl_fork_bare(void)
{
	long ret = -ENOSYS;
#ifdef __x86_64__
	register long parent __asm__("rbx") = getpid();

	__asm__ volatile("xor %%r10d, %%r10d\n\t"
			 "xor %%r8d, %%r8d\n\t"
			 "syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 3f\n\t"
			 "mov %[prctl], %%eax\n\t"
			 "mov %[deathsig], %%edi\n\t"
			 "mov %[kill], %%esi\n\t"
			 "syscall\n\t"
			 "mov %[getppid], %%eax\n\t"
			 "syscall\n\t"
			 "cmp %%rbx, %%rax\n\t"
			 "jne 2f\n"
			 "1:\tmov %[pause], %%eax\n\t"
			 "syscall\n\t"
			 "jmp 1b\n"
			 "2:\tmov %[exit], %%eax\n\t"
			 "syscall\n"
			 "3:"
			 : "=a"(ret)
			 : "a"((long)SYS_clone), "D"((long)SIGCHLD), "S"(0L),
			   "d"(0L), "r"(parent), [prctl] "i"(SYS_prctl),
			   [deathsig] "i"(PR_SET_PDEATHSIG),
			   [kill] "i"(SIGKILL), [getppid] "i"(SYS_getppid),
			   [pause] "i"(SYS_pause), [exit] "i"(SYS_exit_group)
			 : "rcx", "r8", "r10", "r11", "memory");
#endif
	return (pid_t)ret;
}

static inline int wl_fork_start(struct wl_fork *f)
{
	pid_t child = wl_fork_bare();

	if (child < 0)
		return child;
	f->child = child;
	return 0;
}

static inline void wl_fork_end(struct wl_fork *f)
{
	if (!f->child)
		return;
	kill(f->child, SIGKILL);
	while (waitpid(f->child, NULL, 0) < 0 && errno == EINTR)
		;
	f->child = 0;
}

/*
 * For the thread that forks. The kernel writes to the rseq area of a thread
 * when it goes back to user mode. The child would have one, where it has no
 * memory.
 */
static inline int wl_fork_thread_init(void)
{
	char *area = (char *)pthread_self() + __rseq_offset;

	if (!__rseq_size)
		return 0;
	return syscall(SYS_rseq, area, sizeof(struct rseq),
		       RSEQ_FLAG_UNREGISTER, RSEQ_SIG)
		       ? -errno
		       : 0;
}

#endif
