/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shared region: where its memory comes from, how a process attaches it,
 * and what the administrator does to it.
 */
#ifndef MSHARE_DB_REGION_H
#define MSHARE_DB_REGION_H

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/shm.h>
#include <unistd.h>

enum region_backend {
	REGION_MEMFD,
	REGION_SYSV,
	REGION_HUGETLB,
	REGION_MSHAREFS
};

enum region_act {
	REGION_PUNCH,
	REGION_ZAP,
	REGION_PROTECT,
	REGION_RESIZE
};

#define REGION_HUGE_BYTES (2UL << 20)

/**
 * struct region - as one process sees it
 * @fd: of memfd and hugetlb; @shm_id: of System V shared memory
 * @addr: where it is attached, NULL: it is not
 */
struct region {
	enum region_backend backend;
	size_t len_bytes;
	int fd;
	int shm_id;
	char *addr;
};

static inline size_t region_unit_bytes(enum region_backend b, size_t page_bytes)
{
	return b == REGION_HUGETLB ? REGION_HUGE_BYTES : page_bytes;
}

static inline int region_attach(struct region *r)
{
	void *addr;

	if (r->backend == REGION_SYSV)
		addr = shmat(r->shm_id, NULL, 0);
	else
		addr = mmap(NULL, r->len_bytes, PROT_READ | PROT_WRITE,
			    MAP_SHARED, r->fd, 0);
	/* shmat() has the same value for it. */
	if (addr == MAP_FAILED)
		return -errno;
	r->addr = addr;
	return 0;
}

static inline void region_detach(struct region *r)
{
	if (r->addr && r->backend == REGION_SYSV)
		shmdt(r->addr);
	else if (r->addr)
		munmap(r->addr, r->len_bytes);
	r->addr = NULL;
}

/* It has no name and ends with the last process that has it. */
static inline int region_create(struct region *r)
{
	unsigned int flags = MFD_CLOEXEC;
	int ret;

	r->fd = r->shm_id = -1;
	if (r->backend == REGION_SYSV) {
		r->shm_id = shmget(IPC_PRIVATE, r->len_bytes, 0600);
		if (r->shm_id < 0)
			return -errno;
		ret = region_attach(r);
		/*
		 * Linux still lets others attach by the number, until all have
		 * detached.
		 */
		shmctl(r->shm_id, IPC_RMID, NULL);
		return ret;
	}
	if (r->backend == REGION_HUGETLB)
		flags |= MFD_HUGETLB | MFD_HUGE_2MB;
	r->fd = memfd_create("mshare_db", flags);
	if (r->fd < 0)
		return -errno;
	ret = ftruncate(r->fd, (off_t)r->len_bytes) ? -errno : region_attach(r);
	if (ret)
		close(r->fd);
	return ret;
}

static inline void region_destroy(struct region *r)
{
	region_detach(r);
	if (r->fd >= 0)
		close(r->fd);
}

/* --- the acts of the administrator --------------------------------------- */

static inline int region_punch(const struct region *r, size_t off, size_t len)
{
	int ret;

	if (r->backend == REGION_SYSV)
		ret = madvise(r->addr + off, len, MADV_REMOVE);
	else
		ret = fallocate(r->fd,
				FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				(off_t)off, (off_t)len);
	return ret ? -errno : 0;
}

/* To where the range begins, or to all again. */
static inline int region_resize(const struct region *r, size_t len)
{
	return ftruncate(r->fd, (off_t)len) ? -errno : 0;
}

static inline int region_do(const struct region *r, enum region_act act,
			    size_t off, size_t len)
{
	switch (act) {
	case REGION_PUNCH:
		return region_punch(r, off, len);
	case REGION_ZAP:
		return madvise(r->addr + off, len, MADV_DONTNEED) ? -errno : 0;
	case REGION_PROTECT:
		return mprotect(r->addr + off, len, PROT_READ) ? -errno : 0;
	case REGION_RESIZE:
		return region_resize(r, off);
	}
	return -EINVAL;
}

/* Is a page of the region in memory? */
static inline int region_is_resident(const struct region *r, size_t off,
				     size_t page_bytes)
{
	unsigned char resident;

	if (mincore(r->addr + off, page_bytes, &resident))
		return -errno;
	return resident & 1;
}

/* Does this process have a translation of it? From /proc/self/pagemap. */
static inline int region_is_mapped(const struct region *r, size_t off,
				   size_t page_bytes)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = pread(fd, &entry, sizeof(entry),
		  (off_t)((uintptr_t)(r->addr + off) / page_bytes *
			  sizeof(entry)));
	close(fd);
	return n == sizeof(entry) ? (int)(entry >> 63) : -EIO;
}

/* Would a store fault? The kernel stores one byte for us, or says EFAULT. */
static inline int region_is_writable(const struct region *r, size_t off)
{
	ssize_t n = getrandom(r->addr + off + 8, 1, 0);

	return n == 1 ? 1 : errno == EFAULT ? 0 : -errno;
}

/* After region_do(): 0 if it did what it is for, at either end. */
static inline int region_verify(const struct region *r, enum region_act act,
				size_t off, size_t len, size_t page_bytes)
{
	size_t at[] = { off, off + len - page_bytes };
	int i, ret = 0;

	for (i = 0; i < 2 && !ret; i++) {
		if (act == REGION_ZAP)
			ret = region_is_mapped(r, at[i], page_bytes);
		else if (act == REGION_PROTECT)
			ret = region_is_writable(r, at[i]);
		else
			ret = region_is_resident(r, at[i], page_bytes);
	}
	return ret > 0 ? -EEXIST : ret;
}

/* What region_do() left that the next op must not find. */
static inline int region_restore(const struct region *r, enum region_act act,
				 size_t off, size_t len)
{
	if (act != REGION_PROTECT)
		return 0;
	return mprotect(r->addr + off, len, PROT_READ | PROT_WRITE) ? -errno
								    : 0;
}

#endif
