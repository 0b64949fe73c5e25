/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Readers of single facts, for the check list in facts.c; see struct
 * tb_fact_def for what they return.
 */
#ifndef TB_FACTS_H
#define TB_FACTS_H

#include "machine/source.h"

/* facts_cpu.c */
int tb_fact_cpu_model(struct tb_source *src, struct tb_fact *f);
int tb_fact_cpu_stepping(struct tb_source *src, struct tb_fact *f);
int tb_fact_microcode(struct tb_source *src, struct tb_fact *f);
int tb_fact_tlb_flags(struct tb_source *src, struct tb_fact *f);
int tb_fact_nr_cpus(struct tb_source *src, struct tb_fact *f);
int tb_fact_topology(struct tb_source *src, struct tb_fact *f);
int tb_fact_cpu_groups(struct tb_source *src, struct tb_fact *f);
int tb_fact_hypervisor(struct tb_source *src, struct tb_fact *f);
int tb_fact_pv_features(struct tb_source *src, struct tb_fact *f);
int tb_fact_flush_mechanism(struct tb_source *src, struct tb_fact *f);
int tb_fact_bios(struct tb_source *src, struct tb_fact *f);
int tb_fact_dimms(struct tb_source *src, struct tb_fact *f);
int tb_fact_mitigations(struct tb_source *src, struct tb_fact *f);

/* facts_power.c */
int tb_fact_frequency_range(struct tb_source *src, struct tb_fact *f);
int tb_fact_turbo(struct tb_source *src, struct tb_fact *f);
int tb_fact_idle_states(struct tb_source *src, struct tb_fact *f);
int tb_fact_dma_latency(struct tb_source *src, struct tb_fact *f);
int tb_fact_temperature(struct tb_source *src, struct tb_fact *f);
bool tb_is_frequency_free(const char *value);
bool tb_has_deep_states(const char *value);

/* facts_kernel.c */
int tb_fact_build_id(struct tb_source *src, struct tb_fact *f);
int tb_fact_config_sha256(struct tb_source *src, struct tb_fact *f);
int tb_fact_config_flush(struct tb_source *src, struct tb_fact *f);
int tb_fact_debug_options(struct tb_source *src, struct tb_fact *f);
int tb_fact_boot_method(struct tb_source *src, struct tb_fact *f);
int tb_fact_kaslr(struct tb_source *src, struct tb_fact *f);
int tb_fact_rcu_nocbs(struct tb_source *src, struct tb_fact *f);
int tb_fact_pv_messages(struct tb_source *src, struct tb_fact *f);
int tb_fact_io_uring(struct tb_source *src, struct tb_fact *f);
int tb_fact_uptime(struct tb_source *src, struct tb_fact *f);

/* facts_system.c */
int tb_fact_memory(struct tb_source *src, struct tb_fact *f);
int tb_fact_free_memory(struct tb_source *src, struct tb_fact *f);
int tb_fact_swap_used(struct tb_source *src, struct tb_fact *f);
int tb_fact_swap_devices(struct tb_source *src, struct tb_fact *f);
int tb_fact_buddyinfo(struct tb_source *src, struct tb_fact *f);
int tb_fact_khugepaged(struct tb_source *src, struct tb_fact *f);
int tb_fact_damon(struct tb_source *src, struct tb_fact *f);
int tb_fact_irqbalance(struct tb_source *src, struct tb_fact *f);
int tb_fact_periodic_jobs(struct tb_source *src, struct tb_fact *f);
int tb_fact_runnable(struct tb_source *src, struct tb_fact *f);
int tb_fact_cgroup_quota(struct tb_source *src, struct tb_fact *f);
int tb_fact_cpus_allowed(struct tb_source *src, struct tb_fact *f);
/* Those of kthreadd, which most unbound kernel threads share. */
int tb_fact_kthread_cpus(struct tb_source *src, struct tb_fact *f);
int tb_fact_container(struct tb_source *src, struct tb_fact *f);
bool tb_is_busy(const char *value);

#endif
