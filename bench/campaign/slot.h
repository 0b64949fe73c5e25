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
 * @put: takes one record, a line with its newline that does not say yet where
 *	it comes from (see tb_record_identify()), for good; 0 or -errno
 * @show: gets the result behind the record that was just put, if it is of this
 *	process; may be NULL
 * @wait: called several times a second where somebody waits for the next
 *	record and measures nothing meanwhile; may be NULL
 */
struct tb_sink {
	int (*put)(struct tb_sink *sink, const char *line, size_t len_bytes,
		   struct tb_err *err);
	void (*show)(struct tb_sink *sink, const struct tb_case *cs,
		     const struct tb_result *r);
	void (*wait)(struct tb_sink *sink);
};

/**
 * struct tb_tally - repetitions by how they ended
 * @nr_bad: failed or hung
 * @caveats: what happened to the machine meanwhile that a strict run refuses
 */
struct tb_tally {
	unsigned int nr_ok;
	unsigned int nr_skipped;
	unsigned int nr_bad;
	struct wl_reasons caveats;
};

/**
 * tb_slot_execute() - the boot record, the repetitions in plan->reps, and what
 *	happened to the machine meanwhile
 * @icount_shift: of the machine, negative outside exact mode
 * @tally: how the repetitions ended
 */
int tb_slot_execute(const struct tb_plan *plan, int icount_shift,
		    struct tb_sig *sig, struct tb_sink *sink,
		    struct tb_tally *tally, struct tb_err *err);

#endif
