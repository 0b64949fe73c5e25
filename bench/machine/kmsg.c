// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads "LEVEL,SEQUENCE,MICROSECONDS,FLAGS;TEXT" and skips the lines of
 * properties, which begin with a blank. The device gives one message per
 * read(), a captured file as many as fit.
 */
#include "machine/kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int tb_kmsg_open(struct tb_kmsg *log, const char *root, bool at_end)
{
	char path[PATH_MAX];

	*log = (struct tb_kmsg){ .fd = -1 };
	if (snprintf(path, sizeof(path), "%s/dev/kmsg", root) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	log->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log->fd < 0)
		return -errno;
	if (at_end)
		lseek(log->fd, 0, SEEK_END);
	return 0;
}

void tb_kmsg_close(struct tb_kmsg *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}

/* Keep what was not taken and read on behind it; false at the end. */
static bool refill(struct tb_kmsg *log)
{
	ssize_t n;

	memmove(log->text, log->text + log->at, log->len_bytes - log->at);
	log->len_bytes -= log->at;
	log->at = 0;
	do
		n = read(log->fd, log->text + log->len_bytes,
			 sizeof(log->text) - log->len_bytes);
	while (n < 0 && (errno == EINTR || errno == EPIPE)); /* overwritten */
	if (n > 0)
		log->len_bytes += n;
	return n > 0;
}

static bool next_line(struct tb_kmsg *log, char **line)
{
	char *end;

	while (!(end = memchr(log->text + log->at, '\n',
			      log->len_bytes - log->at)))
		if (log->fd < 0 || !refill(log))
			return false;
	*end = '\0';
	*line = log->text + log->at;
	log->at = end + 1 - log->text;
	return true;
}

bool tb_kmsg_next(struct tb_kmsg *log, unsigned int *level, char *text,
		  size_t size_bytes)
{
	char *line, *semicolon;

	while (next_line(log, &line)) {
		semicolon = strchr(line, ';');
		if (*line == ' ' || !semicolon)
			continue;
		/* The upper bits are the facility. */
		if (level)
			*level = strtoul(line, NULL, 10) & 7;
		snprintf(text, size_bytes, "%s", semicolon + 1);
		return true;
	}
	return false;
}
