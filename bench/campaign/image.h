/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernel images: where they are and who they say they are.
 */
#ifndef TB_IMAGE_H
#define TB_IMAGE_H

#include "campaign/plan.h"

/**
 * tb_home() - the checkout or installation that holds kernels/ and report/
 *
 * $TLBBENCH_HOME, else the nearest folder above the running binary that has
 * kernels/build.
 */
int tb_home(char *path, size_t size_bytes, struct tb_err *err);

/* Where campaigns go unless told otherwise: results/ of the home. */
int tb_results_dir(char *path, size_t size_bytes, struct tb_err *err);

/**
 * tb_images_resolve() - find the image of every kernel of the plan
 * @may_make: kernels with a spec may be built, downloaded and unpacked, by
 *	kernels/build; it says on stderr what it does. Those with a strategy
 *	must have been built.
 *
 * Fills image, facts, id and release. A kernel without an image is a usage
 * error, but an optional one without even a strategy moves to @plan->missing.
 * A kernel that can be named but not made is a failure.
 */
int tb_images_resolve(struct tb_plan *plan, bool may_make, struct tb_err *err);

/* The file that is booted. */
int tb_image_kernel(const struct tb_kernel *k, char *path, size_t size_bytes,
		    struct tb_err *err);

#endif
