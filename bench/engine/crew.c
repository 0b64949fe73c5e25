// SPDX-License-Identifier: GPL-2.0-only
/* Start and end of the threads of a process. */
#include "engine/crew.h"

#include <errno.h>
#include <stdlib.h>

int tb_crew_init(struct tb_crew *c, unsigned int max, struct tb_err *err)
{
	*c = (struct tb_crew){
		.workers = calloc(max, sizeof(*c->workers)),
		.threads = calloc(max, sizeof(*c->threads)),
	};
	if (c->workers && c->threads)
		return 0;
	free(c->workers);
	free(c->threads);
	*c = (struct tb_crew){ 0 };
	return tb_fail_errno(err, -ENOMEM, "cannot start threads");
}

static void init_worker(struct tb_worker *w, const struct tb_worker *common,
			struct wl_ctx *ctx, unsigned int slot)
{
	*w = *common;
	w->slot = tb_arena_slot(common->arena, slot);
	w->role = *tb_case_role(common->cs, w->slot->role);
	w->wl = (struct wl_thread){
		.ctx = ctx,
		.role = w->slot->role,
		.idx = w->slot->idx,
		.process = w->slot->process,
		.cpu = w->slot->cpu,
		.values = &w->values,
	};
	tb_values_init(&w->values, common->cs->ops, common->arena, w->slot);
}

int tb_crew_start(struct tb_crew *c, const struct tb_worker *common,
		  struct wl_ctx *ctx, unsigned int first, unsigned int nr,
		  struct tb_err *err)
{
	unsigned int i;
	int ret;

	for (i = first; i < first + nr; i++) {
		init_worker(&c->workers[c->nr], common, ctx, i);
		ret = -pthread_create(&c->threads[c->nr], NULL, tb_thread_main,
				      &c->workers[c->nr]);
		if (ret)
			return tb_fail_errno(err, ret, "cannot start thread %u",
					     c->nr);
		c->nr++;
	}
	return 0;
}

void tb_crew_join(struct tb_crew *c)
{
	while (c->nr)
		pthread_join(c->threads[--c->nr], NULL);
	free(c->workers);
	free(c->threads);
}
