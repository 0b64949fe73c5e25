// SPDX-License-Identifier: GPL-2.0-only
/* What every subcommand says when it cannot go on. */
#include "cmd/cmd.h"

#include <stdio.h>

int tb_cmd_fail(const struct tb_err *err)
{
	fprintf(stderr, "tlbbench: %s\n", err->text);
	return err->is_usage ? TB_EXIT_USAGE : TB_EXIT_FAIL;
}

int tb_cmd_usage(const struct tb_cmd *cmd)
{
	fprintf(stderr, "tlbbench: usage: tlbbench %s%s%s\n", cmd->name,
		*cmd->usage ? " " : "", cmd->usage);
	return TB_EXIT_USAGE;
}

int tb_cmd_option(int argc, char **argv, const struct option *options)
{
	int option;

	opterr = 0;
	option = getopt_long(argc, argv, ":", options, NULL);
	if (option == ':' || option == '?')
		optarg = argv[optind - 1];
	return option;
}
