/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Backends: ways to get a kernel running and its records back.
 *
 *	here   this kernel, now
 *	vm     QEMU, with KVM where it boots a kernel, else exact mode
 */
#ifndef TB_BACKEND_H
#define TB_BACKEND_H

#include "campaign/slot.h"

enum tb_slot_state {
	TB_SLOT_OK,
	TB_SLOT_CRASHED,
	TB_SLOT_TIMEOUT,
	TB_SLOT_REFUSED,
	TB_SLOT_FAILED,
	TB_SLOT_INTERRUPTED,
};

/* "ok", "crashed", "timeout", "refused", "failed", "interrupted". */
const char *tb_slot_state_name(enum tb_slot_state state);

/**
 * struct tb_boot - one slot to run
 * @conf_text: the campaign file, verbatim
 * @dir: the slot's directory, for logs and temporary files
 */
struct tb_boot {
	const struct tb_plan *plan;
	const struct tb_slot_plan *slot;
	const char *conf_text;
	const char *dir;
	struct tb_sig *sig;
	struct tb_sink *sink;
};

/**
 * struct tb_outcome - how a slot ended
 * @reason: empty if all is well
 * @log_tail: last lines of the kernel's log if it is not
 * @host_seconds: whole slot; @first_record_seconds: until the first
 *	repetition was in, negative if none came
 * @nr_not_ok: repetitions that failed or hung
 */
struct tb_outcome {
	enum tb_slot_state state;
	char reason[TB_ERR_TEXT_BYTES];
	struct tb_buf log_tail;
	double host_seconds;
	double first_record_seconds;
	unsigned int nr_not_ok;
};

/**
 * struct tb_backend - one way
 * @prepare: before any slot: is everything there? settles plan->accel
 * @run: one slot. What goes wrong in there is an outcome; -EINTR after
 *	Ctrl-C, -errno only if no further slot can work (a full disk)
 */
struct tb_backend {
	int (*prepare)(struct tb_plan *plan, struct tb_sig *sig,
		       struct tb_err *err);
	int (*run)(const struct tb_boot *boot, struct tb_outcome *out,
		   struct tb_err *err);
};

extern const struct tb_backend tb_backend_here;
extern const struct tb_backend tb_backend_vm;

#endif
