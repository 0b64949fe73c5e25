// SPDX-License-Identifier: GPL-2.0-only
/* Runs litmus tests, and looks at the kernel's own oracles around them. */
#include "campaign/litmus_suite.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "machine/kmsg.h"

#define COUNTERS "/sys/kernel/tlb_strategy/counters"
#define MAX_ORACLES 16
#define WARNING 4

/* A counter of the checked build that counts violations. */
struct oracle {
	char name[256];
	uint64_t before;
};

/**
 * struct watch - what the kernel says of itself
 * @log: of the kernel, from the begin on
 */
struct watch {
	struct oracle oracles[MAX_ORACLES];
	unsigned int nr;
	struct tb_kmsg log;
};

int tb_litmus_suite_choose(struct tb_litmus_suite *s, char **names,
			   struct tb_err *err)
{
	const struct litmus_ops *const *ops;
	struct tb_buf all = { 0 };
	char **name;

	for (name = names; *name && tb_litmus_find(*name); name++)
		;
	s->tests = *names ? names : NULL;
	if (!*name)
		return 0;
	for (ops = litmus_registry; *ops; ops++)
		tb_buf_printf(&all, "%s%s", all.data ? ", " : "", (*ops)->name);
	tb_usage(err, "litmus: unknown test '%.64s', expected one of: %s",
		 *name, all.data ? all.data : "");
	tb_buf_fini(&all);
	return err->code;
}

int tb_litmus_suite_exit(const struct tb_litmus_suite *s)
{
	if (s->nr_by_state[TB_KTAP_NOT_OK])
		return TB_EXIT_FAIL;
	return s->nr_by_state[TB_KTAP_OK] ? TB_EXIT_OK : TB_EXIT_SKIP;
}

/* --- the kernel's own word ---------------------------------------------------
 */

static uint64_t read_oracle(const char *name)
{
	char path[512], line[32];

	snprintf(path, sizeof(path), COUNTERS "/%s", name);
	if (tb_read_line(path, line, sizeof(line)))
		return 0;
	return strtoull(line, NULL, 10);
}

static int is_oracle(const struct dirent *e)
{
	return !strncmp(e->d_name, "oracle_", strlen("oracle_"));
}

static void watch_begin(struct watch *w)
{
	struct dirent **found;
	int i, nr = scandir(COUNTERS, &found, is_oracle, alphasort);

	w->nr = 0;
	tb_kmsg_open(&w->log, "", true);
	for (i = 0; i < nr; i++) {
		if (w->nr < MAX_ORACLES) {
			struct oracle *o = &w->oracles[w->nr++];

			snprintf(o->name, sizeof(o->name), "%s",
				 found[i]->d_name);
			o->before = read_oracle(o->name);
		}
		free(found[i]);
	}
	if (nr >= 0)
		free(found);
}

static unsigned int nr_points(const struct watch *w)
{
	return w->nr + (w->log.fd >= 0);
}

/* A kernel that says nothing is right only if something was @tried. */
static void put_point(struct tb_ktap *k, const char *name, bool tried,
		      uint64_t nr, const char *what)
{
	char detail[64];

	snprintf(detail, sizeof(detail), "%" PRIu64 " %s", nr, what);
	if (!nr && !tried)
		tb_ktap_result(k, TB_KTAP_SKIP, name, "no test could run");
	else
		tb_ktap_result(k, nr ? TB_KTAP_NOT_OK : TB_KTAP_OK, name,
			       detail);
}

/*
 * Warnings of the kernel with a trace: what a strategy breaks shows there, in a
 * build with lockdep and DEBUG_VM.
 */
static bool is_trouble(unsigned int level, const char *text)
{
	static const char *const words[] = { "WARNING:", "BUG:", "Oops",
					     "INFO: task", "rcu_" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (level <= WARNING && strstr(text, words[i]))
			return true;
	return false;
}

static void put_log(struct tb_ktap *k, struct tb_kmsg *log, bool tried)
{
	char text[256];
	unsigned int level, nr = 0;

	while (tb_kmsg_next(log, &level, text, sizeof(text)))
		if (is_trouble(level, text) && ++nr <= 8)
			tb_ktap_note(k, "%s", text);
	put_point(k, "kernel_log", tried, nr, "lines");
}

/* One more result, if there is anything that can be asked. */
static void watch_end(struct tb_litmus_suite *s, struct tb_ktap *k,
		      struct watch *w)
{
	bool tried =
		s->nr_by_state[TB_KTAP_OK] || s->nr_by_state[TB_KTAP_NOT_OK];
	unsigned int i;

	if (nr_points(w)) {
		tb_ktap_enter(k, "kernel", nr_points(w));
		for (i = 0; i < w->nr; i++)
			put_point(k, w->oracles[i].name, tried,
				  read_oracle(w->oracles[i].name) -
					  w->oracles[i].before,
				  "violations");
		if (w->log.fd >= 0)
			put_log(k, &w->log, tried);
		tb_ktap_leave(k, "kernel");
		s->nr_by_state[k->state]++;
	}
	tb_kmsg_close(&w->log);
}

/* --- the tests -------------------------------------------------------------
 */

static bool is_chosen(const struct tb_litmus_suite *s, const char *name)
{
	char **test;

	for (test = s->tests; test && *test; test++)
		if (!strcmp(*test, name))
			return true;
	return !s->tests;
}

static int flush(struct tb_litmus_suite *s, struct tb_buf *text,
		 struct tb_err *err)
{
	int ret = s->put(s, text, err);

	tb_buf_fini(text);
	return ret;
}

static unsigned int nr_chosen(const struct tb_litmus_suite *s)
{
	const struct litmus_ops *const *ops;
	unsigned int nr = 0;

	for (ops = litmus_registry; *ops; ops++)
		nr += is_chosen(s, (*ops)->name);
	return nr;
}

static int run_round(struct tb_litmus_suite *s, const struct tb_litmus_env *env,
		     struct tb_err *err)
{
	const struct litmus_ops *const *ops;
	struct tb_buf text = { 0 };
	struct tb_ktap k = { .out = &text };
	struct watch w;
	int ret = 0;

	watch_begin(&w);
	tb_ktap_begin(&k, nr_chosen(s) + !!nr_points(&w));
	for (ops = litmus_registry; *ops && !ret; ops++) {
		if (!is_chosen(s, (*ops)->name))
			continue;
		ret = tb_litmus_run(env, *ops, &k, err);
		s->nr_by_state[k.state]++;
		if (!ret)
			ret = flush(s, &text, err);
	}
	watch_end(s, &k, &w);
	if (!ret)
		ret = flush(s, &text, err);
	tb_buf_fini(&text);
	return ret;
}

int tb_litmus_suite_run(struct tb_litmus_suite *s, struct tb_undo *undo,
			struct tb_sig *sig, struct tb_err *err)
{
	uint64_t until_ns = tb_now_ns() + s->soak_s * 1000000000ULL;
	struct tb_topo topo = { 0 };
	struct tb_litmus_env env = {
		.topo = &topo,
		.undo = undo,
		.sig = sig,
		.effort = s->effort,
		.limit_ns = TB_LITMUS_LIMIT_NS * (s->effort ? s->effort : 1),
	};
	int ret = tb_topo_read(&topo, "/sys", err);

	if (ret)
		return ret;
	do
		ret = run_round(s, &env, err);
	while (!ret && tb_now_ns() < until_ns);
	tb_topo_fini(&topo);
	return ret;
}
