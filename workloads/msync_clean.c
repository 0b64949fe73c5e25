// SPDX-License-Identifier: GPL-2.0-only
/*
 * msync_clean: write dirty pages of a file that others write to.
 *
 * msync(MS_SYNC), read in 6.12: file_write_and_wait_range() writes each page,
 * and before that write-protects it wherever it is mapped, so that the next
 * write is noticed: folio_clear_dirty_for_io() -> folio_mkclean() ->
 * page_vma_mkclean_one() -> ptep_clear_flush(). That is one flush for each page
 * and each mm that can write to it, on all CPUs that have this mm loaded. Only
 * file systems that account dirty pages do so: the file is on a disk. Nothing
 * is written back of tmpfs.
 *
 * One op causes one flush of each page on the CPU of the initiator and on that
 * of each responder, which writes to the pages, too.
 *
 * Base pages only: ext4 has no others in 6.12.
 *
 * Timed with it: the input and output, and committing the journal. Not
 * measured: the write faults that follow (rearm, and the rendezvous).
 */
#include "wl.h"
#include "wl_mem.h"

static void probe(const struct wl_env *env, const void *conf,
		  struct wl_reasons *why)
{
	wl_mem_probe(env, conf, why);
	if (env->nr_instances > 1)
		wl_reason(why, "expected instances = 1: others would write to "
			       "the same file; see processes.responder");
}

static void prepare(struct wl_res *res, const void *conf)
{
	const struct wl_mem_conf *mem = conf;

	wl_res_file(res, WL_FS_DISK,
		    mem->pages * (uint64_t)sysconf(_SC_PAGESIZE));
}

static int setup(struct wl_ctx *c)
{
	int ret = wl_mem_make(c, sizeof(struct wl_range), c->conf);
	struct wl_range *r = c->priv;

	if (ret)
		return ret;
	r->memfd = fcntl(c->files[0], F_DUPFD_CLOEXEC, 0);
	ret = r->memfd < 0 ? -errno : wl_range_map(r);
	if (ret)
		wl_mem_teardown(c);
	return ret;
}

static int op(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;

	return msync(r->addr, r->len_bytes, MS_SYNC) ? -errno : 0;
}

/* Neither the page tables nor the pages say that anything is dirty. */
static int check(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;
	int ret = wl_range_check_smaps(r, "Shared_Dirty:");

	return ret ? ret : wl_range_check_smaps(r, "Private_Dirty:");
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct wl_mem_conf *conf = c->conf;
	double pages = (double)conf->pages;

	wl_mem_expect_reached(c, e, c->nr_threads[1], pages, pages);
	e->pages = (struct wl_bound){ 1, 1 };
	/* Processes have page tables of their own; two threads may both fault.
	 */
	if (c->nr_processes[1])
		e->faults = (struct wl_bound){
			pages * (1 + c->nr_processes[1]),
			pages * (1 + c->nr_threads[1]),
		};
}

static const struct wl_param params[] = {
	WL_PARAM_PAGES("one op cleans"),
	{ 0 },
};

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("writes to the pages and has them written to disk",
			  wl_mem_write),
	WL_ROLE_RESPONDER_AS("writes to the pages, too, and spins",
			     wl_mem_write, WL_MAX_PROCESSES),
	{ 0 },
};

const struct wl_ops wl_msync_clean = {
	.abi = WL_ABI,
	.name = "msync_clean",
	.summary = "msync() of dirty pages of a file that others write to",
	.path = "folio_mkclean page_vma_mkclean_one ptep_clear_flush "
		"flush_tlb_mm_range",
	.tags = "everyday",
	.params = params,
	.conf_bytes = sizeof(struct wl_mem_conf),
	.roles = roles,
	.regions = wl_mem_regions,
	.probe = probe,
	.prepare = prepare,
	.setup = setup,
	.teardown = wl_mem_teardown,
	.expect = expect,
};
