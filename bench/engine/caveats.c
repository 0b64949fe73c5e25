// SPDX-License-Identifier: GPL-2.0-only
/* What a reader must bear in mind beside the numbers. */
#include "engine/caveats.h"

#include <string.h>
#include <unistd.h>

#include "machine/mech.h"

/* A share of the window. */
#define STEAL_LIMIT 0.001

static const struct tb_counter *counter(const struct tb_result *r,
					const char *name)
{
	return tb_counter_get(&r->counters, name);
}

/* A sleeper's CPU is lazy only if nobody else runs there meanwhile. */
static void note_busy_sleepers(const struct tb_case *cs, struct tb_result *r)
{
	const struct tb_counter *c = counter(r, "idle_entries");
	uint64_t every = tb_case_rendezvous_every(cs);
	uint64_t meetings = every ? (cs->nr_ops + every - 1) / every : 1;
	uint64_t sleeps = meetings * cs->instances * tb_case_nr_sleepers(cs) *
			  tb_case_rendezvous_times(cs);

	if (tb_case_meet(cs) == TB_MEET_NONE)
		return;
	if (!c || c->status == TB_STATUS_ABSENT ||
	    (double)c->value >= (double)sleeps * (1 - TB_SHARED_SLACK))
		return;
	wl_reason(&r->caveats,
		  "sleepers went to sleep %llu times, but their CPUs went idle "
		  "%llu times: somebody else runs there",
		  (unsigned long long)sleeps, (unsigned long long)c->value);
}

/*
 * Real-time throttling, or the deadline server that came after it, takes the
 * CPU away from a FIFO thread that runs for longer than this in a second.
 */
static void note_throttling(struct tb_result *r)
{
	uint64_t limit_us, longest_ns = r->timed.elapsed_ns;
	char line[32];

	if (r->counted.elapsed_ns > longest_ns)
		longest_ns = r->counted.elapsed_ns;
	if (r->traced.elapsed_ns > longest_ns)
		longest_ns = r->traced.elapsed_ns;
	/* -1 is no number: there is no limit. */
	if (strcmp(r->sched, "fifo") ||
	    tb_read_line("/proc/sys/kernel/sched_rt_runtime_us", line,
			 sizeof(line)) ||
	    !tb_parse_u64(line, &limit_us) || longest_ns < limit_us * 1000)
		return;
	wl_reason(&r->caveats,
		  "SCHED_FIFO threads ran for %.1f s, more than "
		  "sched_rt_runtime_us allows at a stretch: the kernel may "
		  "have stopped them meanwhile; ask for fewer ops",
		  (double)longest_ns / 1e9);
}

static void note_foreign_flushes(struct tb_result *r)
{
	const struct tb_counter *c = counter(r, "irq_tlb_elsewhere");

	if (c && c->status != TB_STATUS_ABSENT && c->value)
		wl_reason(&r->caveats,
			  "%llu TLB shootdowns where the case causes none: "
			  "somebody else flushes on this machine",
			  (unsigned long long)c->value);
}

static uint64_t value_of(const struct tb_result *r, const char *name)
{
	const struct tb_counter *c = counter(r, name);

	return c && c->status != TB_STATUS_ABSENT ? c->value : 0;
}

/* Neither TLB interrupts nor flushes count these. */
static void note_hidden_flushes(struct tb_result *r)
{
	static const struct {
		const char *sent, *received, *function;
	} hidden[] = {
		{ "csd_flush_all", "csd_flush_all_received", "flush_tlb_all" },
		{ "csd_flush_kernel", "csd_flush_kernel_received",
		  "flush_tlb_kernel_range" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hidden); i++) {
		uint64_t sent = value_of(r, hidden[i].sent);
		uint64_t received = value_of(r, hidden[i].received);

		if (sent || received)
			wl_reason(
				&r->caveats,
				"%s(), which is in no count of flushes or "
				"TLB interrupts, interrupted CPUs of the case "
				"%llu times; they sent it to CPUs %llu times",
				hidden[i].function,
				(unsigned long long)received,
				(unsigned long long)sent);
	}
}

/* What is certain of a time in whole ticks: all but one of them. */
static uint64_t certain_ms(uint64_t ms)
{
	uint64_t tick_ms = 1000 / (uint64_t)sysconf(_SC_CLK_TCK);

	return ms > tick_ms ? ms - tick_ms : 0;
}

static void note_steal(struct tb_result *r)
{
	const struct tb_counter *c = counter(r, "steal_ms");
	double window_ms = (double)r->counted.elapsed_ns / 1e6, worst = 0;
	unsigned int i, cpu = 0;

	if (!c || c->status == TB_STATUS_ABSENT || !c->by_cpu || !window_ms)
		return;
	for (i = 0; i < r->counters.nr_cpus; i++) {
		double share = (double)certain_ms(c->by_cpu[i]) / window_ms;

		if (share <= worst)
			continue;
		worst = share;
		cpu = i;
	}
	if (worst > STEAL_LIMIT)
		wl_reason(&r->caveats,
			  "the hypervisor took at least %.2g %% of CPU %d's "
			  "time in the counted pass: times are too long, and "
			  "IPIs may be missing",
			  worst * 100, r->counters.cpus[cpu]);
}

void tb_caveats_fill(const struct tb_case *cs, struct tb_result *r)
{
	struct tb_mech mech = tb_mech_detect();
	char text[256];

	note_busy_sleepers(cs, r);
	note_throttling(r);
	note_foreign_flushes(r);
	note_hidden_flushes(r);
	note_steal(r);
	if (tb_clock_caveat(&r->clock, text, sizeof(text)))
		wl_reason(&r->caveats, "%s", text);
	if (mech.caveat)
		wl_reason(&r->caveats, "%s", mech.caveat);
}
