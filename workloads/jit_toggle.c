// SPDX-License-Identifier: GPL-2.0-only
/*
 * jit_toggle: replace code that other CPUs run, as a JIT compiler with W^X
 * does.
 *
 * One op takes the right to execute from the pages and gives that to write
 * (mprotect()), writes a function to the begin of each, and goes back. Both
 * ways flush in change_protection() -> tlb_finish_mmu() ->
 * flush_tlb_mm_range(), read in 6.12: pte_flags_need_flush() wants it for any
 * change of _PAGE_RW or _PAGE_NX. So one op causes two flushes, local and by
 * one IPI to each responder for each. Responders call the functions, which
 * brings the pages to their instruction TLB.
 *
 * Check calls the functions. Not measured: that, and the compiler. An op of
 * more pages writes more code, which is part of it.
 */
#include "wl.h"
#include "wl_mem.h"

/**
 * struct jit_state
 * @r: the code
 * @version: that the functions return
 */
struct jit_state {
	struct wl_range r;
	uint32_t version;
};

/* mov $version, %eax; ret */
static void emit(char *at, uint32_t version)
{
	at[0] = (char)0xb8;
	memcpy(at + 1, &version, sizeof(version));
	at[5] = (char)0xc3;
}

static uint32_t call(const char *at)
{
	uint32_t (*function)(void);

	memcpy(&function, &at, sizeof(at));
	return function();
}

static void emit_all(const struct jit_state *s)
{
	const struct wl_range *r = &s->r;
	size_t off;

	for (off = 0; off < r->len_bytes; off += r->page_bytes)
		emit(r->addr + off, s->version);
}

static void probe(const struct wl_env *env, const void *conf,
		  struct wl_reasons *why)
{
	void *page;

	wl_mem_probe(env, conf, why);
#ifndef __x86_64__
	wl_reason(why, "it knows the machine code of x86-64 only");
#endif
	page = mmap(NULL, env->page_bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return;
	if (mprotect(page, env->page_bytes, PROT_READ | PROT_EXEC))
		wl_reason(why,
			  "this system does not let memory that was written "
			  "become code: mprotect() says %s",
			  strerror(errno));
	munmap(page, env->page_bytes);
}

static int fill(const struct jit_state *s)
{
	const struct wl_range *r = &s->r;
	int ret = wl_range_write(r);

	emit_all(s);
	if (!ret && mprotect(r->addr, r->len_bytes, PROT_READ | PROT_EXEC))
		ret = -errno;
	return ret;
}

static int setup(struct wl_ctx *c)
{
	int ret = wl_mem_make_mapped(c, sizeof(struct jit_state), c->conf);

	if (ret)
		return ret;
	ret = fill(c->priv);
	if (ret)
		wl_mem_teardown(c);
	return ret;
}

/* Code of its own, or that of the file. */
static int process_init(struct wl_ctx *c, unsigned int role,
			unsigned int process)
{
	int ret = wl_mem_process_init(c, role, process);

	return ret ? ret : fill(c->priv);
}

static int rearm(struct wl_thread *t)
{
	struct jit_state *s = t->ctx->priv;

	s->version++;
	return 0;
}

static int op(struct wl_thread *t)
{
	const struct jit_state *s = t->ctx->priv;
	const struct wl_range *r = &s->r;

	if (mprotect(r->addr, r->len_bytes, PROT_READ | PROT_WRITE))
		return -errno;
	emit_all(s);
	return mprotect(r->addr, r->len_bytes, PROT_READ | PROT_EXEC) ? -errno
								      : 0;
}

static int check(struct wl_thread *t)
{
	const struct jit_state *s = t->ctx->priv;
	const struct wl_range *r = &s->r;
	size_t off;

	for (off = 0; off < r->len_bytes; off += r->page_bytes)
		if (call(r->addr + off) != s->version)
			return -EILSEQ;
	return 0;
}

static int run_code(struct wl_thread *t)
{
	const struct wl_range *r = t->ctx->priv;
	size_t off;

	for (off = 0; off < r->len_bytes; off += r->page_bytes)
		call(r->addr + off);
	return 0;
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	const struct wl_mem_conf *conf = c->conf;
	double flushes = conf->page_size == WL_HUGETLB ? 4 : 2;

	wl_mem_expect_flushes(c, e, flushes, flushes);
	wl_mem_expect_no_faults(c, e);
}

static const struct wl_param params[] = {
	WL_PARAM_PAGES("one op replaces the code of"),
	WL_PARAM_PAGE_SIZE,
	WL_PARAM_MEMORY,
	{ 0 },
};

static const struct wl_role roles[] = {
	WL_ROLE_INITIATOR("makes the code writable, writes it and back", rearm),
	WL_ROLE_RESPONDER_AS("spins; calls the code, so that it is in its TLB",
			     run_code, WL_MAX_PROCESSES),
	{ 0 },
};

const struct wl_ops wl_jit_toggle = {
	.abi = WL_ABI,
	.name = "jit_toggle",
	.summary =
		"a change of code that running CPUs have in their TLBs (W^X)",
	.path = "change_protection tlb_finish_mmu flush_tlb_mm_range",
	.tags = "everyday protect",
	.params = params,
	.conf_bytes = sizeof(struct wl_mem_conf),
	.roles = roles,
	.regions = wl_mem_regions,
	.probe = probe,
	.setup = setup,
	.process_init = process_init,
	.teardown = wl_mem_teardown,
	.expect = expect,
};
