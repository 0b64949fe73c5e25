/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How this machine tells another CPU to flush, and what of it can be counted.
 */
#ifndef TB_MECH_H
#define TB_MECH_H

#include <stdbool.h>

/**
 * struct tb_mech - the mechanism of remote flushes
 * @name: "IPI", "IPI with KVM PV TLB flush", "Hyper-V hypercall", ...
 * @hides_flushes: interrupt counters stay flat although CPUs flush, so a
 *	count of them must not be shown as a number
 * @hides_steal: the hypervisor does not tell what time it took
 * @caveat: what to say beside numbers that are only nearly complete, or NULL
 */
struct tb_mech {
	const char *name;
	bool hides_flushes;
	bool hides_steal;
	const char *caveat;
};

/* KVM's CPUID bits (Documentation/virt/kvm/x86/cpuid.rst). */
#define TB_KVM_STEAL_TIME (1U << 5)
#define TB_KVM_PV_TLB_FLUSH (1U << 9)
#define TB_KVM_PV_SEND_IPI (1U << 11)
#define TB_KVM_HINT_REALTIME (1U << 0)

/**
 * struct tb_hypervisor - what CPUID says of it
 * @signature: "KVMKVMKVM", "Microsoft Hv", "TCGTCGTCGTCG", ...
 * @kvm_features, @kvm_hints: EAX and EDX of leaf 40000001h
 * @hv_recommended: EAX of leaf 40000004h, of Hyper-V
 * @has_mwait: the guest may use MWAIT, so a KVM guest flushes by IPI
 */
struct tb_hypervisor {
	char signature[13];
	unsigned int kvm_features;
	unsigned int kvm_hints;
	unsigned int hv_recommended;
	bool has_mwait;
};

/* False where CPUID says that there is none. */
bool tb_hypervisor_read(struct tb_hypervisor *hv);

/**
 * struct tb_mech_facts - what the mechanism is concluded from
 * @machine: as uname -m has it
 * @cpuinfo: text of /proc/cpuinfo; INVLPGB stands there only if the kernel
 *	uses it
 * @hv: without signature on bare metal
 * @xen_type: of /sys/hypervisor/guest_type; ""
 */
struct tb_mech_facts {
	const char *machine;
	const char *cpuinfo;
	struct tb_hypervisor hv;
	char xen_type[16];
};

struct tb_mech tb_mech_conclude(const struct tb_mech_facts *facts);

/* Of this machine; needs no privilege. */
struct tb_mech tb_mech_detect(void);

#endif
