// SPDX-License-Identifier: GPL-2.0-only
/* Readers of tracefs and /proc/kallsyms. */
#include "machine/trace.h"

#include <ctype.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/text.h"

const char *tb_trace_root(void)
{
	static const char *const roots[] = { "/sys/kernel/tracing",
					     "/sys/kernel/debug/tracing" };
	char path[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(roots); i++) {
		snprintf(path, sizeof(path), "%s/events", roots[i]);
		if (!access(path, R_OK))
			return roots[i];
	}
	return NULL;
}

void tb_trace_mount(void)
{
	if (tb_trace_root() || geteuid())
		return;
	if (unshare(CLONE_NEWNS))
		return;
	/* Or the mount below would appear in the parent namespace as well. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return;
	if (mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL))
		return;
}

bool tb_trace_id(const char *name, uint64_t *id)
{
	const char *root = tb_trace_root();
	char path[192], line[32];

	if (!root)
		return false;
	snprintf(path, sizeof(path), "%s/events/%s/id", root, name);
	return !tb_read_line(path, line, sizeof(line)) &&
	       tb_parse_u64(line, id);
}

/* Append the format file of the tracepoint "system/name" to @b. */
static bool read_format(const char *name, struct tb_buf *b)
{
	const char *root = tb_trace_root();
	char path[192];

	if (!root)
		return false;
	snprintf(path, sizeof(path), "%s/events/%s/format", root, name);
	return !tb_read_file(path, b) && b->data;
}

/* "remote IPI send" -> "remote_ipi_send" */
static void as_word(char *to, size_t size_bytes, const char *from, int len)
{
	snprintf(to, size_bytes, "%.*s", len, from);
	for (; *to; to++)
		*to = isspace((unsigned char)*to) ? '_' : (char)tolower(*to);
}

bool tb_trace_is_executed(const char *word)
{
	return !strcasestr(word, "ipi_send") && !strcasestr(word, "wrong_cpu");
}

/*
 * The format file ends in __print_symbolic(REC->reason, { 0, "flush on task
 * switch" }, { 1, "remote shootdown" }, ...).
 */
unsigned int tb_trace_parse_reasons(const char *format,
				    struct tb_flush_reason *reasons)
{
	const char *p = strstr(format, "__print_symbolic"), *name;
	unsigned int nr = 0;

	while (p && nr < TB_MAX_FLUSH_REASONS && (p = strchr(p, '{')) &&
	       sscanf(p, "{ %u , \"", &reasons[nr].number) == 1) {
		name = strchr(p, '"');
		if (!name)
			break;
		name++;
		as_word(reasons[nr].word, sizeof(reasons[nr].word), name,
			(int)strcspn(name, "\""));
		nr++;
		p++;
	}
	return nr;
}

unsigned int tb_trace_flush_reasons(struct tb_flush_reason *reasons)
{
	struct tb_buf b = { 0 };
	unsigned int nr = 0;

	if (read_format("tlb/tlb_flush", &b))
		nr = tb_trace_parse_reasons(b.data, reasons);
	tb_buf_fini(&b);
	return nr;
}

/*
 * A line is "field:void * csd;	offset:16;	size:8;	signed:0;", and the name
 * is what follows the type.
 */
static bool parse_field(const char *line, const char *name,
			struct tb_trace_field *field)
{
	const char *end = strchr(line, ';');
	size_t len = strlen(name);

	return end && end > line + len && !strncmp(end - len, name, len) &&
	       (end[-1 - (ptrdiff_t)len] == ' ' ||
		end[-1 - (ptrdiff_t)len] == '*') &&
	       sscanf(end, "; offset:%u; size:%u;", &field->offset_bytes,
		      &field->size_bytes) == 2;
}

bool tb_trace_parse_field(const char *format, const char *name,
			  struct tb_trace_field *field)
{
	const char *line = format;

	while ((line = strstr(line, "field:"))) {
		line += strlen("field:");
		if (parse_field(line, name, field))
			return true;
	}
	return false;
}

bool tb_trace_field(const char *event, const char *name,
		    struct tb_trace_field *field)
{
	struct tb_buf b = { 0 };
	bool is_found = read_format(event, &b) &&
			tb_trace_parse_field(b.data, name, field);

	tb_buf_fini(&b);
	return is_found;
}

/*
 * Is @symbol the function, perhaps with a compiler's suffix (.isra.0)? Not
 * its cold part, which is never what a callback points to.
 */
static bool is_symbol(const char *symbol, const char *function)
{
	size_t len = strlen(function);

	return !strncmp(symbol, function, len) &&
	       (!symbol[len] || symbol[len] == '.') && !strstr(symbol, ".cold");
}

struct tb_flush_funcs tb_trace_flush_funcs(const char *kallsyms)
{
	struct tb_flush_funcs funcs = { 0 };
	const struct {
		const char *name;
		unsigned long long *address;
	} wanted[] = {
		{ "flush_tlb_func", &funcs.of_mm },
		{ "do_flush_tlb_all", &funcs.of_all },
		{ "do_kernel_range_flush", &funcs.of_kernel },
	};
	char line[512], symbol[256];
	FILE *f = fopen(kallsyms, "re");
	size_t i, nr_found = 0;
	unsigned long long at;

	if (!f)
		return funcs;
	/* Of 200 000 lines: look at few twice, and leave when all are found. */
	while (nr_found < ARRAY_SIZE(wanted) && fgets(line, sizeof(line), f)) {
		if (!strstr(line, "flush") ||
		    sscanf(line, "%llx %*c %255s", &at, symbol) != 2)
			continue;
		for (i = 0; i < ARRAY_SIZE(wanted); i++) {
			if (*wanted[i].address ||
			    !is_symbol(symbol, wanted[i].name))
				continue;
			*wanted[i].address = at;
			nr_found++;
		}
	}
	fclose(f);
	return funcs;
}
