/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs the cases of one slot on the running kernel, whoever booted it.
 */
#ifndef TB_SLOT_RUN_H
#define TB_SLOT_RUN_H

#include "base/sig.h"
#include "campaign/plan.h"
#include "campaign/record.h"

/**
 * struct tb_sink - where records go: a file, or the channel out of a VM
 * @put: takes one line with its newline, for good; 0 or -errno
 */
struct tb_sink {
	int (*put)(struct tb_sink *sink, const char *line, size_t len_bytes,
		   struct tb_err *err);
};

/**
 * tb_slot_execute() - the boot record, then every repetition of every case
 * @nr_not_ok: how many repetitions failed or hung
 * @show: called with each result, e.g. to print it; may be NULL
 */
int tb_slot_execute(const struct tb_plan *plan, const struct tb_slot_info *info,
		    struct tb_sig *sig, struct tb_sink *sink,
		    unsigned int *nr_not_ok,
		    void (*show)(const struct tb_case *cs,
				 const struct tb_result *r),
		    struct tb_err *err);

#endif
