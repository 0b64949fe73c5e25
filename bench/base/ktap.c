// SPDX-License-Identifier: GPL-2.0-only
/* Writes KTAP. */
#include "base/ktap.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void indent(struct tb_ktap *k)
{
	tb_buf_printf(k->out, "%*s", 4 * (int)k->level, "");
}

static void plan(struct tb_ktap *k, unsigned int nr)
{
	indent(k);
	tb_buf_printf(k->out, "1..%u\n", nr);
	k->nr[k->level] = 0;
}

void tb_ktap_begin(struct tb_ktap *k, unsigned int nr)
{
	tb_buf_printf(k->out, "KTAP version 1\n");
	plan(k, nr);
}

void tb_ktap_enter(struct tb_ktap *k, const char *name, unsigned int nr)
{
	unsigned int i;

	k->level = 1;
	for (i = 0; i < ARRAY_SIZE(k->nr_by_state); i++)
		k->nr_by_state[i] = 0;
	indent(k);
	tb_buf_printf(k->out, "KTAP version 1\n");
	tb_ktap_note(k, "Subtest: %s", name);
	plan(k, nr);
}

void tb_ktap_leave(struct tb_ktap *k, const char *name)
{
	enum tb_ktap_state state = TB_KTAP_OK;

	if (k->nr_by_state[TB_KTAP_NOT_OK])
		state = TB_KTAP_NOT_OK;
	else if (!k->nr_by_state[TB_KTAP_OK])
		state = TB_KTAP_SKIP;
	k->level = 0;
	tb_ktap_result(k, state, name,
		       state == TB_KTAP_SKIP ? "nothing of it could run" : "");
}

void tb_ktap_note(struct tb_ktap *k, const char *fmt, ...)
{
	char text[2 * TB_ERR_TEXT_BYTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	indent(k);
	tb_buf_printf(k->out, "# %s\n", text);
}

void tb_ktap_result(struct tb_ktap *k, enum tb_ktap_state state,
		    const char *name, const char *detail)
{
	indent(k);
	tb_buf_printf(k->out, "%s %u %s",
		      state == TB_KTAP_NOT_OK ? "not ok" : "ok",
		      ++k->nr[k->level], name);
	if (state == TB_KTAP_SKIP || *detail)
		tb_buf_printf(k->out, " #%s%s%s",
			      state == TB_KTAP_SKIP ? " SKIP" : "",
			      *detail ? " " : "", detail);
	tb_buf_printf(k->out, "\n");
	k->state = state;
	if (k->level)
		k->nr_by_state[state]++;
}

enum tb_ktap_state tb_ktap_judge(const char *text)
{
	enum tb_ktap_state state = TB_KTAP_SKIP;
	const char *line, *end;

	for (line = text; line && *line; line = end ? end + 1 : NULL) {
		const char *skip = strstr(line, "# SKIP");

		end = strchr(line, '\n');
		if (!strncmp(line, "not ok ", 7))
			return TB_KTAP_NOT_OK;
		if (!strncmp(line, "ok ", 3) && !(skip && end && skip < end))
			state = TB_KTAP_OK;
	}
	return state;
}
