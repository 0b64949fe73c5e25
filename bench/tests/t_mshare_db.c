// SPDX-License-Identifier: GPL-2.0-only
/* The parts of mshare_db: its random numbers, region, pool and log. */
#include <math.h>
#include <sys/wait.h>

#include "tests/t.h"
#include "workloads/mshare_db_pool.h"
#include "workloads/mshare_db_region.h"
#include "workloads/mshare_db_zipf.h"

#define PAGE_BYTES 4096UL

/* --- Zipf ---------------------------------------------------------------- */

/* Each rank as often as the formula says, within 6 standard deviations. */
static void check_zipf(uint32_t nr, double theta)
{
	const uint32_t draws = 2000000;
	struct zipf_cell *cells = calloc(nr, sizeof(*cells));
	uint32_t *seen = calloc(nr, sizeof(*seen)), i;
	uint64_t state = 7;
	double sum = 0;
	struct zipf z;

	assert_int_equal(zipf_init(&z, cells, nr, theta), 0);
	for (i = 0; i < draws; i++) {
		uint32_t rank = zipf_draw(&z, &state);

		assert_true(rank < nr);
		seen[rank]++;
	}
	for (i = 0; i < nr; i++)
		sum += pow(i + 1.0, -theta);
	for (i = 0; i < nr; i++) {
		double expected = draws * pow(i + 1.0, -theta) / sum;

		if (fabs(seen[i] - expected) > 6 * sqrt(expected) + 6)
			fail_msg("theta %.2f: rank %u of %u drawn %u times, "
				 "expected %.1f",
				 theta, i, nr, seen[i], expected);
	}
	free(cells);
	free(seen);
}

static void zipf_follows_the_formula(void **state)
{
	(void)state;
	check_zipf(1, 0.99);
	check_zipf(2, 1);
	check_zipf(1000, 0);
	check_zipf(1000, 0.5);
	check_zipf(8192, 0.99);
	check_zipf(100, 5);
}

/* --- region -------------------------------------------------------------- */

/* An act is seen to be done, and not seen before. */
static void check_act(struct region *r, enum region_act act)
{
	const size_t off = 64 * PAGE_BYTES, len = 3 * PAGE_BYTES;

	if (act == REGION_RESIZE)
		assert_int_equal(region_resize(r, r->len_bytes), 0);
	memset(r->addr, 1, off + len);
	assert_int_equal(region_verify(r, act, off, len, PAGE_BYTES), -EEXIST);
	assert_int_equal(region_do(r, act, off, len), 0);
	assert_int_equal(region_verify(r, act, off, len, PAGE_BYTES), 0);
	/* A page less than it was to be is seen, too. */
	assert_int_equal(region_restore(r, act, off, len), 0);
	if (act == REGION_RESIZE)
		return;
	memset(r->addr + off, 1, len);
	assert_int_equal(region_do(r, act, off, len - PAGE_BYTES), 0);
	assert_int_equal(region_verify(r, act, off, len, PAGE_BYTES), -EEXIST);
	assert_int_equal(region_restore(r, act, off, len), 0);
}

static void acts_are_verified(void **state)
{
	static const enum region_backend backends[] = { REGION_MEMFD,
							REGION_SYSV };
	enum region_act act;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(backends); i++) {
		struct region r = { .backend = backends[i],
				    .len_bytes = 128 * PAGE_BYTES };

		assert_int_equal(region_create(&r), 0);
		for (act = REGION_PUNCH; act <= REGION_RESIZE; act++)
			if (act != REGION_RESIZE || r.backend != REGION_SYSV)
				check_act(&r, act);
		region_destroy(&r);
	}
}

/* --- pool and log -------------------------------------------------------- */

#define NR_FRAMES 64
#define NR_PAGES 300

/* What processes share, and a file for each. */
static struct shared {
	struct frame frames[NR_FRAMES];
	_Atomic uint32_t filling[NR_FRAMES / POOL_WAYS];
	_Atomic uint64_t nr_updates[NR_PAGES];
	_Atomic uint64_t nr_carried;
	struct db_log log;
} * shared;

static struct pool pool;
static struct pool_user user;
static int log_file;

static int new_file(const char *path, size_t bytes)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_DIRECT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	return fd;
}

static int set_up(void **state)
{
	uint64_t *page;
	uint32_t i;

	if (t_dir_make(state))
		return -1;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	shared->log.ring = mmap(NULL, LOG_BYTES, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pool = (struct pool){
		.frames = shared->frames,
		.filling = shared->filling,
		.nr_frames = NR_FRAMES,
		.nr_sets = NR_FRAMES / POOL_WAYS,
		.page_bytes = PAGE_BYTES,
	};
	user = (struct pool_user){ .pool = &pool };
	user.base = mmap(NULL, NR_FRAMES * PAGE_BYTES, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	user.file = new_file(t_path(*state, "data"), NR_PAGES * PAGE_BYTES);
	log_file = new_file(t_path(*state, "log"), LOG_BYTES);
	page = (void *)user.base;
	for (i = 0; i < NR_PAGES; i++) {
		*page = i;
		if (pwrite(user.file, page, PAGE_BYTES,
			   (off_t)(i * PAGE_BYTES)) != PAGE_BYTES)
			return -1;
	}
	return pool_warm(&pool, user.base, user.file);
}

static int tear_down(void **state)
{
	close(user.file);
	close(log_file);
	munmap(user.base, NR_FRAMES * PAGE_BYTES);
	munmap(shared->log.ring, LOG_BYTES);
	munmap(shared, sizeof(*shared));
	return t_dir_remove(state);
}

/* Adds to a counter in the page, which no other process may miss. */
static int add_to(uint32_t page)
{
	_Atomic uint64_t *counter;
	uint32_t f;
	int ret = pool_get(&user, page, true, &f);

	if (ret)
		return ret;
	ret = pool_verify(&user, f, page);
	counter = (void *)(pool_addr(&user, f) + PAGE_BYTES - 8);
	atomic_store(counter, atomic_load(counter) + 1);
	pool.frames[f].is_dirty = 1;
	pool_put(&pool, f, true);
	shared->nr_updates[page]++;
	return ret;
}

static int transact(uint64_t *random)
{
	const uint64_t record[LOG_RECORD_BYTES / 8] = { *random };
	uint64_t end, nr_carried = 0;
	int ret = add_to(zipf_random(random) % NR_PAGES);

	if (!ret)
		ret = pool_read(&user, zipf_random(random) % NR_PAGES, 3);
	if (!ret)
		ret = log_append(&shared->log, record, 3, &end);
	if (!ret)
		ret = log_commit(&shared->log, &user.ring, log_file, end, 1,
				 &nr_carried);
	shared->nr_carried += nr_carried;
	return ret ? ret : shared->log.safe.bytes >= end ? 0 : -EBADE;
}

static void work(uint64_t seed, unsigned int nr)
{
	int ret = io_uring_queue_init(4, &user.ring, 0);

	while (!ret && nr--)
		ret = transact(&seed);
	_exit(ret ? 1 : 0);
}

/* The administrator writes all back, and what is in the file adds up. */
static void assert_nothing_is_lost(void)
{
	uint64_t *page = (void *)user.base;
	uint32_t i;

	assert_int_equal(pool_withdraw(&user, 0, NR_FRAMES), 0);
	for (i = 0; i < NR_PAGES; i++) {
		assert_int_equal(pread(user.file, page, PAGE_BYTES,
				       (off_t)(i * PAGE_BYTES)),
				 PAGE_BYTES);
		assert_int_equal(page[0], i);
		assert_int_equal(page[PAGE_BYTES / 8 - 1],
				 shared->nr_updates[i]);
	}
}

/* More pages than frames, more bytes than the log's ring. */
static void processes_share_pool_and_log(void **state)
{
	const unsigned int processes = 4, each = 1000;
	unsigned int i;
	char *copy;
	int status;

	(void)state;
	for (i = 0; i < processes; i++)
		if (!fork())
			work(i + 1, each);
	for (i = 0; i < processes; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(io_uring_queue_init(4, &user.ring, 0), 0);
	assert_nothing_is_lost();
	io_uring_queue_exit(&user.ring);
	assert_int_equal(shared->nr_carried, processes * each);
	assert_int_equal(shared->log.end.bytes,
			 3 * LOG_RECORD_BYTES * processes * each);
	assert_int_equal(shared->log.safe.bytes, shared->log.end.bytes);
	assert_true(shared->log.end.bytes > LOG_BYTES);
	copy = aligned_alloc(PAGE_BYTES, LOG_BYTES);
	assert_non_null(copy);
	assert_int_equal(pread(log_file, copy, LOG_BYTES, 0), LOG_BYTES);
	assert_memory_equal(copy, shared->log.ring, LOG_BYTES);
	free(copy);
}

/* A frame that has another page's memory, as through a stale translation. */
static void wrong_pages_are_seen(void **state)
{
	uint32_t f;

	(void)state;
	assert_int_equal(io_uring_queue_init(4, &user.ring, 0), 0);
	assert_int_equal(pool_read(&user, 200, 1), 0);
	f = pool_find(&pool, 200);
	assert_int_not_equal(f, POOL_NONE);
	assert_int_equal(user.nr_misses, 1);
	*(uint64_t *)(void *)pool_addr(&user, f) = 201;
	assert_int_equal(pool_read(&user, 200, 1), -EUCLEAN);
	assert_int_equal(pool_update(&user, 200, 1), -EUCLEAN);
	io_uring_queue_exit(&user.ring);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(zipf_follows_the_formula),
		cmocka_unit_test(acts_are_verified),
		cmocka_unit_test_setup_teardown(processes_share_pool_and_log,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(wrong_pages_are_seen, set_up,
						tear_down),
	};

	return T_RUN("mshare_db", tests);
}
