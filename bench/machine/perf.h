/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All of libperf that tlbbench uses: events of the kernel, counted or recorded.
 *
 * Events are kept in sets. A set is one list of CPUs, or of threads, and the
 * events that are counted on each of them. Its events form one group per CPU:
 * they are switched on and off together, by one interrupt to that CPU, and
 * run together or not at all.
 *
 * An event may be recorded as well: each time it happens on a CPU it leaves a
 * record in that CPU's ring. Nobody reads while events are on, for a reader
 * would need a CPU: a ring that is full keeps what it has and counts the rest.
 */
#ifndef TB_PERF_H
#define TB_PERF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tb_perf;

/**
 * struct tb_perf_event - what to count
 * @type, @config: as in struct perf_event_attr; @config of a tracepoint is
 *	its id
 * @filter: of a tracepoint, in the language of tracefs; NULL: all
 * @is_recorded: a tracepoint that leaves records too
 */
struct tb_perf_event {
	uint32_t type;
	uint64_t config;
	const char *filter;
	bool is_recorded;
};

/**
 * struct tb_perf_value - one event on one CPU, or of one thread
 * @value: extrapolated if @is_scaled
 * @is_scaled: other events had the hardware for a part of the time
 * @nr_lost: records that found no room in the ring
 */
struct tb_perf_value {
	uint64_t value;
	bool is_scaled;
	uint64_t nr_lost;
};

/* Of a record beside its raw data, and what records are padded to. */
#define TB_PERF_RECORD_BYTES 28
#define TB_PERF_RECORD_ALIGN 8

/**
 * struct tb_perf_record - one time that an event happened
 * @time_ns: CLOCK_MONOTONIC_RAW
 * @raw: as the tracepoint's format file describes it
 */
struct tb_perf_record {
	uint64_t time_ns;
	uint32_t cpu;
	const void *raw;
	uint32_t raw_bytes;
};

typedef void (*tb_perf_record_fn)(void *arg, const struct tb_perf_record *r);

/**
 * tb_perf_on_cpus() - a set without events
 * @cpus: ascending, each one once; place i of the set is @cpus[i]
 *
 * Raises RLIMIT_NOFILE as far as it goes: an event takes a descriptor per
 * place.
 *
 * Return: 0, -ENOMEM, -EINVAL for another order.
 */
int tb_perf_on_cpus(struct tb_perf **out, const int *cpus, unsigned int nr);

/* The same on threads, wherever they run; place i is @tids[i]. */
int tb_perf_on_threads(struct tb_perf **out, const pid_t *tids,
		       unsigned int nr);

/**
 * tb_perf_add() - open an event, switched off
 *
 * Hardware events are best alone in their set: a group that needs more
 * registers than there are never runs.
 *
 * Return: the event's number in the set; -errno as the kernel gave it, which
 * leaves the set as it was.
 */
int tb_perf_add(struct tb_perf *p, const struct tb_perf_event *event);

/**
 * tb_perf_map() - make the rings, after all events are added
 * @ring_bytes: of each CPU's ring, a power of two of pages
 *
 * Return: 0 or -errno.
 */
int tb_perf_map(const struct tb_perf *p, size_t ring_bytes);

/* Take all records out of the rings, each CPU's in the order of time. */
void tb_perf_take(const struct tb_perf *p, tb_perf_record_fn fn, void *arg);

/* What an error of add, map or read means to a user. */
const char *tb_perf_reason(int code);

/**
 * tb_perf_enable(), tb_perf_disable() - the window
 *
 * May be called in a forked child. The own CPU comes last and goes first, so
 * what is sent to switch the others is not counted where it is sent from;
 * where it arrives, the interrupt that switches off is.
 */
void tb_perf_enable(const struct tb_perf *p);
void tb_perf_disable(const struct tb_perf *p);

/**
 * tb_perf_read() - the count of @event in @place
 *
 * Return: 0; -ENODATA if the event never ran there; -errno.
 */
int tb_perf_read(const struct tb_perf *p, unsigned int event,
		 unsigned int place, struct tb_perf_value *value);
void tb_perf_close(struct tb_perf *p);

#endif
