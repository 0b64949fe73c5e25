/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A run of litmus tests on the running kernel: which, how often, and what else
 * the kernel has to say about itself meanwhile.
 */
#ifndef TB_LITMUS_SUITE_H
#define TB_LITMUS_SUITE_H

#include "engine/litmus.h"

/**
 * struct tb_litmus_suite - what to run, and what came of it
 * @tests: NULL-terminated names, checked; NULL: all
 * @effort: see struct tb_litmus_env
 * @soak_s: repeat everything until so much time has passed; 0: once
 * @put: takes KTAP as it comes, for good; 0 or -errno
 * @nr_by_state: tests by how they ended, of all rounds together
 */
struct tb_litmus_suite {
	char **tests;
	unsigned int effort;
	unsigned int soak_s;
	int (*put)(struct tb_litmus_suite *s, struct tb_buf *text,
		   struct tb_err *err);
	unsigned int nr_by_state[3];
};

/* Take @names, which end with NULL; unknown ones are usage errors. */
int tb_litmus_suite_choose(struct tb_litmus_suite *s, char **names,
			   struct tb_err *err);

int tb_litmus_suite_run(struct tb_litmus_suite *s, struct tb_undo *undo,
			struct tb_sig *sig, struct tb_err *err);

/* Of the command: 1 if a test failed, 4 if none could run. */
int tb_litmus_suite_exit(const struct tb_litmus_suite *s);

#endif
