// SPDX-License-Identifier: GPL-2.0-only
/*
 * madvise_batch: advise the kernel about many ranges that other CPUs have in
 * their TLBs, in one process_madvise() or in a loop of madvise().
 *
 * In 6.12 vector_madvise is a loop over do_madvise(), each of which flushes its
 * range in tlb_finish_mmu() -> flush_tlb_mm_range(): so an op of n ranges
 * causes n flushes, local and by one IPI to each responder, either way. Kernels
 * from 6.16 on gather the ranges of MADV_DONTNEED and MADV_FREE and flush once;
 * up to 6.12 process_madvise() takes neither, only hints such as MADV_COLD,
 * which takes the accessed bit from each entry. Transparent huge pages are
 * flushed as in madvise_free.
 *
 * Rearm writes the pages. Not measured: the faults of that after MADV_DONTNEED,
 * and reclaim.
 */
#include <sys/pidfd.h>
#include <sys/uio.h>

#include "wl.h"
#include "wl_mem.h"

/* What the kernel takes at once (UIO_MAXIOV). */
#define MAX_RANGES 1024

enum call {
	PROCESS_MADVISE,
	MADVISE
};

static const char *const calls[] = { "process_madvise", "madvise", NULL };

struct batch_conf {
	struct wl_mem_conf mem;
	uint64_t advice;
	uint64_t ranges;
	uint64_t call;
};

/**
 * struct batch
 * @r: all ranges, one behind the other
 * @pidfd: this process
 * @ranges: as many as the case has
 */
struct batch {
	struct wl_range r;
	int pidfd;
	struct iovec ranges[MAX_RANGES];
};

static struct wl_mem_conf whole(const struct batch_conf *conf)
{
	struct wl_mem_conf mem = conf->mem;

	mem.pages *= conf->ranges;
	return mem;
}

/* The only way to know what a kernel takes is to ask it. */
static void probe_call(const struct wl_env *env, uint64_t advice,
		       struct wl_reasons *why)
{
	void *page = mmap(NULL, env->page_bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec one = { page, env->page_bytes };
	int pidfd = pidfd_open(getpid(), 0);

	if (page != MAP_FAILED && pidfd >= 0 &&
	    process_madvise(pidfd, &one, 1, wl_advice(advice), 0) < 0)
		wl_reason(why,
			  "process_madvise() of this kernel does not take "
			  "advice = %s: %s (dontneed and free came with 6.13 "
			  "and for the own process only); use call = madvise",
			  wl_advices[advice], strerror(errno));
	if (pidfd < 0)
		wl_reason(why, "no pidfd_open(): %s", strerror(errno));
	else
		close(pidfd);
	if (page != MAP_FAILED)
		munmap(page, env->page_bytes);
}

static void probe(const struct wl_env *env, const void *conf,
		  struct wl_reasons *why)
{
	const struct batch_conf *batch = conf;
	struct wl_mem_conf mem = whole(batch);

	wl_mem_probe(env, &mem, why);
	wl_mem_probe_advice(env, &mem, batch->advice, why);
	if (batch->call == PROCESS_MADVISE)
		probe_call(env, batch->advice, why);
}

static int setup(struct wl_ctx *c)
{
	const struct batch_conf *conf = c->conf;
	struct wl_mem_conf mem = whole(conf);
	int ret = wl_mem_make_mapped(c, sizeof(struct batch), &mem);
	struct batch *b = c->priv;
	size_t len_bytes, i;

	if (ret)
		return ret;
	len_bytes = b->r.len_bytes / conf->ranges;
	for (i = 0; i < conf->ranges; i++)
		b->ranges[i] =
			(struct iovec){ b->r.addr + i * len_bytes, len_bytes };
	b->pidfd = pidfd_open(getpid(), 0);
	if (b->pidfd >= 0)
		return 0;
	ret = -errno;
	wl_mem_teardown(c);
	return ret;
}

static void teardown(struct wl_ctx *c)
{
	struct batch *b = c->priv;

	close(b->pidfd);
	wl_mem_teardown(c);
}

static int op(struct wl_thread *t)
{
	const struct batch_conf *conf = t->ctx->conf;
	const struct batch *b = t->ctx->priv;
	int advice = wl_advice(conf->advice);
	size_t i;
	ssize_t n;

	if (conf->call == PROCESS_MADVISE) {
		n = process_madvise(b->pidfd, b->ranges, conf->ranges, advice,
				    0);
		if (n < 0)
			return -errno;
		return (size_t)n == b->r.len_bytes ? 0 : -EIO;
	}
	for (i = 0; i < conf->ranges; i++)
		if (madvise(b->ranges[i].iov_base, b->ranges[i].iov_len,
			    advice))
			return -errno;
	return 0;
}

static int check(struct wl_thread *t)
{
	const struct batch_conf *conf = t->ctx->conf;

	return wl_mem_check_advice(t->ctx->priv, conf->advice);
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct batch_conf *conf = c->conf;
	double ranges = (double)conf->ranges, pages = (double)conf->mem.pages;
	double most = ranges;

	if (conf->advice == WL_FREE && conf->mem.page_size == WL_THP)
		most += ranges * pages;
	/* A range may end in another page-table page than it begins. */
	if (conf->advice == WL_DONTNEED && conf->mem.memory == WL_SHARED)
		most += wl_mem_max_zaps(wl_mem_tables(c)) * ranges;
	wl_mem_expect_flushes(c, e, conf->call == MADVISE ? ranges : 1, most);
	e->pages =
		(struct wl_bound){ most > ranges ? 1 : pages, pages * ranges };
	e->faults = (struct wl_bound){ 0, pages * ranges };
}

static const struct wl_param params[] = {
	WL_PARAM_PAGES("each range has"),
	WL_PARAM_PAGE_SIZE_NO_HUGETLB,
	WL_PARAM_MEMORY,
	WL_PARAM_ADVICE(struct batch_conf, WL_COLD),
	{
		.name = "ranges",
		.help = "Ranges of one op",
		.type = WL_UINT,
		.offset = offsetof(struct batch_conf, ranges),
		.def = 16,
		.min = 1,
		.max = MAX_RANGES,
	},
	{
		.name = "call",
		.help = "All ranges in one process_madvise(), or each in a "
			"madvise() of its own",
		.type = WL_ENUM,
		.offset = offsetof(struct batch_conf, call),
		.values = calls,
	},
	{ 0 },
};

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("writes the pages and advises about them",
			  wl_mem_write),
	WL_ROLE_RESPONDER_OR_PROCESS,
	{ 0 },
};

const struct wl_ops wl_madvise_batch = {
	.abi = WL_ABI,
	.name = "madvise_batch",
	.summary = "advice about many ranges that running CPUs have in their "
		   "TLBs",
	.path = "do_madvise tlb_finish_mmu flush_tlb_mm_range",
	.tags = "everyday discard",
	.params = params,
	.conf_bytes = sizeof(struct batch_conf),
	.roles = roles,
	.regions = wl_mem_regions,
	.probe = probe,
	.setup = setup,
	.process_init = wl_mem_process_init,
	.teardown = teardown,
	.expect = expect,
};
