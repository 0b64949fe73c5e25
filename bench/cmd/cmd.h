/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Subcommands. Each takes its own argv, prints for people, and returns an
 * exit code (enum tb_exit). What it prints as its result goes to stdout,
 * progress and errors to stderr.
 */
#ifndef TB_CMD_H
#define TB_CMD_H

#include <getopt.h>

#include "base/err.h"

/**
 * struct tb_cmd - one subcommand
 * @usage: arguments, as in the manual
 * @help: what it does, one line
 */
struct tb_cmd {
	const char *name;
	const char *usage;
	const char *help;
	int (*run)(int argc, char **argv);
};

extern const struct tb_cmd tb_cmd_ab;
extern const struct tb_cmd tb_cmd_campaign;
extern const struct tb_cmd tb_cmd_describe;
extern const struct tb_cmd tb_cmd_env;
extern const struct tb_cmd tb_cmd_list;
extern const struct tb_cmd tb_cmd_litmus;
extern const struct tb_cmd tb_cmd_plan;
extern const struct tb_cmd tb_cmd_report;
extern const struct tb_cmd tb_cmd_run;

/* Print "tlbbench: TEXT" and return the exit code that @err asks for. */
int tb_cmd_fail(const struct tb_err *err);

/* Wrong arguments: print how it is used; TB_EXIT_USAGE. */
int tb_cmd_usage(const struct tb_cmd *cmd);

/*
 * The next option, -1 after the last one. ':' stands for one without its value
 * and '?' for one that nobody knows; optarg is then the word itself.
 */
int tb_cmd_option(int argc, char **argv, const struct option *options);

#endif
