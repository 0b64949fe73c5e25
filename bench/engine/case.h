/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A case: one fully resolved point of a campaign, and what came of it.
 */
#ifndef TB_CASE_H
#define TB_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/hist.h"
#include "base/text.h"
#include "machine/counters.h"
#include "machine/topo.h"
#include "workloads/wl.h"

enum tb_sched {
	TB_SCHED_AUTO,
	TB_SCHED_FIFO,
	TB_SCHED_OTHER
};

/**
 * struct tb_case - what to run
 * @name: as in the campaign, with "/key=value" for each swept key
 * @conf: parameters of @ops, resolved
 * @instances: processes, each with all roles
 * @nr_cpus: threads of all instances; each has a CPU of its own
 * @nr_threads: per instance, by role
 * @nr_ops, @nr_warmup_ops: of each initiator in each pass
 * @repetitions: records that one boot makes of this case
 * @timeout_s: bound of every wait
 * @sched: TB_SCHED_AUTO is FIFO where it is allowed
 * @placement: policy of tb_place_resolve()
 */
struct tb_case {
	char *name;
	const struct wl_ops *ops;
	void *conf;
	unsigned int instances;
	unsigned int nr_cpus;
	unsigned int nr_roles;
	unsigned int nr_threads[WL_MAX_ROLES];
	uint64_t nr_ops;
	uint64_t nr_warmup_ops;
	unsigned int repetitions;
	unsigned int timeout_s;
	enum tb_sched sched;
	char *placement;
};

unsigned int tb_case_threads_per_instance(const struct tb_case *cs);

/* A CPU for each thread, in the order of struct tb_result, @nr_cpus in all. */
int tb_case_place(const struct tb_case *cs, const struct tb_topo *topo,
		  int *cpus, struct tb_err *err);

/* Rendezvous before ops 0, n, 2n, ...; 0: before op 0 only. */
uint64_t tb_case_rendezvous_every(const struct tb_case *cs);

enum tb_state {
	TB_STATE_OK,
	TB_STATE_SKIPPED,
	TB_STATE_FAILED,
	TB_STATE_TIMEOUT,
};

/* "ok", "skipped", "failed", "timeout". */
const char *tb_state_name(enum tb_state state);

/**
 * struct wl_reasons - sentences that explain a state or qualify a number
 */
struct wl_reasons {
	unsigned int nr;
	char text[16][256];
};

/**
 * struct tb_metric - one number of a repetition, ready to be compared
 * @better: "lower", "higher" or "none"
 * @is_headline: counts in verdicts; the others explain
 */
struct tb_metric {
	char name[64];
	const char *unit;
	const char *better;
	enum tb_status status;
	double value;
	char reason[128];
	bool is_headline;
};

/**
 * struct tb_pass - one run of all ops
 * @elapsed_ns: of the measured window, on the coordinator's clock
 * @latency: in ticks, of all initiators
 */
struct tb_pass {
	uint64_t nr_ops;
	uint64_t nr_dropped;
	uint64_t elapsed_ns;
	struct tb_hist latency;
};

#define TB_MAX_METRICS 24

/**
 * struct tb_result - one repetition of a case
 * @reasons: why @state is not ok
 * @caveats: what to bear in mind beside the numbers
 * @cpus: by thread, instance after instance, role after role
 * @sched: "fifo" or "other", as it really ran
 * @arena_pages: base pages of thread state and histograms
 * @timed: no tracing; @counted: with counters
 * @counters: of the counted pass
 */
struct tb_result {
	enum tb_state state;
	struct wl_reasons reasons;
	struct wl_reasons caveats;
	int *cpus;
	const char *sched;
	uint64_t arena_pages;
	struct tb_clock clock;
	struct tb_pass timed;
	struct tb_pass counted;
	struct tb_counter counters[TB_MAX_COUNTERS];
	unsigned int nr_counters;
	struct tb_metric metrics[TB_MAX_METRICS];
	unsigned int nr_metrics;
};

#endif
