/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tests share that run every workload there is.
 */
#ifndef T_EACH_H
#define T_EACH_H

#include "tests/t_engine.h"

static struct tb_result result;

/* Those that T_ONLY names, or all; says which one it is, for messages. */
static inline bool t_wants(const struct wl_ops *ops)
{
	const char *only = getenv("T_ONLY");

	if (only && !strstr(only, ops->name))
		return false;
	print_message("# %s\n", ops->name);
	return true;
}

#define FOR_EACH(ops)                                             \
	for (const struct wl_ops *const *t_p = wl_registry, *ops; \
	     (ops = *t_p); t_p++)                                 \
		if (t_wants(ops))

/* TSan's shadow is charged to the memory cgroup too, and is not reclaimed. */
static inline bool t_has_no_room(const struct wl_ops *ops)
{
#ifdef __SANITIZE_THREAD__
	return !strcmp(ops->name, "luf_reclaim");
#else
	(void)ops;
	return false;
#endif
}

/* Run with @fault; false if the workload cannot run here at all. */
static inline bool t_run_with(struct tb_case *cs, const struct t_fault *fault)
{
	memset(t_counts, 0, sizeof(*t_counts));
	t_fault = *fault;
	t_run_case(cs, &result);
	tb_result_fini(&result);
	return result.state != TB_STATE_SKIPPED;
}

/* A private TMPDIR, which is the current directory as well. */
static inline int enter_dir(void **state)
{
	if (t_dir_make(state))
		return -1;
	setenv("TMPDIR", *state, 1);
	return chdir(*state);
}

static inline int leave_dir(void **state)
{
	unsetenv("TMPDIR");
	return chdir("/") || t_dir_remove(state);
}

#define IN_DIR(f) cmocka_unit_test_setup_teardown(f, enter_dir, leave_dir)

#endif
