// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel thread runs on a CPU in lazy TLB mode, in the mm of whoever ran
 * before, which is flushed meanwhile. Where that one goes on then, without the
 * idle task in between, switch_mm_irqs_off() must compare generations as well
 * (read in 6.12). A write must fault from then on.
 *
 * The kernel thread is ksmd: it may be put on any CPU, and many pages of which
 * no two are equal keep it busy.
 */
#include <stdlib.h>

#include "litmus_ksm.h"

#define BUSY_PAGES 2048

/**
 * struct lazy_kthread
 * @pages: to scan; @cpus: where it may run
 */
struct lazy_kthread {
	struct litmus_ksmd ksmd;
	struct wl_range pages;
	cpu_set_t cpus;
};

static void probe(struct wl_reasons *why)
{
	struct litmus_ksmd ksmd = { 0 };

	litmus_ksm_probe(why);
	litmus_ksmd_find(&ksmd);
	if (!ksmd.pid)
		wl_reason(why, "needs ksmd among the first processes");
}

static void prepare(struct wl_res *res, uint64_t bytes)
{
	(void)bytes;
	litmus_ksm_prepare(res, "0");
}

/* To the initiator's CPU it only comes if there is no other one. */
static int next_cpu(const struct lazy_kthread *k)
{
	int cpu = sched_getcpu();

	do
		cpu = (cpu + 1) % CPU_SETSIZE;
	while (!CPU_ISSET(cpu, &k->cpus));
	return cpu;
}

static int setup(struct litmus *l)
{
	const struct wl_mem_conf conf = { .pages = BUSY_PAGES };
	struct lazy_kthread *k = calloc(1, sizeof(*k));

	l->priv = k;
	if (!k)
		return -ENOMEM;
	litmus_ksmd_find(&k->ksmd);
	if (sched_getaffinity(0, sizeof(k->cpus), &k->cpus))
		return -errno;
	return wl_range_init(&k->pages, l->range.ctx, 0, &conf);
}

static void teardown(struct litmus *l)
{
	const struct lazy_kthread *k = l->priv;

	litmus_ksmd_unpin(&k->ksmd);
}

static int arm(struct litmus *l)
{
	const struct lazy_kthread *k = l->priv;
	int ret = l->try_nr ? 0 : litmus_ksm_map(&k->pages, 1);

	litmus_ksmd_pin(&k->ksmd, next_cpu(k));
	return ret ? ret : litmus_arm(l);
}

const struct litmus_ops litmus_lazy_kthread = {
	.abi = LITMUS_ABI,
	.name = "lazy_kthread",
	.summary = "the flush for a CPU on which a kernel thread runs",
	.path = "switch_mm_irqs_off flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE,
	.states = 1U << LITMUS_WOKEN,
	.effort = 4,
	.max_pages = 3,
	.write = LITMUS_FAULT,
	.probe = probe,
	.prepare = prepare,
	.setup = setup,
	.arm = arm,
	.act = litmus_protect,
	.teardown = teardown,
};
