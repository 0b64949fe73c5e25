// SPDX-License-Identifier: GPL-2.0-only
/* Optimal string alignment: insert, delete, replace, swap neighbours. */
#include "base/near.h"

#include <string.h>

#define MAX_CHARS 32
/* One slip in as many characters is near. */
#define CHARS_PER_SLIP 3

static unsigned int least(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int ab = a < b ? a : b;

	return ab < c ? ab : c;
}

static unsigned int distance(const char *a, const char *b)
{
	unsigned int d[MAX_CHARS + 1][MAX_CHARS + 1], i, j;
	size_t len_a = strlen(a), len_b = strlen(b);

	if (len_a > MAX_CHARS || len_b > MAX_CHARS)
		return MAX_CHARS;
	for (i = 0; i <= len_a; i++)
		d[i][0] = i;
	for (j = 0; j <= len_b; j++)
		d[0][j] = j;
	for (i = 1; i <= len_a; i++)
		for (j = 1; j <= len_b; j++) {
			d[i][j] =
				least(d[i - 1][j] + 1, d[i][j - 1] + 1,
				      d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	return d[len_a][len_b];
}

bool tb_near_is(struct tb_near *n, const char *known)
{
	size_t len = strlen(n->word);
	unsigned int slips = distance(n->word, known);

	/* "timeout" for "timeout_seconds". */
	if (len >= CHARS_PER_SLIP && !strncmp(n->word, known, len) && slips)
		slips = 1;
	if ((size_t)slips * CHARS_PER_SLIP <= len &&
	    (!n->best || slips < n->distance)) {
		n->best = known;
		n->distance = slips;
	}
	return !strcmp(n->word, known);
}

void tb_near_text(const struct tb_near *n, struct tb_buf *b)
{
	if (n->best)
		tb_buf_printf(b, ", did you mean '%s'?", n->best);
}
