/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Swap on a zram device: memory that holds pages compressed.
 *
 * A device is added; the kernel gives its number to nobody else. It serves the
 * whole machine, before any other swap. Who is killed between adding it and
 * noting it leaves an empty device, which holds no memory.
 */
#ifndef TB_SWAP_H
#define TB_SWAP_H

#include <stdint.h>

#include "machine/undo.h"

/* Can there be one? -errno, with what is missing in @err. */
int tb_swap_try(struct tb_err *err);

/* Make it and swap to it. */
int tb_swap_make(uint64_t bytes, struct tb_undo *undo, struct tb_err *err);

/*
 * For undo.c. @size: in bytes, as tb_swap_make() has set it. A device of
 * another size is somebody else's, who got the number after ours was gone: it
 * stays.
 */
bool tb_swap_is_ours(const char *name);
bool tb_swap_undo(const char *root, const char *name, const char *size);

#endif
