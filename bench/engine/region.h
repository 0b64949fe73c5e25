/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of a workload on the NUMA node that the case asks for; wl_place() is
 * here as well.
 */
#ifndef TB_REGION_H
#define TB_REGION_H

#include "engine/case.h"

unsigned int tb_nr_regions(const struct wl_ops *ops);

/* Reasons why the case cannot have its nodes here. */
void tb_region_probe(const struct tb_case *cs, struct wl_reasons *why);

/* The nodes that the case asks for, into the context of an instance. */
void tb_region_init(const struct tb_case *cs, struct wl_ctx *ctx);

/**
 * tb_region_check() - is all memory that was placed where it should be?
 *
 * Return: 0; -EXDEV with the region if pages lie elsewhere; or what the kernel
 * said.
 */
int tb_region_check(const struct tb_case *cs, struct wl_ctx *ctx,
		    struct tb_err *err);

#endif
