// SPDX-License-Identifier: GPL-2.0-only
/* One repetition: resolve, probe, calibrate, the passes, the ledger. */
#include "engine/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/ledger.h"
#include "engine/pass.h"
#include "engine/region.h"
#include "engine/thread.h"
#include "engine/traced.h"
#include "engine/values.h"
#include "engine/witness.h"
#include "machine/place.h"

static int open_counters(const struct tb_case *cs, const struct tb_result *r,
			 struct tb_counters **counters, struct tb_err *err)
{
	unsigned int per_instance = tb_case_threads_per_instance(cs);
	unsigned int i, nr = tb_case_nr_threads(cs);
	unsigned int nr_bystanders_from = cs->instances * per_instance;
	struct tb_cpu_use *uses = calloc(nr, sizeof(*uses));
	int ret;

	if (!uses)
		return tb_fail_errno(err, -ENOMEM, "counters");
	for (i = 0; i < nr; i++) {
		uses[i].cpu = r->cpus[i];
		/*
		 * Role after role: the initiators come first. Several of them
		 * interrupt each other, who runs free may interrupt them, and
		 * an effect may come from any CPU.
		 */
		if (i >= nr_bystanders_from)
			uses[i].use = TB_USE_BYSTANDER;
		else if (cs->share_cpus || cs->ops->effect ||
			 cs->ops->runs_free || cs->nr_threads[0] > 1 ||
			 i % per_instance >= cs->nr_threads[0])
			uses[i].use = TB_USE_TARGET;
	}
	ret = tb_counters_open(counters, uses, nr, true, err);
	free(uses);
	return ret;
}

/* Those that the workload names. */
static int add_fields(const struct tb_case *cs, const struct tb_made *made,
		      struct tb_counters *counters, struct tb_err *err)
{
	struct tb_field fields[WL_MAX_METRICS];
	unsigned int i, nr = 0;

	for (i = 0; i < tb_nr_metrics(cs->ops); i++) {
		const struct wl_metric *m = &cs->ops->metrics[i];

		if (tb_metric_is_field(m))
			fields[nr++] = (struct tb_field){
				.name = m->name,
				.is_of_memcg = m->kind == WL_MEMSTAT,
			};
	}
	return tb_counters_add_fields(counters, fields, nr, made->memcg, err);
}

/* The counters are opened before the instances, which switch them. */
static int run_counted(const struct tb_run_env *env, const struct tb_case *cs,
		       struct tb_result *r, struct tb_err *err)
{
	struct tb_observer observer = { 0 };
	int ret = open_counters(cs, r, &observer.counters, err);

	if (!ret)
		ret = add_fields(cs, &r->made, observer.counters, err);
	if (!ret)
		ret = tb_pass_run(env, cs, r, &observer, &r->counted, err);
	if (!ret)
		tb_counters_take(observer.counters, &r->counters);
	tb_counters_close(observer.counters);
	return ret;
}

/* CPUs of all threads, those of bystanders last. */
static int place(const struct tb_run_env *env, const struct tb_case *cs,
		 struct tb_result *r, struct tb_err *err)
{
	r->cpus = calloc(tb_case_nr_threads(cs), sizeof(*r->cpus));
	if (!r->cpus)
		return tb_fail_errno(err, -ENOMEM, "placement");
	return tb_case_place(cs, env->topo, r->cpus, err);
}

static void settle_sched(const struct tb_case *cs, struct tb_result *r)
{
	bool shares = cs->share_cpus || tb_case_bystanders_share(cs);
	bool may_fifo = cs->sched != TB_SCHED_OTHER && !shares &&
			tb_thread_fifo_allowed();

	r->sched = may_fifo ? "fifo" : "other";
	if (cs->share_cpus)
		wl_reason(&r->caveats,
			  "threads share CPUs: responders sleep instead of "
			  "spinning, and who is interrupted depends on who "
			  "happens to run");
	else if (shares)
		wl_reason(&r->caveats,
			  "bystanders share CPUs with the case: a responder "
			  "that is preempted gets no IPI");
	else if (cs->sched == TB_SCHED_FIFO && !may_fifo)
		wl_reason(&r->reasons, "sched = fifo: not allowed here "
				       "(needs root or CAP_SYS_NICE)");
	else if (cs->sched == TB_SCHED_AUTO && !may_fifo)
		wl_reason(&r->caveats,
			  "SCHED_FIFO not allowed: a responder that is "
			  "preempted gets no IPI, counts may be too low");
}

static void probe(const struct tb_run_env *env, const struct tb_case *cs,
		  struct tb_result *r)
{
	struct wl_env wl_env = {
		.nr_cpus = cs->nr_cpus,
		.nr_instances = cs->instances,
		.page_bytes = (size_t)sysconf(_SC_PAGESIZE),
	};
	unsigned int i;

	for (i = 0; i < cs->nr_roles; i++) {
		wl_env.nr_threads[i] = cs->nr_threads[i];
		wl_env.nr_processes[i] = cs->nr_processes[i];
	}
	tb_region_probe(cs, &r->reasons);
	if (cs->ops->probe)
		cs->ops->probe(&wl_env, cs->conf, &r->reasons);
	tb_made_probe(&r->made, cs, env->undo, &r->reasons);
}

/* Sort what went wrong into states; only the harness's own faults go on. */
static int settle(struct tb_result *r, int ret, struct tb_err *err)
{
	if (!ret || ret == -EINTR)
		return ret;
	r->state = ret == -ETIMEDOUT ? TB_STATE_TIMEOUT : TB_STATE_FAILED;
	wl_reason(&r->reasons, "%s", err->text);
	*err = (struct tb_err){ 0 };
	return 0;
}

static int run_passes(const struct tb_run_env *env, const struct tb_case *cs,
		      struct tb_result *r, struct tb_err *err)
{
	const struct tb_observer nobody = { 0 };
	int ret = tb_pass_run(env, cs, r, &nobody, &r->timed, err);

	if (!ret && cs->counted)
		ret = run_counted(env, cs, r, err);
	if (!ret && cs->traced)
		ret = tb_traced_run(env, cs, r, err);
	return ret;
}

static void fill_metrics(const struct tb_case *cs, struct tb_result *r)
{
	tb_ledger_fill(cs, r);
	tb_witness_fill(cs, r);
	if (cs->traced)
		tb_traced_fill(r);
}

/* Under SCHED_FIFO, above those whom it watches over. */
static int run_watched(const struct tb_run_env *env, const struct tb_case *cs,
		       struct tb_result *r, struct tb_err *err)
{
	struct tb_thread_sched before;
	bool has_risen = !strcmp(r->sched, "fifo") && tb_thread_rise(&before);
	int ret = run_passes(env, cs, r, err);

	if (has_risen)
		tb_thread_sink(&before);
	return ret;
}

/* Where the initiator runs, so that no other CPU is woken. */
static int run_pinned(const struct tb_run_env *env, const struct tb_case *cs,
		      struct tb_result *r, struct tb_err *err)
{
	struct bitmask *before = tb_place_save();
	int ret = tb_place_pin(r->cpus[0]);

	if (ret) {
		tb_fail_errno(err, ret, "cannot pin to CPU %d", r->cpus[0]);
	} else {
		tb_clock_init(&r->clock, env->icount_shift);
		ret = settle(r, run_watched(env, cs, r, err), err);
		tb_clock_finish(&r->clock);
	}
	/* Or the next to ask which CPUs it may use would see one. */
	tb_place_restore(before);
	return ret;
}

/* Resources before this process is pinned: its guardian is not to be. */
static int run_equipped(const struct tb_run_env *env, const struct tb_case *cs,
			struct tb_result *r, struct tb_err *err)
{
	struct tb_err undone = { 0 };
	int ret = settle(r, tb_made_make(&r->made, env->undo, &r->caveats, err),
			 err);

	if (!ret && r->state == TB_STATE_OK)
		ret = run_pinned(env, cs, r, err);
	if (tb_made_undo(&r->made, env->undo, &undone) && !ret)
		ret = tb_fail(err, undone.code, "%s", undone.text);
	return ret;
}

int tb_run_case(const struct tb_run_env *env, const struct tb_case *cs,
		struct tb_result *out, struct tb_err *err)
{
	int ret;

	/* Too large for a copy on the stack. */
	memset(out, 0, sizeof(*out));
	ret = place(env, cs, out, err);
	if (ret)
		return ret;
	settle_sched(cs, out);
	probe(env, cs, out);
	if (out->reasons.nr) {
		out->state = TB_STATE_SKIPPED;
		return 0;
	}
	ret = run_equipped(env, cs, out, err);
	if (!ret && out->state == TB_STATE_OK)
		fill_metrics(cs, out);
	return ret;
}

void tb_result_fini(struct tb_result *r)
{
	tb_counter_list_fini(&r->counters);
	free(r->timed.values);
	free(r->counted.values);
	free(r->traced.values);
	r->timed.values = r->counted.values = r->traced.values = NULL;
	free(r->cpus);
	r->cpus = NULL;
}
