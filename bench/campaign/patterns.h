/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists in campaign files, "a, b c": words, which may be patterns of names. */
#ifndef TB_PATTERNS_H
#define TB_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>

/* Next word of @list into @word, cut to @size_bytes; false at the end. */
bool tb_next_word(const char **list, char *word, size_t size_bytes);

/* Is one of @patterns, as in a shell, one of @name? */
bool tb_matches(const char *patterns, const char *name);

#endif
