/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records: what one boot and one repetition say, as one JSON line each.
 * results/schema/ holds their schema, results/README.md explains the fields.
 */
#ifndef TB_RECORD_H
#define TB_RECORD_H

#include "base/text.h"
#include "engine/case.h"

#define TB_SCHEMA 1
#define TB_VERSION "0.1.0"

/**
 * struct tb_slot_info - what identifies the boot that records come from
 * @kernel: name in the campaign; @kernel_id: of the image
 * @backend: "here" or "vm"; @accel: "none", "kvm" or "exact"
 * @icount_shift: negative outside exact mode
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
	int icount_shift;
};

/* The first record of a slot: kernel, strategy and audit, read now. */
void tb_record_boot(const struct tb_slot_info *info, struct tb_buf *line);

void tb_record_repetition(const struct tb_slot_info *info,
			  const struct tb_case *cs, unsigned int repetition,
			  const struct tb_result *r, struct tb_buf *line);

#endif
