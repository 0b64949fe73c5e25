/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parameters of luf_reclaim, why they cannot be had here, and what they need.
 */
#ifndef LUF_RECLAIM_CONF_H
#define LUF_RECLAIM_CONF_H

#include <liburing.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "wl.h"

enum {
	MEMCG,
	GLOBAL
};
enum {
	DISK,
	TMPFS,
	ANON
};
enum {
	MMAP,
	URING
};
enum {
	AS_IS,
	CLASSIC,
	MGLRU
};

static const char *const pressures[] = { "memcg", "global", NULL };
static const char *const backings[] = { "disk", "tmpfs", "anon", NULL };
static const char *const ways[] = { "mmap", "io_uring", NULL };
static const char *const lrus[] = { "as_is", "classic", "mglru", NULL };

struct luf_reclaim_conf {
	uint64_t pressure;
	uint64_t limit;
	uint64_t backing;
	uint64_t bytes;
	uint64_t data;
	uint64_t pages;
	uint64_t read;
	uint64_t written_percent;
	uint64_t watermark_scale;
	uint64_t lru;
};

#define PARAM(member, t, ...)                                        \
	{                                                            \
		.name = #member, .type = (t),                        \
		.offset = offsetof(struct luf_reclaim_conf, member), \
		__VA_ARGS__                                          \
	}

static const struct wl_param params[] = {
	PARAM(pressure, WL_ENUM, .values = pressures,
	      .help = "What there is too little of: memory of the case's "
		      "cgroup, where readers reclaim for themselves, or of the "
		      "whole machine, where kswapd helps"),
	PARAM(limit, WL_SIZE, .def = 16UL << 20, .min = 8UL << 20,
	      .max = 1UL << 40,
	      .help = "Memory of all instances together; only with memcg"),
	PARAM(backing, WL_ENUM, .values = backings,
	      .help = "What is read: a file on a disk, a file of tmpfs, or "
		      "anonymous memory; the last two with swap on zram"),
	PARAM(bytes, WL_SIZE, .def = 64UL << 20, .min = 1UL << 20,
	      .max = 1UL << 40,
	      .help = "Size of what is read, over and over; more than twice "
		      "memory, or some pages stay"),
	PARAM(data, WL_BOOL,
	      .help = "The file on the disk has data; without, its blocks are "
		      "only reserved, and reading it costs no disk"),
	PARAM(pages, WL_UINT, .def = 32, .min = 1, .max = 65536,
	      .help = "Pages that one op reads"),
	PARAM(read, WL_ENUM, .values = ways,
	      .help = "Through a mapping, or into a buffer"),
	PARAM(written_percent, WL_UINT, .min = 0, .max = 100,
	      .help = "Of each 100 pages so many are written as well, through "
		      "a mapping that may be"),
	PARAM(watermark_scale, WL_UINT, .min = 0, .max = 3000,
	      .help = "How early kswapd begins, the setting "
		      "vm.watermark_scale_factor; 0: as it is"),
	PARAM(lru, WL_ENUM, .values = lrus,
	      .help = "How the kernel chooses pages: as it is set, the classic "
		      "lists, or MGLRU"),
	{ 0 },
};

/* Not in every container. */
static void probe_uring(struct wl_reasons *why)
{
	struct io_uring ring;
	int ret = io_uring_queue_init(1, &ring, 0);

	if (ret)
		wl_reason(why, "io_uring: %s", strerror(-ret));
	else
		io_uring_queue_exit(&ring);
}

static void probe(const struct wl_env *env, const void *p,
		  struct wl_reasons *why)
{
	const struct luf_reclaim_conf *conf = p;
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * env->page_bytes;
	uint64_t least = conf->pressure == MEMCG ? conf->limit : memory;

	if (conf->bytes <= least)
		wl_reason(why,
			  "bytes: expected more than the memory that there is, "
			  "%llu MiB",
			  (unsigned long long)least >> 20);
	if (conf->bytes < conf->pages * env->page_bytes)
		wl_reason(why, "bytes: expected those of one op or more");
	if (conf->read == URING &&
	    (conf->backing == ANON || conf->written_percent))
		wl_reason(why, "read = io_uring: expected a file, and "
			       "written_percent = 0");
	if (conf->read == URING)
		probe_uring(why);
}

static void prepare(struct wl_res *res, const void *p)
{
	const struct luf_reclaim_conf *conf = p;
	char scale[24];

	if (conf->backing == DISK)
		wl_res_file(res, conf->data ? WL_FS_DISK_DATA : WL_FS_DISK,
			    conf->bytes);
	if (conf->backing == TMPFS)
		wl_res_file(res, WL_FS_TMPFS, conf->bytes);
	/* Besides, what else of the instance may be swapped. */
	if (conf->backing != DISK)
		wl_res_swap(res, conf->bytes + conf->bytes / 8);
	if (conf->pressure == MEMCG)
		wl_res_memcg(res, conf->limit);
	if (conf->watermark_scale) {
		snprintf(scale, sizeof(scale), "%llu",
			 (unsigned long long)conf->watermark_scale);
		wl_res_set(res, "/proc/sys/vm/watermark_scale_factor", scale);
	}
	if (conf->lru != AS_IS)
		wl_res_set(res, "/sys/kernel/mm/lru_gen/enabled",
			   conf->lru == CLASSIC ? "0" : "7");
}

#endif
