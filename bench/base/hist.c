// SPDX-License-Identifier: GPL-2.0-only
/* Log-linear histogram: the parts that are not in the hot loop. */
#include "base/hist.h"

#include <math.h>
#include <string.h>

#define SUB_BUCKETS (1U << TB_HIST_SUB_BITS)

void tb_hist_init(struct tb_hist *h)
{
	memset(h, 0, sizeof(*h));
}

void tb_hist_merge(struct tb_hist *to, const struct tb_hist *from)
{
	unsigned int i;

	/* Its pages may never have been touched. */
	if (!from->count)
		return;
	if (!to->count || from->min < to->min)
		to->min = from->min;
	to->count += from->count;
	to->sum += from->sum;
	to->overflow += from->overflow;
	if (from->max > to->max)
		to->max = from->max;
	for (i = 0; i < TB_HIST_BUCKETS; i++) {
		to->bucket[i].count += from->bucket[i].count;
		to->bucket[i].sum += from->bucket[i].sum;
	}
}

uint64_t tb_hist_width(unsigned int idx)
{
	return idx < SUB_BUCKETS ? 1 : 1ULL << ((idx >> TB_HIST_SUB_BITS) - 1);
}

uint64_t tb_hist_low(unsigned int idx)
{
	if (idx < SUB_BUCKETS)
		return idx;
	return (uint64_t)(SUB_BUCKETS + idx % SUB_BUCKETS) * tb_hist_width(idx);
}

/* Bucket that holds the value of rank ceil(q * count), or TB_HIST_BUCKETS. */
static unsigned int bucket_of_rank(const struct tb_hist *h, double q)
{
	uint64_t rank = (uint64_t)ceil(q * (double)h->count);
	uint64_t seen = 0;
	unsigned int i;

	for (i = 0; i < TB_HIST_BUCKETS; i++) {
		seen += h->bucket[i].count;
		if (seen && seen >= rank)
			break;
	}
	return i;
}

double tb_hist_mean_at(const struct tb_hist *h, double q)
{
	unsigned int idx = bucket_of_rank(h, q);

	if (idx == TB_HIST_BUCKETS)
		return (double)h->max;
	return (double)h->bucket[idx].sum / (double)h->bucket[idx].count;
}
