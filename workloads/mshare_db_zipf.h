/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page numbers with Zipf's distribution, drawn with integers alone: an alias
 * table (Walker 1974, built as Vose 1991 does), made once in shared memory.
 */
#ifndef MSHARE_DB_ZIPF_H
#define MSHARE_DB_ZIPF_H

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

/**
 * struct zipf_cell - one of @nr equally likely columns
 * @keep: of 2^32 draws that hit it so many mean itself, the others @alias
 */
struct zipf_cell {
	uint32_t keep;
	uint32_t alias;
};

struct zipf {
	struct zipf_cell *cells;
	uint32_t nr;
};

/* splitmix64: passes BigCrush, and needs one word of state. */
static inline uint64_t zipf_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* A rank: 0 is the most frequent. */
static inline uint32_t zipf_draw(const struct zipf *z, uint64_t *state)
{
	uint64_t r = zipf_random(state);
	uint32_t i = (uint32_t)(((r >> 32) * z->nr) >> 32);
	const struct zipf_cell *c = &z->cells[i];

	return (uint32_t)r < c->keep ? i : c->alias;
}

/*
 * Pair each column that is too low with one that is too high, until all are
 * level. @share has the height of each, 1 on average; @order is room.
 */
static inline void zipf_level(struct zipf *z, double *share, uint32_t *order)
{
	uint32_t i, low = 0, high = z->nr;

	/* Low ones grow from the front, high ones from the back. */
	for (i = 0; i < z->nr; i++) {
		z->cells[i] = (struct zipf_cell){ UINT32_MAX, i };
		if (share[i] < 1)
			order[low++] = i;
		else
			order[--high] = i;
	}
	while (low && high < z->nr) {
		uint32_t from = order[--low], to = order[high];

		z->cells[from] = (struct zipf_cell){
			.keep = (uint32_t)(share[from] * UINT32_MAX),
			.alias = to,
		};
		share[to] -= 1 - share[from];
		if (share[to] < 1) {
			high++;
			order[low++] = to;
		}
	}
}

/**
 * zipf_init() - rank k of @nr with a probability like 1 / (k + 1)^@theta
 * @cells: room for @nr of them
 *
 * Return: 0 or -ENOMEM.
 */
static inline int zipf_init(struct zipf *z, struct zipf_cell *cells,
			    uint32_t nr, double theta)
{
	double *share = malloc(nr * sizeof(*share)), sum = 0;
	uint32_t *order = malloc(nr * sizeof(*order));
	uint32_t i;

	*z = (struct zipf){ .cells = cells, .nr = nr };
	if (share && order) {
		for (i = 0; i < nr; i++)
			sum += share[i] = pow(i + 1.0, -theta);
		for (i = 0; i < nr; i++)
			share[i] *= nr / sum;
		zipf_level(z, share, order);
	}
	i = share && order;
	free(share);
	free(order);
	return i ? 0 : -ENOMEM;
}

#endif
