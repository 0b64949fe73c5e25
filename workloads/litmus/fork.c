// SPDX-License-Identifier: GPL-2.0-only
/*
 * fork(): dup_mmap() write-protects the entries of private memory and flushes
 * them at its end, by flush_tlb_mm() (read in 6.12). What other threads write
 * from then on must not be in the child's pages. The child has the range and
 * no other private memory, see wl_fork.h: the parent's threads would copy what
 * they write to, and flush.
 */
#include <stdlib.h>
#include <sys/uio.h>

#include "../wl_fork.h"
#include "litmus.h"

#define WORDS (4096 / sizeof(uint64_t))

static int setup(struct litmus *l)
{
	l->priv = calloc(1, sizeof(struct wl_fork));
	return l->priv ? wl_fork_thread_init() : -ENOMEM;
}

static int arm(struct litmus *l)
{
	int ret = wl_fork_keep(l->priv, &l->range);

	return ret ? ret : litmus_arm(l);
}

static int act(struct litmus *l)
{
	return wl_fork_start(l->priv);
}

/* The child's page is as it was: old value, and nothing of victims. */
static int noticed(struct litmus *l, size_t page)
{
	uint64_t words[WORDS];
	struct iovec to = { words, sizeof(words) };
	struct iovec from = { (void *)litmus_word(l, page), sizeof(words) };
	const struct wl_fork *f = l->priv;
	size_t i;

	if (process_vm_readv(f->child, &to, 1, &from, 1, 0) != sizeof(words))
		return -errno;
	if (words[0] != litmus_value(LITMUS_BY_ARM, l->value_nr, page))
		return 0;
	for (i = 1; i < WORDS && !words[i]; i++)
		;
	return i == WORDS;
}

static void disarm(struct litmus *l)
{
	wl_fork_end(l->priv);
}

const struct litmus_ops litmus_fork = {
	.abi = LITMUS_ABI,
	.name = "fork",
	.summary = "the flush of fork()",
	.path = "dup_mmap flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE | LITMUS_THP | LITMUS_HUGETLB,
	.one_writer = true,
	.max_pages = 64,
	.write = LITMUS_KEPT,
	.probe = wl_fork_probe,
	.setup = setup,
	.arm = arm,
	.act = act,
	.noticed = noticed,
	.disarm = disarm,
};
