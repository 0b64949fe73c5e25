/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events that are counted under a name, see counters.h.
 */
#ifndef TB_SOURCES_H
#define TB_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TB_NR_HARDWARE_SOURCES 4

/**
 * struct tb_event_source - an event whose filter needs nothing but its text
 * @tracepoint: NULL: @type and @config are the event
 * @by_cpu: keep a value per CPU as well
 */
struct tb_event_source {
	const char *counter;
	const char *tracepoint;
	const char *filter;
	bool by_cpu;
	uint32_t type;
	uint64_t config;
};

extern const struct tb_event_source tb_event_sources[];
extern const size_t tb_nr_event_sources;
extern const struct tb_event_source tb_hardware_sources[TB_NR_HARDWARE_SOURCES];

/* Flushes that leave no other trace; names differ over versions. */
extern const struct tb_event_source tb_hypercall_sources[];
extern const size_t tb_nr_hypercall_sources;

#endif
