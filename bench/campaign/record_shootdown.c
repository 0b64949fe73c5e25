// SPDX-License-Identifier: GPL-2.0-only
/* What the traced pass saw, as a member of a repetition's record. */
#include "campaign/record.h"
#include "engine/traced.h"

/* Values that are units already. */
static void add_values(struct tb_json *j, const char *name, const char *unit,
		       const struct tb_hist *h)
{
	const struct tb_clock as_is = { .kind = TB_CLOCK_RAW, .hz = 1e9 };

	tb_record_histogram(j, name, unit, &as_is, h);
}

/* Null where the clock does not tell time; the counts are right all the same.
 */
static void add_times(struct tb_json *j, const struct tb_result *r)
{
	const char *why = tb_traced_no_times(r);

	tb_json_str(j, "no_times", why);
	if (why) {
		tb_json_null(j, "latency");
		tb_json_null(j, "first_queue");
		return;
	}
	add_values(j, "latency", "ns", &r->shootdown.seen.latency);
	add_values(j, "first_queue", "ns", &r->shootdown.seen.first_queue);
}

static void add_counts(struct tb_json *j, const struct tb_shootdowns *s)
{
	tb_json_u64(j, "shootdowns", s->nr);
	tb_json_u64(j, "complete", s->nr_complete);
	tb_json_u64(j, "incomplete", s->nr_incomplete);
	tb_json_u64(j, "without_responder", s->nr_without_responder);
	tb_json_u64(j, "full", s->nr_full);
	tb_json_u64(j, "own_parts", s->nr_own_parts);
	tb_json_u64(j, "orphans", s->nr_orphans);
}

/* Who interrupted whom; only what there was. */
static void add_map(struct tb_json *j, const struct tb_shootdowns *s)
{
	unsigned int from, to;

	tb_json_arr(j, "cpu_to_cpu");
	for (from = 0; from < TB_SHOOTDOWN_MAP_CPUS; from++)
		for (to = 0; to < TB_SHOOTDOWN_MAP_CPUS; to++) {
			if (!s->nr_from_to[from][to])
				continue;
			tb_json_arr(j, NULL);
			tb_json_u64(j, NULL, from);
			tb_json_u64(j, NULL, to);
			tb_json_u64(j, NULL, s->nr_from_to[from][to]);
			tb_json_arr_end(j);
		}
	tb_json_arr_end(j);
	tb_json_u64(j, "not_mapped", s->nr_not_mapped);
}

void tb_record_shootdown(struct tb_json *j, const struct tb_case *cs,
			 const struct tb_result *r)
{
	const struct tb_shootdown_result *s = &r->shootdown;
	bool is_absent = s->status == TB_STATUS_ABSENT;

	tb_json_obj(j, "shootdown");
	tb_json_str(j, "status", tb_status_name(s->status));
	tb_json_str(j, "reason", is_absent ? s->reason : NULL);
	if (!is_absent) {
		tb_json_u64(j, "ops_asked",
			    cs->nr_ops * tb_case_nr_initiators(cs));
		tb_json_u64(j, "ops_traced", r->traced.nr_ops);
		tb_record_observer(j, &r->timed, &r->traced);
		add_counts(j, &s->seen);
		tb_json_u64(j, "lost", s->nr_lost);
		add_map(j, &s->seen);
		add_values(j, "responders", "cpus", &s->seen.responders);
		add_values(j, "pages", "pages", &s->seen.pages);
		add_times(j, r);
	}
	tb_json_obj_end(j);
}
