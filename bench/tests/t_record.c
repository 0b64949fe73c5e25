// SPDX-License-Identifier: GPL-2.0-only
/* Records: what ticks become in the unit of the record. */
#include "campaign/record.h"

#include <math.h>

#include "campaign/params.h"
#include "tests/t.h"

/* The record of one op of every cost from 0 to @nr - 1 ticks, at @hz. */
static void record_costs(struct tb_buf *line, uint64_t nr, double hz)
{
	struct tb_case cs = { .name = "x", .placement = "spread" };
	struct tb_result *r = calloc(1, sizeof(*r));
	uint64_t ticks;

	assert_non_null(r);
	cs.ops = tb_workload_find("munmap");
	cs.conf = tb_params_new(cs.ops);
	r->sched = "other";
	r->clock = (struct tb_clock){ .kind = TB_CLOCK_TSC, .hz = hz };
	for (ticks = 0; ticks < nr; ticks++)
		tb_hist_add(&r->timed.latency, ticks);
	tb_record_repetition(&cs, 0, r, line);
	assert_false(line->has_failed);
	free(cs.conf);
	free(r);
}

/* Read the next "[LOW,COUNT]" of a record. */
static bool next_bucket(const char **at, uint64_t *low, uint64_t *nr)
{
	unsigned long long l, n;
	int len = 0;

	if (sscanf(*at, "[%llu,%llu]%n", &l, &n, &len) != 2)
		return false;
	*low = l;
	*nr = n;
	*at += len + ((*at)[len] == ',');
	return true;
}

/* At 2.6 GHz two or three ticks have the same number of ns. */
static void check_bounds(double hz, uint64_t nr_costs)
{
	uint64_t low, nr, last = 0, sum = 0;
	struct tb_buf line = { 0 };
	unsigned int i = 0;
	const char *at;

	record_costs(&line, nr_costs, hz);
	at = strstr(line.data, "\"buckets\":[");
	assert_non_null(at);
	for (at += strlen("\"buckets\":["); next_bucket(&at, &low, &nr); i++) {
		assert_true(!i || low > last);
		last = low;
		sum += nr;
	}
	assert_int_equal(*at, ']');
	assert_int_equal(sum, nr_costs);
	assert_true((double)last <= round((double)nr_costs * 1e9 / hz));
	tb_buf_fini(&line);
}

static void bounds_ascend_at_any_rate(void **state)
{
	static const double rates[] = { 24e6, 1e9, 1.9e9, 2.6e9, 5.1e9 };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		check_bounds(rates[i], 1);
		check_bounds(rates[i], 300);
		check_bounds(rates[i], 100000);
	}
}

/* What the host knows joins the caveats of a guest's record. */
static void caveat_of_the_host_comes_first(void **state)
{
	static const struct {
		const char *record;
		const char *end;
	} texts[] = {
		{ "{\"type\":\"boot\",\"caveats\":[]}\n",
		  "\"type\":\"boot\",\"caveats\":[\"busy\"]}\n" },
		{ "{\"type\":\"boot\",\"caveats\":[\"a\"],\"b\":1}\n",
		  "\"type\":\"boot\",\"caveats\":[\"busy\",\"a\"],\"b\":1}\n" },
		{ "{\"type\":\"repetition\",\"caveats\":[]}\n",
		  "\"type\":\"repetition\",\"caveats\":[]}\n" },
	};
	const struct tb_quiet quiet = { .caveat = "busy" };
	const struct tb_slot_info info = { .quiet = &quiet };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		struct tb_buf line = { 0 };

		tb_record_identify(&info, texts[i].record,
				   strlen(texts[i].record), &line);
		assert_string_equal(strstr(line.data, "\"type\""),
				    texts[i].end);
		tb_buf_fini(&line);
	}
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_ascend_at_any_rate),
		cmocka_unit_test(caveat_of_the_host_comes_first),
	};

	return T_RUN("record", tests);
}
