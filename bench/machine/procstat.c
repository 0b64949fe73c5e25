// SPDX-License-Identifier: GPL-2.0-only
/* Parsers for /proc/interrupts and /proc/vmstat. */
#include "machine/procstat.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Start of the line "  @label:" in @text, behind the colon. */
static const char *find_row(const char *text, const char *label)
{
	size_t len = strlen(label);
	const char *line;

	for (line = text; line; line = strchr(line, '\n')) {
		line += strspn(line, " \n");
		if (!strncmp(line, label, len) && line[len] == ':')
			return line + len + 1;
	}
	return NULL;
}

/* Next "CPUn" of the header; false at its end. */
static bool next_column(const char **header, unsigned long *cpu)
{
	const char *p = *header + strspn(*header, " ");
	char *end;

	if (strncmp(p, "CPU", 3))
		return false;
	*cpu = strtoul(p + 3, &end, 10);
	*header = end;
	return true;
}

/* Next number of this line; strtoull() alone would go on to the next one. */
static bool next_number(const char **line, uint64_t *value)
{
	const char *p = *line + strspn(*line, " ");
	char *end;

	if (!isdigit((unsigned char)*p))
		return false;
	*value = strtoull(p, &end, 10);
	*line = end;
	return true;
}

int tb_irq_row(const char *text, const char *label, uint64_t *by_cpu,
	       unsigned int max_cpus)
{
	const char *row = find_row(text, label);
	const char *header = text;
	unsigned long cpu;
	uint64_t count;

	if (!row)
		return -ENOENT;
	while (next_column(&header, &cpu)) {
		if (!next_number(&row, &count))
			return -EBADMSG;
		if (cpu < max_cpus)
			by_cpu[cpu] = count;
	}
	/* Without columns nobody knows whose counts these are. */
	return header == text ? -EBADMSG : 0;
}

int tb_vmstat_value(const char *text, const char *name, uint64_t *value)
{
	size_t len = strlen(name);
	const char *line = text;

	while (line) {
		if (!strncmp(line, name, len) && line[len] == ' ') {
			line += len;
			return next_number(&line, value) ? 0 : -ENOENT;
		}
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return -ENOENT;
}
