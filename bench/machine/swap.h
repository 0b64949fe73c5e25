/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Swap on a zram device: memory that holds pages compressed.
 *
 * A device that is there and not in use is taken, else one is added. It serves
 * the whole machine, before any other swap.
 */
#ifndef TB_SWAP_H
#define TB_SWAP_H

#include <stdint.h>

#include "machine/undo.h"

/* Can there be one? -errno, with what is missing in @err. */
int tb_swap_try(struct tb_err *err);

/* Make it and swap to it. */
int tb_swap_make(uint64_t bytes, struct tb_undo *undo, struct tb_err *err);

/* For undo.c. @before: "there", or "absent" if the device was added. */
bool tb_swap_is_ours(const char *name);
bool tb_swap_undo(const char *root, const char *name, const char *before);

#endif
