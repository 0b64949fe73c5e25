/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a campaign expects to see, so that its report can say whether it did.
 *
 *	[expect N]  says, source, metric, cases, kernels = A, B, or
 *	            along = KEY (from, to, kernels, each), direction, factor,
 *	            knee, break_even
 *
 * An expectation compares two kernels in each of its cases, or within each
 * kernel the cases that differ in one swept key.
 */
#ifndef TB_EXPECT_H
#define TB_EXPECT_H

#include "base/json.h"
#include "campaign/config.h"

struct tb_plan;

/* Values of the key between which something is to lie; 0, 0: not asked. */
struct tb_span {
	uint64_t low;
	uint64_t high;
};

/**
 * struct tb_expect - one expectation
 * @says: what was published, in words
 * @source: where; may be ""
 * @metrics: the first that has values counts, for it depends on the machine
 * @cases: patterns of the names of cases
 * @kernels: B compared with A; with @along the first may be the only one that
 *	is looked at, else ""
 * @along: the swept key, or ""
 * @from, @to: its values that @direction is about; "": the lowest, the highest
 * @direction: "rises", "falls", "same", or "" if only @knee or @break_even
 * @is_each: the metric over the key's value, the cost of one of them
 * @factor: by how much at least; with "same": by less than this
 * @knee: where the curve bends
 * @break_even: where ranged flushes cost as much as full ones
 */
struct tb_expect {
	char *name;
	char *says;
	char *source;
	char *metrics;
	char *cases;
	char *kernels[2];
	char *along;
	char *from;
	char *to;
	char *direction;
	bool is_each;
	double factor;
	struct tb_span knee;
	struct tb_span break_even;
};

/* Read all of them, behind kernels and cases; mistakes are usage errors. */
int tb_expect_read(struct tb_plan *plan, const struct tb_conf *conf,
		   struct tb_err *err);
void tb_expect_fini(struct tb_expect *e);

/* The member "expectations" of plan.json; names the cases that are meant. */
void tb_expect_json(struct tb_json *j, const struct tb_plan *plan);

#endif
