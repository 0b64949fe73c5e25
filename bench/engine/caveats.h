/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Caveats that come from the counters and the machine, not from the workload's
 * own bounds.
 */
#ifndef TB_CAVEATS_H
#define TB_CAVEATS_H

#include "engine/case.h"

/* Counters see all that runs on a CPU; others run there too, but in a VM. */
#define TB_SHARED_SLACK 0.01

void tb_caveats_fill(const struct tb_case *cs, struct tb_result *r);

#endif
