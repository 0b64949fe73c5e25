/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a plan is, and how long the rest will take.
 *
 * Stands between a slot and the sink of its records: each record that passes
 * ends a part of the plan, so its time is known. On a terminal one line is
 * rewritten, at most once a second; elsewhere a slot that takes long says so
 * once a minute. The durations go to the memory of tb_durations_save(), and
 * the rest is estimated anew, once per slot, if all of it went well.
 *
 * What is measured is not disturbed: on this kernel nothing happens but
 * between repetitions, when the sink is called. A backend whose slot runs
 * elsewhere calls @sink.wait while it waits.
 *
 * The cursor stays at the start of the line, so that whatever else is printed
 * goes over it.
 */
#ifndef TB_PROGRESS_H
#define TB_PROGRESS_H

#include <limits.h>

#include "campaign/estimate.h"
#include "campaign/slot.h"

/**
 * struct tb_progress - one plan on its way
 * @sink: for the slot; what it gets goes on to @to
 * @durations_path: "" if there is no such file
 * @fd: where progress is shown; @is_live: it is a terminal
 * @is_left: by slot, to be run; @nr_left of @nr_slots are still to begin
 * @slot: that runs, or NULL; the @nth of those to be run
 * @nr_records: of it, up to the last repetition; the first is the boot record
 * @part_ns: when the part that runs began; @reps_s: what each has taken
 */
struct tb_progress {
	struct tb_sink sink;
	struct tb_sink *to;
	const struct tb_plan *plan;
	char durations_path[PATH_MAX];
	struct tb_durations known;
	struct tb_estimate estimate;
	int fd;
	bool is_live;
	bool is_drawn;
	bool *is_left;
	unsigned int nr_slots;
	const struct tb_slot_plan *slot;
	unsigned int nth;
	unsigned int nr_records;
	double *reps_s;
	uint64_t begin_ns;
	uint64_t slot_ns;
	uint64_t part_ns;
	uint64_t shown_ns;
};

/**
 * tb_progress_init() - read what is known, estimate
 * @fd: usually stderr
 *
 * Durations that cannot be read cost one line on @fd and are done without.
 */
int tb_progress_init(struct tb_progress *p, const struct tb_plan *plan, int fd,
		     struct tb_err *err);
void tb_progress_fini(struct tb_progress *p);

/* This slot is not to be run. */
void tb_progress_skip(struct tb_progress *p, const struct tb_slot_plan *slot);

/* Print the estimate of all that is to be run, as one line. */
void tb_progress_announce(const struct tb_progress *p);

/* A slot begins, its records go to @to; run it with the sink returned. */
struct tb_sink *tb_progress_begin(struct tb_progress *p,
				  const struct tb_slot_plan *slot,
				  struct tb_sink *to);

/* It has ended; @is_good: its times are worth remembering. */
void tb_progress_end(struct tb_progress *p, bool is_good);

/* Before anything else is printed: take the line away. */
void tb_progress_clear(struct tb_progress *p);

/* Seconds that are left at @now_ns. */
double tb_progress_left(const struct tb_progress *p, uint64_t now_ns);

/* "slot 3/8 lazy-ipi, 12 s, about 45 s left: 4/6 munmap/cpus=4" */
void tb_progress_text(const struct tb_progress *p, uint64_t now_ns,
		      struct tb_buf *b);

#endif
