/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Asks for placements on a machine, and looks at what was chosen.
 */
#ifndef T_PLACE_H
#define T_PLACE_H

#include <errno.h>

#include "machine/place.h"
#include "tests/t_sysfs.h"

#define T_MAX_THREADS 512

/* What is asked: roles as "policy nr", the first is the initiator's. */
struct t_asked {
	struct tb_place_role roles[4];
	unsigned int nr_roles;
	unsigned int instances;
	unsigned int max_cpus;
	bool may_share;
};

#define T_ASK(...)                                                            \
	(struct t_asked)                                                      \
	{                                                                     \
		.roles = { __VA_ARGS__ },                                     \
		.nr_roles = sizeof((struct tb_place_role[]){ __VA_ARGS__ }) / \
			    sizeof(struct tb_place_role),                     \
		.instances = 1, .max_cpus = UINT_MAX,                         \
	}

/* All threads are one role. */
static inline struct t_asked t_one(const char *policy, unsigned int nr)
{
	return T_ASK({ policy, nr });
}

static inline int t_resolve(const struct tb_topo *topo, struct t_asked a,
			    int *chosen, struct tb_err *err)
{
	return tb_place_resolve(topo, a.roles, a.nr_roles, a.instances,
				a.max_cpus, a.may_share, chosen, err);
}

/* @expected: CPU numbers with blanks between them. */
static inline void t_check_numbers(const int *chosen, unsigned int nr,
				   const char *expected)
{
	struct tb_buf b = { 0 };
	unsigned int i;

	for (i = 0; i < nr; i++)
		tb_buf_printf(&b, "%s%d", i ? " " : "", chosen[i]);
	assert_string_equal(b.data, expected);
	tb_buf_fini(&b);
}

static inline void t_check_placed(const struct tb_topo *topo, struct t_asked a,
				  const char *expected)
{
	struct tb_err err = { 0 };
	int chosen[T_MAX_THREADS];
	unsigned int i, nr = 0;

	for (i = 0; i < a.nr_roles; i++) {
		assert_int_equal(tb_place_check(a.roles[i].policy, &err), 0);
		nr += a.roles[i].nr * a.instances;
	}
	assert_true(nr <= T_MAX_THREADS);
	if (t_resolve(topo, a, chosen, &err))
		fail_msg("%s", err.text);
	t_check_numbers(chosen, nr, expected);
}

static inline void t_check_refused(const struct tb_topo *topo, struct t_asked a,
				   const char *message)
{
	struct tb_err err = { 0 };
	int chosen[T_MAX_THREADS];

	assert_int_equal(t_resolve(topo, a, chosen, &err), -EINVAL);
	assert_true(err.is_usage);
	assert_string_equal(err.text, message);
}

/* An initiator and @nr others. */
static inline struct t_asked t_beside(const char *policy, unsigned int nr)
{
	return T_ASK({ policy, 1 }, { policy, nr });
}

static inline void t_read_tree(struct tb_topo *topo, const char *root)
{
	struct tb_err err = { 0 };

	if (tb_topo_read(topo, root, &err))
		fail_msg("%s", err.text);
}

/* Through its tree, as on the machine itself. */
static inline void t_read_machine(struct tb_topo *topo, const char *root,
				  void (*make)(struct t_machine *m))
{
	static struct t_machine machine;

	make(&machine);
	t_put_machine(&machine, root);
	t_read_tree(topo, root);
}

static inline void t_read_capture(struct tb_topo *topo, const char *root,
				  const char *name)
{
	t_put_capture(root, name);
	t_read_tree(topo, root);
}

#endif
