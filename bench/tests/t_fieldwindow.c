// SPDX-License-Identifier: GPL-2.0-only
/* Fields that a workload names, from files made by hand. */
#include "machine/fieldwindow.h"

#include <errno.h>
#include <unistd.h>

#include "tests/t.h"

static const struct tb_field fields[] = {
	{ "pgsteal", true }, { "pgscan", true }, { "gone", true },
	{ "late", true },    { "falls", true },
};

static void write_stat(const char *dir, const char *text)
{
	t_write(t_path(dir, "memory.stat"), text);
}

/* Enough that memory.stat may lack a part of it. */
static unsigned long enough(void)
{
	return 12800UL * (unsigned long)sysconf(_SC_NPROCESSORS_CONF);
}

static void differences_are_of_the_window(void **state)
{
	struct tb_counter_list list = { 0 };
	struct tb_field_window w = { 0 };
	char text[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		tb_field_window_add(&w, &list, &fields[i]);
	snprintf(w.memcg, sizeof(w.memcg), "%s", (const char *)*state);
	write_stat(*state, "pgscan 10\npgsteal 5\ngone 1\nfalls 9\n");
	tb_field_window_account(&w, &list, -1);
	snprintf(text, sizeof(text),
		 "pgscan %lu\npgsteal %lu\nlate 3\nfalls 8\n", 10 + enough(),
		 5 + enough() - 1);
	write_stat(*state, text);
	tb_field_window_account(&w, &list, 1);
	assert_int_equal(tb_counter_get(&list, "pgscan")->value, enough());
	assert_int_equal(tb_counter_get(&list, "pgscan")->status, TB_STATUS_OK);
	assert_string_equal(tb_counter_get(&list, "pgscan")->scope, "memcg");
	assert_int_equal(tb_counter_get(&list, "pgsteal")->status,
			 TB_STATUS_ABSENT);
	assert_non_null(strstr(tb_counter_get(&list, "pgsteal")->reason,
			       "memory.stat lags by up to"));
	assert_string_equal(tb_counter_get(&list, "gone")->reason,
			    "not in memory.stat of this kernel");
	assert_string_equal(tb_counter_get(&list, "late")->reason,
			    "not in memory.stat of this kernel");
	assert_int_equal(tb_counter_get(&list, "falls")->status,
			 TB_STATUS_ABSENT);
	tb_counter_list_fini(&list);
}

/* Nothing may have happened, or too little for the kernel to tell. */
static void none_of_memcg_is_no_zero(void **state)
{
	struct tb_counter_list list = { 0 };
	struct tb_field_window w = { 0 };

	tb_field_window_add(&w, &list, &fields[0]);
	snprintf(w.memcg, sizeof(w.memcg), "%s", (const char *)*state);
	write_stat(*state, "pgsteal 5\n");
	tb_field_window_account(&w, &list, -1);
	tb_field_window_account(&w, &list, 1);
	assert_int_equal(list.all[0].status, TB_STATUS_ABSENT);
	assert_non_null(strstr(list.all[0].reason, "0 are too few to tell"));
	tb_counter_list_fini(&list);
}

static void a_missing_file_is_no_zero(void **state)
{
	struct tb_counter_list list = { 0 };
	struct tb_field_window w = { 0 };

	tb_field_window_add(&w, &list, &fields[0]);
	snprintf(w.memcg, sizeof(w.memcg), "%s/none", (const char *)*state);
	tb_field_window_account(&w, &list, -1);
	tb_field_window_account(&w, &list, 1);
	assert_int_equal(list.all[0].status, TB_STATUS_ABSENT);
	assert_non_null(strstr(list.all[0].reason, "cannot read memory.stat"));
	tb_counter_list_fini(&list);
}

/* One that is counted anyway is not counted twice. */
static void each_is_added_once(void **state)
{
	struct tb_counter_list list = { 0 };
	struct tb_field_window w = { 0 };

	(void)state;
	tb_counter_add(&list, "memcg", "pgsteal");
	assert_int_equal(tb_field_window_add(&w, &list, &fields[0]), 0);
	assert_int_equal(tb_field_window_add(&w, &list, &fields[1]), 0);
	assert_int_equal(tb_field_window_add(&w, &list, &fields[1]), 0);
	assert_int_equal(w.nr, 1);
	assert_int_equal(list.nr, 2);
	tb_counter_list_fini(&list);
}

/* Its value would be taken for the other's. */
static void a_name_of_two_scopes_is_refused(void **state)
{
	static const struct tb_field of_system = { "pgscan", false };
	struct tb_counter_list list = { 0 };
	struct tb_field_window w = { 0 };

	(void)state;
	tb_counter_add(&list, "cpu", "pgsteal");
	assert_int_equal(tb_field_window_add(&w, &list, &fields[0]), -EEXIST);
	assert_int_equal(tb_field_window_add(&w, &list, &of_system), 0);
	assert_int_equal(tb_field_window_add(&w, &list, &fields[1]), -EEXIST);
	assert_int_equal(w.nr, 1);
	assert_int_equal(list.nr, 2);
	tb_counter_list_fini(&list);
}

static void no_room_is_told(void **state)
{
	struct tb_counter_list list = { 0 };
	struct tb_field_window w = { 0 };

	(void)state;
	w.nr = TB_MAX_FIELDS;
	assert_int_equal(tb_field_window_add(&w, &list, &fields[0]), -ENOSPC);
	w.nr = 0;
	while (list.nr < TB_MAX_COUNTERS)
		tb_counter_add(&list, "cpu", "c%u", list.nr);
	assert_int_equal(tb_field_window_add(&w, &list, &fields[0]), -ENOSPC);
	assert_int_equal(w.nr, 0);
	/* Nor is it looked for. */
	tb_field_window_account(&w, &list, -1);
	tb_counter_list_fini(&list);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		T_DIR(differences_are_of_the_window),
		T_DIR(none_of_memcg_is_no_zero),
		T_DIR(a_missing_file_is_no_zero),
		cmocka_unit_test(each_is_added_once),
		cmocka_unit_test(a_name_of_two_scopes_is_refused),
		cmocka_unit_test(no_room_is_told),
	};

	return T_RUN("fieldwindow", tests);
}
