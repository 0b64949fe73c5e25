// SPDX-License-Identifier: GPL-2.0-only
/* Parameters of all four types, from a table as workloads have them. */
#include "campaign/params.h"

#include <errno.h>

#include "tests/t.h"

struct conf {
	uint64_t pages;
	uint64_t bytes;
	uint64_t huge;
	uint64_t way;
};

static const char *const ways[] = { "unmap", "dontneed", "mprotect", NULL };
static const char *const one_way[] = { "only", NULL };

static const struct wl_param params[] = {
	{ .name = "pages",
	  .type = WL_UINT,
	  .offset = offsetof(struct conf, pages),
	  .def = 3,
	  .min = 1,
	  .max = 4096 },
	{ .name = "bytes",
	  .type = WL_SIZE,
	  .offset = offsetof(struct conf, bytes),
	  .def = 4096,
	  .min = 4096,
	  .max = 1ULL << 40 },
	{ .name = "huge",
	  .type = WL_BOOL,
	  .offset = offsetof(struct conf, huge),
	  .def = 1 },
	{ .name = "way",
	  .type = WL_ENUM,
	  .offset = offsetof(struct conf, way),
	  .def = 1,
	  .values = ways },
	{ 0 },
};

static const struct wl_role roles[] = {
	{ .name = "initiator", .kind = WL_INITIATOR },
	{ .name = "one", .kind = WL_RESPONDER },
	{ .name = "two", .kind = WL_SLEEPER },
	{ 0 },
};

static const struct wl_ops ops = {
	.name = "table",
	.params = params,
	.conf_bytes = sizeof(struct conf),
	.roles = roles,
};

static void defaults_are_set(void **state)
{
	struct conf *c = tb_params_new(&ops);

	(void)state;
	assert_int_equal(c->pages, 3);
	assert_int_equal(c->bytes, 4096);
	assert_int_equal(c->huge, 1);
	assert_int_equal(c->way, 1);
	free(c);
}

static void a_workload_may_have_none(void **state)
{
	static const struct wl_ops bare = { .roles = roles };
	void *conf = tb_params_new(&bare);

	(void)state;
	assert_non_null(conf);
	assert_null(tb_param_find(&bare, "pages"));
	free(conf);
}

static void found_by_name(void **state)
{
	(void)state;
	assert_ptr_equal(tb_param_find(&ops, "bytes"), &params[1]);
	assert_null(tb_param_find(&ops, "byte"));
	assert_null(tb_param_find(&ops, ""));
	assert_int_equal(tb_workload_roles(&ops), 3);
}

static void check_set(const char *name, const char *text, uint64_t expected,
		      const char *written)
{
	const struct wl_param *p = tb_param_find(&ops, name);
	struct conf *c = tb_params_new(&ops);
	struct tb_buf b = { 0 };
	struct tb_err err = { 0 };
	uint64_t value;

	assert_int_equal(tb_param_set(p, c, text, "f:1", &err), 0);
	memcpy(&value, (char *)c + p->offset, sizeof(value));
	assert_int_equal(value, expected);
	tb_param_text(p, c, &b);
	assert_string_equal(b.data, written);
	tb_buf_fini(&b);
	free(c);
}

static void values_are_parsed(void **state)
{
	(void)state;
	check_set("pages", "1", 1, "1");
	check_set("pages", "4096", 4096, "4096");
	check_set("bytes", "4k", 4096, "4096");
	check_set("bytes", "2M", 2 << 20, "2097152");
	check_set("bytes", "1024G", 1ULL << 40, "1099511627776");
	check_set("huge", "yes", 1, "yes");
	check_set("huge", "no", 0, "no");
	check_set("way", "unmap", 0, "unmap");
	check_set("way", "mprotect", 2, "mprotect");
}

static void check_bad(const char *name, const char *text, const char *message)
{
	const struct wl_param *p = tb_param_find(&ops, name);
	struct conf *c = tb_params_new(&ops), *defaults = tb_params_new(&ops);
	struct tb_err err = { 0 };

	assert_int_equal(tb_param_set(p, c, text, "f:1", &err), -EINVAL);
	assert_true(err.is_usage);
	assert_string_equal(err.text, message);
	assert_memory_equal(c, defaults, sizeof(*c));
	free(c);
	free(defaults);
}

static void bad_values_say_what_is_expected(void **state)
{
	(void)state;
	check_bad("pages", "0", "f:1: pages = 0: expected 1 to 4096");
	check_bad("pages", "4097", "f:1: pages = 4097: expected 1 to 4096");
	check_bad("pages", "1k", "f:1: pages = 1k: expected 1 to 4096");
	check_bad("pages", "", "f:1: pages = : expected 1 to 4096");
	check_bad("bytes", "4095",
		  "f:1: bytes = 4095: expected 4096 to 1099511627776");
	check_bad("bytes", "1025G",
		  "f:1: bytes = 1025G: expected 4096 to 1099511627776");
	check_bad("huge", "1", "f:1: huge = 1: expected yes or no");
	check_bad("huge", "Yes", "f:1: huge = Yes: expected yes or no");
	check_bad("way", "un",
		  "f:1: way = un: expected unmap, dontneed or mprotect");
	check_bad("way", "3",
		  "f:1: way = 3: expected unmap, dontneed or mprotect");
}

static void a_single_choice_reads_well(void **state)
{
	static const struct wl_param p = { .type = WL_ENUM, .values = one_way };
	struct tb_buf b = { 0 };

	(void)state;
	tb_param_range(&p, &b);
	assert_string_equal(b.data, "only");
	tb_buf_fini(&b);
}

static void records_hold_them_typed(void **state)
{
	struct conf *c = tb_params_new(&ops);
	struct tb_buf b = { 0 };
	struct tb_json j = { .buf = &b };

	(void)state;
	tb_json_obj(&j, NULL);
	tb_params_json(&ops, c, &j);
	tb_json_obj_end(&j);
	assert_string_equal(b.data, "{\"pages\":3,\"bytes\":4096,\"huge\":true,"
				    "\"way\":\"dontneed\"}");
	tb_buf_fini(&b);
	free(c);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_set),
		cmocka_unit_test(a_workload_may_have_none),
		cmocka_unit_test(found_by_name),
		cmocka_unit_test(values_are_parsed),
		cmocka_unit_test(bad_values_say_what_is_expected),
		cmocka_unit_test(a_single_choice_reads_well),
		cmocka_unit_test(records_hold_them_typed),
	};

	return T_RUN("params", tests);
}
