// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only file that talks to libperf.
 *
 * libperf has no public filter call; perf_evsel__apply_filter() is linked from
 * the static archive. perf_evlist__open() closes all events if one cannot be
 * opened, so each is opened by itself, with the first that opened as leader:
 * that one alone is created switched off, and a group counts while its leader
 * does.
 */
#include "machine/perf.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <perf/core.h>
#include <perf/cpumap.h>
#include <perf/event.h>
#include <perf/evlist.h>
#include <perf/evsel.h>
#include <perf/mmap.h>
#include <perf/threadmap.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

int perf_evsel__apply_filter(struct perf_evsel *evsel, const char *filter);

/**
 * struct tb_perf - a set
 * @evsels: by number; the first is the leader. They belong to @evlist
 */
struct tb_perf {
	struct perf_cpu_map *cpus;
	struct perf_thread_map *threads;
	struct perf_evlist *evlist;
	struct perf_evsel **evsels;
	unsigned int nr_events;
};

static void raise_file_limit(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
}

/* Takes over both maps. */
static int new_set(struct tb_perf **out, struct perf_cpu_map *cpus,
		   struct perf_thread_map *threads)
{
	struct tb_perf *p = calloc(1, sizeof(*p));

	if (!p) {
		perf_cpu_map__put(cpus);
		perf_thread_map__put(threads);
		return -ENOMEM;
	}
	p->cpus = cpus;
	p->threads = threads;
	p->evlist = perf_evlist__new();
	if (!cpus || !threads || !p->evlist) {
		tb_perf_close(p);
		return -ENOMEM;
	}
	perf_evlist__set_maps(p->evlist, cpus, threads);
	raise_file_limit();
	*out = p;
	return 0;
}

int tb_perf_on_cpus(struct tb_perf **out, const int *cpus, unsigned int nr)
{
	struct perf_cpu_map *map = NULL;
	struct tb_buf list = { 0 };
	unsigned int i;

	/* libperf would sort them, and place i be another CPU. */
	for (i = 1; i < nr; i++)
		if (cpus[i - 1] >= cpus[i])
			return -EINVAL;
	for (i = 0; i < nr; i++)
		tb_buf_printf(&list, "%s%d", i ? "," : "", cpus[i]);
	libperf_init(NULL);
	if (list.data && !list.has_failed)
		map = perf_cpu_map__new(list.data);
	tb_buf_fini(&list);
	return new_set(out, map, perf_thread_map__new_dummy());
}

int tb_perf_on_threads(struct tb_perf **out, const pid_t *tids, unsigned int nr)
{
	struct perf_thread_map *map;
	unsigned int i;

	libperf_init(NULL);
	map = perf_thread_map__new_array((int)nr, NULL);
	for (i = 0; map && i < nr; i++)
		perf_thread_map__set_pid(map, (int)i, tids[i]);
	return new_set(out, perf_cpu_map__new_any_cpu(), map);
}

/* libperf's delete forgets the maps that the evlist gave the evsel. */
static void put_maps(struct perf_evsel *evsel)
{
	perf_cpu_map__put(perf_evsel__cpus(evsel));
	perf_thread_map__put(perf_evsel__threads(evsel));
}

static void forget(struct tb_perf *p, struct perf_evsel *evsel)
{
	perf_evsel__close(evsel);
	perf_evlist__remove(p->evlist, evsel);
	put_maps(evsel);
	perf_evsel__delete(evsel);
}

/* @evsel is the last of its evlist. */
static int open_last(struct tb_perf *p, struct perf_evsel *evsel,
		     const char *filter)
{
	int ret;

	perf_evlist__add(p->evlist, evsel);
	perf_evlist__set_leader(p->evlist);
	ret = perf_evsel__open(evsel, p->cpus, p->threads);
	if (!ret && filter && perf_evsel__apply_filter(evsel, filter))
		ret = -errno;
	if (ret)
		forget(p, evsel);
	return ret;
}

/* Each time it happens leaves a record, and lost ones are counted. */
static void set_recorded(struct perf_event_attr *attr)
{
	attr->sample_period = 1;
	attr->sample_type =
		PERF_SAMPLE_TIME | PERF_SAMPLE_CPU | PERF_SAMPLE_RAW;
	attr->use_clockid = 1;
	attr->clockid = CLOCK_MONOTONIC_RAW;
	attr->read_format |= PERF_FORMAT_LOST;
}

int tb_perf_add(struct tb_perf *p, const struct tb_perf_event *event)
{
	struct perf_event_attr attr = {
		.type = event->type,
		.size = sizeof(attr),
		.config = event->config,
		.disabled = !p->nr_events,
		.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED |
			       PERF_FORMAT_TOTAL_TIME_RUNNING,
	};
	struct perf_evsel **evsels = realloc(
		p->evsels, (p->nr_events + 1) * sizeof(struct perf_evsel *));
	struct perf_evsel *evsel;
	int ret;

	if (!evsels)
		return -ENOMEM;
	p->evsels = evsels;
	if (event->is_recorded)
		set_recorded(&attr);
	evsel = perf_evsel__new(&attr);
	if (!evsel)
		return -ENOMEM;
	ret = open_last(p, evsel, event->filter);
	if (ret)
		return ret;
	p->evsels[p->nr_events] = evsel;
	return (int)p->nr_events++;
}

const char *tb_perf_reason(int code)
{
	switch (-code) {
	case EACCES:
	case EPERM:
		return "needs root or CAP_PERFMON";
	case EMFILE:
		return "too many open files: raise the limit (ulimit -n)";
	case ENOENT:
	case ENODEV:
	case EOPNOTSUPP:
		return "this machine has no PMU that counts it";
	case ENODATA:
		return "never ran: other events had the hardware";
	default:
		return strerror(-code);
	}
}

/* Index of the own CPU in the set; -1 if it has none, or is of threads. */
static int own_place(const struct tb_perf *p)
{
	int cpu = sched_getcpu(), i;

	for (i = 0; i < perf_cpu_map__nr(p->cpus); i++)
		if (perf_cpu_map__cpu(p->cpus, i).cpu == cpu)
			return i;
	return -1;
}

void tb_perf_enable(const struct tb_perf *p)
{
	int i, own;

	if (!p->nr_events)
		return;
	own = own_place(p);
	for (i = 0; i < perf_cpu_map__nr(p->cpus); i++)
		if (i != own)
			perf_evsel__enable_cpu(p->evsels[0], i);
	if (own >= 0)
		perf_evsel__enable_cpu(p->evsels[0], own);
}

void tb_perf_disable(const struct tb_perf *p)
{
	int i, own;

	if (!p->nr_events)
		return;
	own = own_place(p);
	if (own >= 0)
		perf_evsel__disable_cpu(p->evsels[0], own);
	for (i = 0; i < perf_cpu_map__nr(p->cpus); i++)
		if (i != own)
			perf_evsel__disable_cpu(p->evsels[0], i);
}

/* A place is a row or a column of what libperf keeps: CPUs by threads. */
int tb_perf_read(const struct tb_perf *p, unsigned int event,
		 unsigned int place, struct tb_perf_value *value)
{
	bool on_threads = perf_cpu_map__has_any_cpu(p->cpus);
	struct perf_counts_values v;
	__s8 scaled;
	int ret;

	ret = perf_evsel__read(p->evsels[event], on_threads ? 0 : (int)place,
			       on_threads ? (int)place : 0, &v);
	if (ret)
		return ret;
	perf_counts_values__scale(&v, true, &scaled);
	if (scaled < 0)
		return -ENODATA;
	*value = (struct tb_perf_value){ v.val, scaled, v.lost };
	return 0;
}

/* --- rings --------------------------------------------------------------- */

/* What set_recorded() asks for, as the kernel writes it. */
struct sample {
	struct perf_event_header header;
	uint64_t time_ns;
	uint32_t cpu;
	uint32_t reserved;
	uint32_t raw_bytes;
	char raw[];
};

_Static_assert(offsetof(struct sample, raw) == TB_PERF_RECORD_BYTES,
	       "what is written beside the raw data");

int tb_perf_map(const struct tb_perf *p, size_t ring_bytes)
{
	int pages = (int)(ring_bytes / (size_t)sysconf(_SC_PAGESIZE));

	errno = 0;
	if (!perf_evlist__mmap(p->evlist, pages))
		return 0;
	return errno ? -errno : -ENOMEM;
}

/* The kernel's own remarks, as about lost records, are no records. */
static void take_one(const struct sample *s, tb_perf_record_fn fn, void *arg)
{
	struct tb_perf_record r;

	if (s->header.type != PERF_RECORD_SAMPLE)
		return;
	r = (struct tb_perf_record){
		.time_ns = s->time_ns,
		.cpu = s->cpu,
		.raw = s->raw,
		.raw_bytes = s->raw_bytes,
	};
	fn(arg, &r);
}

void tb_perf_take(const struct tb_perf *p, tb_perf_record_fn fn, void *arg)
{
	struct perf_mmap *ring;
	union perf_event *event;

	perf_evlist__for_each_mmap(p->evlist, ring, false)
	{
		if (perf_mmap__read_init(ring))
			continue;
		while ((event = perf_mmap__read_event(ring))) {
			take_one((const struct sample *)event, fn, arg);
			perf_mmap__consume(ring);
		}
		perf_mmap__read_done(ring);
	}
}

void tb_perf_close(struct tb_perf *p)
{
	unsigned int i;

	if (!p)
		return;
	for (i = 0; i < p->nr_events; i++)
		put_maps(p->evsels[i]);
	if (p->evlist)
		perf_evlist__delete(p->evlist);
	free(p->evsels);
	perf_cpu_map__put(p->cpus);
	perf_thread_map__put(p->threads);
	free(p);
}
