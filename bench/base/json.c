// SPDX-License-Identifier: GPL-2.0-only
/* JSON writer. */
#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Length that the first byte of a UTF-8 sequence announces, 0 if none does. */
static size_t announced_len(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	if (first < 0xe0)
		return 2;
	return first < 0xf0 ? 3 : 4;
}

/*
 * Second bytes that the first does not allow: longer forms of shorter
 * sequences, surrogates, and what lies above U+10FFFF (RFC 3629, 4).
 */
static bool is_bad_pair(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xe0:
		return second < 0xa0;
	case 0xed:
		return second >= 0xa0;
	case 0xf0:
		return second < 0x90;
	case 0xf4:
		return second >= 0x90;
	default:
		return false;
	}
}

/* Length of the valid UTF-8 sequence at @s, 0 if there is none. */
static size_t utf8_len(const unsigned char *s)
{
	size_t i, len = announced_len(s[0]);

	if (len > 2 && is_bad_pair(s[0], s[1]))
		return 0;
	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

static void quote(struct tb_buf *b, const char *s)
{
	const unsigned char *p = (const unsigned char *)s;

	tb_buf_add(b, "\"", 1);
	while (*p) {
		size_t len = utf8_len(p);

		if (*p == '"' || *p == '\\')
			tb_buf_printf(b, "\\%c", *p);
		else if (*p < 0x20)
			tb_buf_printf(b, "\\u%04x", *p);
		else if (!len)
			tb_buf_printf(b, "\\ufffd");
		else
			tb_buf_add(b, p, len);
		p += len ? len : 1;
	}
	tb_buf_add(b, "\"", 1);
}

static void member(struct tb_json *j, const char *name)
{
	if (j->needs_comma)
		tb_buf_add(j->buf, ",", 1);
	if (name) {
		quote(j->buf, name);
		tb_buf_add(j->buf, ":", 1);
	}
	j->needs_comma = true;
}

static void open_with(struct tb_json *j, const char *name, const char *bracket)
{
	member(j, name);
	tb_buf_add(j->buf, bracket, 1);
	j->needs_comma = false;
}

static void close_with(struct tb_json *j, const char *bracket)
{
	tb_buf_add(j->buf, bracket, 1);
	j->needs_comma = true;
}

void tb_json_obj(struct tb_json *j, const char *name)
{
	open_with(j, name, "{");
}

void tb_json_obj_end(struct tb_json *j)
{
	close_with(j, "}");
}

void tb_json_arr(struct tb_json *j, const char *name)
{
	open_with(j, name, "[");
}

void tb_json_arr_end(struct tb_json *j)
{
	close_with(j, "]");
}

void tb_json_str(struct tb_json *j, const char *name, const char *value)
{
	member(j, name);
	if (value)
		quote(j->buf, value);
	else
		tb_buf_add(j->buf, "null", 4);
}

void tb_json_u64(struct tb_json *j, const char *name, uint64_t value)
{
	member(j, name);
	tb_buf_printf(j->buf, "%" PRIu64, value);
}

void tb_json_bool(struct tb_json *j, const char *name, bool value)
{
	member(j, name);
	tb_buf_printf(j->buf, "%s", value ? "true" : "false");
}

void tb_json_null(struct tb_json *j, const char *name)
{
	tb_json_str(j, name, NULL);
}

void tb_json_f64(struct tb_json *j, const char *name, double value)
{
	char text[32];

	if (!isfinite(value)) {
		tb_json_null(j, name);
		return;
	}
	snprintf(text, sizeof(text), "%.15g", value);
	if (strtod(text, NULL) != value)
		snprintf(text, sizeof(text), "%.17g", value);
	member(j, name);
	tb_buf_printf(j->buf, "%s", text);
}
