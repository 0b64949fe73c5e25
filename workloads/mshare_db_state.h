/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What processes and threads of mshare_db have, from its making to its end, and
 * what they report of themselves.
 */
#ifndef MSHARE_DB_STATE_H
#define MSHARE_DB_STATE_H

#include <stdlib.h>

#include "mshare_db_conf.h"
#include "mshare_db_zipf.h"

/* A prime: numbers times this, modulo any, are scattered and all different. */
#define SCATTER 2654435761ULL

enum {
	ROLE_ADMINISTRATOR,
	ROLE_SERVER,
	ROLE_SLEEPER
};

enum {
	METRIC_ATTACH,
	METRIC_TOUCH,
	METRIC_PAGE_TABLES,
	METRIC_ALL_PAGE_TABLES,
	METRIC_MISSES,
	METRIC_WRITES,
	METRIC_COMMITS,
	METRIC_LOG_WRITES,
	METRIC_FAULTS
};

static const struct wl_metric metrics[] = {
	[METRIC_ATTACH] = { "attach", NULL,
			    "time to map the pool into a new process",
			    WL_SETUP_TIME, WL_LOWER, false },
	[METRIC_TOUCH] = { "first_touch", NULL,
			   "time to read the pool for the first time",
			   WL_SETUP_TIME, WL_LOWER, false },
	[METRIC_PAGE_TABLES] = { "page_table_bytes", "bytes",
				 "bytes of page tables of servers and sleepers",
				 WL_LEVEL, WL_LOWER, true },
	[METRIC_ALL_PAGE_TABLES] = { "system_page_table_bytes", "bytes",
				     "bytes of all page tables of the machine, "
				     "shared ones too",
				     WL_LEVEL_OF_ALL, WL_LOWER, false },
	[METRIC_MISSES] = { "pool_misses", "pages",
			    "number of pages that were not in the pool",
			    WL_TOTAL, WL_LOWER, false },
	[METRIC_WRITES] = { "pool_writes", "pages",
			    "number of pages written back to make room",
			    WL_TOTAL, WL_LOWER, false },
	[METRIC_COMMITS] = { "commits", "commits",
			     "number of commits that are on disk", WL_TOTAL,
			     WL_HIGHER, false },
	[METRIC_LOG_WRITES] = { "log_writes", "writes",
				"number of writes of the log", WL_TOTAL,
				WL_NEITHER, false },
	[METRIC_FAULTS] = { "pgfault", "faults",
			    "number of page faults of the machine", WL_VMSTAT,
			    WL_LOWER, false },
	{ 0 },
};

/**
 * struct db - of one process; what all share is behind the pointers
 * @shared, @shared_bytes: one mapping for frames, log and Zipf's table
 * @size_bytes: of the region, while it is resized
 * @next: byte of the region that the next act begins with
 * @due_ns: when
 * @nr_acts: so far
 * @attach_ticks, @touch_ticks: that this process took
 */
struct db {
	struct region region;
	struct pool pool;
	struct zipf zipf;
	struct db_log *log;
	void *shared;
	size_t shared_bytes;
	size_t size_bytes;
	size_t next;
	uint64_t due_ns;
	uint64_t nr_acts;
	uint64_t attach_ticks;
	uint64_t touch_ticks;
};

/* A thread: its ring, and its random numbers. */
struct server {
	struct pool_user user;
	uint64_t random;
};

/* --- what all share ------------------------------------------------------ */

/* The log's ring is aligned to blocks, so it comes first. */
static int map_shared(struct db *db, uint32_t nr_pages)
{
	size_t frames = db->pool.nr_frames * sizeof(struct frame);
	size_t filling = db->pool.nr_sets * sizeof(*db->pool.filling);
	size_t cells = nr_pages * sizeof(struct zipf_cell);
	char *at;

	db->shared_bytes =
		LOG_BYTES + frames + cells + filling + sizeof(*db->log);
	at = mmap(NULL, db->shared_bytes, PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return -errno;
	db->shared = at;
	db->pool.frames = (void *)(at + LOG_BYTES);
	db->zipf.cells = (void *)(at + LOG_BYTES + frames);
	db->log = (void *)(at + LOG_BYTES + frames + cells);
	db->log->ring = at;
	db->pool.filling = (void *)(db->log + 1);
	return 0;
}

static int fill(struct wl_ctx *c, struct db *db)
{
	const struct mshare_db_conf *conf = c->conf;
	int ret = wl_place(c, 0, db->region.addr, db->region.len_bytes);

	if (!ret)
		ret = zipf_init(&db->zipf, db->zipf.cells,
				(uint32_t)(conf->data / c->page_bytes),
				(double)conf->theta / 100);
	return ret ? ret
		   : pool_warm(&db->pool, db->region.addr, c->files[FILE_DATA]);
}

static int setup(struct wl_ctx *c)
{
	const struct mshare_db_conf *conf = c->conf;
	struct db *db = calloc(1, sizeof(*db));
	int ret;

	if (!db)
		return -ENOMEM;
	db->region.backend = (enum region_backend)conf->backend;
	db->region.len_bytes = db->size_bytes = conf->pool;
	db->pool.page_bytes = c->page_bytes;
	db->pool.nr_frames = (uint32_t)(conf->pool / c->page_bytes);
	db->pool.nr_sets = db->pool.nr_frames / POOL_WAYS;
	ret = map_shared(db, (uint32_t)(conf->data / c->page_bytes));
	if (ret)
		goto out_free;
	ret = region_create(&db->region);
	if (ret)
		goto out_unmap;
	ret = fill(c, db);
	if (ret)
		goto out_region;
	c->priv = db;
	return 0;

out_region:
	region_destroy(&db->region);
out_unmap:
	munmap(db->shared, db->shared_bytes);
out_free:
	free(db);
	return ret;
}

static void teardown(struct wl_ctx *c)
{
	struct db *db = c->priv;

	region_destroy(&db->region);
	munmap(db->shared, db->shared_bytes);
	free(db);
}

/* --- processes and threads ----------------------------------------------- */

/*
 * Each process begins elsewhere: thousands that fault in the same page at the
 * same time would wait for its folio's lock, all the way through the pool.
 */
static void touch(const struct wl_ctx *c, const struct db *db,
		  unsigned int process)
{
	const struct mshare_db_conf *conf = c->conf;
	size_t nr = db->pool.nr_frames * conf->touch / 100;
	size_t first = nr ? process * SCATTER % nr : 0, i;

	for (i = 0; i < nr; i++)
		(void)*(volatile char *)(db->region.addr +
					 (first + i) % nr * c->page_bytes);
}

/* As a server that starts: attach, then read what it will use. */
static int process_init(struct wl_ctx *c, unsigned int role,
			unsigned int process)
{
	struct db *db = c->priv;
	uint64_t begin, attached;
	int ret;

	(void)role;
	/* What was inherited from the administrator. */
	region_detach(&db->region);
	begin = wl_now(c);
	ret = region_attach(&db->region);
	attached = wl_now(c);
	if (!ret)
		ret = wl_place(c, 0, db->region.addr, db->region.len_bytes);
	if (ret)
		return ret;
	touch(c, db, process);
	db->attach_ticks = attached - begin;
	db->touch_ticks = wl_now(c) - attached;
	return 0;
}

static void process_exit(struct wl_ctx *c, unsigned int role,
			 unsigned int process)
{
	struct db *db = c->priv;

	(void)role;
	(void)process;
	region_detach(&db->region);
}

/* The first thread of a process speaks for it. */
static bool is_first(const struct wl_thread *t)
{
	unsigned int nr = t->ctx->nr_processes[t->role];

	return nr && t->idx % (t->ctx->nr_threads[t->role] / nr) == 0;
}

static int thread_init(struct wl_thread *t)
{
	struct db *db = t->ctx->priv;
	struct server *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return -ENOMEM;
	ret = io_uring_queue_init(4, &s->user.ring, 0);
	if (ret) {
		free(s);
		return ret;
	}
	s->user.pool = &db->pool;
	s->user.base = db->region.addr;
	s->user.file = t->ctx->files[FILE_DATA];
	s->random = (uint64_t)t->role << 32 | t->idx;
	t->priv = s;
	if (is_first(t)) {
		wl_time(t, METRIC_ATTACH, db->attach_ticks);
		wl_time(t, METRIC_TOUCH, db->touch_ticks);
	}
	return 0;
}

/* A line "@name: <n> kB" of a file in /proc, in bytes; 0 if it is not there. */
static uint64_t read_kib(const char *path, const char *name)
{
	size_t len = strlen(name);
	FILE *f = fopen(path, "re");
	unsigned long long kib = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, len) &&
		    sscanf(line + len, ": %llu kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib << 10;
}

/* Of the instance itself only if its servers are threads. */
static void thread_exit(struct wl_thread *t)
{
	struct server *s = t->priv;
	bool is_alone = t->role == ROLE_ADMINISTRATOR && !t->idx &&
			!t->ctx->nr_processes[ROLE_SERVER];
	uint64_t bytes = is_alone || is_first(t)
				 ? read_kib("/proc/self/status", "VmPTE")
				 : 0;

	if (bytes)
		wl_level(t, METRIC_PAGE_TABLES, bytes);
	io_uring_queue_exit(&s->user.ring);
	free(s);
}

#endif
