// SPDX-License-Identifier: GPL-2.0-only
/* Format files as tracefs has them, and kallsyms. */
#include "machine/trace.h"

#include "tests/t.h"

static const char format[] =
	"name: csd_queue_cpu\n"
	"ID: 529\n"
	"format:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
	"\n"
	"\tfield:unsigned int cpu;\toffset:8;\tsize:4;\tsigned:0;\n"
	"\tfield:void * callsite;\toffset:16;\tsize:8;\tsigned:0;\n"
	"\tfield:void *csd;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\tfield:char comm[16];\toffset:40;\tsize:16;\tsigned:0;\n"
	"\tfield:int broken;\toffset:x;\n"
	"\n"
	"print fmt: \"cpu=%u csd=%p\", REC->cpu, REC->csd\n";

static void check(const char *name, unsigned int offset_bytes,
		  unsigned int size_bytes)
{
	struct tb_trace_field field = { 77, 77 };

	assert_true(tb_trace_parse_field(format, name, &field));
	assert_int_equal(field.offset_bytes, offset_bytes);
	assert_int_equal(field.size_bytes, size_bytes);
}

static void fields_are_where_the_format_says(void **state)
{
	(void)state;
	check("common_type", 0, 2);
	check("cpu", 8, 4);
	check("callsite", 16, 8);
	check("csd", 32, 8);
}

static void other_names_are_no_fields(void **state)
{
	static const char *const names[] = { "type", "pu",     "csd_queue_cpu",
					     "size", "broken", "" };
	struct tb_trace_field field;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		assert_false(tb_trace_parse_field(format, names[i], &field));
	assert_false(tb_trace_parse_field("", "cpu", &field));
	assert_false(tb_trace_parse_field("field:", "cpu", &field));
	assert_false(tb_trace_parse_field("field:cpu;", "cpu", &field));
}

static void an_event_that_is_not_there_has_no_fields(void **state)
{
	struct tb_trace_field field;

	(void)state;
	assert_false(tb_trace_field("no/such_event", "cpu", &field));
}

static const char old_reasons[] =
	"print fmt: \"pages:%ld reason:%s (%d)\", REC->pages, "
	"__print_symbolic(REC->reason, { 0, \"flush on task switch\" }, "
	"{ 1, \"remote shootdown\" }, { 2, \"local shootdown\" }, "
	"{ 3, \"local mm shootdown\" }, { 4, \"remote ipi send\" }), "
	"REC->reason\n";

/* 6.14 added one; its name was not exported at first. */
static const char new_reasons[] =
	"print fmt: \"\", __print_symbolic(REC->reason, "
	"{ 0, \"flush on task switch\" }, { 3, \"local MM shootdown\" }, "
	"{ 4, \"remote IPI send\" }, { 5, \"remote wrong CPU\" }), "
	"REC->reason\n";

static void reasons_are_what_the_format_says(void **state)
{
	struct tb_flush_reason r[TB_MAX_FLUSH_REASONS];

	(void)state;
	assert_int_equal(tb_trace_parse_reasons(old_reasons, r), 5);
	assert_int_equal(r[0].number, 0);
	assert_string_equal(r[0].word, TB_TRACE_TASK_SWITCH);
	assert_int_equal(r[3].number, 3);
	assert_string_equal(r[3].word, "local_mm_shootdown");
	assert_int_equal(tb_trace_parse_reasons(new_reasons, r), 4);
	assert_string_equal(r[1].word, "local_mm_shootdown");
	assert_int_equal(r[3].number, 5);
	assert_string_equal(r[3].word, "remote_wrong_cpu");
	assert_int_equal(tb_trace_parse_reasons("", r), 0);
	assert_int_equal(tb_trace_parse_reasons("__print_symbolic(", r), 0);
}

static void sending_and_missing_are_no_flushes(void **state)
{
	(void)state;
	assert_true(tb_trace_is_executed(TB_TRACE_TASK_SWITCH));
	assert_true(tb_trace_is_executed("remote_shootdown"));
	assert_true(tb_trace_is_executed("local_shootdown"));
	assert_false(tb_trace_is_executed("remote_ipi_send"));
	assert_false(tb_trace_is_executed("remote_wrong_cpu"));
}

static void functions_are_found_by_their_name(void **state)
{
	const char *path = t_path(*state, "kallsyms");
	struct tb_flush_funcs f;

	t_write(path, "ffffffff81000010 t __pfx_flush_tlb_func\n"
		      "ffffffff81000020 t flush_tlb_func.cold\n"
		      "ffffffff81000030 t flush_tlb_func.isra.0\n"
		      "ffffffff81000040 t flush_tlb_func_local\n"
		      "ffffffff81000050 t do_flush_tlb_all\n"
		      "ffffffff81000060 t flush_tlb_func\n");
	f = tb_trace_flush_funcs(path);
	assert_true(f.of_mm == 0xffffffff81000030);
	assert_true(f.of_all == 0xffffffff81000050);
	assert_true(f.of_kernel == 0);
	/* Without root all addresses are 0. */
	t_write(path, "0000000000000000 t flush_tlb_func\n"
		      "0000000000000000 t do_kernel_range_flush\n");
	f = tb_trace_flush_funcs(path);
	assert_true(!f.of_mm && !f.of_all && !f.of_kernel);
	f = tb_trace_flush_funcs(t_path(*state, "no such file"));
	assert_true(!f.of_mm && !f.of_all && !f.of_kernel);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(reasons_are_what_the_format_says),
		cmocka_unit_test(sending_and_missing_are_no_flushes),
		T_DIR(functions_are_found_by_their_name),
		cmocka_unit_test(fields_are_where_the_format_says),
		cmocka_unit_test(other_names_are_no_fields),
		cmocka_unit_test(an_event_that_is_not_there_has_no_fields),
	};

	return T_RUN("trace", tests);
}
