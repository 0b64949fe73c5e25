/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The placement "list:0,2-3", read CPU by CPU.
 */
#ifndef TB_PLACELIST_H
#define TB_PLACELIST_H

#include "machine/topo.h"

/**
 * struct tb_placelist - a list that is being read
 * @policy: with its prefix
 * @rest: what follows the current item, NULL after the last one
 * @cpu, @last: what is left of the current item; none if @cpu is greater
 */
struct tb_placelist {
	const char *policy;
	const char *rest;
	int cpu;
	int last;
};

/* Is @policy a list? */
bool tb_placelist_is(const char *policy);

/* Read @policy from its first CPU on. */
void tb_placelist_begin(struct tb_placelist *l, const char *policy);

/* 1 and the next CPU, 0 at the end, or a usage error. */
int tb_placelist_next(struct tb_placelist *l, int *cpu, struct tb_err *err);

#endif
