// SPDX-License-Identifier: GPL-2.0-only
/*
 * A CPU leaves lazy TLB mode while its mm is flushed: switch_mm_irqs_off()
 * clears is_lazy, then reads the mm's tlb_gen; the flusher raises tlb_gen in
 * inc_mm_tlb_gen(), then reads is_lazy in should_flush_tlb() (read in 6.12).
 * Without a full barrier on either side, each may miss the other. The victims
 * sleep when the initiator acts, and wake sooner or later; a write must fault
 * from then on. The window is a few instructions wide, so there are many tries.
 */
#include "litmus.h"

const struct litmus_ops litmus_lazy = {
	.abi = LITMUS_ABI,
	.name = "lazy",
	.summary = "the flush for a CPU that leaves lazy TLB mode",
	.path = "switch_mm_irqs_off should_flush_tlb flush_tlb_mm_range",
	.page_sizes = LITMUS_BASE,
	.states = 1U << LITMUS_WOKEN | 1U << LITMUS_WAKING,
	.effort = 8,
	.max_pages = 3,
	.write = LITMUS_FAULT,
	.act = litmus_protect,
};
