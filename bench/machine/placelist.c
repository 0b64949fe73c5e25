// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists of CPUs that have an order. Not libnuma's parser: a mask has none, and
 * the first CPU named is the initiator's.
 */
#include "machine/placelist.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define PREFIX "list:"

bool tb_placelist_is(const char *policy)
{
	return !strncmp(policy, PREFIX, strlen(PREFIX));
}

void tb_placelist_begin(struct tb_placelist *l, const char *policy)
{
	*l = (struct tb_placelist){
		.policy = policy,
		.rest = policy + strlen(PREFIX),
		.last = -1,
	};
}

static bool read_item(struct tb_placelist *l)
{
	size_t len = strcspn(l->rest, ",");
	char item[64];

	if (len >= sizeof(item))
		return false;
	memcpy(item, l->rest, len);
	item[len] = '\0';
	l->rest = l->rest[len] ? l->rest + len + 1 : NULL;
	return tb_topo_range(tb_strip(item), &l->cpu, &l->last);
}

int tb_placelist_next(struct tb_placelist *l, int *cpu, struct tb_err *err)
{
	if (l->cpu > l->last) {
		if (!l->rest)
			return 0;
		if (!read_item(l))
			return tb_usage(err, "placement %s: expected %s",
					l->policy, "list:CPU[-CPU][,...]");
	}
	*cpu = l->cpu++;
	return 1;
}
