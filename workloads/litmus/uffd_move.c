// SPDX-License-Identifier: GPL-2.0-only
/*
 * UFFDIO_MOVE (Linux 6.8): pages go to another place, one by one, and
 * move_present_pte() flushes the old one by ptep_clear_flush(); huge ones in
 * move_pages_huge_pmd(), by pmdp_huge_clear_flush() (read in 6.12). The old
 * place is empty then, and gets new pages: others must use these from then on.
 * In some tries it has the page of zeroes at first.
 */
#include "litmus_uffd.h"

/* Debian 12's headers are those of 6.1. */
#ifndef UFFDIO_MOVE
struct uffdio_move {
	uint64_t dst;
	uint64_t src;
	uint64_t len;
	uint64_t mode;
	int64_t move;
};
#define UFFDIO_MOVE _IOWR(UFFDIO, 0x05, struct uffdio_move)
#endif

#define MAX_PAGES 64

struct uffd_move {
	struct wl_range to;
	int fd;
};

/* Without the request the kernel says -ENOTTY or -EINVAL, else -EFAULT. */
static void probe(struct wl_reasons *why)
{
	int fd = wl_uffd_open();

	wl_uffd_probe(why);
	if (fd < 0)
		return;
	if (ioctl(fd, UFFDIO_MOVE, NULL) && errno != EFAULT)
		wl_reason(why, "this kernel has no UFFDIO_MOVE: needs Linux "
			       "6.8");
	close(fd);
}

static int setup(struct litmus *l)
{
	struct uffd_move *m = calloc(1, sizeof(*m));
	int ret;

	l->priv = m;
	if (!m)
		return -ENOMEM;
	ret = wl_range_init(&m->to, l->range.ctx, 0, &l->range.conf);
	m->fd = wl_uffd_open();
	return ret || m->fd >= 0 ? ret : m->fd;
}

/* Nothing but a place that userfaultfd knows. */
static int arm_target(struct litmus *l)
{
	struct uffd_move *m = l->priv;
	int ret;

	m->to.len_bytes = l->range.len_bytes;
	ret = wl_range_map(&m->to);
	return ret ? ret : wl_uffd_register(m->fd, &m->to);
}

static int arm(struct litmus *l)
{
	int ret = arm_target(l);

	if (ret)
		return ret;
	if (l->try_nr % 8 < 6)
		return litmus_arm(l);
	ret = wl_range_map(&l->range);
	wl_range_read(&l->range);
	return ret;
}

static int act(struct litmus *l)
{
	const struct uffd_move *m = l->priv;
	struct uffdio_move arg = {
		.dst = (uintptr_t)m->to.addr,
		.src = (uintptr_t)l->range.addr,
		.len = l->range.len_bytes,
	};

	if (ioctl(m->fd, UFFDIO_MOVE, &arg))
		return -errno;
	litmus_renew(l);
	return 0;
}

const struct litmus_ops litmus_uffd_move = {
	.abi = LITMUS_ABI,
	.name = "uffd_move",
	.summary = "the flush of UFFDIO_MOVE",
	.path = "move_present_pte ptep_clear_flush move_pages_huge_pmd "
		"pmdp_huge_clear_flush",
	.page_sizes = LITMUS_BASE | LITMUS_THP,
	.max_pages = MAX_PAGES,
	.read = LITMUS_NEW,
	.write = LITMUS_KEPT,
	.probe = probe,
	.setup = setup,
	.arm = arm,
	.act = act,
};
