/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What bystanders tell.
 */
#ifndef TB_WITNESS_H
#define TB_WITNESS_H

#include "engine/case.h"

/*
 * A step of a bystander that takes longer is a gap: more than a few misses of
 * all caches and TLBs, less than an interrupt.
 */
#define TB_WITNESS_GAP_NS 500

/* How long they are watched before the ops. */
#define TB_WITNESS_BASELINE_MS 100

/**
 * tb_witness_fill() - metrics of the bystanders, from the timed pass
 *
 * bystander_stolen_pct: time in gaps; bystander_lost_pct: throughput lost
 * against the baseline; bystander_gaps_per_s; bystander_gap_p99_ns. Absent in
 * exact mode, where all CPUs share one time, and where the ops took less than
 * 10 ms. Nothing where there are no bystanders.
 */
void tb_witness_fill(const struct tb_case *cs, struct tb_result *r);

#endif
