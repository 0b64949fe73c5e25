// SPDX-License-Identifier: GPL-2.0-only
/*
 * luf_reclaim: readers stream over more than fits into memory, so that for
 * each page that comes another one goes. Strategies of the family LUF put off
 * the flush of pages that were unmapped read-only.
 *
 * Flushes in shrink_folio_list(), read in 6.12. try_to_unmap_one() leaves the
 * flush of a page to the batch of its task if another CPU runs the mm
 * (arch_tlbbatch_should_defer()), else ptep_clear_flush() does it at once. The
 * batch is paid for by try_to_unmap_flush(), one full flush on all CPUs that
 * run one of its mms: when 31 pages are ready to be freed (PAGEVEC_SIZE), and
 * at the end of each list. Lists have up to SWAP_CLUSTER_MAX = 32 pages, so
 * one of which all pages go costs two flushes, 1/16 per page. They are shorter
 * where memory is small: 1/4096 of the pages that may go, more if too few do.
 * A page that is read again soon after it went comes back as an active one
 * (workingset_test_recent()), which makes lists shorter still: what is read is
 * to be more than twice as large as memory.
 * MGLRU's have 64, 3 flushes. Before a page is written to swap
 * try_to_unmap_flush_dirty() pays for the batch if a PTE in it was dirty: one
 * flush for each page that was written.
 *
 * The op, to read some pages, is only a request: flushes are counted per page
 * that was reclaimed by whoever, those on the CPUs of the case. kswapd may run
 * on others: what it sends is in nr_tlb_remote_flush, which counts everywhere.
 * Reads through io_uring map nothing, so nothing is flushed; mapped reads are
 * compared with them. The allocator fills a pipe, which takes pages without a
 * flush; the writer takes copy-on-write faults, whose flushes are in the
 * counts, so there is none unless asked for. Readers are threads, or with the
 * key "instances" processes: they map the same file. Swap is enough for the
 * anonymous memory of one.
 *
 * Not measured: what fills memory before the first op (setup), and the disk,
 * if the file has no data.
 */
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wl.h"
#include "wl_mem.h"

/* What a pipe holds. */
#define PIPE_BYTES (64UL << 10)
/* What the writer uses up before it starts over. */
#define WINDOW_PAGES 512

enum {
	READER,
	ALLOCATOR,
	WRITER
};
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

/* Indices of metrics; fields of the kernel follow. */
enum {
	READ,
	ALLOCATION,
	WRITE_FAULT
};

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

/**
 * struct data - what is read
 * @fd: of the file, or -1
 * @ro, @rw: mapped twice, so that a PTE is writable only where it is meant to
 *	be; of anonymous memory there is one mapping
 * @nr_pages: a multiple of the pages of an op
 * @has_numbers: each page begins with its number, else with 0
 */
struct data {
	int fd;
	char *ro;
	char *rw;
	uint64_t len_bytes;
	uint64_t nr_pages;
	bool has_numbers;
};

/**
 * struct stream - a thread
 * @at: next page, of a reader or of the writer's window
 * @sum: of the first words of the pages of an op, and 1 for each
 * @buf: of io_uring, of the pipe, or the writer's window
 */
struct stream {
	uint64_t at;
	uint64_t sum;
	char *buf;
	struct io_uring ring;
	int pipe[2];
};

/* --- what it needs ------------------------------------------------------- */

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

/* --- the data ------------------------------------------------------------ */

/* The first word of page @n: any that reads it sees @n. */
static volatile uint64_t *word(const struct wl_ctx *c, char *base, uint64_t n)
{
	return (volatile uint64_t *)(base + n * c->page_bytes);
}

static int map_data(struct data *d)
{
	int flags = d->fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, ret;

	d->rw = mmap(NULL, d->len_bytes, PROT_READ | PROT_WRITE, flags, d->fd,
		     0);
	if (d->rw == MAP_FAILED)
		return -errno;
	d->ro = d->fd < 0
			? d->rw
			: mmap(NULL, d->len_bytes, PROT_READ, flags, d->fd, 0);
	if (d->ro != MAP_FAILED)
		return 0;
	ret = -errno;
	munmap(d->rw, d->len_bytes);
	return ret;
}

/* The next instance begins with a file that is not cached, as this one did. */
static void unmap_data(struct data *d)
{
	munmap(d->rw, d->len_bytes);
	if (d->fd < 0)
		return;
	munmap(d->ro, d->len_bytes);
	posix_fadvise(d->fd, 0, 0, POSIX_FADV_DONTNEED);
}

/* What a reader does to page @n; its first word. */
static uint64_t touch(const struct wl_ctx *c, const struct data *d, uint64_t n)
{
	const struct luf_reclaim_conf *conf = c->conf;

	if (n % 100 >= conf->written_percent)
		return *word(c, d->ro, n);
	*word(c, d->rw, n) = d->has_numbers ? n : 0;
	return *word(c, d->rw, n);
}

/*
 * Memory is full from here on, of pages as the readers leave them. What is in
 * no file yet gets its numbers first, and with that goes to swap once.
 */
static int fill(const struct wl_ctx *c, struct data *d)
{
	const struct luf_reclaim_conf *conf = c->conf;
	uint64_t n, first;

	for (n = 0; n < d->nr_pages && conf->backing != DISK; n++)
		*word(c, d->rw, n) = n;
	for (n = 0; n < d->nr_pages; n++)
		if (conf->read == MMAP)
			touch(c, d, n);
		else if (pread(d->fd, &first, sizeof(first),
			       (off_t)(n * c->page_bytes)) < 0)
			return -errno;
	return 0;
}

static int setup(struct wl_ctx *c)
{
	const struct luf_reclaim_conf *conf = c->conf;
	struct data *d = calloc(1, sizeof(*d));
	int ret;

	if (!d)
		return -ENOMEM;
	d->fd = conf->backing == ANON ? -1 : c->files[0];
	d->nr_pages = conf->bytes / c->page_bytes / conf->pages * conf->pages;
	d->len_bytes = d->nr_pages * c->page_bytes;
	d->has_numbers = conf->backing != DISK || conf->data;
	ret = map_data(d);
	if (ret)
		goto out_free;
	ret = fill(c, d);
	if (ret)
		goto out_unmap;
	c->priv = d;
	return 0;

out_unmap:
	unmap_data(d);
out_free:
	free(d);
	return ret;
}

static void teardown(struct wl_ctx *c)
{
	unmap_data(c->priv);
	free(c->priv);
}

/* --- threads ------------------------------------------------------------- */

static bool uses_uring(const struct wl_thread *t)
{
	const struct luf_reclaim_conf *conf = t->ctx->conf;

	return t->role == READER && conf->read == URING;
}

static uint64_t buf_bytes(const struct wl_thread *t)
{
	const struct luf_reclaim_conf *conf = t->ctx->conf;

	return t->role == ALLOCATOR ? PIPE_BYTES
	       : t->role == WRITER  ? WINDOW_PAGES * t->ctx->page_bytes
				    : conf->pages * t->ctx->page_bytes;
}

static int open_channel(const struct wl_thread *t, struct stream *s)
{
	if (uses_uring(t))
		return io_uring_queue_init(1, &s->ring, 0);
	return t->role == ALLOCATOR && pipe(s->pipe) ? -errno : 0;
}

/* Readers are spread over the data. */
static int thread_init(struct wl_thread *t)
{
	const struct luf_reclaim_conf *conf = t->ctx->conf;
	const struct data *d = t->ctx->priv;
	struct stream *s = calloc(1, sizeof(*s));
	int ret = -ENOMEM;

	if (!s)
		return ret;
	if (t->role == READER)
		s->at = d->nr_pages / conf->pages * t->idx /
			t->ctx->nr_threads[READER] * conf->pages;
	s->buf = aligned_alloc(t->ctx->page_bytes, buf_bytes(t));
	if (s->buf)
		ret = open_channel(t, s);
	if (ret) {
		free(s->buf);
		free(s);
		return ret;
	}
	t->priv = s;
	return 0;
}

static void thread_exit(struct wl_thread *t)
{
	struct stream *s = t->priv;

	if (uses_uring(t))
		io_uring_queue_exit(&s->ring);
	if (t->role == ALLOCATOR) {
		close(s->pipe[0]);
		close(s->pipe[1]);
	}
	free(s->buf);
	free(s);
}

/* --- reading ------------------------------------------------------------- */

static int read_uring(struct wl_thread *t, struct stream *s)
{
	const struct luf_reclaim_conf *conf = t->ctx->conf;
	const struct data *d = t->ctx->priv;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&s->ring);
	struct io_uring_cqe *cqe;
	uint64_t n;
	int ret;

	io_uring_prep_read(sqe, d->fd, s->buf, (unsigned int)buf_bytes(t),
			   s->at * t->ctx->page_bytes);
	ret = io_uring_submit_and_wait(&s->ring, 1);
	if (ret >= 0)
		ret = io_uring_peek_cqe(&s->ring, &cqe);
	if (ret)
		return ret;
	ret = cqe->res;
	io_uring_cqe_seen(&s->ring, cqe);
	if (ret != (int)buf_bytes(t))
		return ret < 0 ? ret : -EIO;
	for (n = 0; n < conf->pages; n++)
		s->sum += 1 + *word(t->ctx, s->buf, n);
	return 0;
}

static int op(struct wl_thread *t)
{
	const struct luf_reclaim_conf *conf = t->ctx->conf;
	struct stream *s = t->priv;
	uint64_t n;

	wl_add(t, READ, conf->pages);
	if (conf->read == URING)
		return read_uring(t, s);
	for (n = s->at; n < s->at + conf->pages; n++)
		s->sum += 1 + touch(t->ctx, t->ctx->priv, n);
	return 0;
}

/* Each page said its own number: nobody read through an old translation. */
static int check(struct wl_thread *t)
{
	const struct luf_reclaim_conf *conf = t->ctx->conf;
	const struct data *d = t->ctx->priv;
	struct stream *s = t->priv;
	uint64_t n, expected = 0;

	for (n = s->at; n < s->at + conf->pages; n++)
		expected += 1 + (d->has_numbers ? n : 0);
	if (s->sum != expected)
		return -EILSEQ;
	s->sum = 0;
	s->at = (s->at + conf->pages) % d->nr_pages;
	return 0;
}

/* --- those who need memory ----------------------------------------------- */

/* Takes pages and gives them back; only the first is what is looked at. */
static int fill_pipe(struct wl_thread *t)
{
	struct stream *s = t->priv;
	uint64_t begin = wl_now(t->ctx);

	if (write(s->pipe[1], s->buf, PIPE_BYTES) != PIPE_BYTES)
		return -EIO;
	wl_time(t, ALLOCATION, wl_now(t->ctx) - begin);
	return read(s->pipe[0], s->buf, PIPE_BYTES) == PIPE_BYTES ? 0 : -EIO;
}

/* Reading maps the page of zeros, read-only. */
static int write_fault(struct wl_thread *t)
{
	struct stream *s = t->priv;
	volatile uint64_t *at = word(t->ctx, s->buf, s->at);
	uint64_t begin;

	if (!s->at && madvise(s->buf, buf_bytes(t), MADV_DONTNEED))
		return -errno;
	if (*at)
		return -EILSEQ;
	begin = wl_now(t->ctx);
	*at = 1;
	wl_time(t, WRITE_FAULT, wl_now(t->ctx) - begin);
	s->at = (s->at + 1) % WINDOW_PAGES;
	return 0;
}

/* Of one page that was reclaimed; a flush may be put off for ever. */
static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	double cpus = c->nr_threads[READER] + c->nr_threads[ALLOCATOR];

	/* A writer flushes as often as it likes. */
	if (c->nr_threads[WRITER])
		return;
	/* Whoever reclaims is none of them, or one. */
	e->ipis_received = (struct wl_bound){ 0, cpus };
	e->flushes = (struct wl_bound){ 0, cpus + 1 };
}

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

static const struct wl_role roles[] = {
	{
		.name = "reader",
		.help = "reads page after page, each its own part of the data",
		.kind = WL_INITIATOR,
		.def_threads = 1,
		.max_threads = 4096,
		.op = op,
		.check = check,
	},
	{
		.name = "allocator",
		.help = "fills a pipe, which takes 16 pages, and empties it",
		.kind = WL_RESPONDER,
		.def_threads = 1,
		.op = fill_pipe,
	},
	{
		.name = "writer",
		.help = "takes write faults on pages of zeros",
		.kind = WL_RESPONDER,
		.op = write_fault,
	},
	{ 0 },
};

#define FIELD(n, u, h)                                                   \
	{                                                                \
		.name = (n), .unit = (u), .help = (h), .kind = WL_VMSTAT \
	}

static const struct wl_metric metrics[] = {
	[READ] = { .name = "pages_read",
		   .unit = "pages",
		   .help = "pages that readers have read",
		   .kind = WL_TOTAL,
		   .better = WL_HIGHER,
		   .is_headline = true },
	[ALLOCATION] = { .name = "allocation",
			 .help = "time to fill the pipe",
			 .kind = WL_TIME,
			 .is_headline = true },
	[WRITE_FAULT] = { .name = "write_fault",
			  .help = "time of a write fault",
			  .kind = WL_TIME,
			  .is_headline = true },
	FIELD("pgsteal_file", "pages", "pages of files reclaimed"),
	FIELD("pgsteal_anon", "pages",
	      "anonymous pages reclaimed, and those of tmpfs"),
	FIELD("pgsteal_kswapd", "pages", "pages that kswapd reclaimed"),
	FIELD("workingset_refault_file", "pages",
	      "pages of files that came back soon after they went"),
	FIELD("workingset_refault_anon", "pages",
	      "anonymous pages that came back soon after they went"),
	FIELD("pswpout", "pages", "pages written to swap"),
	FIELD("nr_tlb_remote_flush", "flushes",
	      "flushes that were sent to other CPUs, by all CPUs"),
	{ 0 },
};

static const struct wl_effect effect = {
	.event = "reclaimed_page",
	.metrics =
		(const char *const[]){ "pgsteal_file", "pgsteal_anon", NULL },
};

const struct wl_ops wl_luf_reclaim = {
	.abi = WL_ABI,
	.name = "luf_reclaim",
	.summary = "flushes of reclaim, while readers stream over more than "
		   "fits into memory",
	.path = "try_to_unmap_flush try_to_unmap_flush_dirty "
		"arch_tlbbatch_flush ptep_clear_flush",
	.tags = "reclaim",
	.params = params,
	.conf_bytes = sizeof(struct luf_reclaim_conf),
	.roles = roles,
	.metrics = metrics,
	.effect = &effect,
	.runs_free = true,
	.probe = probe,
	.prepare = prepare,
	.setup = setup,
	.thread_init = thread_init,
	.thread_exit = thread_exit,
	.teardown = teardown,
	.expect = expect,
};
