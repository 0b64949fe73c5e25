/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is read before the first case of a slot and behind its last one: the
 * audit, and what happened to the machine in between.
 */
#ifndef TB_FRAME_H
#define TB_FRAME_H

#include "engine/case.h"

struct tb_frame;

/**
 * tb_frame_begin() - the audit, and the boot record
 * @is_exact: nothing that varies goes into a record
 *
 * Return: NULL if memory is short.
 */
struct tb_frame *tb_frame_begin(bool is_exact, struct tb_buf *line);

/* Threads of a repetition ran there. */
void tb_frame_use(struct tb_frame *frame, const struct tb_case *cs,
		  const struct tb_result *r);

/**
 * tb_frame_end() - what happened since, and its record
 * @caveats: what of it a strict run refuses
 *
 * Return: 0 or -ENOMEM.
 */
int tb_frame_end(struct tb_frame *frame, struct wl_reasons *caveats,
		 struct tb_buf *line);
void tb_frame_free(struct tb_frame *frame);

#endif
