/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ledger: what one op cost, from counters and histogram of a repetition.
 */
#ifndef TB_LEDGER_H
#define TB_LEDGER_H

#include "engine/case.h"

/**
 * tb_ledger_fill() - metrics of @r from its passes and counters
 *
 * Headline: ipis_received_per_op, ipis_sent_per_op, flushes_per_op and
 * op_p50_ns, op_p99_ns, op_p999_ns, or op_instructions where the clock counts
 * instructions. Others: ipis_received in total, flushes by reason and kind,
 * pages_per_flush (of a range), fan_out (IPIs sent per shootdown),
 * faults_per_op, bystander_ipis_per_op, and what the other roles were timed at.
 * Numbers outside the workload's own bounds become caveats.
 */
void tb_ledger_fill(const struct tb_case *cs, struct tb_result *r);

#endif
