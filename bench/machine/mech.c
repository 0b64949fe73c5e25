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
#define KVM_FEATURE_STEAL_TIME (1U << 5)
#define KVM_FEATURE_PV_TLB_FLUSH (1U << 9)
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

static bool is_hypervised(void)
{
	unsigned int eax, ebx, ecx, edx;

	return __get_cpuid(1, &eax, &ebx, &ecx, &edx) && ecx & 1U << 31;
}

static void hypervisor(char signature[13], unsigned int leaf1_and_4[2])
{
	unsigned int eax, ebx, ecx, edx;

	__cpuid(0x40000000, eax, ebx, ecx, edx);
	memcpy(signature, &ebx, 4);
	memcpy(signature + 4, &ecx, 4);
	memcpy(signature + 8, &edx, 4);
	signature[12] = '\0';
	__cpuid(0x40000001, leaf1_and_4[0], ebx, ecx, edx);
	__cpuid(0x40000004, leaf1_and_4[1], ebx, ecx, edx);
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
	const unsigned int pv =
		KVM_FEATURE_PV_TLB_FLUSH | KVM_FEATURE_STEAL_TIME;
	unsigned int features[2] = { 0 };
	char signature[13] = "";

	if (is_hypervised())
		hypervisor(signature, features);
	if (kernel_uses_invlpgb())
		return (struct tb_mech){ "INVLPGB", true, NULL };
	if (is_xen_pv())
		return (struct tb_mech){ "Xen PV hypercall", true, NULL };
	if (!strcmp(signature, "Microsoft Hv") &&
	    features[1] & HV_REMOTE_FLUSH_RECOMMENDED)
		return (struct tb_mech){ "Hyper-V hypercall", true, NULL };
	if (!strcmp(signature, "KVMKVMKVM") && (features[0] & pv) == pv)
		return (struct tb_mech){
			"IPI with KVM PV TLB flush", false,
			"KVM PV TLB flush: a target that the host has "
			"preempted is flushed without an IPI and not counted"
		};
	return (struct tb_mech){ "IPI", false, NULL };
}
#elif defined(__aarch64__)
struct tb_mech tb_mech_detect(void)
{
	return (struct tb_mech){ "TLBI broadcast", true, NULL };
}
#else
struct tb_mech tb_mech_detect(void)
{
	return (struct tb_mech){ "unknown", true, NULL };
}
#endif
