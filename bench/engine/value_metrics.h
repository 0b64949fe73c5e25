/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Metrics made of a workload's own values, and rates.
 */
#ifndef TB_VALUE_METRICS_H
#define TB_VALUE_METRICS_H

#include "engine/case.h"

/**
 * tb_effect_events() - events of @cs->ops->effect in the counted pass
 * @why: set if that is not known, or if there was none
 */
double tb_effect_events(const struct tb_case *cs, const struct tb_result *r,
			char *why, size_t why_bytes);

/*
 * Of each of @cs->ops->metrics what struct wl_metric says; and the rate of ops
 * of each role that runs free, and of the requests where there is an effect.
 */
void tb_value_metrics_fill(const struct tb_case *cs, struct tb_result *r);

#endif
