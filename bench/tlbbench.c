// SPDX-License-Identifier: GPL-2.0-only
/* Dispatch of subcommands, and nothing else. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "campaign/record.h"
#include "cmd/cmd.h"
#include "guest/init.h"

static const struct tb_cmd *const commands[] = {
	&tb_cmd_run,	  &tb_cmd_ab,	&tb_cmd_campaign,
	&tb_cmd_report,	  &tb_cmd_plan, &tb_cmd_list,
	&tb_cmd_describe, &tb_cmd_env,	&tb_cmd_litmus,
};

static void print_help(FILE *f)
{
	size_t i;

	fprintf(f, "usage: tlbbench COMMAND [ARGUMENT ...]\n\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct tb_cmd *cmd = commands[i];

		fprintf(f, *cmd->usage ? "  %-9s %s\n" : "  %s%s\n", cmd->name,
			cmd->usage);
		fprintf(f, "  %9s   %s\n", "", cmd->help);
	}
	fprintf(f, "\nExit: 0 ok, 1 failed, 2 usage, 4 skipped. "
		   "Manual: tlbbench(1).\n");
}

static bool is_help(const char *arg)
{
	return !strcmp(arg, "--help") || !strcmp(arg, "-h");
}

static int print_command(const struct tb_cmd *cmd)
{
	printf("usage: tlbbench %s%s%s\n%s.\n", cmd->name,
	       *cmd->usage ? " " : "", cmd->usage, cmd->help);
	return TB_EXIT_OK;
}

static const struct tb_cmd *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	fprintf(stderr,
		"tlbbench: unknown command '%s'; 'tlbbench help' lists them\n",
		name);
	return NULL;
}

static int help(const char *command)
{
	const struct tb_cmd *cmd;

	if (!command) {
		print_help(stdout);
		return TB_EXIT_OK;
	}
	cmd = find_command(command);
	return cmd ? print_command(cmd) : TB_EXIT_USAGE;
}

static int dispatch(int argc, char **argv)
{
	const struct tb_cmd *cmd;

	if (argc < 2) {
		print_help(stderr);
		return TB_EXIT_USAGE;
	}
	if (!strcmp(argv[1], "help") || is_help(argv[1]))
		return help(argv[2]);
	if (!strcmp(argv[1], "version") || !strcmp(argv[1], "--version")) {
		printf("tlbbench %s\n", TB_VERSION);
		return TB_EXIT_OK;
	}
	cmd = find_command(argv[1]);
	if (!cmd)
		return TB_EXIT_USAGE;
	return argc > 2 && is_help(argv[2]) ? print_command(cmd)
					    : cmd->run(argc - 1, argv + 1);
}

/*
 * Where a standard stream is closed, no file that is opened later may take its
 * place. Read-only: printing to it still fails.
 */
static void occupy_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* The error may be an old one, whose errno is gone: write once more. */
static void say_why_stdout_fails(void)
{
	clearerr(stdout);
	putchar('\n');
	if (fflush(stdout))
		perror("tlbbench: stdout");
	else
		fprintf(stderr, "tlbbench: stdout: output was lost\n");
}

int main(int argc, char **argv)
{
	int code;

	if (getpid() == 1)
		tb_guest_main();
	occupy_standard_fds();
	/* A write beyond the file size limit is an error like a full disk. */
	signal(SIGXFSZ, SIG_IGN);
	code = dispatch(argc, argv);
	/* A result that could not be printed is no success. */
	if (fflush(stdout) || ferror(stdout)) {
		say_why_stdout_fails();
		code = code ? code : TB_EXIT_FAIL;
	}
	exit(code);
}
