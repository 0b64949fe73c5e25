// SPDX-License-Identifier: GPL-2.0-only
/*
 * Soft-dirty: writing 4 to /proc/self/clear_refs write-protects all entries and
 * flushes them at its end, by flush_tlb_mm() (clear_refs_write(), read
 * in 6.12). A write from then on must set the bit again.
 */
#include <stdlib.h>

#include "litmus.h"

/* The bit is set of new memory, if the kernel has it. */
static void probe(struct wl_reasons *why)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	volatile uint64_t word = 1;
	long nr = -1;

	if (fd >= 0) {
		nr = wl_pagemap_count(
			fd, (uintptr_t)&word / (uintptr_t)sysconf(_SC_PAGESIZE),
			1, WL_PM_SOFT_DIRTY);
		close(fd);
	}
	if (nr != 1)
		wl_reason(
			why,
			"this kernel has no soft-dirty bits (MEM_SOFT_DIRTY)");
}

static int setup(struct litmus *l)
{
	int *fd = malloc(sizeof(*fd));

	l->priv = fd;
	if (!fd)
		return -ENOMEM;
	*fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	return *fd < 0 ? -errno : 0;
}

static int act(struct litmus *l)
{
	const int *fd = l->priv;

	return write(*fd, "4", 1) == 1 ? 0 : -errno;
}

static int noticed(struct litmus *l, size_t page)
{
	return (int)litmus_pagemap(l, page, WL_PM_SOFT_DIRTY);
}

const struct litmus_ops litmus_soft_dirty = {
	.abi = LITMUS_ABI,
	.name = "soft_dirty",
	.summary = "the flush after it cleared soft-dirty bits",
	.path = "clear_refs_write flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP,
	.one_writer = true,
	.write = LITMUS_KEPT,
	.probe = probe,
	.setup = setup,
	.act = act,
	.noticed = noticed,
};
