/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON writer into a struct tb_buf; one record is one line.
 *
 * Every function takes the member name, or NULL inside an array. The C side
 * only writes JSON; report/ reads it.
 */
#ifndef TB_JSON_H
#define TB_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct tb_json {
	struct tb_buf *buf;
	bool needs_comma;
};

void tb_json_obj(struct tb_json *j, const char *name);
void tb_json_obj_end(struct tb_json *j);
void tb_json_arr(struct tb_json *j, const char *name);
void tb_json_arr_end(struct tb_json *j);

/* NULL becomes null; bytes that are not UTF-8 text become U+FFFD. */
void tb_json_str(struct tb_json *j, const char *name, const char *value);
void tb_json_u64(struct tb_json *j, const char *name, uint64_t value);
void tb_json_bool(struct tb_json *j, const char *name, bool value);
void tb_json_null(struct tb_json *j, const char *name);

/* A double in the shortest of 15 or 17 digits; NaN and infinities are null. */
void tb_json_f64(struct tb_json *j, const char *name, double value);

#endif
