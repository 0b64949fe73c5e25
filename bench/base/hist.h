/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Log-linear histogram without allocation.
 *
 * Values below 128 have a bucket each. Above, every power of two is cut into
 * 128 buckets of equal width:
 *
 *	value            width   buckets
 *	0 .. 127         1       0 .. 127
 *	128 .. 255       1       128 .. 255
 *	256 .. 511       2       256 .. 383
 *	2^k .. 2^(k+1)-1 2^(k-7) (k-6) * 128 .. (k-5) * 128 - 1
 *
 * so a bucket is at most 1/128 = 0.78 % of its values wide. Values of 2^40 and
 * more (18 minutes in ns) are counted as overflow, never clamped; count, min,
 * max and sum are exact and include them. Each bucket keeps its own sum too: a
 * deterministic op puts equal values into one bucket, whose mean is then exact.
 *
 * Zeroed memory is an empty histogram, so one in fresh zero pages needs no
 * tb_hist_init(), and of its 68 KiB only the pages that values fall into are
 * ever touched.
 */
#ifndef TB_HIST_H
#define TB_HIST_H

#include <stdint.h>

#define TB_HIST_SUB_BITS 7
#define TB_HIST_MAX_BITS 40
#define TB_HIST_BUCKETS \
	((TB_HIST_MAX_BITS - TB_HIST_SUB_BITS + 1) << TB_HIST_SUB_BITS)

/* Side by side: a sample should touch one page, and one cache line, of them. */
struct tb_bucket {
	uint64_t count;
	uint64_t sum;
};

/* @min and @max are 0 if there is no value. */
struct tb_hist {
	uint64_t count;
	uint64_t min;
	uint64_t max;
	uint64_t sum;
	uint64_t overflow;
	struct tb_bucket bucket[TB_HIST_BUCKETS];
};

static inline unsigned int tb_hist_idx(uint64_t value)
{
	unsigned int shift;

	if (value < 1U << TB_HIST_SUB_BITS)
		return (unsigned int)value;
	shift = 63 - (unsigned int)__builtin_clzll(value) - TB_HIST_SUB_BITS;
	return ((shift + 1) << TB_HIST_SUB_BITS) +
	       (unsigned int)((value >> shift) - (1U << TB_HIST_SUB_BITS));
}

static inline void tb_hist_add(struct tb_hist *h, uint64_t value)
{
	if (!h->count || value < h->min)
		h->min = value;
	h->count++;
	h->sum += value;
	if (value > h->max)
		h->max = value;
	if (value >> TB_HIST_MAX_BITS) {
		h->overflow++;
	} else {
		struct tb_bucket *b = &h->bucket[tb_hist_idx(value)];

		b->count++;
		b->sum += value;
	}
}

/* Empties any memory, all of which is touched. */
void tb_hist_init(struct tb_hist *h);

/* Touches nothing but its head of a @from that is empty. */
void tb_hist_merge(struct tb_hist *to, const struct tb_hist *from);

/* Lowest value and width of bucket @idx. */
uint64_t tb_hist_low(unsigned int idx);
uint64_t tb_hist_width(unsigned int idx);

/*
 * Mean of the values in the bucket where @q of all values are reached: without
 * the bias of a bucket's edge, and exact if they are equal; 0 if the histogram
 * is empty, the maximum if the rank falls among the overflowed values.
 */
double tb_hist_mean_at(const struct tb_hist *h, double q);

#endif
