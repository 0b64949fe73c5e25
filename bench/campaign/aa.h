/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A/A: one kernel under two names. Whatever differs then is the host, or the
 * harness; how often something does is what a report of this host has to know.
 */
#ifndef TB_AA_H
#define TB_AA_H

#include "campaign/plan.h"

/**
 * tb_aa_make() - turn a plan into its A/A
 *
 * Only the first kernel is left; it runs as itself and as NAME-again. The
 * campaign is called NAME-aa, and expects nothing.
 */
int tb_aa_make(struct tb_plan *plan, struct tb_err *err);

#endif
