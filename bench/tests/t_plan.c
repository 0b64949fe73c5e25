// SPDX-License-Identifier: GPL-2.0-only
/* From a campaign's text to kernels, cases and slots; every refusal. */
#include "campaign/plan.h"

#include <errno.h>
#include <glob.h>

#include "campaign/params.h"
#include "tests/t.h"

/* Eight CPUs are usable with the here backend. */
static struct tb_cpu here_cpus[8];
static struct tb_topo here = { .nr_cpus = ARRAY_SIZE(here_cpus),
			       .cpus = here_cpus };

static void parse(struct tb_plan *plan, const char *text)
{
	struct tb_err err = { 0 };

	if (tb_plan_parse(plan, "c.conf", text, &here, &err))
		fail_msg("%s", err.text);
}

static void check_bad(const char *text, const char *message)
{
	struct tb_err err = { 0 };
	struct tb_plan plan;

	assert_int_equal(tb_plan_parse(&plan, "c.conf", text, &here, &err),
			 -EINVAL);
	assert_string_equal(err.text, message);
	assert_true(err.is_usage);
}

/* --- the demo ------------------------------------------------------------ */

static const char demo[] = "[campaign]\n"
			   "name = demo\n"
			   "backend = vm\n"
			   "boots = 4\n"
			   "seed = 1\n"
			   "[vm]\n"
			   "cpus = 8\n"
			   "memory = 1G\n"
			   "[kernel baseline]\n"
			   "strategy = baseline\n"
			   "[kernel lazy-ipi]\n"
			   "strategy = lazy-ipi\n"
			   "[defaults]\n"
			   "ops = 200\n"
			   "warmup_ops = 20\n"
			   "[case lazy_idle-woken]\n"
			   "workload = lazy_idle\n"
			   "wake_every = 1\n"
			   "cpus = 4, 8\n"
			   "[case lazy_idle-asleep]\n"
			   "workload = lazy_idle\n"
			   "wake_every = 0\n"
			   "cpus = 4, 8\n"
			   "[case munmap]\n"
			   "workload = munmap\n"
			   "cpus = 4, 8\n";

static void demo_has_its_cases(void **state)
{
	static const struct {
		const char *name;
		const char *workload;
		unsigned int cpus;
		const char *first_param;
	} expected[] = {
		{ "lazy_idle-woken/cpus=4", "lazy_idle", 4, "1" },
		{ "lazy_idle-woken/cpus=8", "lazy_idle", 8, "1" },
		{ "lazy_idle-asleep/cpus=4", "lazy_idle", 4, "0" },
		{ "lazy_idle-asleep/cpus=8", "lazy_idle", 8, "0" },
		{ "munmap/cpus=4", "munmap", 4, "1" },
		{ "munmap/cpus=8", "munmap", 8, "1" },
	};
	struct tb_plan plan;
	unsigned int i;

	(void)state;
	parse(&plan, demo);
	assert_int_equal(plan.nr_cases, ARRAY_SIZE(expected));
	for (i = 0; i < plan.nr_cases; i++) {
		const struct tb_case *cs = &plan.cases[i];
		struct tb_buf b = { 0 };

		assert_string_equal(cs->name, expected[i].name);
		assert_string_equal(cs->ops->name, expected[i].workload);
		assert_int_equal(cs->nr_cpus, expected[i].cpus);
		assert_int_equal(cs->nr_threads[0], 1);
		assert_int_equal(cs->nr_threads[1], expected[i].cpus - 1);
		assert_int_equal(cs->nr_ops, 200);
		assert_int_equal(cs->nr_warmup_ops, 20);
		tb_param_text(&cs->ops->params[0], cs->conf, &b);
		assert_string_equal(b.data, expected[i].first_param);
		tb_buf_fini(&b);
	}
	tb_plan_fini(&plan);
}

static void demo_has_its_kernels(void **state)
{
	struct tb_plan plan;

	(void)state;
	parse(&plan, demo);
	assert_string_equal(plan.path, "c.conf");
	assert_string_equal(plan.name, "demo");
	assert_true(plan.is_vm);
	assert_int_equal(plan.vm_shape.nr_cpus, 8);
	assert_int_equal(plan.vm_memory_bytes, 1ULL << 30);
	assert_int_equal(plan.vm_timeout_s, 120);
	assert_int_equal(plan.accel, TB_ACCEL_AUTO);
	assert_int_equal(plan.nr_kernels, 2);
	assert_string_equal(plan.kernels[0].name, "baseline");
	assert_string_equal(plan.kernels[0].strategy, "baseline");
	assert_null(plan.kernels[0].image);
	assert_string_equal(plan.kernels[0].append, "");
	assert_string_equal(plan.kernels[0].where,
			    "c.conf:9: [kernel baseline]");
	assert_string_equal(plan.kernels[1].name, "lazy-ipi");
	tb_plan_fini(&plan);
}

/* Kernels by number and seeds, slot after slot: "0:1 1:1 ...". */
static void check_slots(const struct tb_plan *plan, const char *expected)
{
	struct tb_buf b = { 0 };
	unsigned int i;

	for (i = 0; i < plan->nr_slots; i++) {
		const struct tb_slot_plan *s = &plan->slots[i];

		assert_int_equal(s->slot, i);
		assert_int_equal(s->pair, i / plan->nr_kernels);
		tb_buf_printf(&b, "%s%u:%llu", i ? " " : "", s->kernel,
			      (unsigned long long)s->seed);
	}
	assert_string_equal(b.data, expected);
	tb_buf_fini(&b);
}

#define TAIL "[case m]\nworkload = munmap\n"
#define VM "[campaign]\nname = c\nbackend = vm\n"

static void pairs_turn_around(void **state)
{
	struct tb_plan plan;

	(void)state;
	parse(&plan, demo);
	check_slots(&plan, "0:1 1:1 1:2 0:2 0:3 1:3 1:4 0:4");
	tb_plan_fini(&plan);
	parse(&plan,
	      VM "boots = 3\nseed = 7\n[kernel a]\nimage = /a\n"
		 "[kernel b]\nimage = /b\n[kernel c]\nimage = /c\n" TAIL);
	check_slots(&plan, "0:7 1:7 2:7 2:8 1:8 0:8 0:9 1:9 2:9");
	tb_plan_fini(&plan);
	parse(&plan, VM "boots = 2\n[kernel a]\nimage = /a\n" TAIL);
	check_slots(&plan, "0:1 0:2");
	tb_plan_fini(&plan);
}

/* Cases by number and repetitions, as every slot runs them: "0:0 1:0 ...". */
static void check_reps(const char *text, const char *expected)
{
	struct tb_buf b = { 0 };
	struct tb_plan plan;
	unsigned int i;

	parse(&plan, text);
	for (i = 0; i < plan.nr_reps; i++)
		tb_buf_printf(&b, "%s%u:%u", i ? " " : "", plan.reps[i].cs,
			      plan.reps[i].repetition);
	assert_string_equal(b.data, expected);
	tb_buf_fini(&b);
	tb_plan_fini(&plan);
}

static void repetitions_interleave(void **state)
{
	(void)state;
	check_reps("[campaign]\nname = c\n[defaults]\nrepetitions = 3\n"
		   "[case a]\nworkload = munmap\n"
		   "[case b]\nworkload = munmap\npages = 1, 2\n",
		   "0:0 1:0 2:0 2:1 1:1 0:1 0:2 1:2 2:2");
	/* Cases that are through are left out. */
	check_reps("[campaign]\nname = c\n"
		   "[case a]\nworkload = munmap\nrepetitions = 3\n"
		   "[case b]\nworkload = munmap\n"
		   "[case c]\nworkload = munmap\nrepetitions = 2\n",
		   "0:0 1:0 2:0 2:1 0:1 0:2");
	check_reps(demo, "0:0 1:0 2:0 3:0 4:0 5:0");
}

static void vm_has_defaults(void **state)
{
	struct tb_plan plan;

	(void)state;
	parse(&plan, VM "[kernel a]\nimage = /a\nappend = x=1 y\n" TAIL);
	assert_int_equal(plan.boots, 4);
	assert_int_equal(plan.seed, 1);
	assert_int_equal(plan.vm_shape.nr_cpus, 4);
	assert_int_equal(plan.vm_memory_bytes, 1ULL << 30);
	assert_string_equal(plan.kernels[0].image, "/a");
	assert_string_equal(plan.kernels[0].append, "x=1 y");
	assert_null(plan.kernels[0].strategy);
	assert_int_equal(plan.cases[0].nr_cpus, 4);
	tb_plan_fini(&plan);
}

static void vm_is_as_asked(void **state)
{
	struct tb_plan plan;

	(void)state;
	parse(&plan, VM "[vm]\ncpus = 64\nmemory = 128M\naccel = exact\n"
			"timeout_seconds = 86400\n"
			"[kernel a]\nimage = /a\n" TAIL);
	assert_int_equal(plan.vm_shape.nr_cpus, 64);
	assert_int_equal(plan.vm_memory_bytes, 128ULL << 20);
	assert_int_equal(plan.accel, TB_ACCEL_EXACT);
	assert_int_equal(plan.vm_timeout_s, 86400);
	assert_int_equal(plan.cases[0].nr_cpus, 64);
	tb_plan_fini(&plan);
}

static void check_shape(const char *keys, struct tb_shape expected)
{
	struct tb_buf text = { 0 };
	struct tb_plan plan;

	tb_buf_printf(&text, VM "[vm]\n%s[kernel a]\nimage = /a\n" TAIL, keys);
	parse(&plan, text.data);
	assert_int_equal(plan.vm_shape.nr_cpus, expected.nr_cpus);
	assert_int_equal(plan.vm_shape.nr_sockets, expected.nr_sockets);
	assert_int_equal(plan.vm_shape.threads_per_core,
			 expected.threads_per_core);
	assert_int_equal(plan.vm_shape.nr_nodes, expected.nr_nodes);
	tb_plan_fini(&plan);
	tb_buf_fini(&text);
}

static void vm_has_the_shape_asked_for(void **state)
{
	(void)state;
	check_shape("", (struct tb_shape){ 4, 1, 1, 1 });
	check_shape("cpus = 8\nsockets = 2\nthreads_per_core = 2\n",
		    (struct tb_shape){ 8, 2, 2, 1 });
	/* A node needs a socket of its own. */
	check_shape("nodes = 2\n", (struct tb_shape){ 4, 2, 1, 2 });
	check_shape("nodes = 2\nsockets = 4\n",
		    (struct tb_shape){ 4, 4, 1, 2 });
}

/* Cases are checked against the machine that the VM will be. */
static void vm_placement_knows_the_shape(void **state)
{
#define FAR                                                     \
	"[kernel a]\nimage = /a\n[case m]\nworkload = munmap\n" \
	"cpus = 2\nplacement = far\n"
	struct tb_plan plan;

	(void)state;
	parse(&plan, VM "[vm]\nnodes = 2\n" FAR);
	tb_plan_fini(&plan);
	check_bad(VM "[vm]\nsockets = 2\n" FAR,
		  "c.conf:11: placement far: there is one NUMA node with "
		  "usable CPUs");
}

/* --- cases --------------------------------------------------------------- */

#define HERE "[campaign]\nname = c\n"

static void here_runs_this_kernel(void **state)
{
	struct tb_plan plan;

	(void)state;
	parse(&plan, HERE TAIL);
	assert_false(plan.is_vm);
	assert_int_equal(plan.nr_kernels, 1);
	assert_string_equal(plan.kernels[0].name, "running");
	check_slots(&plan, "0:1");
	assert_int_equal(plan.cases[0].nr_cpus, here.nr_cpus);
	tb_plan_fini(&plan);
	parse(&plan, HERE "backend = here\nboots = 3\n" TAIL);
	check_slots(&plan, "0:1 0:2 0:3");
	tb_plan_fini(&plan);
}

static void case_has_defaults(void **state)
{
	const struct tb_case *cs;
	struct tb_plan plan;

	(void)state;
	parse(&plan, HERE TAIL);
	cs = &plan.cases[0];
	assert_string_equal(cs->name, "m");
	assert_int_equal(cs->instances, 1);
	assert_int_equal(cs->nr_roles, 2);
	assert_int_equal(cs->nr_threads[0], 1);
	assert_int_equal(cs->nr_threads[1], here.nr_cpus - 1);
	assert_int_equal(cs->nr_ops, 1000);
	assert_int_equal(cs->nr_warmup_ops, 100);
	assert_int_equal(cs->repetitions, 1);
	assert_int_equal(cs->timeout_s, 10);
	assert_int_equal(cs->sched, TB_SCHED_AUTO);
	assert_string_equal(cs->placement, "spread");
	tb_plan_fini(&plan);
}

static void case_goes_before_defaults(void **state)
{
	struct tb_plan plan;

	(void)state;
	parse(&plan, HERE "[case a]\npages = 2\nops = 5\n"
			  "[case b]\nrepetitions = 9\n"
			  "[defaults]\nworkload = munmap\npages = 3\n"
			  "repetitions = 2\nsched = other\n"
			  "timeout_seconds = 3\nplacement = list:1,0\n"
			  "cpus = 2\n");
	assert_int_equal(plan.nr_cases, 2);
	assert_int_equal(*(uint64_t *)plan.cases[0].conf, 2);
	assert_int_equal(plan.cases[0].nr_ops, 5);
	assert_int_equal(plan.cases[0].repetitions, 2);
	assert_int_equal(*(uint64_t *)plan.cases[1].conf, 3);
	assert_int_equal(plan.cases[1].nr_ops, 1000);
	assert_int_equal(plan.cases[1].repetitions, 9);
	assert_int_equal(plan.cases[1].sched, TB_SCHED_OTHER);
	assert_int_equal(plan.cases[1].timeout_s, 3);
	assert_string_equal(plan.cases[1].placement, "list:1,0");
	tb_plan_fini(&plan);
}

static void threads_fill_what_is_left(void **state)
{
	struct tb_plan plan;

	(void)state;
	parse(&plan, HERE "[case a]\nworkload = munmap\ncpus = 5\n"
			  "[case b]\nworkload = munmap\nthreads.responder = 3\n"
			  "[case c]\nworkload = munmap\ninstances = 3\n"
			  "[case d]\nworkload = munmap\ncpus = 1\n"
			  "[case e]\nworkload = munmap\nthreads.responder = 0\n"
			  "threads.initiator = 1\ninstances = 8\n");
	assert_int_equal(plan.cases[0].nr_threads[1], 4);
	assert_int_equal(plan.cases[1].nr_threads[1], 3);
	assert_int_equal(plan.cases[1].nr_cpus, 4);
	/* 8 CPUs for 3 instances: two are left over. */
	assert_int_equal(plan.cases[2].nr_threads[1], 1);
	assert_int_equal(plan.cases[2].nr_cpus, 6);
	assert_int_equal(plan.cases[3].nr_threads[1], 0);
	assert_int_equal(plan.cases[3].nr_cpus, 1);
	assert_int_equal(plan.cases[4].nr_cpus, 8);
	tb_plan_fini(&plan);
}

static void bystanders_take_cpus(void **state)
{
	struct tb_plan plan;

	(void)state;
	parse(&plan, HERE "[case a]\nworkload = munmap\n"
			  "threads.bystander = 2\n"
			  "[case b]\nworkload = munmap\n"
			  "threads.bystander = 2\n"
			  "placement.bystander = shared\n");
	assert_int_equal(plan.cases[0].nr_bystanders, 2);
	assert_int_equal(plan.cases[0].nr_threads[1], here.nr_cpus - 3);
	assert_int_equal(plan.cases[0].nr_cpus, here.nr_cpus - 2);
	assert_int_equal(tb_case_nr_threads(&plan.cases[0]), here.nr_cpus);
	assert_int_equal(plan.cases[1].nr_threads[1], here.nr_cpus - 1);
	assert_int_equal(tb_case_nr_threads(&plan.cases[1]), here.nr_cpus + 2);
	assert_string_equal(tb_case_placement(&plan.cases[1], 2), "shared");
	assert_string_equal(tb_case_placement(&plan.cases[1], 1), "spread");
	tb_plan_fini(&plan);
}

static void threads_share_cpus_if_they_must(void **state)
{
	struct tb_plan plan;

	(void)state;
	parse(&plan, HERE "[defaults]\nworkload = munmap\nshare_cpus = yes\n"
			  "[case many]\ninstances = 4096\n"
			  "threads.responder = 2\n"
			  "[case few]\ninstances = 2\n");
	assert_true(plan.cases[0].share_cpus);
	assert_int_equal(plan.cases[0].nr_cpus, here.nr_cpus);
	assert_int_equal(tb_case_nr_threads(&plan.cases[0]), 3 * 4096);
	assert_false(plan.cases[1].share_cpus);
	assert_int_equal(plan.cases[1].nr_cpus, 8);
	tb_plan_fini(&plan);
}

static void rendezvous_is_resolved(void **state)
{
	struct tb_plan plan;

	(void)state;
	parse(&plan, HERE "[case a]\nworkload = munmap\n"
			  "[case b]\nworkload = munmap\n"
			  "rendezvous = per_batch\nbatch = 7\n"
			  "[case c]\nworkload = lazy_idle\nwake_every = 5\n"
			  "[case d]\nworkload = munmap\ncounters = no\n");
	assert_int_equal(tb_case_meet(&plan.cases[0]), TB_MEET_PER_OP);
	assert_int_equal(tb_case_rendezvous_every(&plan.cases[0]), 1);
	assert_int_equal(tb_case_meet(&plan.cases[1]), TB_MEET_PER_BATCH);
	assert_int_equal(tb_case_rendezvous_every(&plan.cases[1]), 7);
	assert_int_equal(tb_case_meet(&plan.cases[2]), TB_MEET_PER_BATCH);
	assert_int_equal(tb_case_rendezvous_every(&plan.cases[2]), 5);
	assert_true(plan.cases[2].counted);
	assert_false(plan.cases[3].counted);
	tb_plan_fini(&plan);
}

static void last_key_varies_fastest(void **state)
{
	static const char *const names[] = {
		"s/pages=1/cpus=2/ops=10", "s/pages=1/cpus=2/ops=20",
		"s/pages=1/cpus=4/ops=10", "s/pages=1/cpus=4/ops=20",
		"s/pages=8/cpus=2/ops=10", "s/pages=8/cpus=2/ops=20",
		"s/pages=8/cpus=4/ops=10", "s/pages=8/cpus=4/ops=20",
	};
	struct tb_plan plan;
	unsigned int i;

	(void)state;
	/* Those of [defaults] come after those of the case. */
	parse(&plan, HERE "[defaults]\nops = 10, 20\npages = 5, 6\n"
			  "[case s]\nworkload = munmap\npages = 1 ,8\n"
			  "cpus=2,4\nsched = other\n");
	assert_int_equal(plan.nr_cases, ARRAY_SIZE(names));
	for (i = 0; i < plan.nr_cases; i++) {
		assert_string_equal(plan.cases[i].name, names[i]);
		assert_int_equal(*(uint64_t *)plan.cases[i].conf,
				 i < 4 ? 1 : 8);
		assert_int_equal(plan.cases[i].nr_cpus, i % 4 < 2 ? 2 : 4);
		assert_int_equal(plan.cases[i].nr_ops, i % 2 ? 20 : 10);
	}
	tb_plan_fini(&plan);
}

static void commas_of_a_cpu_list_are_no_sweep(void **state)
{
	struct tb_plan plan;

	(void)state;
	parse(&plan, HERE "[case l]\nworkload = munmap\ncpus = 3\n"
			  "placement = list:5,1,3\n"
			  "[case s]\nworkload = munmap\ncpus = 1\n"
			  "placement = spread, list:2\n");
	assert_int_equal(plan.nr_cases, 3);
	assert_string_equal(plan.cases[0].name, "l");
	assert_string_equal(plan.cases[0].placement, "list:5,1,3");
	assert_string_equal(plan.cases[1].name, "s/placement=spread");
	assert_string_equal(plan.cases[2].name, "s/placement=list:2");
	tb_plan_fini(&plan);
}

/* --- refusals ------------------------------------------------------------ */

static void bad_campaigns(void **state)
{
	(void)state;
	check_bad("", "c.conf: expected a section [campaign] with a name");
	check_bad("[campaign]\nboots = 1\n" TAIL,
		  "c.conf: expected a section [campaign] with a name");
	check_bad("[campaign]\nname = a/b\n" TAIL,
		  "c.conf:2: name 'a/b': expected letters, digits and - _ . +");
	check_bad("[campaign]\nname = ..\n" TAIL,
		  "c.conf:2: name '..': expected letters, digits and - _ . +");
	check_bad("[campaign]\nname = a b\n" TAIL,
		  "c.conf:2: name 'a b': expected letters, digits and - _ . +");
	check_bad("[campaign]\nname = "
		  "0123456789012345678901234567890123456789"
		  "0123456789012345678901234\n" TAIL,
		  "c.conf:2: name of 65 characters, expected at most 64");
	check_bad(HERE "backend = metal\n" TAIL,
		  "c.conf:3: backend = metal: expected here or vm");
	check_bad(HERE "boots = 0\n" TAIL,
		  "c.conf:3: boots = 0: expected a number from 1 to 1000");
	check_bad(HERE "boots = 1001\n" TAIL,
		  "c.conf:3: boots = 1001: expected a number from 1 to 1000");
	check_bad(HERE "seed = 4294967296\n" TAIL,
		  "c.conf:3: seed = 4294967296: expected a number from 1 to "
		  "4294967295");
	check_bad(HERE "boot = 1\n" TAIL,
		  "c.conf:3: unknown key 'boot' in [campaign], did you mean "
		  "'boots'?");
	check_bad(HERE, "c.conf: expected a [case NAME]");
}

static void bad_sections(void **state)
{
	(void)state;
	check_bad(HERE "[cases]\n" TAIL,
		  "c.conf:3: unknown section [cases], expected campaign, vm, "
		  "kernel, defaults, case or expect");
	check_bad(HERE "[defaults x]\n" TAIL,
		  "c.conf:3: [defaults] takes no name");
	check_bad(HERE "[case]\nworkload = munmap\n",
		  "c.conf:3: name '': expected letters, digits and - _ . +");
	check_bad(HERE "[case a/b]\nworkload = munmap\n",
		  "c.conf:3: name 'a/b': expected letters, digits and - _ . +");
	check_bad(VM "[kernel ../x]\nimage = /a\n" TAIL,
		  "c.conf:4: name '../x': expected letters, digits and - _ . "
		  "+");
	check_bad(HERE "[case m]\nworkload = munmap\n" TAIL,
		  "c.conf:5: section [case m] stands on line 3 already");
}

static void bad_machines(void **state)
{
	(void)state;
	check_bad(VM "[vm]\naccel = tgc\n[kernel a]\nimage = /a\n" TAIL,
		  "c.conf:5: accel = tgc: expected auto, kvm, exact or tcg");
	check_bad(VM "[vm]\ncpus = 65\n[kernel a]\nimage = /a\n" TAIL,
		  "c.conf:5: cpus = 65: expected a number from 1 to 64");
	check_bad(VM "[vm]\nmemory = 64M\n[kernel a]\nimage = /a\n" TAIL,
		  "c.conf:5: memory = 64M: expected a size like 1G, 128M or "
		  "more");
	check_bad(VM "[vm]\nmemory = much\n[kernel a]\nimage = /a\n" TAIL,
		  "c.conf:5: memory = much: expected a size like 1G, 128M or "
		  "more");
	check_bad(VM "[vm]\ntimeout_seconds = 0\n[kernel a]\nimage = /a\n" TAIL,
		  "c.conf:5: timeout_seconds = 0: expected a number from 1 to "
		  "86400");
	check_bad(VM
		  "[vm]\nthreads_per_core = 0\n[kernel a]\nimage = /a\n" TAIL,
		  "c.conf:5: threads_per_core = 0: expected a number from 1 "
		  "to 64");
	check_bad(VM
		  "[vm]\nthreads_per_core = 3\n[kernel a]\nimage = /a\n" TAIL,
		  "c.conf:5: threads_per_core = 3: expected a divisor of "
		  "cpus / sockets = 4");
	check_bad(VM "[vm]\nsockets = 2\nthreads_per_core = 4\n"
		     "[kernel a]\nimage = /a\n" TAIL,
		  "c.conf:6: threads_per_core = 4: expected a divisor of "
		  "cpus / sockets = 2");
	check_bad(VM "[vm]\nsockets = 3\n[kernel a]\nimage = /a\n" TAIL,
		  "c.conf:5: sockets = 3: expected a divisor of cpus = 4");
	check_bad(VM "[vm]\nnodes = 9\ncpus = 9\n[kernel a]\nimage = /a\n" TAIL,
		  "c.conf:5: nodes = 9: expected a number from 1 to 8");
	check_bad(VM "[vm]\nnodes = 3\n[kernel a]\nimage = /a\n" TAIL,
		  "c.conf:5: nodes = 3: expected a divisor of cpus = 4");
	check_bad(VM "[vm]\nsockets = 1\nnodes = 2\n"
		     "[kernel a]\nimage = /a\n" TAIL,
		  "c.conf:6: nodes = 2: expected a divisor of sockets = 1");
	check_bad(VM "[vm]\nmemory = 257M\nnodes = 2\n"
		     "[kernel a]\nimage = /a\n" TAIL,
		  "c.conf:5: memory: expected whole megabytes for each of 2 "
		  "nodes");
	check_bad(VM "[vm]\nnodes = 3\ncpus = 3\n[kernel a]\nimage = /a\n" TAIL,
		  "c.conf:4: memory: expected whole megabytes for each of 3 "
		  "nodes");
	check_bad(VM "[vm]\ncpu = 4\n[kernel a]\nimage = /a\n" TAIL,
		  "c.conf:5: unknown key 'cpu' in [vm], did you mean 'cpus'?");
}

static void bad_kernels(void **state)
{
	(void)state;
	check_bad(VM TAIL, "c.conf: backend vm needs a [kernel NAME]");
	check_bad(HERE "[kernel a]\nimage = /a\n" TAIL,
		  "c.conf:3: [kernel a]: backend here runs on this kernel; "
		  "expected none, or backend = vm in c.conf");
	check_bad(VM "[kernel a]\nappend = x\n" TAIL,
		  "c.conf:4: [kernel a]: expected either strategy or image or "
		  "spec");
	check_bad(VM "[kernel a]\nimage = /a\nstrategy = b\n" TAIL,
		  "c.conf:4: [kernel a]: expected either strategy or image or "
		  "spec");
	check_bad(VM "[kernel a]\nimage = /a\nappends = x\n" TAIL,
		  "c.conf:6: unknown key 'appends' in [kernel a], did you mean "
		  "'append'?");
}

#define CASE HERE "[case m]\nworkload = munmap\n"

static void bad_cases(void **state)
{
	struct tb_buf names = { 0 }, message = { 0 };

	(void)state;
	tb_workload_names(&names);
	tb_buf_printf(&message,
		      "c.conf:4: unknown workload 'mumap', expected one of: %s",
		      names.data);
	check_bad(HERE "[case m]\nworkload = mumap\n", message.data);
	tb_buf_fini(&message);
	tb_buf_fini(&names);
	check_bad(HERE "[case m]\npages = 1\n",
		  "c.conf:3: [case m] has no key 'workload'");
	check_bad(HERE "[case m]\nworkload = munmap, lazy_idle\n",
		  "c.conf:4: workload = munmap, lazy_idle: expected one "
		  "workload in each [case NAME]");
	check_bad(CASE "wake_every = 1\n",
		  "c.conf:5: unknown key 'wake_every' for workload munmap; "
		  "'tlbbench describe munmap' lists them");
	check_bad(CASE "oops = 1\n", "c.conf:5: unknown key 'oops' for "
				     "workload munmap, did you mean 'ops'?");
	check_bad(CASE "pagse = 1\n", "c.conf:5: unknown key 'pagse' for "
				      "workload munmap, did you mean 'pages'?");
	check_bad(CASE "timeout = 1\n",
		  "c.conf:5: unknown key 'timeout' for workload munmap, did "
		  "you mean 'timeout_seconds'?");
	check_bad(CASE "pages = 4097\n",
		  "c.conf:5: pages = 4097: expected 1 to 4096");
	check_bad(CASE "pages = 1, 2, x\n",
		  "c.conf:5: pages = x: expected 1 to 4096");
	check_bad(CASE "pages = 1,,2\n",
		  "c.conf:5: pages = : expected 1 to 4096");
	check_bad(CASE "pages = 1, 2, 1\n",
		  "c.conf:5: pages = 1, 2, 1: expected each value once");
	/* What [defaults] says is found where it stands. */
	check_bad(HERE "[defaults]\npages = 0\n" TAIL,
		  "c.conf:4: pages = 0: expected 1 to 4096");
}

static void bad_numbers(void **state)
{
	(void)state;
	check_bad(CASE "ops = 0\n",
		  "c.conf:5: ops = 0: expected a number from 1 to 1000000000");
	check_bad(CASE "ops = 1000000001\n", "c.conf:5: ops = 1000000001: "
					     "expected a number from 1 to "
					     "1000000000");
	check_bad(CASE "warmup_ops = -1\n",
		  "c.conf:5: warmup_ops = -1: expected a number from 0 to "
		  "1000000000");
	check_bad(CASE "repetitions = 1001\n",
		  "c.conf:5: repetitions = 1001: expected a number from 1 to "
		  "1000");
	check_bad(CASE "timeout_seconds = 0\n",
		  "c.conf:5: timeout_seconds = 0: expected a number from 1 to "
		  "3600");
	check_bad(CASE "instances = 0\n",
		  "c.conf:5: instances = 0: expected a number from 1 to 4096");
	check_bad(CASE "sched = rr\n",
		  "c.conf:5: sched = rr: expected auto, fifo or other");
}

static void bad_placements(void **state)
{
	(void)state;
	check_bad(CASE "placement = near\n",
		  "c.conf:5: placement 'near': expected same-core, smt, llc, "
		  "node, far, spread or list:CPUS");
	check_bad(CASE "placement = list:0-\n",
		  "c.conf:5: placement list:0-: expected "
		  "list:CPU[-CPU][,...]");
	check_bad(CASE "placement = list:0,99\ncpus = 2\n",
		  "c.conf:5: placement list:0,99: CPU 99 is not usable here");
	check_bad(CASE "cpus = 3\nplacement = list:0-1\n",
		  "c.conf:6: placement list:0-1: 3 threads need a CPU each, "
		  "but there are 2 usable CPUs");
	/* In a VM its CPUs count, not those of this machine. */
	check_bad(VM "[kernel a]\nimage = /a\n" TAIL
		     "placement = list:0-3\ncpus = 4\n[vm]\ncpus = 3\n",
		  "c.conf:9: cpus = 4: expected a number from 1 to 3");
}

static void too_many_threads(void **state)
{
	(void)state;
	check_bad(CASE "cpus = 9\n",
		  "c.conf:5: cpus = 9: expected a number from 1 to 8");
	check_bad(CASE "threads.responder = 8\n",
		  "c.conf:3: [case m] needs 9 CPUs, expected at most 8, or "
		  "share_cpus = yes");
	check_bad(CASE "instances = 9\n",
		  "c.conf:3: [case m] needs 9 CPUs, expected at most 8, or "
		  "share_cpus = yes");
	check_bad(CASE "instances = 4096\nthreads.responder = 4096\n",
		  "c.conf:3: [case m] needs 16781312 CPUs, expected at most 8, "
		  "or share_cpus = yes");
	check_bad(CASE "cpus = 2\nthreads.responder = 2\n",
		  "c.conf:3: [case m] needs 3 CPUs, expected at most 2, or "
		  "share_cpus = yes");
	check_bad(CASE "threads.initiator = 2\n",
		  "c.conf:5: threads.initiator = 2: expected a number from 1 "
		  "to 1");
	check_bad(CASE "threads.sleeper = 1\n",
		  "c.conf:5: workload munmap has no role 'sleeper'");
	check_bad(CASE "threads. = 1\n",
		  "c.conf:5: workload munmap has no role ''");
}

static void bad_roles_and_rendezvous(void **state)
{
	(void)state;
	check_bad(CASE "rendezvous = none\n",
		  "c.conf:5: rendezvous = none: expected auto, per_op or "
		  "per_batch: its responders do not run free");
	check_bad(CASE "rendezvous = often\n",
		  "c.conf:5: rendezvous = often: expected auto, per_op, "
		  "per_batch or none");
	check_bad(HERE "[case m]\nworkload = lazy_idle\nrendezvous = per_op\n",
		  "c.conf:5: rendezvous: a parameter of workload lazy_idle "
		  "says when there is a rendezvous");
	check_bad(CASE "trace = yes\ncounters = no\n",
		  "c.conf:5: trace = yes: expected no where counters = no: "
		  "they say how large a trace is");
	check_bad(CASE "counters = maybe\n",
		  "c.conf:5: counters = maybe: expected no or yes");
	check_bad(CASE "placement.sleeper = spread\n",
		  "c.conf:5: workload munmap has no role 'sleeper'");
	check_bad(CASE "threads.bystander = 8\n",
		  "c.conf:3: [case m] needs 9 CPUs, expected at most 8");
	check_bad(CASE "instances = 9\nshare_cpus = yes\nsched = fifo\n",
		  "c.conf:3: [case m]: threads share CPUs, which sched = fifo "
		  "does not allow");
}

/* --- plan.json and files ------------------------------------------------- */

static void plan_json_is_exact(void **state)
{
	struct tb_buf a = { 0 }, b = { 0 };
	struct tb_err err = { 0 };
	struct tb_plan plan;
	unsigned int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		parse(&plan, VM "boots = 2\nseed = 5\n[vm]\naccel = kvm\n"
				"[kernel a]\nspec = tree:.\n"
				"append = nopcid\n"
				"[kernel b]\nstrategy = b\n"
				"[case m]\nworkload = munmap\npages = 1, 2\n"
				"repetitions = 2\n");
		plan.kernels[0].id = strdup("id-a");
		plan.kernels[0].release = strdup("6.12-a");
		assert_int_equal(tb_conf_parse(&plan.kernels[0].facts,
					       "image.conf",
					       "[image]\nid = id-a\n"
					       "commit = 12ab\n",
					       &err),
				 0);
		tb_plan_json(&plan, i ? &b : &a);
		tb_plan_fini(&plan);
	}
	assert_string_equal(
		a.data,
		"{\"schema\":1,\"type\":\"plan\",\"campaign\":\"c\","
		"\"backend\":\"vm\",\"accel\":\"kvm\",\"seed\":5,"
		"\"campaign_sha256\":null,\"tlbbench_sha256\":null,"
		"\"host\":null,\"aa\":false,\"reference\":\"a\",\"kernels\":["
		"{\"name\":\"a\",\"kernel_id\":\"id-a\",\"release\":\"6.12-a\","
		"\"spec\":\"tree:.\",\"append\":\"nopcid\","
		"\"image\":{\"id\":\"id-a\",\"commit\":\"12ab\"}},"
		"{\"name\":\"b\",\"kernel_id\":null,\"release\":null,"
		"\"spec\":\"b\",\"append\":\"\",\"image\":{}}],"
		"\"missing_kernels\":[],"
		"\"cases\":[{\"case\":\"m/pages=1\",\"workload\":\"munmap\"},"
		"{\"case\":\"m/pages=2\",\"workload\":\"munmap\"}],"
		"\"order\":[{\"case\":\"m/pages=1\",\"repetition\":0},"
		"{\"case\":\"m/pages=2\",\"repetition\":0},"
		"{\"case\":\"m/pages=2\",\"repetition\":1},"
		"{\"case\":\"m/pages=1\",\"repetition\":1}],"
		"\"slots\":["
		"{\"slot\":0,\"pair\":0,\"kernel\":\"a\",\"seed\":5},"
		"{\"slot\":1,\"pair\":0,\"kernel\":\"b\",\"seed\":5},"
		"{\"slot\":2,\"pair\":1,\"kernel\":\"b\",\"seed\":6},"
		"{\"slot\":3,\"pair\":1,\"kernel\":\"a\",\"seed\":6}],"
		"\"headline_cases\":[],\"may_differ\":[],"
		"\"expectations\":[]}\n");
	assert_string_equal(a.data, b.data);
	tb_buf_fini(&a);
	tb_buf_fini(&b);
}

static void here_has_no_accel(void **state)
{
	struct tb_buf b = { 0 };
	struct tb_plan plan;

	(void)state;
	parse(&plan, HERE TAIL);
	tb_plan_json(&plan, &b);
	assert_non_null(strstr(b.data, "\"backend\":\"here\","
				       "\"accel\":\"none\""));
	tb_buf_fini(&b);
	tb_plan_fini(&plan);
}

static void files_are_loaded(void **state)
{
	const char *path = t_path(*state, "x.conf");
	char message[PATH_MAX + 64];
	struct tb_err err = { 0 };
	struct tb_plan plan;

	t_write(path, demo);
	assert_int_equal(tb_plan_load(&plan, path, &here, &err), 0);
	assert_string_equal(plan.path, path);
	tb_plan_fini(&plan);
	assert_int_equal(tb_plan_load(&plan, *state, &here, &err), -EINVAL);
	assert_true(err.is_usage);
	snprintf(message, sizeof(message), "%s: expected a file",
		 (char *)*state);
	assert_string_equal(err.text, message);
}

static void campaigns_in_configs_are_good(void **state)
{
	glob_t found;
	size_t i;

	(void)state;
	if (glob("configs/*.conf", 0, NULL, &found))
		T_SKIP("not run at the top of the checkout");
	for (i = 0; i < found.gl_pathc; i++) {
		struct tb_err err = { 0 };
		struct tb_plan plan;

		if (tb_plan_load(&plan, found.gl_pathv[i], &here, &err))
			fail_msg("%s", err.text);
		tb_plan_fini(&plan);
	}
	globfree(&found);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(demo_has_its_cases),
		cmocka_unit_test(demo_has_its_kernels),
		cmocka_unit_test(pairs_turn_around),
		cmocka_unit_test(repetitions_interleave),
		cmocka_unit_test(vm_has_defaults),
		cmocka_unit_test(vm_is_as_asked),
		cmocka_unit_test(vm_has_the_shape_asked_for),
		cmocka_unit_test(vm_placement_knows_the_shape),
		cmocka_unit_test(here_runs_this_kernel),
		cmocka_unit_test(case_has_defaults),
		cmocka_unit_test(case_goes_before_defaults),
		cmocka_unit_test(threads_fill_what_is_left),
		cmocka_unit_test(bystanders_take_cpus),
		cmocka_unit_test(threads_share_cpus_if_they_must),
		cmocka_unit_test(rendezvous_is_resolved),
		cmocka_unit_test(bad_roles_and_rendezvous),
		cmocka_unit_test(last_key_varies_fastest),
		cmocka_unit_test(commas_of_a_cpu_list_are_no_sweep),
		cmocka_unit_test(bad_campaigns),
		cmocka_unit_test(bad_sections),
		cmocka_unit_test(bad_machines),
		cmocka_unit_test(bad_kernels),
		cmocka_unit_test(bad_cases),
		cmocka_unit_test(bad_numbers),
		cmocka_unit_test(bad_placements),
		cmocka_unit_test(too_many_threads),
		cmocka_unit_test(plan_json_is_exact),
		cmocka_unit_test(here_has_no_accel),
		T_DIR(files_are_loaded),
		cmocka_unit_test(campaigns_in_configs_are_good),
	};
	size_t i;

	for (i = 0; i < here.nr_cpus; i++)
		here_cpus[i] = (struct tb_cpu){ .cpu = (int)i, .core = (int)i };
	return T_RUN("plan", tests);
}
