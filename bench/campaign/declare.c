// SPDX-License-Identifier: GPL-2.0-only
/* The keys headline and may_differ. */
#include "campaign/declare.h"

#include <errno.h>
#include <string.h>

#include "base/near.h"
#include "campaign/patterns.h"
#include "campaign/plan.h"
#include "machine/audit.h"

static int take(const struct tb_conf *conf, const char *key, char **to,
		const struct tb_entry **entry, struct tb_err *err)
{
	struct tb_section *s = tb_conf_section(conf, "campaign");

	*entry = tb_section_find(s, key);
	*to = strdup(*entry ? (*entry)->value : "");
	return *to ? 0 : tb_fail_errno(err, -ENOMEM, "plan");
}

static bool is_pattern_of_case(const struct tb_plan *plan, const char *word)
{
	unsigned int i;

	for (i = 0; i < plan->nr_cases; i++)
		if (tb_matches(word, plan->cases[i].name))
			return true;
	return false;
}

static int read_headline(struct tb_plan *plan, const struct tb_conf *conf,
			 struct tb_err *err)
{
	const struct tb_entry *e;
	const char *list;
	char word[256];

	if (take(conf, "headline", &plan->headline, &e, err))
		return err->code;
	list = plan->headline;
	while (tb_next_word(&list, word, sizeof(word)))
		if (!is_pattern_of_case(plan, word))
			return tb_usage(err,
					"%s:%u: headline: '%.64s': expected "
					"patterns that each match a case of "
					"this file",
					conf->path, e->line, word);
	return 0;
}

static int check_fact(const struct tb_conf *conf, const struct tb_entry *e,
		      const char *word, struct tb_err *err)
{
	struct tb_near near = { .word = word };
	struct tb_buf meant = { 0 };
	unsigned int i;

	for (i = 0; i < tb_nr_fact_defs; i++)
		if (tb_fact_defs[i].kind == TB_FACT_AUDIT &&
		    tb_near_is(&near, tb_fact_defs[i].name))
			return 0;
	tb_near_text(&near, &meant);
	tb_usage(err,
		 "%s:%u: may_differ: '%.64s': expected facts of the audit that "
		 "'tlbbench env' prints%s",
		 conf->path, e->line, word, meant.data ? meant.data : "");
	tb_buf_fini(&meant);
	return err->code;
}

static int read_may_differ(struct tb_plan *plan, const struct tb_conf *conf,
			   struct tb_err *err)
{
	const struct tb_entry *e;
	const char *list;
	char word[256];

	if (take(conf, "may_differ", &plan->may_differ, &e, err))
		return err->code;
	list = plan->may_differ;
	while (tb_next_word(&list, word, sizeof(word)))
		if (check_fact(conf, e, word, err))
			return err->code;
	return 0;
}

int tb_declare_read(struct tb_plan *plan, const struct tb_conf *conf,
		    struct tb_err *err)
{
	int ret = read_headline(plan, conf, err);

	return ret ? ret : read_may_differ(plan, conf, err);
}

void tb_declare_json(struct tb_json *j, const struct tb_plan *plan)
{
	const char *list = plan->may_differ;
	char word[256];
	unsigned int i;

	tb_json_arr(j, "headline_cases");
	for (i = 0; i < plan->nr_cases; i++)
		if (tb_matches(plan->headline, plan->cases[i].name))
			tb_json_str(j, NULL, plan->cases[i].name);
	tb_json_arr_end(j);
	tb_json_arr(j, "may_differ");
	while (tb_next_word(&list, word, sizeof(word)))
		tb_json_str(j, NULL, word);
	tb_json_arr_end(j);
}
