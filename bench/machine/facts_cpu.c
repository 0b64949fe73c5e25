// SPDX-License-Identifier: GPL-2.0-only
/* Facts about the processor, the firmware and the hypervisor. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/facts.h"
#include "machine/mech.h"
#include "machine/topo.h"

static int from_cpuinfo(struct tb_source *src, struct tb_fact *f,
			const char *key)
{
	if (tb_source_cpuinfo(src, key, &f->value))
		return 0;
	return tb_fact_unknown(f, -ENOENT, "no '%s' in /proc/cpuinfo", key);
}

int tb_fact_cpu_model(struct tb_source *src, struct tb_fact *f)
{
	return from_cpuinfo(src, f, "model name");
}

int tb_fact_microcode(struct tb_source *src, struct tb_fact *f)
{
	return from_cpuinfo(src, f, "microcode");
}

int tb_fact_cpu_stepping(struct tb_source *src, struct tb_fact *f)
{
	static const char *const keys[] = { "cpu family", "model", "stepping" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		tb_list_add(&f->value, ", ", keys[i]);
		tb_buf_printf(&f->value, " ");
		if (from_cpuinfo(src, f, keys[i]))
			return -ENOENT;
	}
	return 0;
}

/* Of all CPU flags, those that change what a flush costs. */
int tb_fact_tlb_flags(struct tb_source *src, struct tb_fact *f)
{
	static const char *const names[] = { "pcid", "invpcid",	  "invlpgb",
					     "rar",  "la57",	  "pti",
					     "pge",  "hypervisor" };
	struct tb_buf flags = { 0 };
	size_t i;

	if (!tb_source_cpuinfo(src, "flags", &flags))
		return tb_fact_unknown(f, -ENOENT,
				       "no 'flags' in /proc/cpuinfo");
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (tb_has_word(flags.data, names[i]))
			tb_list_add(&f->value, " ", names[i]);
	tb_buf_fini(&flags);
	return 0;
}

int tb_fact_nr_cpus(struct tb_source *src, struct tb_fact *f)
{
	char list[4096], *rest = list, *range;
	unsigned int nr = 0;
	int first, last, ret;

	ret = tb_source_line(src, "/sys/devices/system/cpu/online", list,
			     sizeof(list));
	if (ret)
		return ret;
	while ((range = strsep(&rest, ",")) != NULL) {
		if (!tb_topo_range(range, &first, &last))
			return -EBADMSG;
		nr += last - first + 1;
	}
	tb_buf_printf(&f->value, "%u", nr);
	return 0;
}

/* Distinct values of a topology file. */
static unsigned int nr_distinct(const struct tb_source *src,
				const char *pattern)
{
	struct tb_buf b = { 0 };
	unsigned int nr = 0;
	const char *p;

	if (!tb_source_distinct(src, pattern, &b))
		for (p = b.data; p; p = strchr(p, ' '), p = p ? p + 1 : p)
			nr++;
	tb_buf_fini(&b);
	return nr;
}

int tb_fact_topology(struct tb_source *src, struct tb_fact *f)
{
	unsigned int packages, cores;
	glob_t nodes;

	packages = nr_distinct(src, "/sys/devices/system/cpu/cpu[0-9]*/"
				    "topology/physical_package_id");
	cores = nr_distinct(src, "/sys/devices/system/cpu/cpu[0-9]*/topology/"
				 "thread_siblings_list");
	if (!packages || !cores)
		return tb_fact_unknown(
			f, -ENOENT, "no topology in /sys/devices/system/cpu");
	tb_source_glob(src, "/sys/devices/system/node/node[0-9]*", &nodes);
	tb_buf_printf(&f->value, "%u packages, %u cores, %zu nodes", packages,
		      cores, nodes.gl_pathc ? nodes.gl_pathc : 1);
	globfree(&nodes);
	return 0;
}

/* What CPUs may have in common. */
static int core_of(const struct tb_cpu *c)
{
	return c->core;
}

static int llc_of(const struct tb_cpu *c)
{
	return c->llc;
}

static int node_of(const struct tb_cpu *c)
{
	return c->node;
}

/* "0-1,8": the CPUs that have in common with cpus[@first] what @of says. */
static void add_group(struct tb_buf *b, const struct tb_topo *topo,
		      unsigned int first, int (*of)(const struct tb_cpu *c))
{
	int group = of(&topo->cpus[first]), begin = -1, last = -1;
	const char *comma = "";
	unsigned int i;

	for (i = first; i <= topo->nr_cpus; i++) {
		const struct tb_cpu *c =
			i < topo->nr_cpus ? &topo->cpus[i] : NULL;

		if (c && of(c) != group)
			continue;
		if (c && last >= 0 && c->cpu == last + 1) {
			last = c->cpu;
			continue;
		}
		if (last >= 0) {
			tb_buf_printf(b, last > begin ? "%s%d-%d" : "%s%d",
				      comma, begin, last);
			comma = ",";
		}
		begin = last = c ? c->cpu : -1;
	}
}

/* "cores 0-1 2-3": each group once, in the order of its first CPU. */
static void add_groups(struct tb_buf *b, const struct tb_topo *topo,
		       const char *name, int (*of)(const struct tb_cpu *c))
{
	unsigned int i, k;

	tb_buf_printf(b, "%s%s", b->len_bytes ? "; " : "", name);
	for (i = 0; i < topo->nr_cpus; i++) {
		for (k = 0; k < i; k++)
			if (of(&topo->cpus[k]) == of(&topo->cpus[i]))
				break;
		if (k < i)
			continue;
		tb_buf_printf(b, " ");
		if (of(&topo->cpus[i]) < 0)
			tb_buf_printf(b, "unknown");
		else
			add_group(b, topo, i, of);
	}
}

/* Says of each thread's CPU in which core, cache and node it is. */
int tb_fact_cpu_groups(struct tb_source *src, struct tb_fact *f)
{
	struct tb_err err = { 0 };
	struct tb_topo topo;
	char sysfs[PATH_MAX];
	int ret = tb_path(sysfs, sizeof(sysfs), &err, "%s/sys", src->root);

	if (!ret)
		ret = tb_topo_read(&topo, sysfs, &err);
	if (ret)
		return tb_fact_unknown(f, ret, "%s", err.text);
	add_groups(&f->value, &topo, "cores", core_of);
	add_groups(&f->value, &topo, "caches", llc_of);
	add_groups(&f->value, &topo, "nodes", node_of);
	tb_topo_fini(&topo);
	return 0;
}

int tb_fact_hypervisor(struct tb_source *src, struct tb_fact *f)
{
	struct tb_hypervisor hv;

	if (!tb_source_is_live(src))
		return -ENOTSUP;
	if (!tb_hypervisor_read(&hv))
		tb_buf_printf(&f->value, "none");
	else
		tb_buf_printf(&f->value, "%s",
			      *hv.signature ? hv.signature : "unnamed");
	return 0;
}

/* What a KVM or Hyper-V guest was told; arch/x86/kernel/kvm.c decides by it. */
int tb_fact_pv_features(struct tb_source *src, struct tb_fact *f)
{
	static const struct {
		unsigned int bit;
		const char *name;
	} kvm[] = {
		{ TB_KVM_STEAL_TIME, "steal time" },
		{ TB_KVM_PV_TLB_FLUSH, "PV TLB flush" },
		{ TB_KVM_PV_SEND_IPI, "PV send IPI" },
	};
	struct tb_hypervisor hv;
	size_t i;

	if (!tb_source_is_live(src))
		return -ENOTSUP;
	if (tb_hypervisor_read(&hv) && !strcmp(hv.signature, "KVMKVMKVM")) {
		for (i = 0; i < ARRAY_SIZE(kvm); i++)
			if (hv.kvm_features & kvm[i].bit)
				tb_list_add(&f->value, ", ", kvm[i].name);
		if (hv.kvm_hints & TB_KVM_HINT_REALTIME)
			tb_list_add(&f->value, ", ", "realtime hint");
	}
	return 0;
}

int tb_fact_flush_mechanism(struct tb_source *src, struct tb_fact *f)
{
	if (!tb_source_is_live(src))
		return -ENOTSUP;
	tb_buf_printf(&f->value, "%s", tb_mech_detect().name);
	return 0;
}

int tb_fact_bios(struct tb_source *src, struct tb_fact *f)
{
	static const char *const names[] = { "sys_vendor", "product_name",
					     "bios_version", "bios_date" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		char path[64], line[128];

		snprintf(path, sizeof(path), "/sys/class/dmi/id/%s", names[i]);
		if (!tb_source_line(src, path, line, sizeof(line)))
			tb_list_add(&f->value, ", ", tb_strip(line));
	}
	if (f->value.len_bytes)
		return 0;
	return tb_fact_unknown(f, -ENOENT, "no /sys/class/dmi/id");
}

/* SMBIOS type 17 (DSP0134 7.18): size at 0ch in MiB, speed at 15h in MT/s. */
int tb_fact_dimms(struct tb_source *src, struct tb_fact *f)
{
	glob_t found;
	size_t i;
	int ret = tb_source_glob(src, "/sys/firmware/dmi/entries/17-*/raw",
				 &found);

	if (ret)
		tb_fact_unknown(f, ret,
				"no /sys/firmware/dmi/entries (needs root and "
				"module dmi-sysfs)");
	for (i = 0; !ret && i < found.gl_pathc; i++) {
		struct tb_buf b = { 0 };
		const unsigned char *p;

		ret = tb_read_file(found.gl_pathv[i], &b);
		p = (const unsigned char *)b.data;
		if (!ret && b.len_bytes >= 0x17 && (p[0xc] || p[0xd])) {
			tb_list_add(&f->value, ", ", "");
			tb_buf_printf(&f->value, "%u MiB %u MT/s",
				      p[0xc] | p[0xd] << 8,
				      p[0x15] | p[0x16] << 8);
		}
		tb_buf_fini(&b);
	}
	globfree(&found);
	return ret;
}

/* What this CPU is not affected by is left out: kernels know different lists.
 */
int tb_fact_mitigations(struct tb_source *src, struct tb_fact *f)
{
	glob_t found;
	size_t i;
	int ret = tb_source_glob(
		src, "/sys/devices/system/cpu/vulnerabilities/*", &found);

	if (ret)
		tb_fact_unknown(f, ret,
				"no /sys/devices/system/cpu/vulnerabilities");
	for (i = 0; !ret && i < found.gl_pathc; i++) {
		char line[256];

		if (tb_read_line(found.gl_pathv[i], line, sizeof(line)) ||
		    !strcmp(line, "Not affected"))
			continue;
		tb_list_add(&f->value, "; ",
			    strrchr(found.gl_pathv[i], '/') + 1);
		tb_buf_printf(&f->value, ": %s", line);
	}
	globfree(&found);
	return ret;
}
