// SPDX-License-Identifier: GPL-2.0-only
/* The table of keys, and how each kind of value is read. */
#include "campaign/keys.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/near.h"
#include "base/text.h"
#include "campaign/params.h"
#include "engine/region.h"
#include "machine/place.h"

#define MAX_OPS 1000000000
#define MAX_THREADS 4096
/* MAX_NUMNODES of the largest configuration (NODES_SHIFT=10). */
#define MAX_NODES 1024

/**
 * struct key - one key of the harness
 * @kind: what its value is; KEY_OTHER has a function of its own below
 * @offset: of the field in struct tb_case; KEY_WORD sets an enum
 * @min, @max: of numbers
 * @words: of KEY_WORD, by value, NULL at the end
 */
struct key {
	const char *name;
	enum {
		KEY_OTHER,
		KEY_UINT,
		KEY_U64,
		KEY_BOOL,
		KEY_WORD
	} kind;
	size_t offset;
	uint64_t min;
	uint64_t max;
	const char *const *words;
};

#define FIELD(f) offsetof(struct tb_case, f)

static const struct key keys[] = {
	{ "workload", KEY_OTHER, 0, 0, 0, NULL },
	{ "placement", KEY_OTHER, 0, 0, 0, NULL },
	{ "cpus", KEY_OTHER, 0, 0, 0, NULL },
	{ "instances", KEY_UINT, FIELD(instances), 1, MAX_THREADS, NULL },
	{ "share_cpus", KEY_BOOL, FIELD(share_cpus), 0, 0, NULL },
	{ "rendezvous", KEY_WORD, FIELD(meet), 0, 0, tb_meet_names },
	{ "batch", KEY_U64, FIELD(batch), 0, MAX_OPS, NULL },
	{ "counters", KEY_BOOL, FIELD(counted), 0, 0, NULL },
	{ "trace", KEY_BOOL, FIELD(traced), 0, 0, NULL },
	{ "ops", KEY_U64, FIELD(nr_ops), 1, MAX_OPS, NULL },
	{ "warmup_ops", KEY_U64, FIELD(nr_warmup_ops), 0, MAX_OPS, NULL },
	{ "repetitions", KEY_UINT, FIELD(repetitions), 1, 1000, NULL },
	{ "timeout_seconds", KEY_UINT, FIELD(timeout_s), 1, 3600, NULL },
	{ "sched", KEY_WORD, FIELD(sched), 0, 0, tb_sched_names },
};

/* Keys that name something behind the dot. */
static const struct {
	const char *name;
	const char *of;
} prefixes[] = {
	{ "threads.", "ROLE" },
	{ "processes.", "ROLE" },
	{ "placement.", "ROLE" },
	{ "node.", "REGION" },
};

static const struct key *find_key(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(keys[i].name, name))
			return &keys[i];
	return NULL;
}

static bool has_prefix(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

bool tb_keys_has(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (has_prefix(name, prefixes[i].name))
			return true;
	return find_key(name);
}

void tb_keys_list(struct tb_buf *b)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		tb_buf_printf(b, "%s%s", i ? " " : "", keys[i].name);
	for (i = 0; i < ARRAY_SIZE(prefixes); i++)
		tb_buf_printf(b, " %s%s", prefixes[i].name, prefixes[i].of);
}

static int usage_at(const struct tb_key_scope *k, const struct tb_setting *s,
		    const char *expected, struct tb_err *err)
{
	return tb_usage(err, "%s:%u: %s = %.64s: expected %s", k->path,
			s->entry->line, s->key, s->value, expected);
}

static int set_number(const struct tb_key_scope *k, const struct tb_setting *s,
		      uint64_t min, uint64_t max, uint64_t *value,
		      struct tb_err *err)
{
	char expected[80];

	snprintf(expected, sizeof(expected), "a number from %llu to %llu",
		 (unsigned long long)min, (unsigned long long)max);
	if (!tb_parse_u64(s->value, value) || *value < min || *value > max)
		return usage_at(k, s, expected, err);
	return 0;
}

static int set_unsigned(const struct tb_key_scope *k,
			const struct tb_setting *s, unsigned int min,
			unsigned int max, unsigned int *value,
			struct tb_err *err)
{
	uint64_t wide;
	int ret = set_number(k, s, min, max, &wide, err);

	if (!ret)
		*value = (unsigned int)wide;
	return ret;
}

/* One of @words; its index. */
static int set_word(const struct tb_key_scope *k, const struct tb_setting *s,
		    const char *const *words, unsigned int *value,
		    struct tb_err *err)
{
	struct tb_buf expected = { 0 };
	unsigned int i;

	for (i = 0; words[i]; i++) {
		if (!strcmp(s->value, words[i])) {
			*value = i;
			tb_buf_fini(&expected);
			return 0;
		}
		tb_buf_printf(&expected, "%s%s", words[i],
			      !words[i + 1]   ? ""
			      : !words[i + 2] ? " or "
					      : ", ");
	}
	usage_at(k, s, expected.data ? expected.data : "", err);
	tb_buf_fini(&expected);
	return err->code;
}

/* Not every workload can have every rendezvous. */
static int check_meet(const struct tb_key_scope *k, const struct tb_setting *s,
		      const struct tb_case *cs, struct tb_err *err)
{
	if (cs->meet != TB_MEET_AUTO && cs->ops->rendezvous_every)
		return tb_usage(err,
				"%s:%u: %s: a parameter of workload %s says "
				"when there is a rendezvous",
				k->path, s->entry->line, s->key, cs->ops->name);
	if (cs->meet == TB_MEET_NONE && !cs->ops->runs_free)
		return usage_at(k, s,
				"auto, per_op or per_batch: its responders do "
				"not run free",
				err);
	return 0;
}

/* Role called @name, or of bystanders; TB_MAX_ROLES after a usage error. */
static unsigned int find_role(const struct tb_key_scope *k,
			      const struct tb_setting *s,
			      const struct tb_case *cs, const char *name,
			      struct tb_err *err)
{
	unsigned int i;

	for (i = 0; i <= cs->nr_roles; i++)
		if (!strcmp(tb_case_role(cs, i)->name, name))
			return i;
	tb_usage(err, "%s:%u: workload %s has no role '%s'", k->path,
		 s->entry->line, cs->ops->name, name);
	return TB_MAX_ROLES;
}

static int set_placement(const struct tb_key_scope *k,
			 const struct tb_setting *s, struct tb_case *cs,
			 struct tb_err *err)
{
	const char *dot = strchr(s->key, '.');
	char **placement = &cs->placement;
	struct tb_err why = { 0 };
	unsigned int role;

	if (dot) {
		role = find_role(k, s, cs, dot + 1, err);
		if (role == TB_MAX_ROLES)
			return err->code;
		placement = &cs->role_placement[role];
	}
	if (tb_place_check(s->value, &why))
		return tb_usage(err, "%s:%u: %s", k->path, s->entry->line,
				why.text);
	free(*placement);
	*placement = strdup(s->value);
	return *placement ? 0 : tb_fail_errno(err, -ENOMEM, "placement");
}

static int set_threads(const struct tb_key_scope *k, const struct tb_setting *s,
		       struct tb_case *cs, struct tb_err *err)
{
	unsigned int i = find_role(k, s, cs, strchr(s->key, '.') + 1, err);
	unsigned int max;
	const struct wl_role *r;

	if (i == TB_MAX_ROLES)
		return err->code;
	if (i == cs->nr_roles)
		return set_unsigned(k, s, 0, MAX_THREADS, &cs->nr_bystanders,
				    err);
	r = &cs->ops->roles[i];
	max = r->kind == WL_INITIATOR ? 1 : MAX_THREADS;
	return set_unsigned(k, s, r->kind == WL_INITIATOR,
			    r->max_threads ? r->max_threads : max,
			    &cs->nr_threads[i], err);
}

static int set_processes(const struct tb_key_scope *k,
			 const struct tb_setting *s, struct tb_case *cs,
			 struct tb_err *err)
{
	unsigned int i = find_role(k, s, cs, strchr(s->key, '.') + 1, err);

	if (i == TB_MAX_ROLES)
		return err->code;
	if (i == cs->nr_roles || !cs->ops->roles[i].max_processes)
		return tb_usage(err,
				"%s:%u: %s: the threads of role %s cannot be "
				"in processes of their own",
				k->path, s->entry->line, s->key,
				tb_case_role(cs, i)->name);
	return set_unsigned(k, s, 0, cs->ops->roles[i].max_processes,
			    &cs->nr_processes[i], err);
}

static int usage_unknown_key(const struct tb_key_scope *k,
			     const struct tb_setting *s,
			     const struct tb_case *cs, struct tb_err *err)
{
	struct tb_near near = { .word = s->key };
	struct tb_buf meant = { 0 };
	const struct wl_param *p;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		tb_near_is(&near, keys[i].name);
	for (p = cs->ops->params; p && p->name; p++)
		tb_near_is(&near, p->name);
	tb_near_text(&near, &meant);
	if (!meant.len_bytes)
		tb_buf_printf(&meant, "; 'tlbbench describe %s' lists them",
			      cs->ops->name);
	tb_usage(err, "%s:%u: unknown key '%.64s' for workload %s%s", k->path,
		 s->entry->line, s->key, cs->ops->name,
		 meant.data ? meant.data : "");
	tb_buf_fini(&meant);
	return err->code;
}

static int set_node(const struct tb_key_scope *k, const struct tb_setting *s,
		    struct tb_case *cs, struct tb_err *err)
{
	const char *region = strchr(s->key, '.') + 1;
	unsigned int i, node = 0;
	int ret;

	for (i = 0; i < tb_nr_regions(cs->ops); i++) {
		if (strcmp(cs->ops->regions[i].name, region))
			continue;
		ret = set_unsigned(k, s, 0, MAX_NODES - 1, &node, err);
		cs->is_bound[i] = true;
		cs->node[i] = (int)node;
		return ret;
	}
	return tb_usage(err, "%s:%u: workload %s has no region '%s'", k->path,
			s->entry->line, cs->ops->name, region);
}

/* A value of the kind that the table says, into its field. */
static int set_field(const struct tb_key_scope *k, const struct key *key,
		     const struct tb_setting *s, struct tb_case *cs,
		     struct tb_err *err)
{
	static const char *const booleans[] = { "no", "yes", NULL };
	void *field = (char *)cs + key->offset;
	unsigned int word = 0;
	int ret;

	switch (key->kind) {
	case KEY_UINT:
		return set_unsigned(k, s, (unsigned int)key->min,
				    (unsigned int)key->max, field, err);
	case KEY_U64:
		return set_number(k, s, key->min, key->max, field, err);
	case KEY_BOOL:
		ret = set_word(k, s, booleans, &word, err);
		*(bool *)field = word;
		return ret;
	case KEY_WORD:
		return set_word(k, s, key->words, field, err);
	case KEY_OTHER:
		break;
	}
	return 0;
}

int tb_keys_set(const struct tb_key_scope *scope, const struct tb_setting *s,
		struct tb_case *cs, struct tb_err *err)
{
	const struct wl_param *p = tb_param_find(cs->ops, s->key);
	const struct key *key = find_key(s->key);
	char where[PATH_MAX + 16];
	int ret;

	if (p) {
		snprintf(where, sizeof(where), "%s:%u", scope->path,
			 s->entry->line);
		return tb_param_set(p, cs->conf, s->value, where, err);
	}
	if (!strcmp(s->key, "cpus"))
		return set_unsigned(scope, s, 1, scope->max_cpus, &cs->nr_cpus,
				    err);
	if (!strcmp(s->key, "placement") || has_prefix(s->key, "placement."))
		return set_placement(scope, s, cs, err);
	if (has_prefix(s->key, "node."))
		return set_node(scope, s, cs, err);
	if (has_prefix(s->key, "threads."))
		return set_threads(scope, s, cs, err);
	if (has_prefix(s->key, "processes."))
		return set_processes(scope, s, cs, err);
	if (!key)
		return usage_unknown_key(scope, s, cs, err);
	ret = set_field(scope, key, s, cs, err);
	if (!ret && !strcmp(s->key, "rendezvous"))
		ret = check_meet(scope, s, cs, err);
	return ret;
}
