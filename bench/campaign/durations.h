/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long boots and repetitions took on this machine before.
 *
 * A small text file in the cache, "durations": a line with its version, then a
 * line per thing, the one that was measured last at the end:
 *
 *	SECONDS OPS BACKEND MACHINE KERNEL WHAT POINT
 *	0.0312 200 vm-exact 8x1024M 5f0c... munmap 91b2...
 *	1.5020 0 vm-exact 8x1024M 5f0c... boot -
 *
 * KERNEL and POINT are hashes; SECONDS is wall clock, smoothed: 0.3 of it is
 * the newest measurement. One far above counts as twice what is known, one far
 * below replaces it. It only serves estimates: a file that is damaged or cannot
 * be written costs nothing but those.
 */
#ifndef TB_DURATIONS_H
#define TB_DURATIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/**
 * struct tb_duration - what was done, and how long it took
 * @ops: of a repetition, with warm-up; 0 of a boot
 * @backend: "here", "vm-kvm" or "vm-exact"; @machine: its size
 * @kernel: hash of what identifies the kernel
 * @what: a workload, or "boot": all of a slot that is no repetition
 * @point: hash of what else decides a case, "-" of a boot
 */
struct tb_duration {
	double seconds;
	uint64_t ops;
	char backend[16];
	char machine[24];
	char kernel[20];
	char what[32];
	char point[20];
};

struct tb_durations {
	struct tb_duration *all;
	unsigned int nr;
};

/* Where they are kept; makes the directory. */
int tb_durations_path(char *path, size_t size_bytes, struct tb_err *err);

/* Read the file; an absent one is empty, and so is a damaged one: -EINVAL. */
int tb_durations_load(struct tb_durations *d, const char *path,
		      struct tb_err *err);
void tb_durations_fini(struct tb_durations *d);

/* Take in one more measurement; -ENOMEM. */
int tb_durations_add(struct tb_durations *d, const struct tb_duration *one);

/**
 * tb_durations_save() - add @fresh to the file
 * @path: "" keeps them in @known only
 * @known: becomes what the file holds then, or if it cannot be written just
 *	gets @fresh
 *
 * Others may do the same at the same time; waits for them 2 s at most.
 */
int tb_durations_save(struct tb_durations *known,
		      const struct tb_durations *fresh, const char *path,
		      struct tb_err *err);

#endif
