// SPDX-License-Identifier: GPL-2.0-only
/* Parsers for /proc. */
#include "machine/procstat.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
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

/* The number behind "@name" and @gap, at the start of a line. */
static int line_value(const char *text, const char *name, const char *gap,
		      uint64_t *value)
{
	size_t len = strlen(name), gap_len = strlen(gap);
	const char *line = text;

	while (line) {
		if (!strncmp(line, name, len) &&
		    !strncmp(line + len, gap, gap_len)) {
			line += len + gap_len;
			return next_number(&line, value) ? 0 : -ENOENT;
		}
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return -ENOENT;
}

int tb_vmstat_value(const char *text, const char *name, uint64_t *value)
{
	return line_value(text, name, " ", value);
}

/* The eighth number of a line of /proc/stat. */
static bool steal_of(const char *line, uint64_t *ticks)
{
	unsigned int i;

	for (i = 0; i < 8; i++)
		if (!next_number(&line, ticks))
			return false;
	return true;
}

int tb_stat_steal(const char *text, uint64_t *by_cpu, unsigned int max_cpus)
{
	bool is_there = false;
	const char *line;

	/* The first line, "cpu  ...", is the sum. */
	for (line = strstr(text, "\ncpu"); line; line = strstr(line, "\ncpu")) {
		unsigned long cpu;
		uint64_t ticks;
		char *end;

		line += strlen("\ncpu");
		cpu = strtoul(line, &end, 10);
		if (end == line || !steal_of(end, &ticks))
			return -ENOENT;
		if (cpu < max_cpus)
			by_cpu[cpu] = ticks;
		is_there = true;
	}
	return is_there ? 0 : -ENOENT;
}

/*
 * "TID (NAME) S ppid pgrp session tty tpgid flags minflt cminflt majflt ...";
 * NAME may hold anything, a parenthesis too. tpgid may be -1.
 */
static int faults_of(const char *stat, struct tb_task_counts *counts)
{
	const char *p = strrchr(stat, ')');
	unsigned long long minor, major;

	if (!p || sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %llu %*u %llu",
			 &minor, &major) != 2)
		return -EBADMSG;
	counts->nr_minor_faults = minor;
	counts->nr_major_faults = major;
	return 0;
}

int tb_task_counts(const char *stat, const char *status,
		   struct tb_task_counts *counts)
{
	if (faults_of(stat, counts) ||
	    line_value(status, "voluntary_ctxt_switches", ":\t",
		       &counts->nr_voluntary) ||
	    line_value(status, "nonvoluntary_ctxt_switches", ":\t",
		       &counts->nr_involuntary))
		return -EBADMSG;
	return 0;
}
