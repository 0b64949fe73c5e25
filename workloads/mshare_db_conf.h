/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Parameters of mshare_db, why they cannot be had here, and its files.
 */
#ifndef MSHARE_DB_CONF_H
#define MSHARE_DB_CONF_H

#include "mshare_db_log.h"
#include "mshare_db_pool.h"
#include "mshare_db_region.h"
#include "wl.h"
#include "wl_mem.h"

struct mshare_db_conf {
	uint64_t backend;
	uint64_t pool;
	uint64_t data;
	uint64_t touch;
	uint64_t reads;
	uint64_t updates;
	uint64_t theta;
	uint64_t commit_group;
	uint64_t think;
	uint64_t act;
	uint64_t pages;
	uint64_t rate;
};

/* In the order of prepare(). */
enum {
	FILE_DATA,
	FILE_LOG
};

static const char *const backends[] = { "memfd", "sysv", "hugetlb", "msharefs",
					NULL };
static const char *const acts[] = { "punch", "zap", "protect", "resize", NULL };

#define FIELD(f) offsetof(struct mshare_db_conf, f)

/* Name, help, type, offset, default, least, most, words. */
static const struct wl_param params[] = {
	{ "backend", "Where the memory of the pool comes from", WL_ENUM,
	  FIELD(backend), REGION_MEMFD, 0, 0, backends },
	{ "pool", "Size of the buffer pool", WL_SIZE, FIELD(pool), 16 << 20,
	  1 << 20, 1ULL << 40, NULL },
	{ "data", "Size of the data file", WL_SIZE, FIELD(data), 32 << 20,
	  1 << 20, 1ULL << 43, NULL },
	{ "touch", "Per cent of the pool that a process reads when it attaches",
	  WL_UINT, FIELD(touch), 100, 0, 100, NULL },
	{ "reads", "Pages that a transaction reads", WL_UINT, FIELD(reads), 8,
	  0, 1000, NULL },
	{ "updates",
	  "Pages that a transaction updates; without any it does not commit",
	  WL_UINT, FIELD(updates), 2, 0, 1000, NULL },
	{ "theta",
	  "Skew of the pages drawn, in hundredths: the k-th page is drawn in "
	  "proportion to 1 / k^(theta/100)",
	  WL_UINT, FIELD(theta), 99, 0, 500, NULL },
	{ "commit_group",
	  "Commits that a write of the log waits for, up to 1 ms", WL_UINT,
	  FIELD(commit_group), 1, 1, 4096, NULL },
	{ "think", "Microseconds that a server sleeps before each transaction",
	  WL_UINT, FIELD(think), 0, 0, 10000000, NULL },
	{ "act", "What the administrator does to the pool", WL_ENUM, FIELD(act),
	  REGION_PUNCH, 0, 0, acts },
	{ "pages", "Pages of one act; with backend hugetlb huge ones", WL_UINT,
	  FIELD(pages), 1, 1, 1 << 20, NULL },
	{ "rate", "Acts per second; 0: one after the other", WL_UINT,
	  FIELD(rate), 1000, 0, 1000000, NULL },
	{ 0 },
};

static uint64_t unit_bytes(const struct mshare_db_conf *conf, size_t page_bytes)
{
	return region_unit_bytes((enum region_backend)conf->backend,
				 page_bytes);
}

static void probe_sizes(const struct wl_env *env,
			const struct mshare_db_conf *conf,
			struct wl_reasons *why)
{
	uint64_t unit = unit_bytes(conf, env->page_bytes);
	uint64_t step = unit > POOL_WAYS * env->page_bytes
				? unit
				: POOL_WAYS * env->page_bytes;

	if (conf->pool % step)
		wl_reason(why, "pool: expected a multiple of %llu KiB",
			  (unsigned long long)step >> 10);
	if (conf->data < conf->pool || conf->data % env->page_bytes)
		wl_reason(why, "data: expected at least the size of the pool, "
			       "in whole pages");
	if (conf->pages * unit > conf->pool / 2)
		wl_reason(why,
			  "pages: one act on %llu KiB takes more than half of "
			  "the pool",
			  (unsigned long long)(conf->pages * unit) >> 10);
}

static void probe_hugetlb(const struct mshare_db_conf *conf,
			  struct wl_reasons *why)
{
	static const char path[] =
		"/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages";
	unsigned long long nr = 0, needed = conf->pool / REGION_HUGE_BYTES;
	FILE *f = fopen(path, "re");

	if (f && fscanf(f, "%llu", &nr) != 1)
		nr = 0;
	if (f)
		fclose(f);
	if (!f || nr < needed)
		wl_reason(why,
			  "backend = hugetlb: needs %llu free huge pages of "
			  "2 MiB, there are %llu (see vm.nr_hugepages)",
			  needed, nr);
}

static void probe_backend(const struct wl_env *env,
			  const struct mshare_db_conf *conf,
			  struct wl_reasons *why)
{
	int id, fd;

	switch ((enum region_backend)conf->backend) {
	case REGION_MEMFD:
		fd = memfd_create("mshare_db", MFD_CLOEXEC);
		if (fd < 0)
			wl_reason(why, "backend = memfd: %s", strerror(errno));
		else
			close(fd);
		break;
	case REGION_SYSV:
		id = shmget(IPC_PRIVATE, env->page_bytes, 0600);
		if (id < 0)
			wl_reason(why, "backend = sysv: %s", strerror(errno));
		else
			shmctl(id, IPC_RMID, NULL);
		if (conf->act == REGION_RESIZE)
			wl_reason(why, "act = resize: System V shared memory "
				       "has the size it was made with");
		break;
	case REGION_HUGETLB:
		probe_hugetlb(conf, why);
		break;
	case REGION_MSHAREFS:
		wl_reason(why, "backend = msharefs: this kernel has no file "
			       "system msharefs that we know");
		break;
	}
}

static void probe(const struct wl_env *env, const void *all,
		  struct wl_reasons *why)
{
	const struct mshare_db_conf *conf = all;
	struct io_uring ring;
	int ret = io_uring_queue_init(2, &ring, 0);

	if (ret)
		wl_reason(why, "io_uring: %s", strerror(-ret));
	else
		io_uring_queue_exit(&ring);
	probe_sizes(env, conf, why);
	if (conf->backend != REGION_HUGETLB)
		wl_mem_probe_bytes(conf->pool * env->nr_instances, why);
	probe_backend(env, conf, why);
}

static void prepare(struct wl_res *res, const void *all)
{
	const struct mshare_db_conf *conf = all;

	wl_res_file(res, WL_FS_DISK_DATA, conf->data);
	wl_res_file(res, WL_FS_DISK_DATA, LOG_BYTES);
}

#endif
