// SPDX-License-Identifier: GPL-2.0-only
/* tlbbench list: the workloads. */
#include <stdio.h>

#include "cmd/cmd.h"
#include "workloads/wl.h"

static int run(int argc, char **argv)
{
	const struct wl_ops *const *ops;

	(void)argv;
	if (argc != 1)
		return tb_cmd_usage(&tb_cmd_list);
	for (ops = wl_registry; *ops; ops++)
		printf("%-12s Measures %s.\n", (*ops)->name, (*ops)->summary);
	return TB_EXIT_OK;
}

const struct tb_cmd tb_cmd_list = {
	.name = "list",
	.usage = "",
	.help = "the workloads",
	.run = run,
};
