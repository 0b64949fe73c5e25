// SPDX-License-Identifier: GPL-2.0-only
/* From the plan of a comparison to one that compares a kernel with itself. */
#include "campaign/aa.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/order.h"

static char *with_suffix(const char *text, const char *suffix)
{
	char *both;

	return asprintf(&both, "%s%s", text, suffix) < 0 ? NULL : both;
}

/* Into @to, NULL as it is; false without memory. */
static bool copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return *to || !from;
}

static int double_kernel(struct tb_plan *plan)
{
	struct tb_kernel *both, *k, *again;
	bool is_whole;

	while (plan->nr_kernels > 1)
		tb_kernel_fini(&plan->kernels[--plan->nr_kernels]);
	both = reallocarray(plan->kernels, 2, sizeof(*both));
	if (!both)
		return -ENOMEM;
	plan->kernels = both;
	plan->nr_kernels = 2;
	k = &both[0];
	again = &both[1];
	*again = (struct tb_kernel){ 0 };
	again->name = with_suffix(k->name, "-again");
	is_whole = copy(&again->strategy, k->strategy);
	is_whole &= copy(&again->spec, k->spec);
	is_whole &= copy(&again->image, k->image);
	is_whole &= copy(&again->append, k->append);
	is_whole &= copy(&again->where, k->where);
	return again->name && is_whole ? 0 : -ENOMEM;
}

int tb_aa_make(struct tb_plan *plan, struct tb_err *err)
{
	char *name = with_suffix(plan->name, "-aa");

	if (!name || double_kernel(plan)) {
		free(name);
		return tb_fail_errno(err, -ENOMEM, "plan");
	}
	free(plan->name);
	plan->name = name;
	plan->is_aa = true;
	while (plan->nr_expects)
		tb_expect_fini(&plan->expects[--plan->nr_expects]);
	return tb_order_slots(plan, err);
}
