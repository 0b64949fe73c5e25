// SPDX-License-Identifier: GPL-2.0-only
/* What was made for a case, as a member of its record. */
#include "campaign/record.h"

static void add_one(struct tb_json *j, const struct tb_resource *r)
{
	bool is_setting = r->kind == TB_RESOURCE_SETTING;

	tb_json_obj(j, NULL);
	tb_json_str(j, "kind", tb_resource_kind_name(r->kind));
	tb_json_str(j, "name", r->name);
	if (is_setting)
		tb_json_null(j, "bytes");
	else
		tb_json_u64(j, "bytes", r->bytes);
	tb_json_str(j, "before", is_setting ? r->before : NULL);
	tb_json_str(j, "after", is_setting ? r->after : NULL);
	tb_json_obj_end(j);
}

void tb_record_made(struct tb_json *j, const struct tb_made *made)
{
	unsigned int i;

	tb_json_arr(j, "resources");
	for (i = 0; i < made->nr; i++)
		add_one(j, &made->asked.all[i]);
	tb_json_arr_end(j);
}
