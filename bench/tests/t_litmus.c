// SPDX-License-Identifier: GPL-2.0-only
/* Litmus tests made to fail: each kind of fault is seen, and none is made up.
 */
#include "engine/litmus.h"

#include <stdio.h>
#include <string.h>

#include "tests/t.h"

static int forget(struct litmus *l)
{
	(void)l;
	return 0;
}

/* As a flush that is cut short would have it. */
static int forget_last(struct litmus *l)
{
	size_t page_bytes = l->range.ctx->page_bytes;

	if (l->range.len_bytes == page_bytes)
		return 0;
	return mprotect(l->range.addr, l->range.len_bytes - page_bytes,
			PROT_READ)
		       ? -errno
		       : 0;
}

static int renew(struct litmus *l)
{
	litmus_renew(l);
	return 0;
}

static int lose(struct litmus *l)
{
	memset(l->range.addr, 0, l->range.len_bytes);
	return 0;
}

static int unnoticed(struct litmus *l, size_t page)
{
	(void)l;
	return page ? 1 : 0;
}

static int impossible(struct litmus *l)
{
	(void)l;
	return -EAGAIN;
}

/* As of process_madvise() without CAP_SYS_NICE. */
static int forbidden(struct litmus *l)
{
	(void)l;
	return -EPERM;
}

/* Until its state is given up. */
static int impossible_at_first(struct litmus *l)
{
	return l->value_nr < 3 ? -EAGAIN : renew(l);
}

static int wrong(struct litmus *l)
{
	(void)l;
	return -EDOM;
}

/* A test of base pages whose victims run. */
#define BASE                                                         \
	.abi = LITMUS_ABI, .name = "toy", .page_sizes = LITMUS_BASE, \
	.states = 1U << LITMUS_RUNNING, .max_pages = 34

/* Run it, and return how it ended; what it said is in @text. */
static enum tb_ktap_state run(const struct litmus_ops *ops, uint64_t limit_ns,
			      struct tb_buf *text)
{
	struct tb_undo undo = { .root = "" };
	struct tb_topo topo = { 0 };
	struct tb_ktap k = { .out = text };
	struct tb_err err = { 0 };
	struct tb_sig sig;
	struct tb_litmus_env env = {
		.topo = &topo,
		.undo = &undo,
		.sig = &sig,
		.effort = 1,
		.limit_ns = limit_ns,
	};

	assert_int_equal(tb_sig_init(&sig), 0);
	assert_int_equal(tb_topo_read(&topo, "/sys", &err), 0);
	if (tb_litmus_run(&env, ops, &k, &err))
		fail_msg("%s", err.text);
	if (topo.nr_cpus < 2)
		k.state = TB_KTAP_SKIP;
	tb_topo_fini(&topo);
	return k.state;
}

/* It ends like this, and says @word, unless there is one CPU only. */
static void check_within(const struct litmus_ops *ops, uint64_t limit_ns,
			 enum tb_ktap_state expected, const char *word)
{
	struct tb_buf text = { 0 };
	enum tb_ktap_state state = run(ops, limit_ns, &text);

	if (sysconf(_SC_NPROCESSORS_ONLN) > 1 &&
	    (state != expected || !strstr(text.data, word)))
		fail_msg("expected %d and '%s':\n%s", expected, word,
			 text.data);
	tb_buf_fini(&text);
}

static void check(const struct litmus_ops *ops, enum tb_ktap_state expected,
		  const char *word)
{
	check_within(ops, TB_LITMUS_LIMIT_NS, expected, word);
}

static void what_is_right_passes(void **state)
{
	(void)state;
	check(&(struct litmus_ops){ BASE, .write = LITMUS_FAULT,
				    .act = litmus_protect },
	      TB_KTAP_OK, "16 tries, 0 missed");
	check(&(struct litmus_ops){ BASE, .read = LITMUS_NEW,
				    .write = LITMUS_KEPT, .act = renew },
	      TB_KTAP_OK, "16 tries, 0 missed");
}

static void a_missing_fault_is_seen(void **state)
{
	(void)state;
	check(&(struct litmus_ops){ BASE, .write = LITMUS_FAULT,
				    .act = forget },
	      TB_KTAP_NOT_OK, "16 of 16 tries");
	check(&(struct litmus_ops){ BASE, .read = LITMUS_FAULT, .act = forget },
	      TB_KTAP_NOT_OK, "met no fault");
}

static void the_last_page_is_watched(void **state)
{
	(void)state;
	check(&(struct litmus_ops){ BASE, .write = LITMUS_FAULT,
				    .act = forget_last },
	      TB_KTAP_NOT_OK, "16 of 16 tries");
}

static void an_old_value_is_seen(void **state)
{
	(void)state;
	check(&(struct litmus_ops){ BASE, .read = LITMUS_NEW, .act = forget },
	      TB_KTAP_NOT_OK, "read another value");
	check(&(struct litmus_ops){ BASE, .read = LITMUS_ZERO, .act = renew },
	      TB_KTAP_NOT_OK, "read another value");
}

static void a_fault_that_must_not_be_is_seen(void **state)
{
	(void)state;
	check(&(struct litmus_ops){ BASE, .write = LITMUS_KEPT,
				    .act = litmus_protect },
	      TB_KTAP_NOT_OK, "met a fault");
}

static void a_lost_write_is_seen(void **state)
{
	(void)state;
	check(&(struct litmus_ops){ BASE, .write = LITMUS_KEPT, .act = renew,
				    .look = lose },
	      TB_KTAP_NOT_OK, "wrote what was lost");
	check(&(struct litmus_ops){ BASE, .write = LITMUS_KEPT, .act = lose,
				    .hammers = true, .effort = 4 },
	      TB_KTAP_NOT_OK, "wrote what was lost");
}

static void what_the_kernel_misses_is_seen(void **state)
{
	(void)state;
	check(&(struct litmus_ops){ BASE, .write = LITMUS_KEPT, .act = renew,
				    .one_writer = true, .noticed = unnoticed },
	      TB_KTAP_NOT_OK, "did not notice");
}

static void what_cannot_be_tried_is_no_pass(void **state)
{
	(void)state;
	check(&(struct litmus_ops){ BASE, .read = LITMUS_NEW,
				    .act = impossible },
	      TB_KTAP_SKIP, "no try could be made");
	check(&(struct litmus_ops){ BASE, .read = LITMUS_NEW,
				    .act = forbidden },
	      TB_KTAP_SKIP, "no try could be made: Operation not permitted");
	check(&(struct litmus_ops){ BASE, .read = LITMUS_NEW, .act = wrong },
	      TB_KTAP_NOT_OK, "toy running, try 0");
}

static void states_after_one_that_was_given_up_are_tried(void **state)
{
	const struct litmus_ops ops = {
		.abi = LITMUS_ABI,
		.name = "toy",
		.page_sizes = LITMUS_BASE,
		.states = 1U << LITMUS_RUNNING | 1U << LITMUS_WOKEN,
		.max_pages = 34,
		.read = LITMUS_NEW,
		.act = impossible_at_first,
	};

	(void)state;
	check(&ops, TB_KTAP_OK, "6 tries, 0 missed");
}

static void tries_end_in_time(void **state)
{
	(void)state;
	check_within(&(struct litmus_ops){ BASE, .write = LITMUS_FAULT,
					   .act = litmus_protect },
		     1, TB_KTAP_OK, "1 tries, 0 missed");
	check_within(&(struct litmus_ops){ BASE, .write = LITMUS_FAULT,
					   .act = litmus_protect },
		     1, TB_KTAP_OK, "no more tries: time is up");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_right_passes),
		cmocka_unit_test(a_missing_fault_is_seen),
		cmocka_unit_test(the_last_page_is_watched),
		cmocka_unit_test(an_old_value_is_seen),
		cmocka_unit_test(a_fault_that_must_not_be_is_seen),
		cmocka_unit_test(a_lost_write_is_seen),
		cmocka_unit_test(what_the_kernel_misses_is_seen),
		cmocka_unit_test(what_cannot_be_tried_is_no_pass),
		cmocka_unit_test(tries_end_in_time),
		cmocka_unit_test(states_after_one_that_was_given_up_are_tried),
	};

#ifdef __SANITIZE_THREAD__
	/* What victims see while others write is what it is about. */
	puts("1..0 # SKIP its threads race for the pages, on purpose");
	return 0;
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
