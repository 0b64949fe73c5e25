// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flush mechanism from CPUID: the hypervisor leaves 40000000h.. of KVM
 * (Documentation/virt/kvm/x86/cpuid.rst) and of Hyper-V (TLFS 2.4.5), and the
 * kernel's own word on INVLPGB in /proc/cpuinfo, where it stands only if the
 * kernel uses it.
 */
#include "machine/mech.h"

#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/text.h"

#if defined(__x86_64__)
#define HV_REMOTE_FLUSH_RECOMMENDED (1U << 2)

static bool kernel_uses_invlpgb(void)
{
	struct tb_buf b = { 0 };
	bool found;

	found = !tb_read_file("/proc/cpuinfo", &b) && b.data &&
		strstr(b.data, " invlpgb");
	tb_buf_fini(&b);
	return found;
}

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

/* Where Xen says it at all, "PV" is the one kind that flushes by hypercall. */
static bool is_xen_pv(void)
{
	char type[16];

	return !tb_read_line("/sys/hypervisor/guest_type", type,
			     sizeof(type)) &&
	       !strcmp(type, "PV");
}

struct tb_mech tb_mech_detect(void)
{
	const unsigned int pv = TB_KVM_PV_TLB_FLUSH | TB_KVM_STEAL_TIME;
	struct tb_hypervisor hv;

	tb_hypervisor_read(&hv);
	if (kernel_uses_invlpgb())
		return (struct tb_mech){ "INVLPGB", true, NULL };
	if (is_xen_pv())
		return (struct tb_mech){ "Xen PV hypercall", true, NULL };
	if (!strcmp(hv.signature, "Microsoft Hv") &&
	    hv.hv_recommended & HV_REMOTE_FLUSH_RECOMMENDED)
		return (struct tb_mech){ "Hyper-V hypercall", true, NULL };
	if (!strcmp(hv.signature, "KVMKVMKVM") &&
	    (hv.kvm_features & pv) == pv &&
	    !(hv.kvm_hints & TB_KVM_HINT_REALTIME) && !hv.has_mwait)
		return (struct tb_mech){
			"IPI with KVM PV TLB flush", false,
			"KVM PV TLB flush: a target that the host has "
			"preempted is flushed without an IPI and not counted"
		};
	return (struct tb_mech){ "IPI", false, NULL };
}
#else
bool tb_hypervisor_read(struct tb_hypervisor *hv)
{
	*hv = (struct tb_hypervisor){ .signature = "" };
	return false;
}

struct tb_mech tb_mech_detect(void)
{
#if defined(__aarch64__)
	return (struct tb_mech){ "TLBI broadcast", true, NULL };
#else
	return (struct tb_mech){ "unknown", true, NULL };
#endif
}
#endif
