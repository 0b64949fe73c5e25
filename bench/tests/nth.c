// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linked into the tlbbench of tests: lets the Nth call of one function fail.
 *
 * Each __wrap_NAME() below stands for NAME() in all objects and static
 * libraries, by the linker's --wrap. What is to fail stands in the file named
 * by TLBBENCH_NTH, which all processes of a run map, so that they count
 * together; see test_fault.py, which writes and reads it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_CALLS 16384
#define DEPTH 4

/**
 * struct plan - the file
 * @function: which is to fail
 * @nth: call that fails, counted from 1; 0: none, only count
 * @error: its errno
 * @nr_calls: so far, of all processes
 * @callers: return addresses of the call and of the functions around it
 */
static struct plan {
	char function[32];
	uint64_t nth;
	uint64_t error;
	_Atomic uint64_t nr_calls;
	uint64_t callers[MAX_CALLS][DEPTH];
} * plan;

__attribute__((constructor)) static void map_plan(void)
{
	const char *path = getenv("TLBBENCH_NTH");
	long fd, at;

	if (!path)
		return;
	fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	at = syscall(SYS_mmap, NULL, sizeof(*plan), PROT_READ | PROT_WRITE,
		     MAP_SHARED, fd, 0);
	syscall(SYS_close, fd);
	if (at != -1)
		plan = (struct plan *)at;
}

/* Frame by frame, as long as there are frames: libraries may have none. */
__attribute__((no_sanitize("address", "undefined"))) static void
note_callers(uint64_t *callers, const uint64_t *frame)
{
	const uint64_t *const limit = frame + 8192;
	unsigned int i;

	for (i = 0; i < DEPTH; i++) {
		const uint64_t *next = (const uint64_t *)frame[0];

		callers[i] = frame[1];
		if (next <= frame || next >= limit || (uintptr_t)next % 8)
			return;
		frame = next;
	}
}

static bool fails(const char *function, const void *frame)
{
	uint64_t n;

	if (!plan || strcmp(plan->function, function))
		return false;
	n = atomic_fetch_add(&plan->nr_calls, 1) + 1;
	if (n <= MAX_CALLS)
		note_callers(plan->callers[n - 1], frame);
	if (n != plan->nth)
		return false;
	errno = (int)plan->error;
	return true;
}

#define FAILS(function) fails(function, __builtin_frame_address(0))

/* NAME() fails by returning @failure with errno set. */
#define WRAP(type, name, failure, params, args)                     \
	type __real_##name params;                                  \
	type __wrap_##name params;                                  \
	type __wrap_##name params                                   \
	{                                                           \
		return FAILS(#name) ? failure : __real_##name args; \
	}

WRAP(void *, malloc, NULL, (size_t n), (n))
WRAP(void *, calloc, NULL, (size_t n, size_t size), (n, size))
WRAP(void *, realloc, NULL, (void *p, size_t n), (p, n))
WRAP(char *, strdup, NULL, (const char *s), (s))
WRAP(void *, mmap, MAP_FAILED,
     (void *at, size_t n, int prot, int flags, int fd, off_t offset),
     (at, n, prot, flags, fd, offset))
WRAP(FILE *, fopen, NULL, (const char *path, const char *mode), (path, mode))
WRAP(DIR *, opendir, NULL, (const char *path), (path))
WRAP(ssize_t, read, -1, (int fd, void *p, size_t n), (fd, p, n))
WRAP(ssize_t, pread, -1, (int fd, void *p, size_t n, off_t at), (fd, p, n, at))
WRAP(int, fsync, -1, (int fd), (fd))
WRAP(int, rename, -1, (const char *from, const char *to), (from, to))
WRAP(int, mkdir, -1, (const char *path, mode_t mode), (path, mode))
WRAP(int, symlink, -1, (const char *to, const char *path), (to, path))
WRAP(pid_t, fork, -1, (void), ())
WRAP(int, eventfd, -1, (unsigned int n, int flags), (n, flags))
WRAP(int, signalfd, -1, (int fd, const sigset_t *set, int flags),
     (fd, set, flags))
WRAP(int, poll, -1, (struct pollfd * fds, nfds_t n, int ms), (fds, n, ms))
WRAP(int, sched_setscheduler, -1,
     (pid_t pid, int policy, const struct sched_param *param),
     (pid, policy, param))
WRAP(int, unshare, -1, (int flags), (flags))
WRAP(int, mount, -1,
     (const char *what, const char *where, const char *type,
      unsigned long flags, const void *data),
     (what, where, type, flags, data))

int __real_close(int fd);
int __wrap_close(int fd);
/* It is closed all the same, as the kernel does it. */
int __wrap_close(int fd)
{
	bool has_failed = FAILS("close");
	int error = errno, ret = __real_close(fd);

	if (!has_failed)
		return ret;
	errno = error;
	return -1;
}

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
/* An eventfd, which is no type of file, takes all that fits. */
ssize_t __wrap_write(int fd, const void *p, size_t n)
{
	struct stat st;
	bool is_eventfd = !fstat(fd, &st) && !(st.st_mode & S_IFMT);

	return !is_eventfd && FAILS("write") ? -1 : __real_write(fd, p, n);
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*start)(void *), void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*start)(void *), void *arg);
/* Returns its error. */
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
			  void *(*start)(void *), void *arg)
{
	return FAILS("pthread_create")
		       ? errno
		       : __real_pthread_create(thread, attr, start, arg);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	va_start(ap, flags);
	if (flags & O_CREAT)
		mode = va_arg(ap, mode_t);
	va_end(ap);
	return FAILS("open") ? -1 : __real_open(path, flags, mode);
}

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
	void *arg;
	va_list ap;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	return FAILS("ioctl") ? -1 : __real_ioctl(fd, request, arg);
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
/* What has no wrapper in the C library, or libnuma does not use: by number. */
long __wrap_syscall(long number, ...)
{
	long arg[6];
	unsigned int i;
	va_list ap;

	va_start(ap, number);
	for (i = 0; i < 6; i++)
		arg[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_perf_event_open && FAILS("perf_event_open"))
		return -1;
	if (number == SYS_sched_setaffinity && FAILS("sched_setaffinity"))
		return -1;
	if (number == SYS_sched_getaffinity && FAILS("sched_getaffinity"))
		return -1;
	/* A waiter may be interrupted; waking cannot fail. */
	if (number == SYS_futex && arg[1] == FUTEX_WAIT && FAILS("futex"))
		return -1;
	return __real_syscall(number, arg[0], arg[1], arg[2], arg[3], arg[4],
			      arg[5]);
}
