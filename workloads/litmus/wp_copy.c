// SPDX-License-Identifier: GPL-2.0-only
/*
 * A write fault copies a page whose write-protection was not flushed yet: what
 * another CPU writes through its old entry between copy and flush is lost.
 * do_wp_page() must flush before it copies, if a flush of the page may be
 * pending (read in 6.12; there of userfaultfd alone). That flush may not be
 * taken for one of entries that are changed later: where the range has two page
 * tables a fault in the first one comes before the second one is changed.
 *
 * Three are needed: the initiator write-protects pages by userfaultfd, victims
 * with an entry go on writing, others without one take the faults. 6.12 does
 * not copy pages that belong to one process alone, so it takes a kernel that
 * can be told to: /sys/kernel/tlb_strategy/wp_force_copy. There wp_window_us
 * holds up who changes entries, after each page table, and who copies, or
 * emulated CPUs that take turns would hardly ever meet. In exact mode a fault
 * alone takes some 400 us, with lockdep, so the window is the longest there is.
 */
#include "litmus_uffd.h"

#define KNOB "/sys/kernel/tlb_strategy/wp_force_copy"
#define WINDOW "/sys/kernel/tlb_strategy/wp_window_us"

static void probe(struct wl_reasons *why)
{
	wl_uffd_probe(why);
	if (access(KNOB, F_OK))
		wl_reason(why, "this kernel has no " KNOB
			       ": it never copies such pages");
}

static void prepare(struct wl_res *res, uint64_t bytes)
{
	(void)bytes;
	if (!access(KNOB, F_OK))
		wl_res_set(res, KNOB, "1");
	if (!access(WINDOW, F_OK))
		wl_res_set(res, WINDOW, "1000");
}

const struct litmus_ops litmus_wp_copy = {
	.abi = LITMUS_ABI,
	.name = "wp_copy",
	.summary = "the flush before a write fault copies a page",
	.path = "do_wp_page wp_page_copy flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE,
	.states = 1U << LITMUS_RUNNING,
	.hammers = true,
	.effort = 2,
	.write = LITMUS_KEPT,
	.probe = probe,
	.prepare = prepare,
	.setup = litmus_uffd_setup,
	.arm = litmus_uffd_arm,
	.act = litmus_uffd_protect,
	.noticed = litmus_uffd_noticed,
};
