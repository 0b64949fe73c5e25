/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records: what one boot and one repetition say, as one JSON line each.
 * results/schema/ holds their schema, results/README.md explains the fields.
 */
#ifndef TB_RECORD_H
#define TB_RECORD_H

#include "base/json.h"
#include "engine/case.h"
#include "machine/drift.h"
#include "machine/quiet.h"

#define TB_SCHEMA 1
#define TB_VERSION "0.1.0"

/* Where a kernel of our series says what it does. */
#define TB_STRATEGY_DIR "/sys/kernel/tlb_strategy"

/**
 * struct tb_slot_info - what identifies the boot that records come from
 * @kernel: name in the campaign; @kernel_id: of the image
 * @backend: "here" or "vm"; @accel: "none", "kvm" or "exact"
 * @soundness: of the kernel; NULL: unchecked
 * @quiet: profile of the machine that runs tlbbench, NULL for none
 */
struct tb_slot_info {
	const char *campaign;
	unsigned int slot;
	unsigned int pair;
	const char *kernel;
	const char *kernel_id;
	uint64_t seed;
	const char *backend;
	const char *accel;
	const char *soundness;
	const struct tb_quiet *quiet;
};

/**
 * tb_record_boot() - the first record of a slot: kernel, strategy and audit
 * @is_exact: leave out what varies, and judge only what matters where
 *	instructions are counted
 */
void tb_record_boot(const struct tb_audit *audit, bool is_exact,
		    struct tb_buf *line);

/**
 * tb_record_audit_end() - the last record: what happened meanwhile
 * @audit: read again, NULL in exact mode
 * @caveats: what of it would refuse a strict run
 */
void tb_record_audit_end(const struct tb_drift *drift,
			 const struct tb_audit *audit,
			 const struct wl_reasons *caveats, struct tb_buf *line);

void tb_record_repetition(const struct tb_case *cs, unsigned int repetition,
			  const struct tb_result *r, struct tb_buf *line);

/* The members that identify a slot, in slot.json as in each record. */
void tb_record_identity(struct tb_json *j, const struct tb_slot_info *info);

/* Of a repetition's record: a histogram called @name, its ticks in units. */
void tb_record_histogram(struct tb_json *j, const char *name, const char *unit,
			 const struct tb_clock *c, const struct tb_hist *h);

/* Of a pass: values of the workload's own, but for fields of the kernel. */
void tb_record_values(struct tb_json *j, const struct wl_ops *ops,
		      const struct tb_clock *c, const struct tb_pass *p);

/* Mean op time of a pass that is watched over the timed one; null: neither. */
void tb_record_observer(struct tb_json *j, const struct tb_pass *timed,
			const struct tb_pass *watched);

/* What the traced pass saw; for cases that ask for it. */
void tb_record_shootdown(struct tb_json *j, const struct tb_case *cs,
			 const struct tb_result *r);

/* Of a repetition's record: the resources that were made for it. */
void tb_record_made(struct tb_json *j, const struct tb_made *made);

/* Of a boot record: the profile and what it changed. */
void tb_record_profile(struct tb_json *j, const struct tb_quiet *quiet);

/**
 * tb_record_identify() - put the identity in front of a record's members
 * @record: a line of the two above, from here or out of a VM
 *
 * The guest does not know what it is called: names of other lengths would
 * make it another run, where the same kernel and seed must repeat.
 */
void tb_record_identify(const struct tb_slot_info *info, const char *record,
			size_t len_bytes, struct tb_buf *line);

#endif
