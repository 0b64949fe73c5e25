// SPDX-License-Identifier: GPL-2.0-only
/* fork and exec. */
#include "campaign/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sig.h"

/* In the child: never returns; reports why exec failed through @status_fd. */
static void become(const char *const *argv, int out_fd, int err_fd,
		   int status_fd, pid_t parent, int death_signal)
{
	int null_fd = open("/dev/null", O_RDONLY), code;

	prctl(PR_SET_PDEATHSIG, death_signal);
	if (getppid() != parent)
		_exit(127);
	setpgid(0, 0);
	tb_sig_restore();
	dup2(null_fd, 0);
	if (out_fd >= 0)
		dup2(out_fd, 1);
	if (err_fd >= 0)
		dup2(err_fd, 2);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	code = errno;
	if (write(status_fd, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

static pid_t start(const char *const *argv, int out_fd, int err_fd,
		   int death_signal)
{
	int status[2], code = 0;
	pid_t parent = getpid(), pid;

	if (pipe2(status, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		become(argv, out_fd, err_fd, status[1], parent, death_signal);
	if (pid < 0)
		code = errno;
	close(status[1]);
	/* Ends with nothing read once exec has closed the pipe. */
	if (pid > 0 && read(status[0], &code, sizeof(code)) > 0)
		waitpid(pid, NULL, 0);
	close(status[0]);
	return code ? -code : pid;
}

pid_t tb_child_start(const char *const *argv, int out_fd, int err_fd)
{
	return start(argv, out_fd, err_fd, SIGKILL);
}

/* Pass on lines of progress; the others stay in @out. */
static void take_line(const char *line, struct tb_buf *out,
		      const char *progress)
{
	if (progress && !strncmp(line, progress, strlen(progress)))
		fputs(line, stderr);
	else
		tb_buf_add(out, line, strlen(line));
}

int tb_child_output(const char *const *argv, struct tb_buf *out,
		    const char *progress)
{
	int fds[2], status;
	char *line = NULL;
	size_t size = 0;
	pid_t pid;
	FILE *f;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	f = fdopen(fds[0], "r");
	pid = f ? start(argv, fds[1], fds[1], SIGTERM) : -ENOMEM;
	close(fds[1]);
	while (pid > 0 && getline(&line, &size, f) > 0)
		take_line(line, out, progress);
	free(line);
	if (f)
		fclose(f);
	else
		close(fds[0]);
	if (pid < 0)
		return (int)pid;
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	if (out->has_failed)
		return -ENOMEM;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
