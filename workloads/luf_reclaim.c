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
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "luf_reclaim_conf.h"
#include "luf_reclaim_data.h"
#include "wl.h"

/* What a pipe holds. */
#define PIPE_BYTES (64UL << 10)
/* What the writer uses up before it starts over. */
#define WINDOW_PAGES 512

enum {
	READER,
	ALLOCATOR,
	WRITER
};
/* Indices of metrics; fields of the kernel follow. */
enum {
	READ,
	ALLOCATION,
	WRITE_FAULT
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
