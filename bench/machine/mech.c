// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flush mechanism from CPUID: the hypervisor leaves 40000000h.. of KVM
 * (Documentation/virt/kvm/x86/cpuid.rst) and of Hyper-V (TLFS 2.4.5), and the
 * kernel's own word on INVLPGB.
 */
#include "machine/mech.h"

#include <string.h>
#include <sys/utsname.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/text.h"

#define HV_REMOTE_FLUSH_RECOMMENDED (1U << 2)

#if defined(__x86_64__)
bool tb_hypervisor_read(struct tb_hypervisor *hv)
{
	unsigned int eax, ebx, ecx, edx;

	*hv = (struct tb_hypervisor){ .signature = "" };
	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & 1U << 31))
		return false;
	hv->has_mwait = ecx & 1U << 3;
	__cpuid(0x40000000, eax, ebx, ecx, edx);
	memcpy(hv->signature, &ebx, 4);
	memcpy(hv->signature + 4, &ecx, 4);
	memcpy(hv->signature + 8, &edx, 4);
	__cpuid(0x40000001, hv->kvm_features, ebx, ecx, hv->kvm_hints);
	__cpuid(0x40000004, hv->hv_recommended, ebx, ecx, edx);
	return true;
}
#else
bool tb_hypervisor_read(struct tb_hypervisor *hv)
{
	*hv = (struct tb_hypervisor){ .signature = "" };
	return false;
}
#endif

static bool is_kvm_with(const struct tb_hypervisor *hv, unsigned int features)
{
	return !strcmp(hv->signature, "KVMKVMKVM") &&
	       (hv->kvm_features & features) == features;
}

/* Xen has its own way; of others the kernel knows none that is always on. */
static bool hides_steal(const struct tb_hypervisor *hv)
{
	return *hv->signature && strncmp(hv->signature, "Xen", 3) &&
	       !is_kvm_with(hv, TB_KVM_STEAL_TIME);
}

static bool flushes_by_hypercall(const struct tb_hypervisor *hv)
{
	return !strcmp(hv->signature, "Microsoft Hv") &&
	       hv->hv_recommended & HV_REMOTE_FLUSH_RECOMMENDED;
}

/* A guest that has its CPUs for itself flushes by IPI all the same. */
static bool spares_preempted(const struct tb_hypervisor *hv)
{
	return is_kvm_with(hv, TB_KVM_PV_TLB_FLUSH | TB_KVM_STEAL_TIME) &&
	       !(hv->kvm_hints & TB_KVM_HINT_REALTIME) && !hv->has_mwait;
}

struct tb_mech tb_mech_conclude(const struct tb_mech_facts *f)
{
	struct tb_mech mech = { .name = "IPI",
				.hides_flushes = true,
				.hides_steal = hides_steal(&f->hv) };

	if (!strcmp(f->machine, "aarch64"))
		mech.name = "TLBI broadcast";
	else if (strcmp(f->machine, "x86_64"))
		mech.name = "unknown";
	else if (strstr(f->cpuinfo, " invlpgb"))
		mech.name = "INVLPGB";
	/* Where Xen says it at all, the one kind that does not interrupt. */
	else if (!strcmp(f->xen_type, "PV"))
		mech.name = "Xen PV hypercall";
	else if (flushes_by_hypercall(&f->hv))
		mech.name = "Hyper-V hypercall";
	else
		mech.hides_flushes = false;
	if (!mech.hides_flushes && spares_preempted(&f->hv)) {
		mech.name = "IPI with KVM PV TLB flush";
		mech.caveat = "KVM PV TLB flush: a target that the host has "
			      "preempted is flushed without an IPI and not "
			      "counted";
	}
	return mech;
}

struct tb_mech tb_mech_detect(void)
{
	struct tb_mech_facts facts = { .machine = "", .cpuinfo = "" };
	struct tb_buf cpuinfo = { 0 };
	struct tb_mech mech;
	struct utsname uts;

	if (!uname(&uts))
		facts.machine = uts.machine;
	if (!tb_read_file("/proc/cpuinfo", &cpuinfo) && cpuinfo.data)
		facts.cpuinfo = cpuinfo.data;
	if (tb_read_line("/sys/hypervisor/guest_type", facts.xen_type,
			 sizeof(facts.xen_type)))
		facts.xen_type[0] = '\0';
	tb_hypervisor_read(&facts.hv);
	mech = tb_mech_conclude(&facts);
	tb_buf_fini(&cpuinfo);
	return mech;
}
