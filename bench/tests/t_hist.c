// SPDX-License-Identifier: GPL-2.0-only
/* Properties of the histogram over edge values and many random ones. */
#include "base/hist.h"

#include <math.h>
#include <sys/mman.h>

#include "tests/t.h"

#define NR_RANDOM 20000
#define LIMIT (1ULL << TB_HIST_MAX_BITS)

/* A value of at most TB_HIST_MAX_BITS bits, all widths alike. */
static uint64_t random_value(uint64_t *seed)
{
	uint64_t value = t_random(seed);

	return value >> (64 - 1 - t_random(seed) % TB_HIST_MAX_BITS);
}

static void check_bucket_of(uint64_t value)
{
	unsigned int idx = tb_hist_idx(value);
	uint64_t low, width;

	assert_true(idx < TB_HIST_BUCKETS);
	low = tb_hist_low(idx);
	width = tb_hist_width(idx);
	assert_true(low <= value);
	assert_true(value < low + width);
}

static void bucket_holds_its_values(void **state)
{
	uint64_t seed = 1;
	unsigned int i;

	(void)state;
	for (i = 0; i < TB_HIST_MAX_BITS; i++) {
		check_bucket_of((1ULL << i) - 1);
		check_bucket_of(1ULL << i);
		check_bucket_of((1ULL << i) + 1);
	}
	check_bucket_of(LIMIT - 1);
	for (i = 0; i < NR_RANDOM; i++)
		check_bucket_of(random_value(&seed));
}

static void buckets_adjoin(void **state)
{
	unsigned int i;

	(void)state;
	assert_int_equal(tb_hist_low(0), 0);
	for (i = 0; i < TB_HIST_BUCKETS; i++) {
		uint64_t next = tb_hist_low(i) + tb_hist_width(i);

		assert_int_equal(tb_hist_idx(tb_hist_low(i)), i);
		assert_int_equal(tb_hist_idx(next - 1), i);
		if (i + 1 < TB_HIST_BUCKETS)
			assert_int_equal(tb_hist_low(i + 1), next);
		else
			assert_int_equal(next, LIMIT);
	}
}

/* Of any value that is in a bucket, lowest first, to what stands for it. */
static void error_is_at_most_8_per_mille(void **state)
{
	static struct tb_hist h;
	unsigned int i;

	(void)state;
	for (i = 0; i < TB_HIST_BUCKETS; i++) {
		uint64_t low = tb_hist_low(i);
		uint64_t high = low + tb_hist_width(i) - 1;

		assert_true((high - low) * 1000 <= low * 8);
		/* And so in fact, with a larger value beside it. */
		tb_hist_init(&h);
		tb_hist_add(&h, low);
		tb_hist_add(&h, LIMIT * 2);
		assert_true(tb_hist_mean_at(&h, 0.5) == (double)low);
	}
}

static void empty_has_no_values(void **state)
{
	static struct tb_hist h;

	(void)state;
	tb_hist_init(&h);
	assert_int_equal(h.count, 0);
	assert_int_equal(h.min, 0);
	assert_int_equal(h.max, 0);
	assert_true(tb_hist_mean_at(&h, 0.5) == 0);
	assert_true(tb_hist_mean_at(&h, 1) == 0);
}

static void totals_are_exact(void **state)
{
	static struct tb_hist h;
	uint64_t seed = 2, sum = 0, min = UINT64_MAX, max = 0, in_buckets = 0;
	uint64_t sum_of_buckets = 0;
	unsigned int i;

	(void)state;
	tb_hist_init(&h);
	for (i = 0; i < NR_RANDOM; i++) {
		/* Neither a small minimum nor a maximum on an edge. */
		uint64_t value = 1001 + random_value(&seed) / 2;

		tb_hist_add(&h, value);
		sum += value;
		min = value < min ? value : min;
		max = value > max ? value : max;
	}
	for (i = 0; i < TB_HIST_BUCKETS; i++) {
		in_buckets += h.bucket[i].count;
		sum_of_buckets += h.bucket[i].sum;
	}
	assert_int_equal(h.count, NR_RANDOM);
	assert_int_equal(h.min, min);
	assert_int_equal(h.max, max);
	assert_int_equal(h.sum, sum);
	assert_int_equal(h.overflow, 0);
	assert_int_equal(in_buckets, NR_RANDOM);
	assert_int_equal(sum_of_buckets, sum);
}

static void overflow_is_counted_not_clamped(void **state)
{
	static struct tb_hist h;
	unsigned int i;

	(void)state;
	tb_hist_init(&h);
	tb_hist_add(&h, LIMIT);
	tb_hist_add(&h, LIMIT * 2 + 5);
	tb_hist_add(&h, UINT64_MAX >> 4);
	for (i = 0; i < TB_HIST_BUCKETS; i++)
		assert_int_equal(h.bucket[i].count, 0);
	assert_int_equal(h.overflow, 3);
	assert_int_equal(h.count, 3);
	assert_int_equal(h.min, LIMIT);
	assert_int_equal(h.max, UINT64_MAX >> 4);
	assert_int_equal(h.sum, LIMIT * 3 + 5 + (UINT64_MAX >> 4));

	tb_hist_add(&h, LIMIT - 1);
	assert_int_equal(h.bucket[TB_HIST_BUCKETS - 1].count, 1);
	assert_true(tb_hist_mean_at(&h, 0.25) == (double)(LIMIT - 1));
	/* Ranks that fall among the overflowed values give the maximum. */
	assert_true(tb_hist_mean_at(&h, 0.5) == (double)(UINT64_MAX >> 4));
}

#define NR_PARTS 3

/* Random values in parts, of which the last gets the largest and the smallest.
 */
static void fill_parts(struct tb_hist *part, struct tb_hist *all, uint64_t seed)
{
	unsigned int i;

	tb_hist_init(all);
	for (i = 0; i < NR_PARTS; i++)
		tb_hist_init(&part[i]);
	for (i = 0; i < NR_RANDOM; i++) {
		/* Some overflow. */
		uint64_t value = 77 + (random_value(&seed) << (i % 64 == 0));
		unsigned int to = t_random(&seed) % NR_PARTS;

		tb_hist_add(&part[to], value);
		tb_hist_add(all, value);
	}
	tb_hist_add(&part[NR_PARTS - 1], LIMIT * 5);
	tb_hist_add(&part[NR_PARTS - 1], 7);
	tb_hist_add(all, LIMIT * 5);
	tb_hist_add(all, 7);
}

static void merge_equals_adding_all(void **state)
{
	static const unsigned int orders[][NR_PARTS] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
		{ 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	static struct tb_hist part[NR_PARTS], all, left, right, sum;
	unsigned int i;

	(void)state;
	fill_parts(part, &all, 3);
	assert_true(all.overflow > 1);
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		const unsigned int *o = orders[i];

		/* (0 + a + b) + c */
		tb_hist_init(&left);
		tb_hist_merge(&left, &part[o[0]]);
		tb_hist_merge(&left, &part[o[1]]);
		tb_hist_merge(&left, &part[o[2]]);
		assert_memory_equal(&left, &all, sizeof(all));
		/* a + (b + c) */
		right = part[o[1]];
		tb_hist_merge(&right, &part[o[2]]);
		sum = part[o[0]];
		tb_hist_merge(&sum, &right);
		assert_memory_equal(&sum, &all, sizeof(all));
	}
}

static void merging_an_empty_one_changes_nothing(void **state)
{
	static struct tb_hist part[NR_PARTS], all, sum, empty;

	(void)state;
	fill_parts(part, &all, 4);
	sum = all;
	tb_hist_merge(&sum, &empty);
	assert_memory_equal(&sum, &all, sizeof(all));
	tb_hist_merge(&empty, &empty);
	assert_int_equal(empty.count, 0);
	tb_hist_merge(&empty, &all);
	assert_memory_equal(&empty, &all, sizeof(all));
}

static unsigned int touched_pages(void *start, size_t len_bytes)
{
	unsigned char in_core[64] = { 0 };
	unsigned int i, nr = 0;

	assert_int_equal(mincore(start, len_bytes, in_core), 0);
	for (i = 0; i < sizeof(in_core); i++)
		nr += in_core[i] & 1;
	return nr;
}

static struct tb_hist *map_hist(void)
{
	void *p = mmap(NULL, sizeof(struct tb_hist), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static void zeroed_memory_is_an_empty_histogram(void **state)
{
	struct tb_hist *fresh = map_hist(), *unused = map_hist();
	static struct tb_hist h;
	uint64_t value;

	(void)state;
	memset(&h, 0xa5, sizeof(h));
	tb_hist_init(&h);
	for (value = 1000; value < 1010; value++) {
		tb_hist_add(&h, value);
		tb_hist_add(fresh, value);
	}
	tb_hist_merge(fresh, unused);
	/* The head, one page of counts and one of sums. */
	assert_in_range(touched_pages(fresh, sizeof(h)), 1, 3);
	assert_in_range(touched_pages(unused, sizeof(h)), 0, 1);
	assert_memory_equal(fresh, &h, sizeof(h));
	munmap(fresh, sizeof(h));
	munmap(unused, sizeof(h));
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Against the sorted values: the same bucket, and never beyond an extreme. */
static void check_quantiles(unsigned int nr, uint64_t seed)
{
	static const double quantiles[] = { 1e-9, 0.01, 0.25,  0.5,    0.75,
					    0.9,  0.99, 0.999, 0.9999, 1 };
	static uint64_t sorted[NR_RANDOM];
	static struct tb_hist h;
	unsigned int i;

	tb_hist_init(&h);
	for (i = 0; i < nr; i++) {
		sorted[i] = random_value(&seed);
		tb_hist_add(&h, sorted[i]);
	}
	qsort(sorted, nr, sizeof(sorted[0]), by_value);
	for (i = 0; i < ARRAY_SIZE(quantiles); i++) {
		double rank = ceil(quantiles[i] * nr);
		uint64_t exact = sorted[(unsigned int)rank - 1];
		uint64_t got = (uint64_t)tb_hist_mean_at(&h, quantiles[i]);

		assert_true(got >= h.min && got <= h.max);
		assert_int_equal(tb_hist_idx(got), tb_hist_idx(exact));
	}
}

static void quantiles_match_sorted_values(void **state)
{
	unsigned int nr;

	(void)state;
	for (nr = 1; nr < 40; nr++)
		check_quantiles(nr, nr);
	check_quantiles(1000, 100);
	check_quantiles(NR_RANDOM, 101);
}

static void median_of_equal_values_is_exact(void **state)
{
	static const uint64_t values[] = { 0,	     1,	      127,
					   128,	     1000003, 123456789012ULL,
					   LIMIT - 2 };
	static struct tb_hist h;
	unsigned int i, n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		tb_hist_init(&h);
		for (n = 0; n < 7; n++)
			tb_hist_add(&h, values[i]);
		assert_true(tb_hist_mean_at(&h, 0.5) == (double)values[i]);
		/* One that is far away does not move it. */
		tb_hist_add(&h, values[i] ? 0 : 500);
		assert_true(tb_hist_mean_at(&h, 0.5) == (double)values[i]);
	}
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(bucket_holds_its_values),
		cmocka_unit_test(buckets_adjoin),
		cmocka_unit_test(error_is_at_most_8_per_mille),
		cmocka_unit_test(empty_has_no_values),
		cmocka_unit_test(totals_are_exact),
		cmocka_unit_test(overflow_is_counted_not_clamped),
		cmocka_unit_test(merge_equals_adding_all),
		cmocka_unit_test(merging_an_empty_one_changes_nothing),
		cmocka_unit_test(zeroed_memory_is_an_empty_histogram),
		cmocka_unit_test(quantiles_match_sorted_values),
		cmocka_unit_test(median_of_equal_values_is_exact),
	};

	return T_RUN("hist", tests);
}
