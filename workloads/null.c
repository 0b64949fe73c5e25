// SPDX-License-Identifier: GPL-2.0-only
/*
 * null: do nothing.
 *
 * Its p50 is the floor of every other workload: a pair of tick reads and an
 * indirect call. Flushes nothing.
 */
#include "wl.h"

static int op(struct wl_thread *t)
{
	(void)t;
	return 0;
}

static const struct wl_role roles[] = {
	{
		.name = "initiator",
		.help = "does nothing",
		.kind = WL_INITIATOR,
		.def_threads = 1,
		.op = op,
	},
	{ 0 },
};

const struct wl_ops wl_null = {
	.abi = WL_ABI,
	.name = "null",
	.summary = "an op that does nothing: the floor of all others",
	.tags = "harness",
	.roles = roles,
};
