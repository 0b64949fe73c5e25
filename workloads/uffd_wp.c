// SPDX-License-Identifier: GPL-2.0-only
/*
 * uffd_wp: write-protect pages by userfaultfd, as snapshots and garbage
 * collectors do.
 *
 * UFFDIO_WRITEPROTECT, read in 6.12: mwriteprotect_range() -> uffd_wp_range()
 * -> change_protection(), which gathers the range for tlb_finish_mmu() ->
 * flush_tlb_mm_range(); hugetlb flushes by itself, in
 * hugetlb_change_protection(). One op causes one flush on the CPU of the
 * initiator and one on that of each responder.
 *
 * The protection is of the kind WP_ASYNC (Linux 6.7): the write fault of rearm
 * lifts it without a flush and without a handler. Such a fault splits a
 * transparent huge page, so there rearm lifts the protection by the ioctl,
 * which flushes once more, because it changes the write bit: page_size = thp
 * shows two flushes per op, of which one is timed.
 *
 * Not measured: write faults and lifting the protection (rearm), and the misses
 * that follow the flush.
 */
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "wl.h"
#include "wl_mem.h"

/* Debian 12's headers are those of 6.1. */
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif

struct uffd_wp {
	struct wl_range range;
	int fd;
};

static int open_uffd(void)
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

static void probe(const struct wl_env *env, const void *conf,
		  struct wl_reasons *why)
{
	int fd = open_uffd();

	wl_mem_probe(env, conf, why);
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

static int protect(const struct uffd_wp *u, bool is_on)
{
	struct uffdio_writeprotect arg = {
		.range = { (uintptr_t)u->range.addr, u->range.len_bytes },
		.mode = is_on ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return ioctl(u->fd, UFFDIO_WRITEPROTECT, &arg) ? -errno : 0;
}

static int add_range(struct uffd_wp *u)
{
	struct uffdio_register arg = {
		.range = { (uintptr_t)u->range.addr, u->range.len_bytes },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};
	int ret;

	u->fd = open_uffd();
	if (u->fd < 0)
		return u->fd;
	if (!ioctl(u->fd, UFFDIO_REGISTER, &arg))
		return 0;
	ret = -errno;
	close(u->fd);
	return ret;
}

static int setup(struct wl_ctx *c)
{
	int ret = wl_mem_make_mapped(c, sizeof(struct uffd_wp), c->conf);

	if (ret)
		return ret;
	ret = add_range(c->priv);
	if (ret)
		wl_mem_teardown(c);
	return ret;
}

static void teardown(struct wl_ctx *c)
{
	struct uffd_wp *u = c->priv;

	close(u->fd);
	wl_mem_teardown(c);
}

static int rearm(struct wl_thread *t)
{
	const struct uffd_wp *u = t->ctx->priv;
	int ret = 0;

	if (u->range.conf.page_size == WL_THP)
		ret = protect(u, false);
	return ret ? ret : wl_range_write(&u->range);
}

static int op(struct wl_thread *t)
{
	return protect(t->ctx->priv, true);
}

static int check(struct wl_thread *t)
{
	return wl_range_check_all(t->ctx->priv, WL_PM_UFFD_WP);
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct wl_mem_conf *conf = c->conf;
	bool is_thp = conf->page_size == WL_THP;

	wl_mem_expect_flushes(c, e, 1 + is_thp, 1 + is_thp);
	/* The first rearm faults the pages in, the others meet none there. */
	if (is_thp)
		e->faults = (struct wl_bound){ 0, 0 };
}

static const struct wl_param params[] = {
	WL_PARAM_PAGES("one op write-protects"),
	WL_PARAM_PAGE_SIZE,
	WL_PARAM_MEMORY,
	{ 0 },
};

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("writes the pages and write-protects them", rearm),
	WL_ROLE_RESPONDER,
	{ 0 },
};

const struct wl_ops wl_uffd_wp = {
	.abi = WL_ABI,
	.name = "uffd_wp",
	.summary = "userfaultfd's write-protection of pages that running CPUs "
		   "have in their TLBs",
	.path = "uffd_wp_range hugetlb_change_protection tlb_finish_mmu "
		"flush_tlb_mm_range",
	.tags = "everyday",
	.params = params,
	.conf_bytes = sizeof(struct wl_mem_conf),
	.roles = roles,
	.regions = wl_mem_regions,
	.probe = probe,
	.setup = setup,
	.teardown = teardown,
	.expect = expect,
};
