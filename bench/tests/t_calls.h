/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes one system call of many do nothing, and say that it did: syscall user
 * dispatch has each answered by a signal (prctl(2), Linux 5.11), whose handler
 * makes the call, or does not.
 *
 * Only calls that change memory or its mapping count. x86-64 only.
 */
#ifndef T_CALLS_H
#define T_CALLS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#define SYSCALL_DISPATCH_FILTER_ALLOW 0
#define SYSCALL_DISPATCH_FILTER_BLOCK 1
#endif

/* Of this thread's calls while they are watched. */
static _Thread_local volatile char t_calls_selector;
static _Thread_local unsigned int t_calls_seen;
static _Thread_local unsigned int t_calls_inert;

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && \
	!defined(__SANITIZE_THREAD__)
#define T_HAS_CALLS true

/* The calls from in here are let through: those of the handler. */
__asm__(".text\n"
	"t_calls_begin:\n"
	"t_calls_raw:\n\t"
	"mov %rdi, %rax\n\t"
	"mov %rsi, %r11\n\t"
	"mov (%r11), %rdi\n\t"
	"mov 8(%r11), %rsi\n\t"
	"mov 16(%r11), %rdx\n\t"
	"mov 24(%r11), %r10\n\t"
	"mov 32(%r11), %r8\n\t"
	"mov 40(%r11), %r9\n\t"
	"syscall\n\t"
	"ret\n"
	"t_calls_restore:\n\t"
	"mov $15, %eax\n\t"
	"syscall\n\t"
	"nop\n"
	"t_calls_end:\n");

extern const char t_calls_begin[], t_calls_end[];
long t_calls_raw(long nr, const long args[6]);
void t_calls_restore(void);

static inline bool t_calls_counts(long nr)
{
	static const long those[] = {
		SYS_mprotect,	SYS_madvise,  SYS_munmap,
		SYS_mmap,	SYS_mremap,   SYS_fallocate,
		SYS_msync,	SYS_ioctl,    SYS_process_madvise,
		SYS_move_pages, SYS_pwrite64, SYS_io_uring_enter,
		SYS_ftruncate,	SYS_clone,
	};
	size_t i;

	for (i = 0; i < sizeof(those) / sizeof(*those); i++)
		if (those[i] == nr)
			return true;
	return false;
}

/* What a call returns that has done all that it was asked for. */
static inline long t_calls_pretend(long nr, const long args[6])
{
	const struct iovec *iov = (void *)args[1];
	long sum = 0, i;

	switch (nr) {
	case SYS_clone:
		/* A number that no process has. */
		return INT32_MAX;
	case SYS_mremap:
		return args[4];
	case SYS_mmap:
		return args[0];
	case SYS_pwrite64:
		return args[2];
	case SYS_process_madvise:
		for (i = 0; i < args[2]; i++)
			sum += (long)iov[i].iov_len;
		return sum;
	default:
		return 0;
	}
}

static inline void t_calls_handle(int sig, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	const long args[6] = { regs[REG_RDI], regs[REG_RSI], regs[REG_RDX],
			       regs[REG_R10], regs[REG_R8],  regs[REG_R9] };
	bool counts = t_calls_counts(info->si_syscall);

	(void)sig;
	if (counts && ++t_calls_seen == t_calls_inert) {
		regs[REG_RAX] = t_calls_pretend(info->si_syscall, args);
	} else if (info->si_syscall == SYS_clone) {
		/* Its child has not this stack: once more, from where it was.
		 */
		t_calls_selector = SYSCALL_DISPATCH_FILTER_ALLOW;
		regs[REG_RIP] -= 2;
	} else {
		regs[REG_RAX] = t_calls_raw(info->si_syscall, args);
	}
}

/* For a thread, before it watches its calls. Return: 0 or -errno. */
static inline int t_calls_init(void)
{
	/* As the kernel has it: with a way back of our own. */
	const struct {
		void (*handler)(int sig, siginfo_t *info, void *context);
		unsigned long flags;
		void (*restorer)(void);
		uint64_t mask;
	} act = { t_calls_handle, SA_SIGINFO | 0x04000000, t_calls_restore, 0 };

	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	if (pthread_sigmask(SIG_UNBLOCK, &set, NULL) ||
	    syscall(SYS_rt_sigaction, SIGSYS, &act, NULL, sizeof(act.mask)) ||
	    prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON,
		  t_calls_begin, t_calls_end - t_calls_begin,
		  &t_calls_selector))
		return -errno;
	return 0;
}
#else
#define T_HAS_CALLS false

static inline int t_calls_init(void)
{
	return -ENOSYS;
}
#endif

/* The @inert th call from here on does nothing; 0: each is made. */
static inline void t_calls_begin_watch(unsigned int inert)
{
	t_calls_seen = 0;
	t_calls_inert = inert;
	t_calls_selector = SYSCALL_DISPATCH_FILTER_BLOCK;
}

/* How many there were. */
static inline unsigned int t_calls_end_watch(void)
{
	t_calls_selector = SYSCALL_DISPATCH_FILTER_ALLOW;
	return t_calls_seen;
}

#endif
