/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a campaign declares before it runs, so that nobody can choose it after
 * the numbers are seen: in [campaign]
 *
 *	headline    patterns of the cases that a verdict is sought for; the
 *	            report corrects these for their number
 *	may_differ  facts of the audit that may differ between the kernels, for
 *	            they are what is compared
 */
#ifndef TB_DECLARE_H
#define TB_DECLARE_H

#include "base/json.h"
#include "campaign/config.h"

struct tb_plan;

/* Read both keys, behind the cases; mistakes are usage errors. */
int tb_declare_read(struct tb_plan *plan, const struct tb_conf *conf,
		    struct tb_err *err);

/* The members "headline_cases", by name, and "may_differ" of plan.json. */
void tb_declare_json(struct tb_json *j, const struct tb_plan *plan);

#endif
