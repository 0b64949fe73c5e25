/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's test format, KTAP version 1
 * (Documentation/dev-tools/ktap.rst): results, one level of subtests.
 */
#ifndef TB_KTAP_H
#define TB_KTAP_H

#include "base/text.h"

enum tb_ktap_state {
	TB_KTAP_OK,
	TB_KTAP_NOT_OK,
	TB_KTAP_SKIP,
};

#define TB_KTAP_LEVELS 2

/**
 * struct tb_ktap - a stream that is being written; set @out, zero the rest
 * @level: 0, or 1 within a subtest
 * @nr: results by level
 * @nr_by_state: results of the current subtest
 * @state: of the last result
 */
struct tb_ktap {
	struct tb_buf *out;
	unsigned int level;
	unsigned int nr[TB_KTAP_LEVELS];
	unsigned int nr_by_state[3];
	enum tb_ktap_state state;
};

/* The version and the plan: @nr results on the outermost level. */
void tb_ktap_begin(struct tb_ktap *k, unsigned int nr);

/* A subtest of @nr results. */
void tb_ktap_enter(struct tb_ktap *k, const char *name, unsigned int nr);

/* Its result: not ok if any of its is not, skipped if all are. */
void tb_ktap_leave(struct tb_ktap *k, const char *name);

/* A line of diagnosis, before the result that it belongs to. */
void tb_ktap_note(struct tb_ktap *k, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* @detail: behind the name, of what was skipped the reason; may be "". */
void tb_ktap_result(struct tb_ktap *k, enum tb_ktap_state state,
		    const char *name, const char *detail);

/* What the outermost results of @text say together, as for a subtest. */
enum tb_ktap_state tb_ktap_judge(const char *text);

#endif
