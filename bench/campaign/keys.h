/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The keys of a case: those of the harness, in one table, and the parameters of
 * the workload.
 */
#ifndef TB_KEYS_H
#define TB_KEYS_H

#include "base/text.h"
#include "campaign/settings.h"
#include "engine/case.h"

/**
 * struct tb_key_scope - where a key stands
 * @path: of the campaign, for messages
 * @max_cpus: CPUs of the backend
 */
struct tb_key_scope {
	const char *path;
	unsigned int max_cpus;
};

/**
 * tb_keys_set() - put the value of one key into a case
 * @cs: with its workload and defaults
 *
 * What depends on several keys is not looked at. An unknown key, or a value
 * that is not allowed, is a usage error with file:line.
 */
int tb_keys_set(const struct tb_key_scope *scope, const struct tb_setting *s,
		struct tb_case *cs, struct tb_err *err);

/* Does the harness take it, so that no parameter may be called so? */
bool tb_keys_has(const char *name);

/* Those of the harness, with blanks between: "workload ... threads.ROLE". */
void tb_keys_list(struct tb_buf *b);

#endif
