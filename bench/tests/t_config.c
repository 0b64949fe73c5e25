// SPDX-License-Identifier: GPL-2.0-only
/* The strict INI parser: every bad file with its message, word for word. */
#include "campaign/config.h"

#include <errno.h>
#include <unistd.h>

#include "tests/t.h"

static void check_bad(const char *text, const char *message)
{
	struct tb_err err = { 0 };
	struct tb_conf conf;

	assert_int_equal(tb_conf_parse(&conf, "f.conf", text, &err), -EINVAL);
	assert_true(err.is_usage);
	assert_string_equal(err.text, message);
	/* Nothing to free after a failure, and harmless to do so. */
	assert_null(conf.sections);
	tb_conf_fini(&conf);
}

static void parse(struct tb_conf *conf, const char *text)
{
	struct tb_err err = { 0 };

	if (tb_conf_parse(conf, "f.conf", text, &err))
		fail_msg("%s", err.text);
}

static void check_value(const struct tb_conf *conf, const char *kind,
			const char *key, const char *value)
{
	struct tb_section *s = tb_conf_section(conf, kind);

	assert_non_null(s);
	assert_string_equal(tb_section_text(s, key, "missing"), value);
}

static void sections_and_keys(void **state)
{
	struct tb_conf conf;

	(void)state;
	parse(&conf, "# comment\n"
		     "; another\n"
		     "\n"
		     "[campaign]\n"
		     "name = a b # not a comment\n"
		     "\t equals=a=b=c\t\n"
		     "[ kernel \t first one ]\n"
		     "x.y-z = 1\n"
		     "[kernel second]\n"
		     "x.y-z = 2\n");
	assert_int_equal(conf.nr_sections, 3);
	check_value(&conf, "campaign", "name", "a b # not a comment");
	check_value(&conf, "campaign", "equals", "a=b=c");
	assert_string_equal(conf.sections[1].kind, "kernel");
	assert_string_equal(conf.sections[1].name, "first one");
	assert_int_equal(conf.sections[1].line, 7);
	assert_int_equal(conf.sections[2].entries[0].line, 10);
	/* Only a section without a name is found by its kind. */
	assert_null(tb_conf_section(&conf, "kernel"));
	assert_null(tb_conf_section(&conf, "campaig"));
	tb_conf_fini(&conf);
}

static void empty_files_are_empty(void **state)
{
	static const char *const texts[] = { "",  "\n",	  "\n\n\n",
					     "#", " ; x", "\r\n\r\n" };
	struct tb_conf conf;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		parse(&conf, texts[i]);
		assert_int_equal(conf.nr_sections, 0);
		tb_conf_fini(&conf);
	}
}

static void line_ends_do_not_matter(void **state)
{
	static const char *const texts[] = {
		"[s]\nk = v\nl = w", "[s]\r\nk = v\r\nl = w\r\n",
		"\n  [s]  \nk = v\n\n\nl = w  \n\n"
	};
	struct tb_conf conf;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		parse(&conf, texts[i]);
		check_value(&conf, "s", "k", "v");
		check_value(&conf, "s", "l", "w");
		tb_conf_fini(&conf);
	}
}

static void bad_lines(void **state)
{
	(void)state;
	check_bad("[s]\nword\n",
		  "f.conf:2: expected 'key = value', got 'word'");
	check_bad("[s]\n  = value\n",
		  "f.conf:2: expected 'key = value', got '= value'");
	check_bad("[s]\nk =\n", "f.conf:2: 'k' has no value");
	check_bad("[s]\r\n\r\nk = \t\r\n", "f.conf:3: 'k' has no value");
	check_bad("\n\nk = v\n[s]\n",
		  "f.conf:3: expected a [section] before 'k = v'");
}

static void bytes_that_are_no_text(void **state)
{
	(void)state;
	check_bad("\xef\xbb\xbf[s]\n",
		  "f.conf:1: begins with a byte order mark, expected UTF-8 "
		  "without one");
	check_bad("[s]\nk = \033[1m\n",
		  "f.conf:2: expected text, got byte 0x1b");
	check_bad("# \a\n", "f.conf:1: expected text, got byte 0x07");
	check_bad("[s]\n\n\x7f"
		  "ELF\n",
		  "f.conf:3: expected text, got byte 0x7f");
	/* Lines that end as they did before 2001. */
	check_bad("[s]\rk = v\rl = w\r",
		  "f.conf:1: expected text, got byte 0x0d");
}

/* As many as that of one character, between two texts. */
static char *long_text(const char *before, char c, size_t nr, const char *after)
{
	char *text = malloc(strlen(before) + nr + strlen(after) + 1);

	assert_non_null(text);
	strcpy(text, before);
	memset(text + strlen(before), c, nr);
	strcpy(text + strlen(before) + nr, after);
	return text;
}

static void long_lines_are_bounded(void **state)
{
	char *text = long_text("[s]\nk = ", 'x', 4092, "\nl = 1");
	struct tb_conf conf;

	(void)state;
	parse(&conf, text);
	assert_int_equal(strlen(conf.sections[0].entries[0].value), 4092);
	check_value(&conf, "s", "l", "1");
	tb_conf_fini(&conf);
	free(text);
	text = long_text("[s]\nk = ", 'x', 4093, "\nl = 1");
	check_bad(text, "f.conf:2: line of 4097 characters, expected at most "
			"4096");
	free(text);
}

/* What was expected is said, however long the line that is quoted. */
static void long_lines_are_quoted_in_part(void **state)
{
	static const char part[] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
				   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	char *text = long_text("[s]\n", 'x', 3000, "");
	char message[256];

	(void)state;
	snprintf(message, sizeof(message),
		 "f.conf:2: expected 'key = value', got '%s'", part);
	check_bad(text, message);
	free(text);
	text = long_text("[s]\n", 'x', 3000, " =");
	snprintf(message, sizeof(message), "f.conf:2: '%s' has no value", part);
	check_bad(text, message);
	free(text);
	text = long_text("[", 'x', 3000, "");
	snprintf(message, sizeof(message),
		 "f.conf:1: expected ']' at the end of '[%.63s'", part);
	check_bad(text, message);
	free(text);
}

static void tabs_are_blanks(void **state)
{
	struct tb_conf conf;

	(void)state;
	parse(&conf, "\t[\ts\tt\t]\t\n\tk\t=\ta\tb\t\n");
	assert_string_equal(conf.sections[0].kind, "s");
	assert_string_equal(conf.sections[0].name, "t");
	assert_string_equal(conf.sections[0].entries[0].key, "k");
	assert_string_equal(conf.sections[0].entries[0].value, "a\tb");
	tb_conf_fini(&conf);
}

static void bad_headers(void **state)
{
	(void)state;
	check_bad("[s\n", "f.conf:1: expected ']' at the end of '[s'");
	check_bad("[", "f.conf:1: expected ']' at the end of '['");
	check_bad("[s] x\n", "f.conf:1: expected ']' at the end of '[s] x'");
	check_bad("[]\n", "f.conf:1: expected [KIND] or [KIND NAME]");
	check_bad("\n[ \t ]\n", "f.conf:2: expected [KIND] or [KIND NAME]");
}

static void twice_is_once_too_often(void **state)
{
	(void)state;
	check_bad("[s]\nk = 1\nl = 2\n\tk= 1\n",
		  "f.conf:4: key 'k' stands on line 2 already");
	check_bad("[s]\n[t]\n[ s ]\n",
		  "f.conf:3: section [s] stands on line 1 already");
	check_bad("# x\n[case a]\n[case  a ]\n",
		  "f.conf:3: section [case a] stands on line 2 already");
}

static void same_words_elsewhere_are_fine(void **state)
{
	struct tb_conf conf;

	(void)state;
	parse(&conf, "[a]\nk = 1\n[b]\nk = 2\n[a b]\nk = 3\n[b a]\nk = 4\n");
	assert_int_equal(conf.nr_sections, 4);
	tb_conf_fini(&conf);
}

static void unknown_keys_are_found(void **state)
{
	struct tb_err err = { 0 };
	struct tb_conf conf;

	(void)state;
	parse(&conf, "[s]\nasked = 1\n[case x]\nunknown = 2\n[t]\nz = 3\n");
	assert_non_null(tb_section_find(tb_conf_section(&conf, "s"), "asked"));
	assert_int_equal(tb_conf_check_used(&conf, &err), -EINVAL);
	assert_true(err.is_usage);
	assert_string_equal(err.text,
			    "f.conf:4: unknown key 'unknown' in [case x]");

	err = (struct tb_err){ 0 };
	tb_section_find(&conf.sections[1], "unknown");
	assert_int_equal(tb_conf_check_used(&conf, &err), -EINVAL);
	assert_string_equal(err.text, "f.conf:6: unknown key 'z' in [t]");

	err = (struct tb_err){ 0 };
	tb_section_find(&conf.sections[2], "z");
	assert_int_equal(tb_conf_check_used(&conf, &err), 0);
	tb_conf_fini(&conf);
}

static void unknown_keys_have_neighbours(void **state)
{
	struct tb_err err = { 0 };
	struct tb_conf conf;

	(void)state;
	parse(&conf, "[s]\nseeed = 1\n");
	tb_section_find(&conf.sections[0], "name");
	tb_section_find(&conf.sections[0], "seed");
	tb_section_find(&conf.sections[0], "boots");
	assert_int_equal(tb_conf_check_used(&conf, &err), -EINVAL);
	assert_string_equal(err.text, "f.conf:2: unknown key 'seeed' in [s], "
				      "did you mean 'seed'?");
	tb_conf_fini(&conf);
}

static void what_is_missing_has_a_default(void **state)
{
	struct tb_err err = { 0 };
	struct tb_conf conf;
	uint64_t value = 0;

	(void)state;
	parse(&conf, "[s]\nk = 1\n");
	assert_null(tb_section_find(NULL, "k"));
	assert_string_equal(tb_section_text(NULL, "k", "d"), "d");
	assert_int_equal(
		tb_section_u64(&conf, NULL, "k", 5, 9, 9, &value, &err), 0);
	/* Not checked against the range: it may mean "not given". */
	assert_int_equal(value, 5);
	tb_conf_fini(&conf);
}

static void check_number(const char *text, const char *message)
{
	struct tb_err err = { 0 };
	struct tb_conf conf;
	struct tb_buf b = { 0 };
	uint64_t value;
	int ret;

	tb_buf_printf(&b, "[s]\nk = %s\n", text);
	parse(&conf, b.data);
	ret = tb_section_u64(&conf, tb_conf_section(&conf, "s"), "k", 5, 2, 10,
			     &value, &err);
	assert_int_equal(ret, message ? -EINVAL : 0);
	assert_string_equal(err.text, message ? message : "");
	tb_conf_fini(&conf);
	tb_buf_fini(&b);
}

static void numbers_are_in_range(void **state)
{
	(void)state;
	check_number("2", NULL);
	check_number("10", NULL);
	check_number("1", "f.conf:2: k = 1: expected a number from 2 to 10");
	check_number("11", "f.conf:2: k = 11: expected a number from 2 to 10");
	check_number("-3", "f.conf:2: k = -3: expected a number from 2 to 10");
	check_number("3 4",
		     "f.conf:2: k = 3 4: expected a number from 2 to 10");
	check_number("18446744073709551619",
		     "f.conf:2: k = 18446744073709551619: expected a number "
		     "from 2 to 10");
}

static void set(struct tb_section *s, const char *key, const char *value)
{
	struct tb_err err = { 0 };

	assert_int_equal(tb_section_set(s, key, value, "--x", &err), 0);
}

static void sections_come_and_go(void **state)
{
	struct tb_section *s;
	struct tb_err err = { 0 };
	struct tb_buf out = { 0 };
	struct tb_conf conf;

	(void)state;
	parse(&conf, "[a]\nk = 1\nl = 2\n# x\n[b y]\n[c]\nm = 3\n");
	set(&conf.sections[0], "k", " much \t longer\t");
	tb_conf_drop(&conf, 1);
	s = tb_conf_add(&conf, "d", "z", "--z", &err);
	assert_non_null(s);
	set(s, "n", "4");
	assert_string_equal(s->from, "--z");
	tb_conf_write(&conf, &out);
	assert_string_equal(out.data, "[a]\nk = much \t longer\nl = 2\n"
				      "[c]\nm = 3\n[d z]\nn = 4\n");
	tb_buf_fini(&out);
	tb_conf_fini(&conf);
}

static void check_set(struct tb_section *s, const char *value)
{
	struct tb_err err = { 0 };

	assert_int_equal(tb_section_set(s, "k", value, "--x", &err), -EINVAL);
	assert_true(err.is_usage);
	assert_string_equal(err.text, "--x: expected one line of text, at most "
				      "4096 characters");
}

static void values_fit_on_a_line(void **state)
{
	char *text = long_text("", 'x', 4092, "");
	struct tb_conf conf;

	(void)state;
	parse(&conf, "[s]\nk = v\n");
	check_set(&conf.sections[0], "");
	check_set(&conf.sections[0], " ");
	check_set(&conf.sections[0], "a\n[t]");
	check_set(&conf.sections[0], "a\033[1m");
	set(&conf.sections[0], "k", text);
	free(text);
	text = long_text("", 'x', 4093, "");
	check_set(&conf.sections[0], text);
	free(text);
	tb_conf_fini(&conf);
}

static void files_are_loaded(void **state)
{
	const char *path = t_path(*state, "f.conf");
	struct tb_err err = { 0 };
	struct tb_conf conf;

	t_write(path, "[s]\nk = v");
	assert_int_equal(tb_conf_load(&conf, path, &err), 0);
	assert_string_equal(conf.path, path);
	check_value(&conf, "s", "k", "v");
	tb_conf_fini(&conf);
	t_write(path, "");
	assert_int_equal(tb_conf_load(&conf, path, &err), 0);
	assert_int_equal(conf.nr_sections, 0);
	tb_conf_fini(&conf);
}

static void check_load(const char *path, const char *why)
{
	char message[PATH_MAX + 64];
	struct tb_err err = { 0 };
	struct tb_conf conf;

	assert_int_equal(tb_conf_load(&conf, path, &err), -EINVAL);
	assert_true(err.is_usage);
	snprintf(message, sizeof(message), "%s%s", path, why);
	assert_string_equal(err.text, message);
}

static void bad_files_are_named(void **state)
{
	static const char zeroes[] = "[s]\nk = v\0w\n";
	const char *path = t_path(*state, "f.conf");
	struct tb_err err = { 0 };

	check_load(path, ": No such file or directory");
	check_load(*state, ": expected a file");
	/* It would never end. */
	check_load("/dev/zero", ": expected a file");
	assert_int_equal(tb_write_file(path, zeroes, sizeof(zeroes) - 1, &err),
			 0);
	check_load(path, ":2: expected text, got byte 0x00");
	/* At the very end too. */
	assert_int_equal(tb_write_file(path, "[s]", 4, &err), 0);
	check_load(path, ":1: expected text, got byte 0x00");
	t_write(path, "[s]\nk\n");
	check_load(path, ":2: expected 'key = value', got 'k'");
}

/* Not read at all: it may be a disk image. */
static void huge_files_are_refused(void **state)
{
	const char *path = t_path(*state, "f.conf");
	struct tb_err err = { 0 };
	struct tb_conf conf;

	t_write(path, "[s]\n");
	assert_int_equal(truncate(path, (1 << 20) + 1), 0);
	check_load(path, ": expected a file of at most 1 MiB");
	assert_int_equal(truncate(path, 1LL << 40), 0);
	check_load(path, ": expected a file of at most 1 MiB");
	/* Much text is fine. */
	{
		char *text = long_text("[s]\n", '\n', (1 << 20) - 9, "k = v");

		t_write(path, text);
		free(text);
	}
	assert_int_equal(tb_conf_load(&conf, path, &err), 0);
	check_value(&conf, "s", "k", "v");
	tb_conf_fini(&conf);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_and_keys),
		cmocka_unit_test(empty_files_are_empty),
		cmocka_unit_test(line_ends_do_not_matter),
		cmocka_unit_test(bad_lines),
		cmocka_unit_test(bytes_that_are_no_text),
		cmocka_unit_test(long_lines_are_bounded),
		cmocka_unit_test(long_lines_are_quoted_in_part),
		cmocka_unit_test(tabs_are_blanks),
		cmocka_unit_test(bad_headers),
		cmocka_unit_test(twice_is_once_too_often),
		cmocka_unit_test(same_words_elsewhere_are_fine),
		cmocka_unit_test(unknown_keys_are_found),
		cmocka_unit_test(unknown_keys_have_neighbours),
		cmocka_unit_test(what_is_missing_has_a_default),
		cmocka_unit_test(numbers_are_in_range),
		cmocka_unit_test(sections_come_and_go),
		cmocka_unit_test(values_fit_on_a_line),
		T_DIR(files_are_loaded),
		T_DIR(bad_files_are_named),
		T_DIR(huge_files_are_refused),
	};

	return T_RUN("config", tests);
}
