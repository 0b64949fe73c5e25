/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's own threads, and the CPUs that cases use.
 */
#ifndef TB_GUEST_KTHREADS_H
#define TB_GUEST_KTHREADS_H

#include "campaign/plan.h"

/**
 * tb_kthreads_clear() - keep unbound threads and workqueues of the kernel off
 *	all CPUs that cases of @plan use
 *
 * Woken on the CPU of a sleeper, one may still run there when the sleeper is
 * woken again, so the CPU does not go idle in between. In 6.12 a trace shows
 * kworker/u do that; rcu_sched and kcompactd are woken there as well.
 *
 * If cases use all CPUs, nothing is done. A thread that may run on theirs only
 * stays, as does kswapd of a node that cases fill. So does what is bound, and
 * what starts later, for no thread takes CPUs over from kthreadd (kthread() in
 * 6.12); new workers of unbound workqueues keep off all the same.
 *
 * Call it while there is no other process.
 */
int tb_kthreads_clear(const struct tb_plan *plan, const struct tb_topo *topo,
		      struct tb_err *err);

#endif
