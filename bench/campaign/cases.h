/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a [case] section to fully resolved cases.
 */
#ifndef TB_CASES_H
#define TB_CASES_H

#include "campaign/config.h"
#include "engine/case.h"
#include "machine/topo.h"

/**
 * tb_cases_add() - append the cases of one section, one per point of its sweep
 * @defaults: the [defaults] section, or NULL
 * @topo: CPUs of the backend; a case that does not fit is a usage error
 */
int tb_cases_add(struct tb_case **cases, unsigned int *nr_cases,
		 const struct tb_conf *conf, struct tb_section *s,
		 struct tb_section *defaults, const struct tb_topo *topo,
		 struct tb_err *err);
void tb_case_fini(struct tb_case *cs);

#endif
