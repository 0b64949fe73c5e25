/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Write-protection by userfaultfd, of the kind WP_ASYNC (Linux 6.7): the kernel
 * itself lifts it at a write fault, so nobody has to read the descriptor.
 */
#ifndef WL_UFFD_H
#define WL_UFFD_H

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "wl.h"
#include "wl_range.h"

/* Debian 12's headers are those of 6.1. */
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif

/* A userfaultfd, or -errno; needs no privilege. */
static inline int wl_uffd_open(void)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_WP_ASYNC |
			    UFFD_FEATURE_PAGEFAULT_FLAG_WP |
			    UFFD_FEATURE_WP_HUGETLBFS_SHMEM,
	};
	int ret, fd = (int)syscall(SYS_userfaultfd,
				   O_CLOEXEC | UFFD_USER_MODE_ONLY);

	if (fd < 0)
		return -errno;
	if (!ioctl(fd, UFFDIO_API, &api))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

/* probe(): is there such a thing? */
static inline void wl_uffd_probe(struct wl_reasons *why)
{
	int fd = wl_uffd_open();

	if (fd >= 0)
		close(fd);
	else if (fd == -ENOSYS)
		wl_reason(why, "this kernel has no userfaultfd (USERFAULTFD)");
	else if (fd == -EINVAL)
		wl_reason(why, "this kernel's userfaultfd has no WP_ASYNC: "
			       "needs Linux 6.7 and PTE_MARKER_UFFD_WP");
	else
		wl_reason(why, "userfaultfd: %s", strerror(-fd));
}

/* The range may be write-protected from now on. */
static inline int wl_uffd_register(int fd, const struct wl_range *r)
{
	struct uffdio_register arg = {
		.range = { (uintptr_t)r->addr, r->len_bytes },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};

	return ioctl(fd, UFFDIO_REGISTER, &arg) ? -errno : 0;
}

static inline int wl_uffd_protect(int fd, const struct wl_range *r, bool is_on)
{
	struct uffdio_writeprotect arg = {
		.range = { (uintptr_t)r->addr, r->len_bytes },
		.mode = is_on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return ioctl(fd, UFFDIO_WRITEPROTECT, &arg) ? -errno : 0;
}

#endif
