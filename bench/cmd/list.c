// SPDX-License-Identifier: GPL-2.0-only
/* tlbbench list: the workloads and the litmus tests. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "workloads/litmus/litmus.h"

static int run(int argc, char **argv)
{
	const struct litmus_ops *const *test;
	const struct wl_ops *const *ops;

	(void)argv;
	if (argc != 1)
		return tb_cmd_usage(&tb_cmd_list);
	for (ops = wl_registry; *ops; ops++)
		printf("%-12s Measures %s.\n", (*ops)->name, (*ops)->summary);
	for (test = litmus_registry; *test; test++)
		printf("litmus/%-14s Catches a kernel that forgets %s.\n",
		       (*test)->name, (*test)->summary);
	return TB_EXIT_OK;
}

const struct tb_cmd tb_cmd_list = {
	.name = "list",
	.usage = "",
	.help = "the workloads and the litmus tests",
	.run = run,
};
