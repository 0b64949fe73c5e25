// SPDX-License-Identifier: GPL-2.0-only
/* The table of events whose filter needs nothing but its text. */
#include "machine/sources.h"

#include <linux/perf_event.h>

#include "base/text.h"

const struct tb_event_source tb_event_sources[] = {
	{ .counter = "ipi_send_cpu", .tracepoint = "ipi/ipi_send_cpu" },
	{ .counter = "ipi_send_cpumask_calls",
	  .tracepoint = "ipi/ipi_send_cpumask" },
	{ .counter = "csd_queued", .tracepoint = "csd/csd_queue_cpu" },
	{ .counter = "vector_call_function",
	  .tracepoint = "irq_vectors/call_function_entry" },
	{ .counter = "vector_call_function_single",
	  .tracepoint = "irq_vectors/call_function_single_entry" },
	{ .counter = "vector_reschedule",
	  .tracepoint = "irq_vectors/reschedule_entry" },
	{ .counter = "idle_entries",
	  .tracepoint = "sched/sched_switch",
	  .filter = "next_pid==0",
	  .by_cpu = true },
	{ .counter = "idle_exits",
	  .tracepoint = "sched/sched_switch",
	  .filter = "prev_pid==0",
	  .by_cpu = true },
	/* PWR_EVENT_EXIT, in 32 bits. */
	{ .counter = "idle_wakeups",
	  .tracepoint = "power/cpu_idle",
	  .filter = "state==4294967295",
	  .by_cpu = true },
	/* x86's error code: bit 0 the page is present, bit 1 a write. */
	{ .counter = "user_faults.read_not_present",
	  .tracepoint = "exceptions/page_fault_user",
	  .filter = "!(error_code&1) && !(error_code&2)" },
	{ .counter = "user_faults.write_not_present",
	  .tracepoint = "exceptions/page_fault_user",
	  .filter = "!(error_code&1) && error_code&2" },
	{ .counter = "user_faults.read_protection",
	  .tracepoint = "exceptions/page_fault_user",
	  .filter = "error_code&1 && !(error_code&2)" },
	{ .counter = "user_faults.write_protection",
	  .tracepoint = "exceptions/page_fault_user",
	  .filter = "error_code&1 && error_code&2" },
	{ .counter = "kernel_faults",
	  .tracepoint = "exceptions/page_fault_kernel" },
	{ .counter = "page_faults",
	  .type = PERF_TYPE_SOFTWARE,
	  .config = PERF_COUNT_SW_PAGE_FAULTS },
	{ .counter = "context_switches",
	  .type = PERF_TYPE_SOFTWARE,
	  .config = PERF_COUNT_SW_CONTEXT_SWITCHES },
	{ .counter = "cpu_migrations",
	  .type = PERF_TYPE_SOFTWARE,
	  .config = PERF_COUNT_SW_CPU_MIGRATIONS },
};

const size_t tb_nr_event_sources = ARRAY_SIZE(tb_event_sources);

#define READ_MISS                                                           \
	(PERF_COUNT_HW_CACHE_OP_READ << 8 | PERF_COUNT_HW_CACHE_RESULT_MISS \
						    << 16)

const struct tb_event_source tb_hardware_sources[TB_NR_HARDWARE_SOURCES] = {
	{ .counter = "cycles",
	  .type = PERF_TYPE_HARDWARE,
	  .config = PERF_COUNT_HW_CPU_CYCLES },
	{ .counter = "instructions",
	  .type = PERF_TYPE_HARDWARE,
	  .config = PERF_COUNT_HW_INSTRUCTIONS },
	{ .counter = "dtlb_load_misses",
	  .type = PERF_TYPE_HW_CACHE,
	  .config = PERF_COUNT_HW_CACHE_DTLB | READ_MISS },
	{ .counter = "itlb_load_misses",
	  .type = PERF_TYPE_HW_CACHE,
	  .config = PERF_COUNT_HW_CACHE_ITLB | READ_MISS },
};

const struct tb_event_source tb_hypercall_sources[] = {
	{ .counter = "hyperv_flush_calls",
	  .tracepoint = "hyperv/hyperv_mmu_flush_tlb_multi" },
	{ .counter = "hyperv_flush_calls",
	  .tracepoint = "hyperv/hyperv_mmu_flush_tlb_others" },
	{ .counter = "xen_flush_calls",
	  .tracepoint = "xen/xen_mmu_flush_tlb_multi" },
	{ .counter = "xen_flush_calls",
	  .tracepoint = "xen/xen_mmu_flush_tlb_others" },
};

const size_t tb_nr_hypercall_sources = ARRAY_SIZE(tb_hypercall_sources);
