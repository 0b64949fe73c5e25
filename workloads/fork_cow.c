// SPDX-License-Identifier: GPL-2.0-only
/*
 * fork_cow: fork an mm that other CPUs run, or write its pages afterwards.
 *
 * act = fork: the op is fork(). It write-protects the entries of private memory
 * and copies them, then flushes the whole mm at the end of dup_mmap():
 * flush_tlb_mm(), read in 6.12, which says that page tables are freed, so lazy
 * CPUs are not spared. One op causes one full flush, local and by one IPI to
 * each responder. Check sees that no page is the parent's alone, and ends the
 * child; the next rearm writes the pages, which are reused then, by faults
 * that flush nothing.
 *
 * act = cow: rearm forks, and the op writes each page while the child lives.
 * Each write is a fault that copies: wp_page_copy() -> ptep_clear_flush() ->
 * flush_tlb_page(), one flush of one page, local and by one IPI to each
 * responder; of a transparent huge page one more, because it is split first,
 * and only the base page that was written is copied. So an op causes as many
 * flushes as it has pages, and rearm the one of fork(); and one more where huge
 * pages that were split are mapped anew.
 *
 * Pages of hugetlb are left out: each copy would take a reserved one more.
 *
 * The child has those pages and the program's text and nothing else: all other
 * private memory is kept from it (MADV_DONTFORK). Else each thread would copy a
 * page of its stack, too, when it goes on. It only waits to be killed, on the
 * initiator's CPU. Where that has no PCIDs, each switch to it and back is a
 * flush as well. Not measured: exit of the child, and what it would copy.
 */
#include "wl.h"
#include "wl_fork.h"
#include "wl_mem.h"

enum act {
	FORK,
	COW
};

static const char *const acts[] = { "fork", "cow", NULL };

struct fork_cow_conf {
	struct wl_mem_conf mem;
	uint64_t act;
};

/**
 * struct fork_cow
 * @r: private anonymous pages
 * @f: the child that has them as well
 */
struct fork_cow {
	struct wl_range r;
	struct wl_fork f;
};

static int setup(struct wl_ctx *c)
{
	return wl_mem_make_mapped(c, sizeof(struct fork_cow), c->conf);
}

static int thread_init(struct wl_thread *t)
{
	return t->role ? 0 : wl_fork_thread_init();
}

static void thread_exit(struct wl_thread *t)
{
	if (!t->role)
		wl_fork_end(&((struct fork_cow *)t->ctx->priv)->f);
}

static void probe(const struct wl_env *env, const void *conf,
		  struct wl_reasons *why)
{
	wl_mem_probe(env, conf, why);
	wl_fork_probe(why);
}

static int rearm(struct wl_thread *t)
{
	const struct fork_cow_conf *conf = t->ctx->conf;
	struct fork_cow *s = t->ctx->priv;
	int ret = wl_fork_keep(&s->f, &s->r);

	if (!ret && conf->act == COW && conf->mem.page_size == WL_THP)
		ret = wl_range_map(&s->r);
	if (!ret)
		ret = wl_range_write(&s->r);
	return ret || conf->act == FORK ? ret : wl_fork_start(&s->f);
}

static int op(struct wl_thread *t)
{
	const struct fork_cow_conf *conf = t->ctx->conf;
	struct fork_cow *s = t->ctx->priv;

	if (conf->act == FORK)
		return wl_fork_start(&s->f);
	wl_range_store(&s->r);
	return 0;
}

static int check(struct wl_thread *t)
{
	const struct fork_cow_conf *conf = t->ctx->conf;
	struct fork_cow *s = t->ctx->priv;
	long own = wl_range_count(&s->r, WL_PM_EXCLUSIVE), expected = 0;

	wl_fork_end(&s->f);
	if (conf->act == COW)
		expected =
			(long)(conf->mem.page_size == WL_THP
				       ? conf->mem.pages
				       : s->r.len_bytes / t->ctx->page_bytes);
	if (own < 0)
		return (int)own;
	return own == expected ? 0 : -ENODATA;
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct fork_cow_conf *conf = c->conf;
	double pages = (double)conf->mem.pages, flushes = 1, maps = 0;

	if (conf->act == COW) {
		maps = conf->mem.page_size == WL_THP;
		flushes += pages + maps * (1 + pages);
	}
	wl_mem_expect_flushes(c, e, flushes, flushes);
	/* To the child, to what waits for its end, and back. */
	e->flushes.max += 3;
	e->faults.max += maps * pages;
	e->pages = (struct wl_bound){ 1, 1 };
}

static const struct wl_param params[] = {
	WL_PARAM_PAGES("are copied on write"),
	WL_PARAM_PAGE_SIZE_NO_HUGETLB,
	{
		.name = "act",
		.help = "What is timed: fork() or the writes after it",
		.type = WL_ENUM,
		.offset = offsetof(struct fork_cow_conf, act),
		.values = acts,
	},
	{ 0 },
};

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("writes the pages and forks", rearm),
	WL_ROLE_RESPONDER,
	{ 0 },
};

const struct wl_ops wl_fork_cow = {
	.abi = WL_ABI,
	.name = "fork_cow",
	.summary =
		"fork() of an mm that other CPUs run, or the copies on write "
		"after it",
	.path = "dup_mmap flush_tlb_mm_range wp_page_copy ptep_clear_flush",
	.tags = "everyday protect",
	.params = params,
	.conf_bytes = sizeof(struct fork_cow_conf),
	.roles = roles,
	.regions = wl_mem_regions,
	.probe = probe,
	.setup = setup,
	.thread_init = thread_init,
	.thread_exit = thread_exit,
	.teardown = wl_mem_teardown,
	.expect = expect,
};
