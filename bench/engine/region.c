// SPDX-License-Identifier: GPL-2.0-only
/* Regions: asked for, bound, and looked up. */
#include "engine/region.h"

#include <errno.h>

#include "machine/mem.h"

unsigned int tb_nr_regions(const struct wl_ops *ops)
{
	unsigned int nr = 0;

	while (ops->regions && ops->regions[nr].name)
		nr++;
	return nr;
}

void tb_region_probe(const struct tb_case *cs, struct wl_reasons *why)
{
	unsigned int i;

	for (i = 0; i < tb_nr_regions(cs->ops); i++)
		if (cs->is_bound[i] && !tb_mem_node_exists(cs->node[i]))
			wl_reason(why, "node.%s = %d: no such node here",
				  cs->ops->regions[i].name, cs->node[i]);
}

void tb_region_init(const struct tb_case *cs, struct wl_ctx *ctx)
{
	unsigned int i;

	for (i = 0; i < WL_MAX_REGIONS; i++) {
		ctx->bindings[i].is_bound = cs->is_bound[i];
		ctx->bindings[i].node = cs->node[i];
	}
}

int wl_place(struct wl_ctx *c, unsigned int region, void *addr,
	     size_t len_bytes)
{
	struct wl_binding *r = &c->bindings[region];

	if (!r->is_bound)
		return 0;
	/* Several initiators may place parts of one region; any will do. */
	atomic_store_explicit(&r->addr, addr, memory_order_relaxed);
	atomic_store_explicit(&r->len_bytes, len_bytes, memory_order_relaxed);
	return tb_mem_bind(addr, len_bytes, r->node);
}

static int check_one(const char *name, struct wl_binding *r, size_t page_bytes,
		     struct tb_err *err)
{
	struct tb_mem_count count;
	int ret = tb_mem_nodes(
		atomic_load_explicit(&r->addr, memory_order_relaxed),
		atomic_load_explicit(&r->len_bytes, memory_order_relaxed),
		page_bytes, r->node, &count);

	if (ret)
		return tb_fail_errno(err, ret,
				     "cannot see on which node region %s is",
				     name);
	if (!count.nr_elsewhere_pages)
		return 0;
	return tb_fail(err, -EXDEV,
		       "region %s: %llu of %llu pages are not on node %d", name,
		       (unsigned long long)count.nr_elsewhere_pages,
		       (unsigned long long)count.nr_resident_pages, r->node);
}

int tb_region_check(const struct tb_case *cs, struct wl_ctx *ctx,
		    struct tb_err *err)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < tb_nr_regions(cs->ops) && !ret; i++)
		if (ctx->bindings[i].is_bound &&
		    atomic_load_explicit(&ctx->bindings[i].addr,
					 memory_order_relaxed))
			ret = check_one(cs->ops->regions[i].name,
					&ctx->bindings[i], ctx->page_bytes,
					err);
	return ret;
}
