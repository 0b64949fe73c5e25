// SPDX-License-Identifier: GPL-2.0-only
/* Differences of what flush strategies count. */
#include "machine/strategywindow.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

void tb_strategy_window_init(struct tb_strategy_window *w,
			     struct tb_counter_list *list, const char *dir)
{
	struct dirent **names = NULL;
	int i, n = scandir(dir, &names, is_visible, alphasort);

	w->dir = dir;
	for (i = 0; i < n; i++) {
		tb_counter_add(list, "system", TB_STRATEGY_PREFIX "%.48s",
			       names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

static void account_one(const char *dir, struct tb_counter *counter, int sign)
{
	const char *name = counter->name + strlen(TB_STRATEGY_PREFIX);
	char path[512], line[32];
	uint64_t value;
	int ret;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ret = tb_read_line(path, line, sizeof(line));
	if (!ret && sscanf(line, "%" SCNu64, &value) != 1)
		ret = -EINVAL;
	if (ret)
		tb_counter_set_absent(counter, "cannot read %s: %s", name,
				      strerror(-ret));
	else if (counter->status != TB_STATUS_ABSENT)
		tb_counter_account(&counter->value, value, sign);
}

void tb_strategy_window_account(const struct tb_strategy_window *w,
				struct tb_counter_list *list, int sign)
{
	unsigned int i;

	for (i = 0; i < list->nr; i++)
		if (!strncmp(list->all[i].name, TB_STRATEGY_PREFIX,
			     strlen(TB_STRATEGY_PREFIX)))
			account_one(w->dir, &list->all[i], sign);
}
