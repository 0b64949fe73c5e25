// SPDX-License-Identifier: GPL-2.0-only
/* fork and exec. */
#include "campaign/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sig.h"

/* In the child: never returns; reports why exec failed through @status_fd. */
static void become(const char *const *argv, int out_fd, int err_fd,
		   int status_fd, pid_t parent)
{
	int null_fd = open("/dev/null", O_RDONLY), code;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
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

pid_t tb_child_start(const char *const *argv, int out_fd, int err_fd)
{
	int status[2], code = 0;
	pid_t parent = getpid(), pid;

	if (pipe2(status, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		become(argv, out_fd, err_fd, status[1], parent);
	if (pid < 0)
		code = errno;
	close(status[1]);
	/* Ends with nothing read once exec has closed the pipe. */
	if (pid > 0 && read(status[0], &code, sizeof(code)) > 0)
		waitpid(pid, NULL, 0);
	close(status[0]);
	return code ? -code : pid;
}

int tb_child_output(const char *const *argv, struct tb_buf *out)
{
	int fds[2], status;
	char chunk[4096];
	ssize_t n;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = tb_child_start(argv, fds[1], fds[1]);
	close(fds[1]);
	while (pid > 0 && (n = read(fds[0], chunk, sizeof(chunk))) > 0)
		tb_buf_add(out, chunk, (size_t)n);
	close(fds[0]);
	if (pid < 0)
		return (int)pid;
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	if (out->has_failed)
		return -ENOMEM;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
