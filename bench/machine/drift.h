/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What happens to the machine while a slot runs: read before its first case
 * and behind its last one, and never in between.
 */
#ifndef TB_DRIFT_H
#define TB_DRIFT_H

#include "machine/audit.h"
#include "machine/freq.h"
#include "machine/kmsg.h"

#define TB_DRIFT_CPUS 4096
#define TB_DRIFT_LINES 8

/**
 * struct tb_drift_item - one quantity, over the slot
 * @is_known: false if it could not be read at both ends, for @reason
 * @is_wrong: beyond what @policy tolerates; @why it matters
 */
struct tb_drift_item {
	const char *name;
	const char *unit;
	enum tb_audit_policy policy;
	bool is_known;
	bool is_wrong;
	double value;
	char reason[128];
	const char *why;
};

/* The items, in their order. */
enum tb_drift_id {
	TB_DRIFT_STOLEN,
	TB_DRIFT_THROTTLED,
	TB_DRIFT_FREQUENCY,
	TB_DRIFT_SWAP,
	TB_DRIFT_TLB,
	TB_DRIFT_FOREIGN_TLB,
	TB_DRIFT_ALARMS,
	TB_DRIFT_WARNINGS,
	TB_NR_DRIFT
};

/* Totals since boot; what is negative could not be read. */
struct tb_drift_sample {
	double stolen_ticks;
	double all_ticks;
	double throttled;
	double swap_used_kib;
	bool has_tlb;
	uint64_t tlb[TB_DRIFT_CPUS];
};

/**
 * struct tb_drift - between tb_drift_begin() and tb_drift_fini()
 * @is_used: by number, CPUs on which threads of a case ran; set by the caller
 * @lines: kernel messages that are behind the items, @nr_lines of them
 */
struct tb_drift {
	const char *root;
	struct tb_drift_sample begin;
	struct tb_kmsg log;
	int log_error;
	struct tb_freq freq;
	bool is_used[TB_DRIFT_CPUS];
	struct tb_drift_item items[TB_NR_DRIFT];
	char lines[TB_DRIFT_LINES][256];
	unsigned int nr_lines;
};

void tb_drift_begin(struct tb_drift *d, const char *root);

/* Fill @d->items. */
void tb_drift_end(struct tb_drift *d);
void tb_drift_fini(struct tb_drift *d);

/* Append "NAME = VALUE UNIT: why". */
void tb_drift_complaint(const struct tb_drift_item *item, struct tb_buf *b);

#endif
