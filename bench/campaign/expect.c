// SPDX-License-Identifier: GPL-2.0-only
/* Reads [expect NAME]. */
#include "campaign/expect.h"

#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "campaign/patterns.h"
#include "campaign/plan.h"

#define MAX_FACTOR 1e6
/* What is no more than 2 % apart is the same, as in verdicts. */
#define SAME_FACTOR 1.02

/* An expectation on its way; messages name @s and its keys. */
struct draft {
	struct tb_plan *plan;
	const struct tb_conf *conf;
	struct tb_section *s;
	struct tb_expect *e;
};

static int usage_at(const struct draft *d, const char *key,
		    const char *expected, struct tb_err *err)
{
	const struct tb_entry *e = tb_section_find(d->s, key);

	if (!e)
		return tb_usage(err, "%s:%u: [expect %s]: expected %s",
				d->conf->path, d->s->line, d->s->name,
				expected);
	return tb_usage(err, "%s:%u: %s = %.64s: expected %s", d->conf->path,
			e->line, key, e->value, expected);
}

static int take_text(const struct draft *d, const char *key, char **to,
		     struct tb_err *err)
{
	*to = strdup(tb_section_text(d->s, key, ""));
	if (*to)
		return 0;
	tb_fail_errno(err, -ENOMEM, "plan");
	return -ENOMEM;
}

static int take_needed(const struct draft *d, const char *key, char **to,
		       struct tb_err *err)
{
	char wanted[64];
	int ret = take_text(d, key, to, err);

	if (ret || **to)
		return ret;
	snprintf(wanted, sizeof(wanted), "a key '%s'", key);
	return usage_at(d, key, wanted, err);
}

/* --- one key after the other --------------------------------------------- */

static bool is_swept(const char *case_name, const char *key)
{
	char part[80];

	snprintf(part, sizeof(part), "/%s=", key);
	return strstr(case_name, part);
}

/* Does some case that is meant have this value of the key? */
static bool has_value(const struct draft *d, const char *value)
{
	char part[160];
	unsigned int i;

	snprintf(part, sizeof(part), "/%s=%s/", d->e->along, value);
	for (i = 0; i < d->plan->nr_cases; i++) {
		const char *name = d->plan->cases[i].name;
		char whole[512];

		snprintf(whole, sizeof(whole), "%s/", name);
		if (tb_matches(d->e->cases, name) && strstr(whole, part))
			return true;
	}
	return false;
}

/* Both ends of a comparison along a key that is no number. */
static int take_ends(const struct draft *d, struct tb_err *err)
{
	static const char *const keys[] = { "from", "to" };
	char **ends[] = { &d->e->from, &d->e->to };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		if (take_text(d, keys[i], ends[i], err))
			return err->code;
		if (**ends[i] && !has_value(d, *ends[i]))
			return usage_at(d, keys[i],
					"a value of the key 'along' in these "
					"cases",
					err);
	}
	if (!*d->e->from != !*d->e->to)
		return usage_at(d, *d->e->from ? "from" : "to",
				"both from and to, or neither", err);
	return 0;
}

/* Each pattern means some case, and each of them is swept as it is to be. */
static int check_cases(const struct draft *d, struct tb_err *err)
{
	const char *list = d->e->cases;
	char word[256];
	unsigned int i;

	while (tb_next_word(&list, word, sizeof(word))) {
		for (i = 0; i < d->plan->nr_cases; i++)
			if (!fnmatch(word, d->plan->cases[i].name, 0))
				break;
		if (i == d->plan->nr_cases)
			return usage_at(d, "cases",
					"patterns that each match a case of "
					"this file",
					err);
	}
	for (i = 0; i < d->plan->nr_cases && *d->e->along; i++)
		if (tb_matches(d->e->cases, d->plan->cases[i].name) &&
		    !is_swept(d->plan->cases[i].name, d->e->along))
			return usage_at(d, "along",
					"a key that all cases are swept over",
					err);
	return 0;
}

static bool has_kernel(const struct tb_plan *plan, const char *name)
{
	unsigned int i;

	for (i = 0; i < plan->nr_kernels; i++)
		if (!strcmp(plan->kernels[i].name, name))
			return true;
	return false;
}

/* Two to compare; with along at most one, to look at. */
static int take_kernels(const struct draft *d, struct tb_err *err)
{
	const char *list = tb_section_text(d->s, "kernels", "");
	unsigned int i, nr = *d->e->along ? 1 : 2;
	bool is_asked = *list;
	char word[256] = "";

	for (i = 0; i < 2; i++) {
		bool is_there = tb_next_word(&list, word, sizeof(word));

		d->e->kernels[i] = strdup(is_there ? word : "");
		if (!d->e->kernels[i])
			return tb_fail_errno(err, -ENOMEM, "plan");
		if (is_asked && (is_there != (i < nr) ||
				 (is_there && !has_kernel(d->plan, word))))
			return usage_at(d, "kernels",
					nr == 2 ? "the names of two [kernel "
						  "NAME], A, B"
						: "the name of one [kernel "
						  "NAME]",
					err);
	}
	if (tb_next_word(&list, word, sizeof(word)))
		return usage_at(d, "kernels", "not more than two", err);
	return 0;
}

/* What one range, page or process costs, of many in one op. */
static int take_each(const struct draft *d, struct tb_err *err)
{
	const char *each = tb_section_text(d->s, "each", "no");

	d->e->is_each = !strcmp(each, "yes");
	if (!d->e->is_each && strcmp(each, "no"))
		return usage_at(d, "each", "yes or no", err);
	if (d->e->is_each && !*d->e->along)
		return usage_at(d, "each", "it together with along = KEY", err);
	return 0;
}

static int take_direction(const struct draft *d, struct tb_err *err)
{
	static const char *const words[] = { "", "rises", "falls", "same" };
	const struct tb_entry *factor = tb_section_find(d->s, "factor");
	size_t i;
	char *end;

	if (take_text(d, "direction", &d->e->direction, err))
		return err->code;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(d->e->direction, words[i]))
			break;
	if (i == ARRAY_SIZE(words))
		return usage_at(d, "direction", "rises, falls or same", err);
	d->e->factor = strcmp(d->e->direction, "same") ? 1 : SAME_FACTOR;
	if (!factor)
		return 0;
	if (!*d->e->direction)
		return usage_at(d, "factor", "it together with direction", err);
	d->e->factor = strtod(factor->value, &end);
	if (*end || !(d->e->factor >= 1 && d->e->factor <= MAX_FACTOR))
		return usage_at(d, "factor", "a number from 1 to 1000000", err);
	return 0;
}

/* "LOW..HIGH", numbers of the key that @along names. */
static int take_span(const struct draft *d, const char *key,
		     struct tb_span *span, struct tb_err *err)
{
	const struct tb_entry *e = tb_section_find(d->s, key);
	const char *dots = e ? strstr(e->value, "..") : NULL;
	char low[24];

	if (!e)
		return 0;
	if (!*d->e->along)
		return usage_at(d, key, "it together with along = KEY", err);
	if (dots)
		snprintf(low, sizeof(low), "%.*s", (int)(dots - e->value),
			 e->value);
	if (!dots || !tb_parse_u64(low, &span->low) ||
	    !tb_parse_u64(dots + 2, &span->high) || span->low > span->high ||
	    !span->high)
		return usage_at(d, key, "two values of the key, LOW..HIGH",
				err);
	return 0;
}

static int read_one(const struct draft *d, struct tb_err *err)
{
	struct tb_expect *e = d->e;

	e->name = strdup(d->s->name);
	if (!e->name)
		return tb_fail_errno(err, -ENOMEM, "plan");
	if (take_needed(d, "says", &e->says, err) ||
	    take_text(d, "source", &e->source, err) ||
	    take_needed(d, "metric", &e->metrics, err) ||
	    take_needed(d, "cases", &e->cases, err) ||
	    take_text(d, "along", &e->along, err) || take_kernels(d, err))
		return err->code;
	if (!*e->along && !*e->kernels[0])
		return tb_usage(err,
				"%s:%u: [expect %s]: expected kernels or "
				"along",
				d->conf->path, d->s->line, d->s->name);
	if (check_cases(d, err) || take_ends(d, err) || take_each(d, err) ||
	    take_direction(d, err) || take_span(d, "knee", &e->knee, err) ||
	    take_span(d, "break_even", &e->break_even, err))
		return err->code;
	if (!*e->direction && !e->knee.high && !e->break_even.high)
		return usage_at(d, "direction",
				"a key 'direction', 'knee' or 'break_even'",
				err);
	return 0;
}

int tb_expect_read(struct tb_plan *plan, const struct tb_conf *conf,
		   struct tb_err *err)
{
	unsigned int i;
	int ret = 0;

	plan->expects = calloc(conf->nr_sections + 1, sizeof(*plan->expects));
	if (!plan->expects)
		return tb_fail_errno(err, -ENOMEM, "plan");
	for (i = 0; i < conf->nr_sections && !ret; i++) {
		struct draft d = {
			.plan = plan,
			.conf = conf,
			.s = &conf->sections[i],
		};

		if (strcmp(d.s->kind, "expect"))
			continue;
		d.e = &plan->expects[plan->nr_expects++];
		ret = read_one(&d, err);
	}
	return ret;
}

void tb_expect_fini(struct tb_expect *e)
{
	free(e->name);
	free(e->says);
	free(e->source);
	free(e->metrics);
	free(e->cases);
	free(e->kernels[0]);
	free(e->kernels[1]);
	free(e->along);
	free(e->from);
	free(e->to);
	free(e->direction);
}

/* --- plan.json ----------------------------------------------------------- */

static void add_text(struct tb_json *j, const char *name, const char *text)
{
	tb_json_str(j, name, *text ? text : NULL);
}

static void add_span(struct tb_json *j, const char *name,
		     const struct tb_span *span)
{
	if (!span->high) {
		tb_json_null(j, name);
		return;
	}
	tb_json_arr(j, name);
	tb_json_u64(j, NULL, span->low);
	tb_json_u64(j, NULL, span->high);
	tb_json_arr_end(j);
}

static void add_one(struct tb_json *j, const struct tb_plan *plan,
		    const struct tb_expect *e)
{
	const char *list = e->metrics;
	char word[256];
	unsigned int i;

	tb_json_obj(j, NULL);
	tb_json_str(j, "name", e->name);
	tb_json_str(j, "says", e->says);
	add_text(j, "source", e->source);
	tb_json_arr(j, "metrics");
	while (tb_next_word(&list, word, sizeof(word)))
		tb_json_str(j, NULL, word);
	tb_json_arr_end(j);
	tb_json_arr(j, "cases");
	for (i = 0; i < plan->nr_cases; i++)
		if (tb_matches(e->cases, plan->cases[i].name))
			tb_json_str(j, NULL, plan->cases[i].name);
	tb_json_arr_end(j);
	add_text(j, "kernel_a", e->kernels[0]);
	add_text(j, "kernel_b", e->kernels[1]);
	add_text(j, "along", e->along);
	add_text(j, "from", e->from);
	add_text(j, "to", e->to);
	tb_json_bool(j, "each", e->is_each);
	add_text(j, "direction", e->direction);
	tb_json_f64(j, "factor", e->factor);
	add_span(j, "knee", &e->knee);
	add_span(j, "break_even", &e->break_even);
	tb_json_obj_end(j);
}

void tb_expect_json(struct tb_json *j, const struct tb_plan *plan)
{
	unsigned int i;

	tb_json_arr(j, "expectations");
	for (i = 0; i < plan->nr_expects; i++)
		add_one(j, plan, &plan->expects[i]);
	tb_json_arr_end(j);
}
