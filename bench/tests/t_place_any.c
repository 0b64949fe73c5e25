// SPDX-License-Identifier: GPL-2.0-only
/* What holds of placements on any machine: random ones, repeatable. */
#include "machine/place.h"

#include "tests/t_sysfs.h"

#define MAX_CPUS 64
#define MAX_NODES 4
#define MAX_THREADS 512
#define ROUNDS 20000

static const char *const policies[] = { "same-core", "smt", "llc",
					"node",	     "far", "spread" };

/* A machine, and what is asked of it. */
struct round {
	uint64_t random;
	struct tb_cpu cpus[MAX_CPUS];
	unsigned int distances[MAX_NODES * MAX_NODES];
	struct tb_topo topo;
	struct tb_place_role roles[4];
	unsigned int nr_roles;
	unsigned int instances;
	unsigned int per_instance;
	unsigned int max_cpus;
	bool may_share;
	int chosen[MAX_THREADS];
	struct tb_err err;
};

static unsigned int below(struct round *r, unsigned int limit)
{
	return (unsigned int)(t_random(&r->random) % limit);
}

static unsigned int smaller(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/*
 * Nodes of caches of cores of one to four threads. Siblings are neighbours, or
 * as far from each other as there are cores; some CPUs are not usable, the one
 * that a core is called after perhaps among them.
 */
static void make_machine(struct round *r)
{
	unsigned int nodes = 1 + below(r, MAX_NODES), caches = 1 + below(r, 3);
	unsigned int cores = 1 + below(r, 3), threads = 1 + below(r, 3);
	unsigned int nr_cores = nodes * caches * cores;
	unsigned int nr = smaller(nr_cores * threads, MAX_CPUS);
	unsigned int unusable = below(r, 4), i, k, n = 0;
	bool is_near = below(r, 2);

	for (i = 0; i < nr; i++) {
		unsigned int core = is_near ? i / threads : i % nr_cores;
		unsigned int stride = is_near ? threads : 1;
		unsigned int cache = core / cores;

		if (n && below(r, 8) < unusable)
			continue;
		r->cpus[n++] = (struct tb_cpu){
			.cpu = (int)i,
			.core = (int)(core * stride),
			.llc = (int)(cache * cores * stride),
			.node = (int)(cache / caches),
		};
	}
	for (i = 0; i < nodes; i++)
		for (k = 0; k <= i; k++)
			r->distances[i * nodes + k] =
				r->distances[k * nodes + i] =
					i == k ? 10 : 11 + below(r, 3) * 10;
	r->topo = (struct tb_topo){ n, r->cpus, nodes, r->distances };
}

static void ask(struct round *r)
{
	unsigned int i;

	r->nr_roles = 1 + below(r, ARRAY_SIZE(r->roles));
	r->per_instance = 0;
	for (i = 0; i < r->nr_roles; i++) {
		r->roles[i] = (struct tb_place_role){
			.policy = policies[below(r, ARRAY_SIZE(policies))],
			.nr = !i + below(r, 4),
		};
		r->per_instance += r->roles[i].nr;
	}
	r->instances = 1 + below(r, 6);
	r->max_cpus = 1 + below(r, r->topo.nr_cpus + 2);
	r->may_share = below(r, 2);
	r->err = (struct tb_err){ 0 };
}

static int resolve(struct round *r)
{
	return tb_place_resolve(&r->topo, r->roles, r->nr_roles, r->instances,
				r->max_cpus, r->may_share, r->chosen, &r->err);
}

static const struct tb_cpu *find(const struct round *r, int cpu)
{
	unsigned int i;

	for (i = 0; i < r->topo.nr_cpus; i++)
		if (r->cpus[i].cpu == cpu)
			return &r->cpus[i];
	fail_msg("CPU %d is not usable", cpu);
	return NULL;
}

/* May a thread with this policy be on @c? Said once more, from the manual. */
static bool is_within(const char *policy, const struct tb_cpu *anchor,
		      const struct tb_cpu *c)
{
	if (!strcmp(policy, "same-core"))
		return c->core == anchor->core && c->cpu != anchor->cpu;
	if (!strcmp(policy, "llc"))
		return c->llc == anchor->llc;
	if (!strcmp(policy, "node"))
		return c->node == anchor->node;
	if (!strcmp(policy, "far"))
		return c->node != anchor->node;
	return true;
}

/* Threads on each CPU; how many CPUs have some. */
static unsigned int count_loads(const struct round *r, unsigned int *loads)
{
	unsigned int i, n = 0;

	memset(loads, 0, MAX_CPUS * sizeof(*loads));
	for (i = 0; i < r->instances * r->per_instance; i++)
		n += !loads[find(r, r->chosen[i]) - r->cpus]++;
	return n;
}

static void check_policies(const struct round *r)
{
	const int *cpu = r->chosen;
	unsigned int instance, role, i;

	for (instance = 0; instance < r->instances; instance++) {
		const struct tb_cpu *anchor = find(r, *cpu);

		for (role = 0; role < r->nr_roles; role++)
			for (i = 0; i < r->roles[role].nr; i++, cpu++)
				assert_true((!role && !i) ||
					    is_within(r->roles[role].policy,
						      anchor, find(r, *cpu)));
	}
}

/*
 * Usable CPUs, distinct or not beyond max_cpus, within the policies; what is
 * refused is a usage error, and never for a lack of CPUs that is none.
 */
static void any_placement_keeps_its_promises(void **state)
{
	unsigned int loads[MAX_CPUS], i, used, limit, nr, nr_placed = 0;
	struct round r = { .random = 1 };

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		make_machine(&r);
		ask(&r);
		nr = r.instances * r.per_instance;
		limit = smaller(r.max_cpus, r.topo.nr_cpus);
		if (resolve(&r)) {
			assert_int_equal(r.err.code, -EINVAL);
			assert_true(r.err.is_usage);
			continue;
		}
		nr_placed++;
		used = count_loads(&r, loads);
		assert_true(used <= limit);
		assert_true(r.may_share || used == nr);
		check_policies(&r);
	}
	/* Or the test sees nothing. */
	assert_in_range(nr_placed, ROUNDS / 3, ROUNDS * 9 / 10);
}

static void check_even(const unsigned int *loads, unsigned int nr)
{
	unsigned int i, least = UINT_MAX, most = 0;

	for (i = 0; i < nr; i++) {
		least = smaller(least, loads[i]);
		most = loads[i] > most ? loads[i] : most;
	}
	assert_true(most - least <= 1);
}

static void spread_is_even_and_fits_if_it_can(void **state)
{
	unsigned int loads[MAX_CPUS], i, limit, nr;
	struct round r = { .random = 2 };

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		make_machine(&r);
		ask(&r);
		for (nr = 0; nr < r.nr_roles; nr++)
			r.roles[nr].policy = "spread";
		nr = r.instances * r.per_instance;
		limit = smaller(r.max_cpus, r.topo.nr_cpus);
		assert_int_equal(resolve(&r),
				 nr > limit && !r.may_share ? -EINVAL : 0);
		if (r.err.code)
			continue;
		assert_int_equal(count_loads(&r, loads), smaller(nr, limit));
		if (limit == r.topo.nr_cpus)
			check_even(loads, limit);
	}
}

/* Each cache is even in itself, where its CPUs may be shared. */
static void caches_are_even(void **state)
{
	unsigned int loads[MAX_CPUS], group[MAX_CPUS], i, k, n, first;
	struct round r = { .random = 3 };

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		make_machine(&r);
		ask(&r);
		for (k = 0; k < r.nr_roles; k++)
			r.roles[k].policy = "llc";
		r.max_cpus = r.topo.nr_cpus;
		r.may_share = true;
		assert_int_equal(resolve(&r), 0);
		count_loads(&r, loads);
		for (first = 0; first < r.topo.nr_cpus; first++) {
			for (k = n = 0; k < r.topo.nr_cpus; k++)
				if (r.cpus[k].llc == r.cpus[first].llc)
					group[n++] = loads[k];
			check_even(group, n);
		}
	}
}

/* Other CPUs that suit threads of @anchor. */
static unsigned int count_within(const struct round *r, const char *policy,
				 const struct tb_cpu *anchor)
{
	unsigned int i, n = 0;

	for (i = 0; i < r->topo.nr_cpus; i++)
		n += &r->cpus[i] != anchor &&
		     is_within(policy, anchor, &r->cpus[i]);
	return n;
}

/* One instance with one policy: around some CPU it fits, or it is refused. */
static void one_instance_fits_if_it_can(void **state)
{
	struct round r = { .random = 4 };
	unsigned int i, k, widest;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		const char *policy;

		make_machine(&r);
		policy = policies[below(&r, ARRAY_SIZE(policies))];
		r.roles[0] = (struct tb_place_role){ "spread", 1 };
		r.roles[1] = (struct tb_place_role){ policy, below(&r, 8) };
		r.nr_roles = 2;
		r.instances = 1;
		r.per_instance = 1 + r.roles[1].nr;
		r.max_cpus = r.topo.nr_cpus;
		r.may_share = false;
		r.err = (struct tb_err){ 0 };
		for (k = widest = 0; k < r.topo.nr_cpus; k++) {
			unsigned int n = count_within(&r, policy, &r.cpus[k]);

			widest = n > widest ? n : widest;
		}
		assert_int_equal(resolve(&r),
				 r.roles[1].nr > widest ? -EINVAL : 0);
	}
}

/* How bad a CPU is for the thread of an instance that has all CPUs to itself.
 */
static unsigned int rank(const struct round *r, const char *policy,
			 const struct tb_cpu *anchor, const struct tb_cpu *c)
{
	if (!strcmp(policy, "far"))
		return 255 - tb_topo_distance(&r->topo, anchor->node, c->node);
	if (!strcmp(policy, "node"))
		return c->llc == anchor->llc;
	if (strcmp(policy, "smt"))
		return 0;
	if (c->core == anchor->core)
		return 0;
	return c->llc == anchor->llc
		       ? 1
		       : tb_topo_distance(&r->topo, anchor->node, c->node);
}

/* smt leaves no core half full but its last. */
static void check_packed(const struct round *r, unsigned int nr)
{
	unsigned int i, k, idle, half_full = 0;

	for (i = 0; i < nr; i++) {
		const struct tb_cpu *c = find(r, r->chosen[i]);
		bool is_first = true;

		for (k = idle = 0; k < r->topo.nr_cpus; k++)
			idle += r->cpus[k].core == c->core;
		for (k = 0; k < nr; k++) {
			bool same = find(r, r->chosen[k])->core == c->core;

			idle -= same;
			is_first &= !same || k >= i;
		}
		half_full += is_first && idle;
	}
	assert_true(half_full <= 1);
}

static void best_cpus_come_first(void **state)
{
	struct round r = { .random = 5 };
	unsigned int i, k;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		const struct tb_cpu *anchor, *last;
		const char *policy;

		make_machine(&r);
		policy = policies[below(&r, ARRAY_SIZE(policies))];
		r.roles[0] = (struct tb_place_role){ policy, 2 + below(&r, 8) };
		r.nr_roles = 1;
		r.instances = 1;
		r.per_instance = r.roles[0].nr;
		r.max_cpus = r.topo.nr_cpus;
		r.may_share = false;
		if (resolve(&r))
			continue;
		anchor = find(&r, r.chosen[0]);
		last = anchor;
		for (k = 1; k < r.per_instance; k++) {
			const struct tb_cpu *c = find(&r, r.chosen[k]);

			assert_true(k == 1 ||
				    rank(&r, policy, anchor, last) <=
					    rank(&r, policy, anchor, c));
			last = c;
		}
		if (!strcmp(policy, "smt"))
			check_packed(&r, r.per_instance);
	}
}

/* The most there can be, on a large machine. */
static void thousands_of_instances_share_evenly(void **state)
{
	static const struct tb_place_role roles[] = {
		{ "spread", 1 }, { "llc", 1 }, { "far", 1 }, { "same-core", 1 }
	};
	static struct t_machine machine;
	static int chosen[4 * 4096];
	unsigned int loads[256] = { 0 }, i;
	struct tb_err err = { 0 };
	struct tb_topo topo;

	t_epyc(&machine);
	t_put_machine(&machine, *state);
	assert_int_equal(tb_topo_read(&topo, *state, &err), 0);
	if (tb_place_resolve(&topo, roles, ARRAY_SIZE(roles), 4096, 256, true,
			     chosen, &err))
		fail_msg("%s", err.text);
	for (i = 0; i < ARRAY_SIZE(chosen); i++)
		loads[chosen[i]]++;
	for (i = 0; i < 256; i++)
		assert_in_range(loads[i], 4 * 4096 / 256 - 1,
				4 * 4096 / 256 + 1);
	tb_topo_fini(&topo);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(any_placement_keeps_its_promises),
		cmocka_unit_test(spread_is_even_and_fits_if_it_can),
		cmocka_unit_test(caches_are_even),
		cmocka_unit_test(one_instance_fits_if_it_can),
		cmocka_unit_test(best_cpus_come_first),
		T_DIR(thousands_of_instances_share_evenly),
	};

	return T_RUN("place_any", tests);
}
