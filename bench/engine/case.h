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
#include "engine/resource.h"
#include "machine/counters.h"
#include "machine/shootdown.h"
#include "machine/topo.h"
#include "workloads/wl.h"

/* Those of the workload, and behind them the bystander. */
#define TB_MAX_ROLES (WL_MAX_ROLES + 1)

enum tb_sched {
	TB_SCHED_AUTO,
	TB_SCHED_FIFO,
	TB_SCHED_OTHER
};

/* "auto", "fifo", "other", NULL: as the key of a case says it, by value. */
extern const char *const tb_sched_names[];

/**
 * enum tb_meet - when initiators and peers meet
 * @TB_MEET_AUTO: as the workload says
 * @TB_MEET_PER_OP: before every op
 * @TB_MEET_PER_BATCH: before op 0, n, 2n, ... of each phase
 * @TB_MEET_NONE: never; responders run free
 */
enum tb_meet {
	TB_MEET_AUTO,
	TB_MEET_PER_OP,
	TB_MEET_PER_BATCH,
	TB_MEET_NONE
};

/* "auto", "per_op", "per_batch", "none", NULL. */
extern const char *const tb_meet_names[];

/**
 * struct tb_case - what to run
 * @name: as in the campaign, with "/key=value" for each swept key
 * @conf: parameters of @ops, resolved
 * @instances: processes, each with all roles
 * @nr_cpus: different CPUs that the instances may take
 * @share_cpus: there are fewer CPUs than threads; all waiting is asleep then
 * @nr_threads: per instance, by role, of all its processes
 * @nr_processes: per instance, by role; 0: threads of the instance
 * @nr_bystanders: threads of one more process that has nothing to do with it
 * @nr_ops, @nr_warmup_ops: of each initiator in each pass
 * @repetitions: records that one boot makes of this case
 * @timeout_s: bound of every wait
 * @sched: TB_SCHED_AUTO is FIFO where it is allowed
 * @meet, @batch: as asked; tb_case_meet() says what holds
 * @counted: a counted pass follows the timed one
 * @traced: and a traced pass the counted one
 * @placement: policy of all roles but those of
 * @role_placement: by role; NULL is @placement
 * @is_bound, @node: by region of the workload: the NUMA node it is to be on
 */
struct tb_case {
	char *name;
	const struct wl_ops *ops;
	void *conf;
	unsigned int instances;
	unsigned int nr_cpus;
	bool share_cpus;
	unsigned int nr_roles;
	unsigned int nr_threads[WL_MAX_ROLES];
	unsigned int nr_processes[WL_MAX_ROLES];
	unsigned int nr_bystanders;
	uint64_t nr_ops;
	uint64_t nr_warmup_ops;
	unsigned int repetitions;
	unsigned int timeout_s;
	enum tb_sched sched;
	enum tb_meet meet;
	uint64_t batch;
	bool counted;
	bool traced;
	char *placement;
	char *role_placement[TB_MAX_ROLES];
	bool is_bound[WL_MAX_REGIONS];
	int node[WL_MAX_REGIONS];
};

unsigned int tb_case_threads_per_instance(const struct tb_case *cs);

/* Of all instances and the bystanders. */
unsigned int tb_case_nr_threads(const struct tb_case *cs);

/* Of all instances. */
unsigned int tb_case_nr_initiators(const struct tb_case *cs);

/* Per instance. */
unsigned int tb_case_nr_sleepers(const struct tb_case *cs);

/* The workload's role, or the bystander, which is role number @nr_roles. */
const struct wl_role *tb_case_role(const struct tb_case *cs, unsigned int role);

/* The process of thread @idx within its role and instance; 0 without any. */
unsigned int tb_case_process(const struct tb_case *cs, unsigned int role,
			     unsigned int idx);

/* What callbacks may know of the case. */
struct wl_ctx tb_case_ctx(const struct tb_case *cs);

/* The policy that places @role. */
const char *tb_case_placement(const struct tb_case *cs, unsigned int role);

/* Do bystanders run on CPUs of the instances? */
bool tb_case_bystanders_share(const struct tb_case *cs);

/**
 * tb_case_place() - a CPU for each thread
 * @cpus: tb_case_nr_threads() of them: instance after instance, role after
 *	role, then the bystanders
 */
int tb_case_place(const struct tb_case *cs, const struct tb_topo *topo,
		  int *cpus, struct tb_err *err);

/* Never TB_MEET_AUTO. */
enum tb_meet tb_case_meet(const struct tb_case *cs);

/* Rendezvous before ops 0, n, 2n, ...; 0: before op 0 only. */
uint64_t tb_case_rendezvous_every(const struct tb_case *cs);

/* So many each time. */
uint64_t tb_case_rendezvous_times(const struct tb_case *cs);

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
	char text[16][TB_ERR_TEXT_BYTES];
};

/**
 * struct tb_metric - one number of a repetition, ready to be compared
 * @better: "lower", "higher" or "none"
 * @is_headline: counts in verdicts; the others explain
 */
struct tb_metric {
	char name[64];
	char unit[48];
	const char *better;
	enum tb_status status;
	double value;
	char reason[128];
	bool is_headline;
};

/**
 * struct tb_peer_pass - threads of one role that is not the initiator's
 * @nr_ops: that were timed
 * @latency: in ticks; what is timed depends on the role's kind, see wl.h. Of
 *	bystanders: gaps, in which their CPU did something else
 */
struct tb_peer_pass {
	uint64_t nr_ops;
	struct tb_hist latency;
};

/**
 * struct tb_witness - what bystanders did while they watched
 * @nr_loops: of all of them
 * @ticks: that they watched, summed
 * @stolen_ticks: of these in gaps
 */
struct tb_witness {
	uint64_t nr_loops;
	uint64_t ticks;
	uint64_t stolen_ticks;
};

/**
 * struct tb_pass - one run of all ops
 * @nr_ops, @nr_dropped, @latency: of all initiators, in ticks
 * @elapsed_ns: of the measured phase, on the coordinator's clock
 * @window_ticks: of it from the first op to the last
 * @peers: by role
 * @baseline: bystanders before the ops
 * @witness: bystanders during the ops
 * @values: by number in the workload's metrics; NULL without any
 */
struct tb_pass {
	uint64_t nr_ops;
	uint64_t nr_dropped;
	uint64_t elapsed_ns;
	uint64_t window_ticks;
	struct tb_hist latency;
	struct tb_peer_pass peers[TB_MAX_ROLES];
	struct tb_witness baseline;
	struct tb_witness witness;
	struct tb_value *values;
};

/**
 * struct tb_shootdown_result - what the traced pass saw
 * @status: not scaled; if absent nothing else is meant but @reason
 * @nr_lost: events that are not among those of @seen
 */
struct tb_shootdown_result {
	enum tb_status status;
	char reason[128];
	uint64_t nr_lost;
	struct tb_shootdowns seen;
};

/* Mean time of an op in ticks; NaN if there is none. */
double tb_pass_mean(const struct tb_pass *p);

#define TB_MAX_METRICS 128

/**
 * struct tb_result - one repetition of a case
 * @reasons: why @state is not ok
 * @caveats: what to bear in mind beside the numbers
 * @cpus: by thread, instance after instance, role after role, bystanders
 * @sched: "fifo" or "other", as it really ran
 * @made: resources; what is open is closed after the passes
 * @arena_pages: base pages of thread state and histograms
 * @timed: no tracing; @counted: with counters; @traced: with a trace of
 *	shootdowns, of fewer ops if more do not fit
 * @counters: of the counted pass
 * @shootdown: of the traced pass
 */
struct tb_result {
	enum tb_state state;
	struct wl_reasons reasons;
	struct wl_reasons caveats;
	int *cpus;
	const char *sched;
	struct tb_made made;
	uint64_t arena_pages;
	struct tb_clock clock;
	struct tb_pass timed;
	struct tb_pass counted;
	struct tb_pass traced;
	struct tb_counter_list counters;
	struct tb_shootdown_result shootdown;
	/* One more than is ever shown, see tb_metric_add(). */
	struct tb_metric metrics[TB_MAX_METRICS + 1];
	unsigned int nr_metrics;
};

#endif
