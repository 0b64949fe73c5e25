// SPDX-License-Identifier: GPL-2.0-only
/* The audit, read from trees that look like machines. */
#include <zlib.h>

#include "machine/audit.h"
#include "tests/t_sysfs.h"

#define CPU "sys/devices/system/cpu/"
#define POLICY CPU "cpufreq/policy0/"
#define THP "sys/kernel/mm/transparent_hugepage/"

/* A fact that is expected; the last one has no name. */
struct expected {
	const char *name;
	const char *value;
	bool is_wrong;
};

static void put_bytes(const char *root, const char *path, const void *data,
		      size_t len_bytes)
{
	int fd;

	t_put(root, "", "%s", path);
	fd = open(t_path(root, path), O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(tb_write_all(fd, data, len_bytes), 0);
	close(fd);
}

static void assert_fact(const struct tb_audit *audit,
			const struct expected *want)
{
	const struct tb_fact *f = tb_audit_fact(audit, want->name);

	if (!f->is_known || strcmp(f->value.data, want->value) != 0 ||
	    f->is_wrong != want->is_wrong)
		fail_msg("%s: '%s' (%s)%s, expected '%s'%s", want->name,
			 f->is_known ? f->value.data : "unknown", f->reason,
			 f->is_wrong ? " wrong" : "", want->value,
			 want->is_wrong ? " wrong" : "");
}

static void assert_facts(const char *root, const struct expected *want)
{
	struct tb_audit audit;

	assert_int_equal(tb_audit_read(&audit, root), 0);
	for (; want->name; want++)
		assert_fact(&audit, want);
	tb_audit_fini(&audit);
}

/* One fact of a tree. */
static void assert_one(const char *root, const char *name, const char *value,
		       bool is_wrong)
{
	const struct expected want[] = { { name, value, is_wrong }, { 0 } };

	assert_facts(root, want);
}

static void assert_unknown(const char *root, const char *name,
			   const char *reason)
{
	struct tb_audit audit;
	const struct tb_fact *f;

	assert_int_equal(tb_audit_read(&audit, root), 0);
	f = tb_audit_fact(&audit, name);
	assert_false(f->is_known);
	assert_false(f->is_wrong);
	if (!strstr(f->reason, reason))
		fail_msg("%s: reason '%s', expected '%s'", name, f->reason,
			 reason);
	tb_audit_fini(&audit);
}

/* --- machines ------------------------------------------------------------ */

/* A laptop as it comes: everything is wrong. */
static const struct t_file laptop[] = {
	{ "proc/cpuinfo",
	  "processor\t: 0\ncpu family\t: 6\nmodel\t\t: 154\n"
	  "model name\t: Some CPU\nstepping\t: 3\nmicrocode\t: 0x42c\n"
	  "flags\t\t: fpu pge pcid invpcid_single invpcid\n\n"
	  "processor\t: 1\nmodel name\t: Other CPU\n\n" },
	{ "proc/cmdline", "quiet nokaslr rcu_nocbs=1-3 splash\n" },
	{ "proc/sys/kernel/osrelease", "6.1.0-x\n" },
	{ "proc/sys/kernel/version", "#1 SMP Debian\n" },
	{ "proc/sys/kernel/bootloader_type", "114\n" },
	{ "proc/sys/kernel/randomize_va_space", "0\n" },
	{ "proc/sys/kernel/numa_balancing", "1\n" },
	{ "proc/sys/kernel/sched_rt_runtime_us", "950000\n" },
	{ "proc/sys/kernel/nmi_watchdog", "1\n" },
	{ "proc/sys/vm/compaction_proactiveness", "20\n" },
	{ "boot/config-6.1.0-x",
	  "CONFIG_HZ=250\n# CONFIG_KCSAN is not set\nCONFIG_KASAN=y\n"
	  "CONFIG_KASAN_INLINE=y\nCONFIG_DEBUG_VM=y\nCONFIG_PARAVIRT=y\n"
	  "CONFIG_DEBUG_VM_PGTABLE=y\n" },
	{ "proc/meminfo",
	  "MemTotal:        2097152 kB\nMemFree:          524288 kB\n"
	  "SwapTotal:       1000 kB\nSwapFree:          900 kB\n" },
	{ "proc/swaps", "Filename Type Size Used Priority\n"
			"/dev/sda2 partition 1000 100 -2\n" },
	{ "proc/loadavg", "1.00 2.00 3.00 3/200 77\n" },
	{ "proc/buddyinfo", "Node 0, zone      DMA      1      0\n"
			    "Node 0, zone   Normal     23      4\n" },
	{ "proc/uptime", "3600.25 7000.00\n" },
	{ "proc/2/comm", "kthreadd\n" },
	{ "proc/2/status", "Name:\tkthreadd\nCpus_allowed_list:\t1,3\n" },
	{ "proc/50/comm", "khugepaged\n" },
	{ "proc/60/comm", "kdamond.0\n" },
	{ "proc/70/comm", "irqbalance\n" },
	{ "proc/71/comm", "cron\n" },
	{ "proc/72/comm", "atd\n" },
	{ "proc/self/status", "Name:\tx\nCpus_allowed_list:\t0-1\nMems:\t1\n" },
	{ "proc/self/cgroup", "0::/box\n" },
	{ "sys/fs/cgroup/box/cpu.max", "50000 100000\n" },
	{ "proc/irq/default_smp_affinity", "f\n" },
	{ "sys/devices/virtual/workqueue/cpumask", "a\n" },
	{ "run/systemd/container", "lxc\n" },
	{ CPU "online", "0-1,3\n" },
	{ CPU "isolated", "\n" },
	{ CPU "nohz_full", "(null)\n" },
	{ CPU "smt/active", "1\n" },
	{ CPU "vulnerabilities/meltdown", "Mitigation: PTI\n" },
	{ CPU "vulnerabilities/l1tf", "Not affected\n" },
	{ CPU "vulnerabilities/mds", "Vulnerable\n" },
	{ CPU "cpu0/topology/physical_package_id", "0\n" },
	{ CPU "cpu1/topology/physical_package_id", "0\n" },
	{ CPU "cpu3/topology/physical_package_id", "1\n" },
	{ CPU "cpu0/topology/thread_siblings_list", "0-1\n" },
	{ CPU "cpu1/topology/thread_siblings_list", "0-1\n" },
	{ CPU "cpu3/topology/thread_siblings_list", "3\n" },
	{ CPU "cpu0/cache/index0/level", "2\n" },
	{ CPU "cpu0/cache/index0/shared_cpu_list", "0\n" },
	{ CPU "cpu1/cache/index0/level", "2\n" },
	{ CPU "cpu1/cache/index0/shared_cpu_list", "1,3\n" },
	{ CPU "cpu3/cache/index0/level", "2\n" },
	{ CPU "cpu3/cache/index0/shared_cpu_list", "1,3\n" },
	{ "sys/devices/system/node/node0/cpulist", "0-3\n" },
	{ "sys/devices/system/clocksource/clocksource0/current_clocksource",
	  "hpet\n" },
	{ POLICY "scaling_governor", "powersave\n" },
	{ POLICY "scaling_driver", "intel_pstate\n" },
	{ POLICY "scaling_min_freq", "400000\n" },
	{ POLICY "scaling_max_freq", "4700000\n" },
	{ POLICY "energy_performance_preference", "balance_power\n" },
	{ CPU "cpufreq/policy1/scaling_governor", "performance\n" },
	{ CPU "cpufreq/policy1/scaling_min_freq", "400000\n" },
	{ CPU "cpufreq/policy1/scaling_max_freq", "4700000\n" },
	{ CPU "intel_pstate/no_turbo", "0\n" },
	{ CPU "cpuidle/current_driver", "intel_idle\n" },
	{ CPU "cpuidle/current_governor", "menu\n" },
	{ CPU "cpu0/cpuidle/state0/name", "POLL\n" },
	{ CPU "cpu0/cpuidle/state0/latency", "0\n" },
	{ CPU "cpu0/cpuidle/state0/disable", "0\n" },
	{ CPU "cpu0/cpuidle/state1/name", "C1\n" },
	{ CPU "cpu0/cpuidle/state1/latency", "2\n" },
	{ CPU "cpu0/cpuidle/state1/disable", "0\n" },
	{ CPU "cpu0/cpuidle/state2/name", "C6\n" },
	{ CPU "cpu0/cpuidle/state2/latency", "170\n" },
	{ CPU "cpu0/cpuidle/state2/disable", "0\n" },
	{ CPU "cpu1/cpuidle/state2/disable", "0\n" },
	{ "sys/class/thermal/thermal_zone0/temp", "45500\n" },
	{ "sys/class/thermal/thermal_zone1/temp", "51000\n" },
	{ "sys/class/dmi/id/sys_vendor", "ACME \n" },
	{ "sys/class/dmi/id/bios_version", "1.2\n" },
	{ THP "enabled", "[always] madvise never\n" },
	{ "sys/kernel/mm/ksm/run", "1\n" },
	{ "sys/kernel/mm/lru_gen/enabled", "0x0007\n" },
	{ "sys/module/zswap/parameters/enabled", "Y\n" },
	{ "sys/kernel/debug/x86/tlb_single_page_flush_ceiling", "33\n" },
	{ "dev/kmsg", "6,1,0,-;Linux version 6.1\n SUBSYSTEM=x\n"
		      "6,2,5,-;KVM setup pv remote TLB flush\n" },
	{ 0 }
};

/* What differs on a server that somebody made quiet. */
static const struct t_file quiet[] = {
	{ "proc/cmdline", "quiet\n" },
	{ "proc/sys/kernel/randomize_va_space", "2\n" },
	{ "proc/sys/kernel/numa_balancing", "0\n" },
	{ "proc/sys/kernel/sched_rt_runtime_us", "-1\n" },
	{ "proc/sys/vm/compaction_proactiveness", "0\n" },
	{ "boot/config-6.1.0-x", "CONFIG_HZ=250\nCONFIG_RANDOMIZE_BASE=y\n" },
	{ "proc/loadavg", "0.00 0.00 0.00 1/200 77\n" },
	{ "proc/50/comm", "bash\n" },
	{ "proc/60/comm", "bash\n" },
	{ "proc/70/comm", "bash\n" },
	{ "proc/71/comm", "bash\n" },
	{ "proc/72/comm", "bash\n" },
	{ "sys/fs/cgroup/box/cpu.max", "max 100000\n" },
	{ "sys/devices/system/clocksource/clocksource0/current_clocksource",
	  "tsc\n" },
	{ POLICY "scaling_governor", "performance\n" },
	{ POLICY "scaling_min_freq", "4700000\n" },
	{ CPU "cpufreq/policy1/scaling_min_freq", "4700000\n" },
	{ CPU "intel_pstate/no_turbo", "1\n" },
	{ CPU "cpu0/cpuidle/state2/disable", "1\n" },
	{ CPU "cpu1/cpuidle/state2/disable", "1\n" },
	{ THP "enabled", "always madvise [never]\n" },
	{ "sys/kernel/mm/ksm/run", "0\n" },
	{ "sys/kernel/mm/lru_gen/enabled", "0x0000\n" },
	{ 0 }
};

static void test_laptop(void **state)
{
	static const struct expected want[] = {
		{ "kernel_version", "#1 SMP Debian", false },
		{ "config_flush", "HZ=250 PARAVIRT", false },
		{ "debug_options", "KASAN DEBUG_VM", true },
		{ "boot_method", "GRUB (loader type 72h)", false },
		{ "kaslr", "off", true },
		{ "rcu_nocbs", "rcu_nocbs=1-3", false },
		{ "randomize_va_space", "0", true },
		{ "uptime", "3600.25 s", false },
		{ "cpu_model", "Some CPU", false },
		{ "cpu_stepping", "cpu family 6, model 154, stepping 3",
		  false },
		{ "microcode", "0x42c", false },
		{ "cpu_tlb_flags", "pcid invpcid pge", false },
		{ "nr_cpus", "3", false },
		{ "cpu_topology", "2 packages, 2 cores, 1 nodes", false },
		{ "cpu_groups", "cores 0-1 3; caches 0 1,3; nodes 0-1,3",
		  false },
		{ "memory", "2048 MiB", false },
		{ "free_memory", "512 MiB", false },
		{ "swap_used", "100 KiB", false },
		{ "swap_devices", "/dev/sda2 1000 KiB", false },
		{ "buddyinfo", "Node 0 zone DMA 1 0; Node 0 zone Normal 23 4",
		  false },
		{ "bios", "ACME, 1.2", false },
		{ "clocksource", "hpet", true },
		{ "flush_ceiling_pages", "33", false },
		{ "meltdown", "Mitigation: PTI", false },
		{ "mitigations", "mds: Vulnerable; meltdown: Mitigation: PTI",
		  false },
		{ "pv_messages", "KVM setup pv remote TLB flush", false },
		{ "governor", "powersave, performance", true },
		{ "frequency_khz", "400000 to 4700000", true },
		{ "energy_preference", "balance_power", false },
		{ "turbo", "on", true },
		{ "idle_states", "POLL 0 us, C1 2 us, C6 170 us", true },
		{ "temperature", "51.0 degrees C", false },
		{ "thp", "[always] madvise never", true },
		{ "khugepaged", "running", true },
		{ "ksm_run", "1", true },
		{ "numa_balancing", "1", true },
		{ "compaction_proactiveness", "20", true },
		{ "damon", "running", true },
		{ "mglru", "0x0007", true },
		{ "zswap", "Y", false },
		{ "runnable", "2", true },
		{ "irqbalance", "running", true },
		{ "periodic_jobs", "cron, atd", true },
		{ "isolated_cpus", "none", false },
		{ "nohz_full", "none", false },
		{ "kthread_cpus", "1,3", false },
		{ "workqueue_cpus", "a", false },
		{ "sched_rt_runtime_us", "950000", true },
		{ "cgroup_quota", "50000 100000 us in cpu.max of /box", true },
		{ "cpus_allowed", "0-1", false },
		{ "container", "lxc", false },
		{ 0 }
	};

	t_put_all(*state, laptop);
	assert_facts(*state, want);
}

static void test_quiet_server(void **state)
{
	struct tb_audit audit;
	unsigned int i;

	t_put_all(*state, laptop);
	t_put_all(*state, quiet);
	assert_int_equal(tb_audit_read(&audit, *state), 0);
	for (i = 0; i < audit.nr_facts; i++)
		if (audit.facts[i].is_wrong)
			fail_msg("%s = %s is wrong", audit.facts[i].def->name,
				 audit.facts[i].value.data);
	tb_audit_fini(&audit);
	assert_one(*state, "idle_states", "POLL 0 us, C1 2 us, C6 170 us (off)",
		   false);
	assert_one(*state, "turbo", "off", false);
	assert_one(*state, "kaslr", "on", false);
	assert_one(*state, "debug_options", "none", false);
}

/* What cannot be read is not wrong, not right, and says why. */
static void test_empty_tree(void **state)
{
	struct tb_audit audit;
	unsigned int i, nr_known = 0;

	assert_int_equal(tb_audit_read(&audit, *state), 0);
	for (i = 0; i < audit.nr_facts; i++) {
		const struct tb_fact *f = &audit.facts[i];

		assert_false(f->is_wrong);
		assert_true(f->is_known != !!*f->reason);
		nr_known += f->is_known;
	}
	/* No swap, no control groups and no mark of a container. */
	assert_int_equal(nr_known, 3);
	tb_audit_fini(&audit);
	assert_unknown(*state, "governor",
		       "no /sys/devices/system/cpu/cpufreq");
	assert_unknown(*state, "debug_options", "/proc/config.gz");
	assert_unknown(*state, "irqbalance", "pid namespace");
	assert_unknown(*state, "kthread_cpus", "pid namespace");
	assert_unknown(*state, "flush_mechanism", "captured tree");
}

/* Each row of the check list is complete, and its name stands there once. */
static void test_table(void **state)
{
	unsigned int i, k;

	(void)state;
	for (i = 0; i < tb_nr_fact_defs; i++) {
		const struct tb_fact_def *def = &tb_fact_defs[i];

		assert_true(!def->path != !def->read);
		assert_non_null(def->group);
		assert_int_equal(!def->policy, !def->why);
		assert_int_equal(!def->policy, !def->advice);
		for (k = 0; k < i; k++)
			assert_string_not_equal(def->name,
						tb_fact_defs[k].name);
	}
}

/* --- single facts -------------------------------------------------------- */

#define FAIR_SERVER "sys/kernel/debug/sched/fair_server/"

/* Every CPU has one; other files of its directory are none of it. */
static void test_fair_server(void **state)
{
	t_put(*state, "50000000\n", FAIR_SERVER "cpu0/runtime");
	t_put(*state, "1000000000\n", FAIR_SERVER "cpu0/period");
	t_put(*state, "50000000\n", FAIR_SERVER "cpu1/runtime");
	assert_one(*state, "fair_server_runtime_ns", "50000000", false);
	t_put(*state, "0\n", FAIR_SERVER "cpu2/runtime");
	assert_one(*state, "fair_server_runtime_ns", "50000000, 0", false);
}

/* As debugfs is for all but root. */
static void test_closed_directory(void **state)
{
	const char *closed = t_path(*state, "sys/kernel/debug");
	const struct tb_fact *f;
	struct tb_audit audit;
	uid_t user = geteuid();
	int ret;

	t_put(*state, "50000000\n", FAIR_SERVER "cpu0/runtime");
	assert_int_equal(chmod(closed, 0), 0);
	assert_int_equal(chmod(*state, 0755), 0);
	assert_int_equal(seteuid(user ? user : 65534), 0);
	ret = tb_audit_read(&audit, *state);
	assert_int_equal(seteuid(user), 0);
	assert_int_equal(chmod(closed, 0700), 0);
	assert_int_equal(ret, 0);
	f = tb_audit_fact(&audit, "fair_server_runtime_ns");
	assert_false(f->is_known);
	assert_string_equal(f->reason, "/sys/kernel/debug/sched/fair_server/"
				       "cpu*/runtime needs root");
	tb_audit_fini(&audit);
}

static void test_build_id(void **state)
{
	static const unsigned char notes[] = {
		4,   0,	  0, 0, 4,   0,	  0,   0,   1,	  0,	0,    0, 'G',
		'N', 'U', 0, 9, 9,   9,	  9,   6,   0,	  0,	0,    3, 0,
		0,   0,	  3, 0, 0,   0,	  'L', 'i', 'n',  'u',	'x',  0, 0,
		0,   7,	  7, 7, 0,   4,	  0,   0,   0,	  3,	0,    0, 0,
		3,   0,	  0, 0, 'G', 'N', 'U', 0,   0xab, 0x01, 0xff, 0,
	};
	size_t len;

	put_bytes(*state, "sys/kernel/notes", notes, sizeof(notes));
	assert_one(*state, "build_id", "ab01ff", false);
	/* Cut anywhere, it is not there. */
	for (len = 0; len < sizeof(notes) - 1; len++) {
		put_bytes(*state, "sys/kernel/notes", notes, len);
		assert_unknown(*state, "build_id", "no GNU build id");
	}
}

static void test_config_gz(void **state)
{
	const char *path = t_path(*state, "proc/config.gz");
	struct tb_buf b = { 0 };
	gzFile file;

	t_put(*state, "", "proc/config.gz");
	file = gzopen(path, "w");
	assert_true(gzputs(file, "CONFIG_KCSAN=y\n") > 0);
	gzclose(file);
	assert_one(*state, "debug_options", "KCSAN", true);
	/* SHA-256 of that line, by sha256sum. */
	assert_one(*state, "config_sha256",
		   "609c4baeab10f45c79c014024e81a6edf00c3c78fdafa027ba4142ca"
		   "7042b8bc",
		   false);
	assert_int_equal(tb_read_file(path, &b), 0);
	put_bytes(*state, "proc/config.gz", b.data, b.len_bytes - 9);
	tb_buf_fini(&b);
	assert_unknown(*state, "debug_options", "/proc/config.gz");
}

static void test_dimms(void **state)
{
	unsigned char raw[0x20] = { 0x11, 0x20, [0xc] = 0, 0x40,
				    0,	  0,	0,	   0,
				    0,	  0,	0,	   [0x15] = 0x80,
				    0x0c };

	put_bytes(*state, "sys/firmware/dmi/entries/17-0/raw", raw,
		  sizeof(raw));
	raw[0xd] = 0;
	put_bytes(*state, "sys/firmware/dmi/entries/17-1/raw", raw,
		  sizeof(raw));
	assert_one(*state, "dimms", "16384 MiB 3200 MT/s", false);
}

static void test_dma_latency(void **state)
{
	int32_t limit_us = 2000000000;

	put_bytes(*state, "dev/cpu_dma_latency", &limit_us, sizeof(limit_us));
	assert_one(*state, "cpu_dma_latency", "no limit", false);
	limit_us = 0;
	put_bytes(*state, "dev/cpu_dma_latency", &limit_us, sizeof(limit_us));
	assert_one(*state, "cpu_dma_latency", "0 us", false);
	put_bytes(*state, "dev/cpu_dma_latency", &limit_us, 2);
	assert_unknown(*state, "cpu_dma_latency", "");
}

static void test_turbo_without_pstate(void **state)
{
	t_put(*state, "1\n", CPU "cpufreq/boost");
	assert_one(*state, "turbo", "on", true);
	t_put(*state, "0\n", CPU "cpufreq/boost");
	assert_one(*state, "turbo", "off", false);
}

static void test_idle_states_differ(void **state)
{
	t_put_all(*state, laptop);
	t_put_all(*state, quiet);
	t_put(*state, "0\n", CPU "cpu1/cpuidle/state2/disable");
	assert_one(
		*state, "idle_states",
		"POLL 0 us, C1 2 us, C6 170 us (off); state 2 differs by CPU",
		true);
}

/* A limit on any level counts; version 1 has other files. */
static void test_quota(void **state)
{
	t_put(*state, "0::/a/b/c\n", "proc/self/cgroup");
	t_put(*state, "max 100000\n", "sys/fs/cgroup/a/b/c/cpu.max");
	assert_one(*state, "cgroup_quota", "none", false);
	t_put(*state, "1000 100000\n", "sys/fs/cgroup/a/cpu.max");
	assert_one(*state, "cgroup_quota", "1000 100000 us in cpu.max of /a",
		   true);
	t_put(*state, "0::/\n", "proc/self/cgroup");
	assert_one(*state, "cgroup_quota", "none", false);
	t_put(*state, "3:cpuset:/q\n2:cpu,cpuacct:/q\n0::/\n",
	      "proc/self/cgroup");
	t_put(*state, "-1\n", "sys/fs/cgroup/cpu/q/cpu.cfs_quota_us");
	assert_one(*state, "cgroup_quota", "none", false);
	t_put(*state, "2000\n", "sys/fs/cgroup/cpu/q/cpu.cfs_quota_us");
	assert_one(*state, "cgroup_quota", "2000 us in cpu.cfs_quota_us of /q",
		   true);
}

/* --- the hash ------------------------------------------------------------ */

static void read_hash(const char *root, char hash[SHA256_DIGEST_STRING_LENGTH])
{
	struct tb_audit audit;

	assert_int_equal(tb_audit_read(&audit, root), 0);
	memcpy(hash, audit.sha256, sizeof(audit.sha256));
	tb_audit_fini(&audit);
}

static void test_hash(void **state)
{
	char a[SHA256_DIGEST_STRING_LENGTH], b[SHA256_DIGEST_STRING_LENGTH];

	t_put_all(*state, laptop);
	read_hash(*state, a);
	/* What may vary is not in it. */
	t_put(*state, "9.00 9.00 9.00 1/9 9\n", "proc/loadavg");
	t_put(*state, "1.00 1.00\n", "proc/uptime");
	t_put(*state, "\1\2\3\4", "dev/cpu_dma_latency");
	read_hash(*state, b);
	assert_string_equal(a, b);
	/* What must be equal is: a fact of the machine, and one of the build.
	 */
	t_put(*state, "0x43\n", "sys/kernel/mm/lru_gen/enabled");
	read_hash(*state, b);
	assert_string_not_equal(a, b);
	t_put(*state, "0x0007\n", "sys/kernel/mm/lru_gen/enabled");
	read_hash(*state, b);
	assert_string_equal(a, b);
	t_put(*state, "#2 SMP Debian\n", "proc/sys/kernel/version");
	read_hash(*state, b);
	assert_string_not_equal(a, b);
}

static void test_differences(void **state)
{
	struct tb_audit a, b;
	struct tb_buf names = { 0 };

	t_put_all(*state, laptop);
	assert_int_equal(tb_audit_read(&a, *state), 0);
	t_put_all(*state, quiet);
	t_put(*state, "0-1\n", CPU "online");
	unlink(t_path(*state, "sys/kernel/mm/ksm/run"));
	assert_int_equal(tb_audit_read(&b, *state), 0);
	tb_audit_differences(&a, &a, &names);
	assert_null(names.data);
	tb_audit_differences(&a, &b, &names);
	assert_non_null(strstr(names.data, "nr_cpus, cpus_online, "));
	assert_non_null(strstr(names.data, ", ksm_run, "));
	assert_null(strstr(names.data, "runnable"));
	assert_null(strstr(names.data, "memory"));
	tb_buf_fini(&names);
	tb_audit_fini(&a);
	tb_audit_fini(&b);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		T_DIR(test_laptop),
		T_DIR(test_quiet_server),
		T_DIR(test_empty_tree),
		cmocka_unit_test(test_table),
		T_DIR(test_fair_server),
		T_DIR(test_closed_directory),
		T_DIR(test_build_id),
		T_DIR(test_config_gz),
		T_DIR(test_dimms),
		T_DIR(test_dma_latency),
		T_DIR(test_turbo_without_pstate),
		T_DIR(test_idle_states_differ),
		T_DIR(test_quota),
		T_DIR(test_hash),
		T_DIR(test_differences),
	};

	return T_RUN("audit", tests);
}
