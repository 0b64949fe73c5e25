// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counters: what is concluded from a mechanism and from gaps, made by hand;
 * and counts of the running kernel, of things done a known number of times.
 */
#include "machine/counters.h"

#include <sys/syscall.h>

#include "engine/thread.h"
#include "machine/mech.h"
#include "machine/place.h"
#include "machine/trace.h"
#include "tests/t_engine.h"

static struct tb_result result;

/* --- mechanisms ---------------------------------------------------------- */

static struct tb_mech_facts plain_facts(void)
{
	return (struct tb_mech_facts){
		.machine = "x86_64",
		.cpuinfo = "flags\t\t: fpu pcid invpcid\n",
	};
}

static struct tb_mech_facts guest_facts(const char *signature)
{
	struct tb_mech_facts f = plain_facts();

	snprintf(f.hv.signature, sizeof(f.hv.signature), "%s", signature);
	return f;
}

static void interrupts_are_visible(void **state)
{
	struct tb_mech_facts bare = plain_facts();
	struct tb_mech_facts kvm = guest_facts("KVMKVMKVM");
	/* The hypervisor offers it but does not recommend it. */
	struct tb_mech_facts hyperv = guest_facts("Microsoft Hv");
	struct tb_mech_facts tcg = guest_facts("TCGTCGTCGTCG");

	(void)state;
	kvm.hv.kvm_features = 1U << 9;
	hyperv.hv.hv_recommended = 1U << 1;
	assert_string_equal(tb_mech_conclude(&bare).name, "IPI");
	assert_false(tb_mech_conclude(&bare).hides_flushes);
	assert_false(tb_mech_conclude(&bare).hides_steal);
	assert_string_equal(tb_mech_conclude(&kvm).name, "IPI");
	assert_string_equal(tb_mech_conclude(&hyperv).name, "IPI");
	assert_true(tb_mech_conclude(&hyperv).hides_steal);
	assert_true(tb_mech_conclude(&tcg).hides_steal);
	kvm.hv.kvm_features |= 1U << 5;
	assert_non_null(strstr(tb_mech_conclude(&kvm).name, "KVM PV"));
	assert_non_null(tb_mech_conclude(&kvm).caveat);
	kvm.hv.has_mwait = true;
	assert_string_equal(tb_mech_conclude(&kvm).name, "IPI");
	kvm.hv.has_mwait = false;
	assert_false(tb_mech_conclude(&kvm).hides_flushes);
	assert_false(tb_mech_conclude(&kvm).hides_steal);
}

static void check_hidden(const struct tb_mech_facts *facts, const char *name)
{
	struct tb_mech mech = tb_mech_conclude(facts);

	assert_string_equal(mech.name, name);
	assert_true(mech.hides_flushes);
	assert_null(mech.caveat);
}

static void other_mechanisms_hide_flushes(void **state)
{
	struct tb_mech_facts amd = guest_facts("KVMKVMKVM");
	struct tb_mech_facts hyperv = guest_facts("Microsoft Hv");
	struct tb_mech_facts xen = guest_facts("XenVMMXenVMM");
	struct tb_mech_facts arm = plain_facts();
	struct tb_mech_facts riscv = plain_facts();

	(void)state;
	amd.cpuinfo = "flags\t\t: fpu invlpgb pcid\n";
	amd.hv.kvm_features = 1U << 9 | 1U << 5;
	check_hidden(&amd, "INVLPGB");
	hyperv.hv.hv_recommended = 1U << 2;
	check_hidden(&hyperv, "Hyper-V hypercall");
	snprintf(xen.xen_type, sizeof(xen.xen_type), "PV");
	check_hidden(&xen, "Xen PV hypercall");
	assert_false(tb_mech_conclude(&xen).hides_steal);
	arm.machine = "aarch64";
	check_hidden(&arm, "TLBI broadcast");
	riscv.machine = "riscv64";
	check_hidden(&riscv, "unknown");
}

/* --- what cannot be believed --------------------------------------------- */

static struct tb_counter_list *list_of(const char *const *names, size_t nr)
{
	struct tb_counter_list *list = calloc(1, sizeof(*list));
	size_t i;

	assert_non_null(list);
	for (i = 0; i < nr; i++)
		tb_counter_add(list, "cpu", "%s", names[i])->value = 1;
	return list;
}

static enum tb_status status_of(struct tb_counter_list *list, const char *name)
{
	const struct tb_counter *c = tb_counter_find(list, name);

	assert_non_null(c);
	return c->status;
}

static void hidden_flushes_are_absent(void **state)
{
	static const char *const hidden[] = {
		"irq_tlb",
		"irq_tlb_elsewhere",
		"irq_tlb_bystander",
		"tlb_flush",
		"nr_tlb_remote_flush",
		"tlb_flush_pages",
		"csd_flush",
		"tlb_flush.local_mm_shootdown",
	};
	static const char *const seen[] = {
		"irq_cal",	"hyperv_flush_calls", "minor_faults_initiators",
		"ipi_send_cpu", "dtlb_load_misses",   "csd_queued",
	};
	struct tb_counter_list *a = list_of(hidden, ARRAY_SIZE(hidden));
	struct tb_counter_list *b = list_of(seen, ARRAY_SIZE(seen));
	const struct tb_mech mech = { .name = "Hyper-V hypercall",
				      .hides_flushes = true };
	const struct tb_mech ipi = { .name = "IPI" };
	size_t i;

	(void)state;
	tb_counters_hide(a, &ipi);
	assert_int_equal(status_of(a, "irq_tlb"), TB_STATUS_OK);
	tb_counters_hide(a, &mech);
	tb_counters_hide(b, &mech);
	for (i = 0; i < ARRAY_SIZE(hidden); i++) {
		assert_int_equal(a->all[i].status, TB_STATUS_ABSENT);
		assert_string_equal(a->all[i].reason,
				    "not visible here (Hyper-V hypercall)");
	}
	for (i = 0; i < ARRAY_SIZE(seen); i++)
		assert_int_equal(b->all[i].status, TB_STATUS_OK);
	free(a);
	free(b);
}

static void steal_that_is_not_told_is_absent(void **state)
{
	static const char *const names[] = { "steal_ms" };
	struct tb_counter_list *list = list_of(names, 1);
	const struct tb_mech mech = { .name = "IPI", .hides_steal = true };

	(void)state;
	tb_counters_hide(list, &mech);
	assert_int_equal(status_of(list, "steal_ms"), TB_STATUS_ABSENT);
	free(list);
}

static void switches_not_traced_are_absent(void **state)
{
	static const char *const names[] = {
		"idle_entries", "idle_exits", "tlb_flush_full",
		"tlb_flush_ranged", "tlb_flush." TB_TRACE_TASK_SWITCH
	};
	struct tb_counter_list *list = list_of(names, ARRAY_SIZE(names));
	const struct tb_mech mech = { .name = "IPI" };

	(void)state;
	list->nr_cpus = 2;
	list->all[0].value = 3;
	/* Each CPU may be idle when the window ends. */
	tb_counters_hide(list, &mech);
	assert_int_equal(status_of(list, "tlb_flush_full"), TB_STATUS_OK);
	list->all[0].value = 4;
	tb_counters_hide(list, &mech);
	assert_int_equal(status_of(list, "tlb_flush_full"), TB_STATUS_ABSENT);
	assert_int_equal(status_of(list, names[4]), TB_STATUS_ABSENT);
	assert_int_equal(status_of(list, "tlb_flush_ranged"), TB_STATUS_OK);
	free(list);
}

static void a_full_list_is_told(void **state)
{
	struct tb_counter_list *list = list_of(NULL, 0);
	unsigned int i;

	(void)state;
	for (i = 0; i < TB_MAX_COUNTERS; i++)
		tb_counter_add(list, "cpu", "c%u", i);
	assert_int_equal(list->nr_lost, 0);
	tb_counter_set_absent(tb_counter_add(list, "cpu", "one more"), "lost");
	assert_int_equal(list->nr_lost, 1);
	assert_null(tb_counter_find(list, "one more"));
	assert_int_equal(status_of(list, "c0"), TB_STATUS_OK);
	free(list);
}

/* --- CPUs and threads ---------------------------------------------------- */

static void cpus_are_kept_once(void **state)
{
	struct tb_cpu_use uses[] = {
		{ 9, TB_USE_BYSTANDER }, { 3, TB_USE_TARGET },
		{ 3, TB_USE_INITIATOR }, { 9, TB_USE_TARGET },
		{ 1, TB_USE_BYSTANDER }, { 3, TB_USE_BYSTANDER },
	};

	(void)state;
	assert_int_equal(tb_cpu_uses_merge(uses, ARRAY_SIZE(uses)), 3);
	assert_int_equal(uses[0].cpu, 1);
	assert_int_equal(uses[0].use, TB_USE_BYSTANDER);
	assert_int_equal(uses[1].cpu, 3);
	assert_int_equal(uses[1].use, TB_USE_INITIATOR);
	assert_int_equal(uses[2].cpu, 9);
	assert_int_equal(uses[2].use, TB_USE_TARGET);
}

/* A window of nothing but @nr_faults faults of this thread. */
static struct tb_counter_list count_faults(const struct tb_cpu_use *uses,
					   unsigned int nr_uses,
					   unsigned int nr_threads,
					   unsigned int nr_faults)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE), i;
	char *p = mmap(NULL, nr_faults * page_bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct tb_thread_use *threads = calloc(nr_threads, sizeof(*threads));
	struct tb_counter_list list;
	struct tb_counters *c;
	struct tb_err err = { 0 };

	assert_ptr_not_equal(p, MAP_FAILED);
	assert_non_null(threads);
	for (i = 0; i < nr_threads; i++)
		threads[i].tid = getpid();
	assert_int_equal(tb_counters_open(&c, uses, nr_uses, false, &err), 0);
	assert_int_equal(tb_counters_start(c, threads, nr_threads, &err), 0);
	madvise(p, nr_faults * page_bytes, MADV_NOHUGEPAGE);
	for (i = 0; i < nr_faults; i++)
		*(volatile char *)(p + i * page_bytes) = 1;
	assert_int_equal(tb_counters_stop(c, &err), 0);
	tb_counters_take(c, &list);
	tb_counters_close(c);
	munmap(p, nr_faults * page_bytes);
	free(threads);
	return list;
}

static void faults_are_seen_without_privilege(void **state)
{
	const struct tb_cpu_use use = { 0, TB_USE_INITIATOR };
	struct tb_counter_list list = count_faults(&use, 1, 1, 5000);
	const struct tb_counter *c =
		tb_counter_find(&list, "minor_faults_initiators");

	(void)state;
	assert_int_equal(c->status, TB_STATUS_OK);
	assert_string_equal(c->scope, "thread");
	/* Reading /proc may bring in memory; a sanitizer shadows each page. */
	assert_in_range(c->value, 5000, T_IS_SANITIZED ? UINT64_MAX : 5050);
	assert_int_equal(tb_counter_find(&list, "minor_faults_others")->value,
			 0);
	tb_counter_list_fini(&list);
}

static void too_many_threads_are_absent(void **state)
{
	const struct tb_cpu_use use = { 0, TB_USE_INITIATOR };
	struct tb_counter_list list = count_faults(&use, 1, 5000, 1);

	(void)state;
	assert_int_equal(status_of(&list, "minor_faults_initiators"),
			 TB_STATUS_ABSENT);
	assert_non_null(
		strstr(tb_counter_find(&list, "switches_voluntary")->reason,
		       "too many threads: 5000"));
	/* The rest is there all the same. */
	assert_int_equal(tb_counter_find(&list, "irq_tlb")->by_cpu != NULL, 1);
	tb_counter_list_fini(&list);
}

static void bystanders_need_cpus_of_their_own(void **state)
{
	const struct tb_cpu_use apart[] = { { 0, TB_USE_INITIATOR },
					    { 1, TB_USE_BYSTANDER } };
	const struct tb_cpu_use shared[] = { { 0, TB_USE_INITIATOR },
					     { 0, TB_USE_BYSTANDER } };
	struct tb_counter_list a = count_faults(apart, 2, 1, 1);
	struct tb_counter_list s = count_faults(shared, 2, 1, 1);
	struct tb_counter_list none = count_faults(shared, 1, 1, 1);

	(void)state;
#if defined(__x86_64__)
	assert_int_equal(status_of(&a, "irq_cal_bystander"), TB_STATUS_OK);
#endif
	/* A bystander's CPU is none of the case. */
	assert_int_equal(a.nr_cpus, 1);
	assert_int_equal(status_of(&s, "irq_cal_bystander"), TB_STATUS_ABSENT);
	assert_null(tb_counter_find(&none, "irq_cal_bystander"));
	tb_counter_list_fini(&a);
	tb_counter_list_fini(&s);
	tb_counter_list_fini(&none);
}

/* In a child, which cannot get its limit back. */
static void no_descriptor_left_is_absent(void **state)
{
	const struct tb_cpu_use use = { 0, TB_USE_INITIATOR };
	struct tb_counters *c;
	struct tb_err err = { 0 };
	struct rlimit few = { 12, 12 };
	int status;
	pid_t child;

	(void)state;
	if (!tb_trace_root())
		T_SKIP("needs root and tracefs");
	child = fork();
	if (!child) {
		struct tb_counter_list list;
		const struct tb_counter *last;

		setrlimit(RLIMIT_NOFILE, &few);
		if (tb_counters_open(&c, &use, 1, true, &err))
			_exit(1);
		tb_counters_take(c, &list);
		last = tb_counter_find(&list, "cpu_migrations");
		_exit(last->status == TB_STATUS_ABSENT &&
				      strstr(last->reason, "ulimit -n")
			      ? 0
			      : 2);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

/* --- exact counts of the running kernel ---------------------------------- */

static uint64_t count_of(const char *name)
{
	const struct tb_counter *c = tb_counter_find(&result.counters, name);

	assert_non_null(c);
	return c->status == TB_STATUS_ABSENT ? UINT64_MAX : c->value;
}

/* 23 ops of munmap with 7 pages and one responder, nothing else. */
static bool is_exact(void)
{
	static const struct {
		const char *name;
		uint64_t value;
	} counts[] = {
		{ "irq_tlb", T_OPS },
		{ "csd_flush", T_OPS },
		{ "csd_flush_received", T_OPS },
		{ "tlb_flush.remote_shootdown", T_OPS },
		{ "tlb_flush_full", 0 },
		{ "tlb_flush_ranged", 2 * T_OPS },
		{ "tlb_flush_pages", 2 * 7 * T_OPS },
		{ "user_faults.write_not_present", 7 * T_OPS },
		{ "user_faults.write_protection", 0 },
		{ "page_faults", 7 * T_OPS },
		{ "context_switches", 0 },
		{ "cpu_migrations", 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		/* A sanitizer faults in memory that shadows ours. */
		if (T_IS_SANITIZED && strstr(counts[i].name, "faults"))
			continue;
		if (count_of(counts[i].name) == counts[i].value)
			continue;
		print_message("# %s is %llu, not %llu\n", counts[i].name,
			      (unsigned long long)count_of(counts[i].name),
			      (unsigned long long)counts[i].value);
		return false;
	}
	return true;
}

/* Sets of events: that of the kernel's own, and one for each of the PMU. */
static unsigned int nr_sets(void)
{
	static const char *const of_pmu[] = { "cycles", "instructions",
					      "dtlb_load_misses",
					      "itlb_load_misses" };
	unsigned int i, n = 1;

	for (i = 0; i < ARRAY_SIZE(of_pmu); i++)
		n += count_of(of_pmu[i]) != UINT64_MAX;
	return n;
}

/*
 * By CPU: the initiator's gets none; the responder's one for each op, and those
 * that switch the window.
 */
static bool are_interrupts_exact(void)
{
	const struct tb_counter_list *list = &result.counters;
	const struct tb_counter *tlb = tb_counter_get(list, "irq_tlb");
	const struct tb_counter *cal = tb_counter_get(list, "irq_cal");
	unsigned int responder = list->cpus[0] == result.cpus[0];
	uint64_t taken = count_of("vector_call_function_single") +
			 count_of("vector_call_function");

	assert_int_equal(list->nr_cpus, 2);
	if (!tlb->by_cpu[!responder] && tlb->by_cpu[responder] == T_OPS &&
	    !cal->by_cpu[!responder] &&
	    cal->by_cpu[responder] == T_OPS + 2 * nr_sets() &&
	    taken == T_OPS + 1)
		return true;
	print_message("# CAL is %llu and %llu with %u sets, taken %llu\n",
		      (unsigned long long)cal->by_cpu[!responder],
		      (unsigned long long)cal->by_cpu[responder], nr_sets(),
		      (unsigned long long)taken);
	return false;
}

/* Three tries: a kernel has other things to do as well. */
static void counts_are_exact(void **state)
{
	struct tb_case cs;
	bool done = false;
	unsigned int i;

	(void)state;
	T_SKIP_IF_MUNMAP_FLUSHES_TWICE();
	if (t_topo.nr_cpus < 2 || !tb_trace_root() ||
	    !tb_thread_fifo_allowed() || tb_mech_detect().hides_flushes)
		T_SKIP("needs two CPUs, root, tracefs and flushes by IPI");
	t_case(&cs, tb_workload_find("munmap"), &t_topo);
	cs.counted = true;
	cs.sched = TB_SCHED_FIFO;
	*(uint64_t *)cs.conf = 7;
	for (i = 0; i < 3 && !done; i++) {
		tb_result_fini(&result);
		t_run_case(&cs, &result);
		assert_int_equal(result.state, TB_STATE_OK);
		done = is_exact() && are_interrupts_exact();
	}
	assert_true(done);
	tb_result_fini(&result);
	free(cs.conf);
}

/* --- flushes of strangers ------------------------------------------------ */

#define NR_SECRETS 16

/* Memory that the kernel does not map; NULL where it has none. */
static char *secret_memory(size_t bytes)
{
	int fd = (int)syscall(SYS_memfd_secret, 0);
	char *mem = MAP_FAILED;

	if (fd < 0)
		return NULL;
	if (!ftruncate(fd, (off_t)bytes))
		mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   0);
	close(fd);
	return mem == MAP_FAILED ? NULL : mem;
}

/*
 * What @target sees of NR_SECRETS calls of flush_tlb_kernel_range() on the CPU
 * that we are on: the first touch of a page takes it out of the kernel's own
 * map (secretmem_fault()).
 */
static void count_secrets(struct tb_counter_list *list, int target, char *mem)
{
	const struct tb_cpu_use use = { target, TB_USE_TARGET };
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE), i;
	struct tb_err err = { 0 };
	struct tb_counters *c;

	assert_int_equal(tb_counters_open(&c, &use, 1, true, &err), 0);
	assert_int_equal(tb_counters_start(c, NULL, 0, &err), 0);
	tb_counters_enable(c);
	for (i = 0; i < NR_SECRETS; i++)
		mem[i * page_bytes] = 1;
	tb_counters_disable(c);
	assert_int_equal(tb_counters_stop(c, &err), 0);
	tb_counters_take(c, list);
	tb_counters_close(c);
}

/* Three tries: a kernel has other things to do as well. */
static void flushes_of_strangers_are_received(void **state)
{
	size_t bytes = NR_SECRETS * (size_t)sysconf(_SC_PAGESIZE);
	uint64_t sent = 0, received = 0;
	struct bitmask *before;
	unsigned int i;

	(void)state;
	if (t_topo.nr_cpus < 2 || !tb_trace_root() ||
	    tb_mech_detect().hides_flushes)
		T_SKIP("needs two CPUs, root, tracefs and flushes by IPI");
	before = tb_place_save();
	assert_int_equal(tb_place_pin(t_topo.cpus[1].cpu), 0);
	for (i = 0; i < 3 && (sent || received != NR_SECRETS); i++) {
		char *mem = secret_memory(bytes);
		struct tb_counter_list list = { 0 };

		if (!mem)
			break;
		count_secrets(&list, t_topo.cpus[0].cpu, mem);
		munmap(mem, bytes);
		sent = tb_counter_find(&list, "csd_flush_kernel")->value;
		received = tb_counter_find(&list, "csd_flush_kernel_received")
				   ->value;
		tb_counter_list_fini(&list);
	}
	tb_place_restore(before);
	if (!i)
		T_SKIP("no memfd_secret(), which needs CONFIG_SECRETMEM");
	assert_int_equal(sent, 0);
	assert_int_equal(received, NR_SECRETS);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(interrupts_are_visible),
		cmocka_unit_test(other_mechanisms_hide_flushes),
		cmocka_unit_test(hidden_flushes_are_absent),
		cmocka_unit_test(steal_that_is_not_told_is_absent),
		cmocka_unit_test(switches_not_traced_are_absent),
		cmocka_unit_test(a_full_list_is_told),
		cmocka_unit_test(cpus_are_kept_once),
		cmocka_unit_test(faults_are_seen_without_privilege),
		cmocka_unit_test(too_many_threads_are_absent),
		cmocka_unit_test(bystanders_need_cpus_of_their_own),
		cmocka_unit_test(no_descriptor_left_is_absent),
		cmocka_unit_test(counts_are_exact),
		cmocka_unit_test(flushes_of_strangers_are_received),
	};

	tb_trace_mount();
	t_engine_init();
	return T_RUN("counters", tests);
}
