// SPDX-License-Identifier: GPL-2.0-only
/*
 * uring_madvise: let io_uring advise the kernel about pages that other CPUs
 * have in their TLBs.
 *
 * IORING_OP_MADVISE never runs where it is submitted: io_madvise_prep() sets
 * REQ_F_FORCE_ASYNC, read in 6.12. A worker thread of the ring (io-wq), which
 * is a thread of this mm, calls do_madvise() and so flushes, in
 * tlb_finish_mmu() -> flush_tlb_mm_range(). One op causes one flush, on the
 * worker's CPU and by one IPI to each responder. The worker may only run on the
 * initiator's CPU here, so that its flush is local to it; on a CPU of its own
 * the initiator's, idle by then, would be lazy. The op lasts from the
 * submission to the completion, with the way to the worker and back, which is
 * two switches between threads of one mm and flushes nothing.
 *
 * The advice is MADV_DONTNEED, MADV_FREE or MADV_COLD; huge pages and files are
 * flushed as in madvise_free and madvise_dontneed. Not measured: rearm, which
 * writes the pages.
 */
#include <liburing.h>
#include <sched.h>

#include "wl.h"
#include "wl_mem.h"

struct uring_conf {
	struct wl_mem_conf mem;
	uint64_t advice;
};

static void probe(const struct wl_env *env, const void *conf,
		  struct wl_reasons *why)
{
	const struct uring_conf *uring = conf;
	struct io_uring ring;
	int ret = io_uring_queue_init(1, &ring, 0);

	wl_mem_probe(env, conf, why);
	wl_mem_probe_advice(env, &uring->mem, uring->advice, why);
	if (ret)
		wl_reason(why, "no io_uring: %s%s", strerror(-ret),
			  ret == -EPERM ? "; see /proc/sys/kernel/"
					  "io_uring_disabled"
					: "");
	else
		io_uring_queue_exit(&ring);
}

static int thread_init(struct wl_thread *t)
{
	struct io_uring *ring;
	cpu_set_t cpu;
	int ret;

	if (t->role)
		return 0;
	ring = malloc(sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	ret = io_uring_queue_init(1, ring, 0);
	if (ret)
		goto out_free;
	CPU_ZERO(&cpu);
	CPU_SET(t->cpu, &cpu);
	ret = io_uring_register_iowq_aff(ring, sizeof(cpu), &cpu);
	if (ret)
		goto out_exit;
	t->priv = ring;
	return 0;

out_exit:
	io_uring_queue_exit(ring);
out_free:
	free(ring);
	return ret;
}

static void thread_exit(struct wl_thread *t)
{
	if (t->role)
		return;
	io_uring_queue_exit(t->priv);
	free(t->priv);
}

static int op(struct wl_thread *t)
{
	const struct uring_conf *conf = t->ctx->conf;
	const struct wl_range *r = t->ctx->priv;
	struct io_uring *ring = t->priv;
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
	struct io_uring_cqe *cqe;
	int ret;

	if (!sqe)
		return -EBUSY;
	/* The length has 32 bits there; the other field for it has 64. */
	io_uring_prep_madvise(sqe, r->addr, 0, wl_advice(conf->advice));
	sqe->off = r->len_bytes;
	ret = io_uring_submit_and_wait(ring, 1);
	if (ret != 1)
		return ret < 0 ? ret : -EIO;
	ret = io_uring_peek_cqe(ring, &cqe);
	if (ret)
		return ret;
	ret = cqe->res;
	io_uring_cqe_seen(ring, cqe);
	return ret;
}

static int check(struct wl_thread *t)
{
	const struct uring_conf *conf = t->ctx->conf;

	return wl_mem_check_advice(t->ctx->priv, conf->advice);
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct uring_conf *conf = c->conf;
	bool is_zapped = conf->advice == WL_DONTNEED &&
			 conf->mem.memory == WL_SHARED &&
			 conf->mem.page_size == WL_BASE;
	double flushes = 1;

	if (conf->advice == WL_FREE && conf->mem.page_size == WL_THP)
		flushes += (double)conf->mem.pages;
	if (is_zapped)
		flushes = wl_mem_tables(c);
	wl_mem_expect_flushes(c, e, flushes,
			      is_zapped ? wl_mem_max_zaps(flushes) : flushes);
	e->pages.min = 1;
	if (conf->advice != WL_DONTNEED)
		wl_mem_expect_no_faults(c, e);
}

static const struct wl_param params[] = {
	WL_PARAM_PAGES("one op is about"),
	WL_PARAM_PAGE_SIZE_NO_HUGETLB,
	WL_PARAM_MEMORY,
	WL_PARAM_ADVICE(struct uring_conf, WL_DONTNEED),
	{ 0 },
};

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("writes the pages and submits the advice",
			  wl_mem_write),
	WL_ROLE_RESPONDER_OR_PROCESS,
	{ 0 },
};

const struct wl_ops wl_uring_madvise = {
	.abi = WL_ABI,
	.name = "uring_madvise",
	.summary = "advice by io_uring about pages that running CPUs have in "
		   "their TLBs",
	.path = "io_madvise do_madvise tlb_finish_mmu flush_tlb_mm_range",
	.tags = "everyday discard",
	.params = params,
	.conf_bytes = sizeof(struct uring_conf),
	.roles = roles,
	.regions = wl_mem_regions,
	.probe = probe,
	.setup = wl_mem_setup_mapped,
	.process_init = wl_mem_process_init,
	.thread_init = thread_init,
	.thread_exit = thread_exit,
	.teardown = wl_mem_teardown,
	.expect = expect,
};
