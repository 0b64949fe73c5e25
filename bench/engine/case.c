// SPDX-License-Identifier: GPL-2.0-only
/* Small helpers around cases and their results. */
#include "engine/case.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "machine/place.h"

const char *const tb_sched_names[] = { "auto", "fifo", "other", NULL };
const char *const tb_meet_names[] = { "auto", "per_op", "per_batch", "none",
				      NULL };

unsigned int tb_case_threads_per_instance(const struct tb_case *cs)
{
	unsigned int i, n = 0;

	for (i = 0; i < cs->nr_roles; i++)
		n += cs->nr_threads[i];
	return n;
}

unsigned int tb_case_nr_threads(const struct tb_case *cs)
{
	return cs->instances * tb_case_threads_per_instance(cs) +
	       cs->nr_bystanders;
}

unsigned int tb_case_nr_initiators(const struct tb_case *cs)
{
	return cs->instances * cs->nr_threads[0];
}

unsigned int tb_case_nr_sleepers(const struct tb_case *cs)
{
	unsigned int i, n = 0;

	for (i = 0; i < cs->nr_roles; i++)
		if (cs->ops->roles[i].kind == WL_SLEEPER)
			n += cs->nr_threads[i];
	return n;
}

const struct wl_role *tb_case_role(const struct tb_case *cs, unsigned int role)
{
	static const struct wl_role bystander = {
		.name = "bystander",
		.help = "belongs to an unrelated process and only suffers",
		.kind = WL_BYSTANDER,
	};

	return role < cs->nr_roles ? &cs->ops->roles[role] : &bystander;
}

unsigned int tb_case_process(const struct tb_case *cs, unsigned int role,
			     unsigned int idx)
{
	if (role >= cs->nr_roles || !cs->nr_processes[role])
		return 0;
	return idx / (cs->nr_threads[role] / cs->nr_processes[role]);
}

struct wl_ctx tb_case_ctx(const struct tb_case *cs)
{
	struct wl_ctx ctx = {
		.conf = cs->conf,
		.nr_ops = cs->nr_ops,
		.page_bytes = (size_t)sysconf(_SC_PAGESIZE),
	};

	memcpy(ctx.nr_threads, cs->nr_threads, sizeof(ctx.nr_threads));
	memcpy(ctx.nr_processes, cs->nr_processes, sizeof(ctx.nr_processes));
	return ctx;
}

const char *tb_case_placement(const struct tb_case *cs, unsigned int role)
{
	return cs->role_placement[role] ? cs->role_placement[role]
					: cs->placement;
}

bool tb_case_bystanders_share(const struct tb_case *cs)
{
	return cs->nr_bystanders &&
	       !strcmp(tb_case_placement(cs, cs->nr_roles), "shared");
}

int tb_case_place(const struct tb_case *cs, const struct tb_topo *topo,
		  int *cpus, struct tb_err *err)
{
	unsigned int nr = tb_case_nr_threads(cs) - cs->nr_bystanders;
	struct tb_place_role roles[WL_MAX_ROLES];
	unsigned int i;
	int ret;

	for (i = 0; i < cs->nr_roles; i++)
		roles[i] = (struct tb_place_role){
			.policy = tb_case_placement(cs, i),
			.nr = cs->nr_threads[i],
		};
	ret = tb_place_resolve(topo, roles, cs->nr_roles, cs->instances,
			       cs->nr_cpus, cs->share_cpus, cpus, err);
	if (ret || !cs->nr_bystanders)
		return ret;
	return tb_place_bystanders(topo, tb_case_placement(cs, cs->nr_roles),
				   cs->nr_bystanders, cpus, nr, cpus + nr, err);
}

enum tb_meet tb_case_meet(const struct tb_case *cs)
{
	uint64_t every;

	if (cs->meet != TB_MEET_AUTO)
		return cs->meet;
	if (!cs->ops->rendezvous_every)
		return cs->ops->runs_free ? TB_MEET_NONE : TB_MEET_PER_OP;
	every = cs->ops->rendezvous_every(cs->conf);
	if (every == WL_NEVER)
		return TB_MEET_NONE;
	return every == 1 ? TB_MEET_PER_OP : TB_MEET_PER_BATCH;
}

uint64_t tb_case_rendezvous_every(const struct tb_case *cs)
{
	if (tb_case_meet(cs) != TB_MEET_PER_BATCH)
		return 1;
	return cs->meet == TB_MEET_AUTO ? cs->ops->rendezvous_every(cs->conf)
					: cs->batch;
}

uint64_t tb_case_rendezvous_times(const struct tb_case *cs)
{
	return cs->ops->rendezvous_times ? cs->ops->rendezvous_times(cs->conf)
					 : 1;
}

double tb_pass_mean(const struct tb_pass *p)
{
	const struct tb_hist *h = &p->latency;

	return h->count ? (double)h->sum / (double)h->count : NAN;
}

const char *tb_state_name(enum tb_state state)
{
	static const char *const names[] = { "ok", "skipped", "failed",
					     "timeout" };

	return names[state];
}

void wl_reason(struct wl_reasons *why, const char *fmt, ...)
{
	va_list ap;

	/* The last place says that there was more. */
	if (why->nr == ARRAY_SIZE(why->text)) {
		snprintf(why->text[why->nr - 1], sizeof(why->text[0]),
			 "and others, which do not fit here");
		return;
	}
	va_start(ap, fmt);
	vsnprintf(why->text[why->nr++], sizeof(why->text[0]), fmt, ap);
	va_end(ap);
}
