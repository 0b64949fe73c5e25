// SPDX-License-Identifier: GPL-2.0-only
/* Format files as tracefs has them. */
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

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_where_the_format_says),
		cmocka_unit_test(other_names_are_no_fields),
		cmocka_unit_test(an_event_that_is_not_there_has_no_fields),
	};

	return T_RUN("trace", tests);
}
