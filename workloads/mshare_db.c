// SPDX-License-Identifier: GPL-2.0-only
/*
 * mshare_db: a database of many processes on one shared buffer pool, while an
 * administrator takes pages of it away.
 *
 * Servers, each in a process of its own with page tables of its own, run
 * transactions: they read and update pages that they draw from Zipf's
 * distribution, bring in with io_uring and O_DIRECT what is not in the pool,
 * and commit to a write-ahead log. That is their op; it is timed, and runs all
 * the time. Sleepers are servers that are connected, have touched the pool and
 * sleep to the end.
 *
 * The op is the administrator's act on the next pages of the pool, latched and
 * written back in rearm, so that no server touches them before check is done.
 * Read in 6.12:
 *
 *	punch	shmem_fallocate(), hugetlbfs_fallocate(), for System V shm below
 *		madvise_remove(): unmap_mapping_range() walks all processes that
 *		have attached the pool, and zap_page_range_single() flushes
 *		each mm in a round of its own by tlb_finish_mmu()
 *	resize	ftruncate() to a smaller size: shmem_truncate_range(), and
 *		then as above
 *	zap	madvise_dontneed_single_vma(), the administrator's mm alone
 *	protect	mprotect_fixup(), the administrator's mm alone
 *
 * With page tables of their own, zap and protect concern one process: they are
 * here for regions whose page tables are shared, where they concern all.
 *
 * One op causes a local flush, and with punch and resize an IPI to each CPU
 * that runs a server which has the pages mapped. All have when they begin,
 * with touch = 100; later those that have used them since. Sleepers cost their
 * page tables and a step of the walk, but no IPI.
 *
 * Not measured: latching, writing back, and the misses and faults by which the
 * servers get the pages again; but these are in their transactions.
 */
#include "mshare_db_state.h"

#define MAX_PROCESSES 16384
/* Ops between two looks at the page tables of all. */
#define LOOK_EVERY 64

/* --- servers ------------------------------------------------------------- */

static uint32_t draw_page(struct db *db, struct server *s)
{
	return (uint32_t)(zipf_draw(&db->zipf, &s->random) * SCATTER %
			  db->zipf.nr);
}

static int commit(struct wl_thread *t, unsigned int nr_updates)
{
	const struct mshare_db_conf *conf = t->ctx->conf;
	struct db *db = t->ctx->priv;
	struct server *s = t->priv;
	const uint64_t record[LOG_RECORD_BYTES / 8] = { s->random, t->idx };
	uint64_t end, nr_carried;
	int ret = log_append(db->log, record, nr_updates, &end);

	if (ret)
		return ret;
	ret = log_commit(db->log, &s->user.ring, t->ctx->files[FILE_LOG], end,
			 conf->commit_group, &nr_carried);
	if (!ret && nr_carried) {
		wl_add(t, METRIC_COMMITS, nr_carried);
		wl_add(t, METRIC_LOG_WRITES, 1);
	}
	return ret;
}

/* Of servers that run free: for the next client's wish. */
static int think(struct wl_thread *t)
{
	const struct mshare_db_conf *conf = t->ctx->conf;
	const struct timespec time = {
		.tv_sec = (time_t)(conf->think / 1000000),
		.tv_nsec = (long)(conf->think % 1000000 * 1000),
	};

	if (conf->think)
		nanosleep(&time, NULL);
	return 0;
}

static int transact(struct wl_thread *t)
{
	const struct mshare_db_conf *conf = t->ctx->conf;
	struct db *db = t->ctx->priv;
	struct server *s = t->priv;
	uint64_t i;
	int ret = 0;

	s->user.nr_misses = s->user.nr_written = 0;
	for (i = 0; i < conf->reads && !ret; i++)
		ret = pool_read(&s->user, draw_page(db, s),
				zipf_random(&s->random));
	for (i = 0; i < conf->updates && !ret; i++)
		ret = pool_update(&s->user, draw_page(db, s),
				  zipf_random(&s->random));
	if (!ret && conf->updates)
		ret = commit(t, (unsigned int)conf->updates);
	wl_add(t, METRIC_MISSES, s->user.nr_misses);
	wl_add(t, METRIC_WRITES, s->user.nr_written);
	return ret;
}

/* --- administrator ------------------------------------------------------- */

static size_t act_bytes(const struct wl_ctx *c)
{
	const struct mshare_db_conf *conf = c->conf;

	return conf->pages * unit_bytes(conf, c->page_bytes);
}

/* At the rate that was asked for; who is late does not hurry afterwards. */
static void pace(struct db *db, uint64_t rate)
{
	uint64_t now_ns = db_now_ns();
	struct timespec due;

	if (!rate)
		return;
	db->due_ns += 1000000000 / rate;
	if (db->due_ns < now_ns)
		db->due_ns = now_ns;
	due.tv_sec = (time_t)(db->due_ns / 1000000000);
	due.tv_nsec = (long)(db->due_ns % 1000000000);
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

static void give_back(struct db *db, size_t from, size_t to)
{
	size_t page_bytes = db->pool.page_bytes;

	pool_give_back(&db->pool, (uint32_t)(from / page_bytes),
		       (uint32_t)((to - from) / page_bytes));
}

/*
 * From the first page to the last, and again. A pool that is resized shrinks to
 * half its size, a step in each op, and then is made whole, untimed.
 */
static int choose_range(struct db *db, const struct mshare_db_conf *conf,
			size_t len)
{
	int ret = 0;

	if (conf->act != REGION_RESIZE) {
		db->next = db->next + len > conf->pool ? 0 : db->next;
		return 0;
	}
	if (db->size_bytes - len < conf->pool / 2) {
		ret = region_resize(&db->region, conf->pool);
		give_back(db, db->size_bytes, conf->pool);
		db->size_bytes = conf->pool;
	}
	db->next = db->size_bytes - len;
	return ret;
}

static int rearm(struct wl_thread *t)
{
	const struct mshare_db_conf *conf = t->ctx->conf;
	size_t page_bytes = t->ctx->page_bytes, len = act_bytes(t->ctx), off;
	struct db *db = t->ctx->priv;
	struct server *s = t->priv;
	int ret;

	pace(db, conf->rate);
	ret = choose_range(db, conf, len);
	if (!ret)
		ret = pool_withdraw(&s->user, (uint32_t)(db->next / page_bytes),
				    (uint32_t)(len / page_bytes));
	/* So that the act finds pages, and a translation of them here. */
	for (off = db->next; off < db->next + len && !ret; off += page_bytes)
		(void)*(volatile char *)(db->region.addr + off);
	return ret;
}

static int op(struct wl_thread *t)
{
	const struct mshare_db_conf *conf = t->ctx->conf;
	const struct db *db = t->ctx->priv;

	return region_do(&db->region, (enum region_act)conf->act, db->next,
			 act_bytes(t->ctx));
}

static void look_at_page_tables(struct wl_thread *t)
{
	uint64_t bytes = read_kib("/proc/meminfo", "PageTables");

	if (bytes)
		wl_level(t, METRIC_ALL_PAGE_TABLES, bytes);
}

static int check(struct wl_thread *t)
{
	const struct mshare_db_conf *conf = t->ctx->conf;
	enum region_act act = (enum region_act)conf->act;
	size_t len = act_bytes(t->ctx);
	struct db *db = t->ctx->priv;
	int ret = region_verify(&db->region, act, db->next, len,
				t->ctx->page_bytes);

	if (!ret)
		ret = region_restore(&db->region, act, db->next, len);
	if (act == REGION_RESIZE) {
		db->size_bytes = db->next;
	} else {
		give_back(db, db->next, db->next + len);
		db->next += len;
	}
	if (db->nr_acts++ % LOOK_EVERY == 0)
		look_at_page_tables(t);
	return ret;
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct mshare_db_conf *conf = c->conf;
	bool is_for_all =
		conf->act == REGION_PUNCH || conf->act == REGION_RESIZE;
	double others =
		c->nr_threads[ROLE_SERVER] + c->nr_threads[ROLE_SLEEPER];
	/* Where many pages are dirty, each page table has a flush. */
	double rounds = 2 + (double)act_bytes(c) / (2 << 20);

	/* Threads of the administrator's process have its mm. */
	if (!is_for_all && c->nr_processes[ROLE_SERVER])
		others = c->nr_processes[ROLE_SLEEPER]
				 ? 0
				 : c->nr_threads[ROLE_SLEEPER];
	e->ipis_received = (struct wl_bound){ 0, others * rounds };
	/* Switches of servers that wait flush as well. */
	e->flushes = (struct wl_bound){ 1, -1 };
}

/* --- tables -------------------------------------------------------------- */

static const struct wl_role roles[] = {
	[ROLE_ADMINISTRATOR] = {
		.name = "administrator",
		.help = "takes pages of the pool away",
		.kind = WL_INITIATOR,
		.def_threads = 1,
		.rearm = rearm,
		.op = op,
		.check = check,
	},
	[ROLE_SERVER] = {
		.name = "server",
		.help = "runs transactions",
		.kind = WL_RESPONDER,
		.fills_cpus = true,
		.max_processes = MAX_PROCESSES,
		.def_processes = 1,
		.rearm = think,
		.op = transact,
	},
	[ROLE_SLEEPER] = {
		.name = "sleeper",
		.help = "has attached and read the pool as a server does, and "
			"sleeps",
		.kind = WL_SLEEPER,
		.max_processes = MAX_PROCESSES,
		.op = transact,
	},
	{ 0 },
};

static const struct wl_region regions[] = {
	{ .name = "pool", .help = "the buffer pool" },
	{ 0 },
};

const struct wl_ops wl_mshare_db = {
	.abi = WL_ABI,
	.name = "mshare_db",
	.summary = "what taking pages from a buffer pool costs that many "
		   "processes have mapped",
	.path = "unmap_mapping_range zap_page_range_single tlb_finish_mmu "
		"flush_tlb_mm_range",
	.tags = "mshare processes",
	.params = params,
	.conf_bytes = sizeof(struct mshare_db_conf),
	.roles = roles,
	.regions = regions,
	.metrics = metrics,
	.probe = probe,
	.prepare = prepare,
	.runs_free = true,
	.setup = setup,
	.process_init = process_init,
	.process_exit = process_exit,
	.thread_init = thread_init,
	.thread_exit = thread_exit,
	.teardown = teardown,
	.expect = expect,
};
