// SPDX-License-Identifier: GPL-2.0-only
/* Parsing and printing of workload parameters from their table. */
#include "campaign/params.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const struct wl_ops *tb_workload_find(const char *name)
{
	const struct wl_ops *const *ops;

	for (ops = wl_registry; *ops; ops++)
		if (!strcmp((*ops)->name, name))
			return *ops;
	return NULL;
}

void tb_workload_names(struct tb_buf *b)
{
	const struct wl_ops *const *ops;

	for (ops = wl_registry; *ops; ops++)
		tb_buf_printf(b, "%s%s", ops == wl_registry ? "" : ", ",
			      (*ops)->name);
}

unsigned int tb_workload_roles(const struct wl_ops *ops)
{
	unsigned int n = 0;

	while (n < WL_MAX_ROLES && ops->roles[n].name)
		n++;
	return n;
}

static uint64_t *value_of(const struct wl_param *p, const void *conf)
{
	return (uint64_t *)((char *)(uintptr_t)conf + p->offset);
}

void *tb_params_new(const struct wl_ops *ops)
{
	void *conf = calloc(1, ops->conf_bytes ? ops->conf_bytes : 1);
	const struct wl_param *p;

	for (p = ops->params; conf && p && p->name; p++)
		*value_of(p, conf) = p->def;
	return conf;
}

const struct wl_param *tb_param_find(const struct wl_ops *ops, const char *name)
{
	const struct wl_param *p;

	for (p = ops->params; p && p->name; p++)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

static bool parse_enum(const struct wl_param *p, const char *text,
		       uint64_t *value)
{
	for (*value = 0; p->values[*value]; (*value)++)
		if (!strcmp(p->values[*value], text))
			return true;
	return false;
}

static bool parse(const struct wl_param *p, const char *text, uint64_t *value)
{
	switch (p->type) {
	case WL_UINT:
		return tb_parse_u64(text, value) && *value >= p->min &&
		       *value <= p->max;
	case WL_SIZE:
		return tb_parse_size(text, value) && *value >= p->min &&
		       *value <= p->max;
	case WL_BOOL:
		*value = !strcmp(text, "yes");
		return *value || !strcmp(text, "no");
	case WL_ENUM:
		return parse_enum(p, text, value);
	}
	return false;
}

int tb_param_set(const struct wl_param *p, void *conf, const char *text,
		 const char *where, struct tb_err *err)
{
	struct tb_buf range = { 0 };
	uint64_t value;

	if (parse(p, text, &value)) {
		*value_of(p, conf) = value;
		return 0;
	}
	tb_param_range(p, &range);
	tb_usage(err, "%s: %s = %.64s: expected %s", where, p->name, text,
		 range.data ? range.data : "another value");
	tb_buf_fini(&range);
	return err->code;
}

void tb_param_range(const struct wl_param *p, struct tb_buf *b)
{
	unsigned int i;

	switch (p->type) {
	case WL_UINT:
	case WL_SIZE:
		tb_buf_printf(b, "%" PRIu64 " to %" PRIu64, p->min, p->max);
		break;
	case WL_BOOL:
		tb_buf_printf(b, "yes or no");
		break;
	case WL_ENUM:
		for (i = 0; p->values[i]; i++) {
			const char *separator =
				p->values[i + 1] ? ", " : " or ";

			if (i)
				tb_buf_printf(b, "%s", separator);
			tb_buf_printf(b, "%s", p->values[i]);
		}
		break;
	}
}

void tb_param_text(const struct wl_param *p, const void *conf, struct tb_buf *b)
{
	uint64_t value = *value_of(p, conf);

	if (p->type == WL_BOOL)
		tb_buf_printf(b, "%s", value ? "yes" : "no");
	else if (p->type == WL_ENUM)
		tb_buf_printf(b, "%s", p->values[value]);
	else
		tb_buf_printf(b, "%" PRIu64, value);
}

void tb_params_json(const struct wl_ops *ops, const void *conf,
		    struct tb_json *j)
{
	const struct wl_param *p;

	for (p = ops->params; p && p->name; p++) {
		uint64_t value = *value_of(p, conf);

		if (p->type == WL_BOOL)
			tb_json_bool(j, p->name, value);
		else if (p->type == WL_ENUM)
			tb_json_str(j, p->name, p->values[value]);
		else
			tb_json_u64(j, p->name, value);
	}
}
