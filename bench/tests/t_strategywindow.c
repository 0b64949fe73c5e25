// SPDX-License-Identifier: GPL-2.0-only
/* What strategies count, from files made by hand. */
#include "machine/strategywindow.h"

#include <errno.h>
#include <unistd.h>

#include "tests/t.h"

static void differences_are_of_the_window(void **state)
{
	struct tb_counter_list list = { 0 };
	struct tb_strategy_window w;

	t_write(t_path(*state, "lazy_skipped"), "7\n");
	t_write(t_path(*state, "gone"), "1\n");
	t_write(t_path(*state, "odd"), "x\n");
	tb_strategy_window_init(&w, &list, *state);
	assert_int_equal(list.nr, 3);
	assert_string_equal(list.all[1].name, "strategy.lazy_skipped");
	tb_strategy_window_account(&w, &list, -1);
	t_write(t_path(*state, "lazy_skipped"), "18446744073709551615\n");
	t_write(t_path(*state, "late"), "1\n");
	unlink(t_path(*state, "gone"));
	tb_strategy_window_account(&w, &list, 1);
	assert_int_equal(tb_counter_get(&list, "strategy.lazy_skipped")->value,
			 UINT64_MAX - 7);
	assert_int_equal(list.all[1].status, TB_STATUS_OK);
	assert_string_equal(tb_counter_get(&list, "strategy.gone")->reason,
			    "cannot read gone: No such file or directory");
	assert_string_equal(tb_counter_get(&list, "strategy.odd")->reason,
			    "cannot read odd: Invalid argument");
	assert_null(tb_counter_get(&list, "strategy.late"));
	tb_counter_list_fini(&list);
}

static void kernels_without_it_count_nothing(void **state)
{
	struct tb_counter_list list = { 0 };
	struct tb_strategy_window w;

	tb_strategy_window_init(&w, &list, t_path(*state, "none"));
	tb_strategy_window_account(&w, &list, -1);
	tb_strategy_window_account(&w, &list, 1);
	assert_int_equal(list.nr, 0);
	tb_counter_list_fini(&list);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		T_DIR(differences_are_of_the_window),
		T_DIR(kernels_without_it_count_nothing),
	};

	return T_RUN("strategywindow", tests);
}
