/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which of the known words may have been meant by one that is not known.
 */
#ifndef TB_NEAR_H
#define TB_NEAR_H

#include <stdbool.h>

#include "base/text.h"

/**
 * struct tb_near - one word, and the nearest of those it was compared with
 * @word: set by the caller, the rest is 0
 */
struct tb_near {
	const char *word;
	const char *best;
	unsigned int distance;
};

/* Is it @known? Remembers the nearest; @known must live as long as @n. */
bool tb_near_is(struct tb_near *n, const char *known);

/* ", did you mean 'ops'?" or, if nothing is near, nothing. */
void tb_near_text(const struct tb_near *n, struct tb_buf *b);

#endif
