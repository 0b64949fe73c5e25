// SPDX-License-Identifier: GPL-2.0-only
/* Campaign directories: what is written, what is believed, what is undone. */
#include "campaign/store.h"

#include <dirent.h>
#include <errno.h>

#include "campaign/child.h"
#include "tests/t.h"

static const char conf_text[] =
	"[campaign]\nname = c\nbackend = vm\nboots = 1\n"
	"[kernel a]\nimage = /a\n"
	"[kernel b]\nimage = /b\n"
	"[case m]\nworkload = munmap\n";

/* A plan with the identities that tb_images_resolve() would find. */
static void make_plan(struct tb_plan *plan, const char *id_of_b)
{
	struct tb_topo topo = { 0 };
	struct tb_err err = { 0 };

	if (tb_plan_parse(plan, "c.conf", conf_text, &topo, &err))
		fail_msg("%s", err.text);
	plan->kernels[0].id = strdup("id-a");
	plan->kernels[0].release = strdup("6.12-a");
	plan->kernels[1].id = strdup(id_of_b);
	plan->kernels[1].release = strdup("6.12-b");
}

static unsigned int nr_entries(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned int n = 0;
	struct dirent *e;

	if (!d)
		return 0;
	while ((e = readdir(d)))
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	return n;
}

/* A store below *state/results. */
static void create(struct tb_store *store, const char *dir,
		   const struct tb_plan *plan)
{
	struct tb_err err = { 0 };

	if (tb_store_create(store, t_path(dir, "results"), plan, conf_text,
			    &err))
		fail_msg("%s", err.text);
}

static void put_line(struct tb_slot_file *file, const char *line)
{
	struct tb_err err = { 0 };

	assert_int_equal(file->sink.put(&file->sink, line, strlen(line), &err),
			 0);
}

/* What the store makes of the record in write_slot(). */
#define RECORD_OF_SLOT_0                                          \
	"{\"schema\":1,\"campaign\":\"c\",\"slot\":0,\"pair\":0," \
	"\"kernel\":\"a\",\"kernel_id\":\"id-a\",\"seed\":1,"     \
	"\"backend\":\"vm\",\"accel\":\"auto\",\"n\":1}\n"

/* Write slot @i with one record and finish it. */
static void write_slot(const struct tb_store *store, const struct tb_plan *plan,
		       unsigned int i)
{
	struct tb_outcome out = { .host_seconds = 1.5,
				  .first_record_seconds = -1 };
	struct tb_slot_file file;
	struct tb_err err = { 0 };

	assert_int_equal(
		tb_store_begin(store, plan, &plan->slots[i], &file, &err), 0);
	put_line(&file, "{\"n\":1}\n");
	if (tb_store_finish(&file, &out, &err))
		fail_msg("%s", err.text);
}

static int check_sums(const struct tb_store *store)
{
	const char *argv[] = { "env",	   "-C", store->dir,	 "sha256sum",
			       "--strict", "-c", "index.sha256", NULL };
	struct tb_buf out = { 0 };
	int ret = tb_child_output(argv, &out, NULL);

	tb_buf_fini(&out);
	return ret;
}

static void new_campaign_is_described(void **state)
{
	struct tb_buf json = { 0 };
	struct tb_store store;
	struct tb_plan plan;
	const char *base;

	make_plan(&plan, "id-b");
	create(&store, *state, &plan);
	base = strrchr(store.dir, '/') + 1;
	/* c-YYYYMMDDTHHMMSSZ */
	assert_int_equal(strlen(base), 18);
	assert_memory_equal(base, "c-20", 4);
	assert_int_equal(base[10], 'T');
	assert_int_equal(base[17], 'Z');
	t_assert_file(t_path(store.dir, "campaign.conf"), conf_text);
	tb_plan_json(&plan, &json);
	t_assert_file(t_path(store.dir, "plan.json"), json.data);
	assert_int_equal(nr_entries(t_path(store.dir, "slots")), 0);
	/* Those three and nothing beside them. */
	assert_int_equal(nr_entries(store.dir), 3);
	tb_buf_fini(&json);
	tb_plan_fini(&plan);
}

static void link_leads_to_the_newest(void **state)
{
	const char *results = t_path(*state, "results");
	struct tb_store first, second;
	char target[PATH_MAX] = "";
	struct tb_plan plan;

	make_plan(&plan, "id-b");
	create(&first, *state, &plan);
	create(&second, *state, &plan);
	assert_string_not_equal(first.dir, second.dir);
	assert_true(readlink(t_path(results, "c"), target, PATH_MAX - 1) > 0);
	assert_string_equal(target, strrchr(second.dir, '/') + 1);
	/* Two directories, the link, and no temporary one. */
	assert_int_equal(nr_entries(results), 3);
	tb_plan_fini(&plan);
}

static void dangling_link_is_replaced(void **state)
{
	const char *results = t_path(*state, "results");
	char target[PATH_MAX] = "";
	struct tb_store store;
	struct tb_plan plan;

	make_plan(&plan, "id-b");
	assert_int_equal(mkdir(results, 0755), 0);
	assert_int_equal(symlink("gone", t_path(results, "c")), 0);
	/* Of a run that was cut off. */
	assert_int_equal(symlink("x", t_path(results, ".c.tmp")), 0);
	create(&store, *state, &plan);
	assert_true(readlink(t_path(results, "c"), target, PATH_MAX - 1) > 0);
	assert_string_equal(target, strrchr(store.dir, '/') + 1);
	assert_int_equal(nr_entries(results), 2);
	tb_plan_fini(&plan);
}

static void what_is_in_the_way_stays(void **state)
{
	const char *results = t_path(*state, "results");
	char message[PATH_MAX + 64];
	struct tb_err err = { 0 };
	struct tb_store store;
	struct tb_plan plan;

	make_plan(&plan, "id-b");
	assert_int_equal(mkdir(results, 0755), 0);
	t_write(t_path(results, "c"), "mine");
	assert_int_equal(
		tb_store_create(&store, results, &plan, conf_text, &err),
		-EEXIST);
	snprintf(message, sizeof(message),
		 "%s/c is in the way: expected nothing or a link", results);
	assert_string_equal(err.text, message);
	t_assert_file(t_path(results, "c"), "mine");
	assert_int_equal(nr_entries(results), 1);
	tb_plan_fini(&plan);
}

static void file_for_a_parent_is_an_error(void **state)
{
	const char *results = t_path(*state, "results");
	const char *below = t_path(*state, "results/x");
	struct tb_err err = { 0 };
	struct tb_store store;
	struct tb_plan plan;

	make_plan(&plan, "id-b");
	t_write(results, "a file");
	assert_int_equal(
		tb_store_create(&store, results, &plan, conf_text, &err),
		-ENOTDIR);
	err = (struct tb_err){ 0 };
	assert_int_equal(tb_store_create(&store, below, &plan, conf_text, &err),
			 -ENOTDIR);
	t_assert_file(results, "a file");
	assert_int_equal(nr_entries(*state), 1);
	tb_plan_fini(&plan);
}

static void full_disk_leaves_no_campaign(void **state)
{
	const char *results = t_path(*state, "results");
	struct tb_err err = { 0 };
	struct tb_store store;
	struct rlimit before;
	struct tb_plan plan;
	rlim_t limit;
	int ret;

	make_plan(&plan, "id-b");
	assert_int_equal(mkdir(results, 0755), 0);
	/* In the middle of campaign.conf, then of plan.json. */
	for (limit = 10; limit <= 310; limit += 300) {
		err = (struct tb_err){ 0 };
		before = t_limit_files(limit);
		ret = tb_store_create(&store, results, &plan, conf_text, &err);
		t_unlimit_files(&before);
		assert_int_equal(ret, -EFBIG);
		assert_non_null(strstr(err.text, limit == 10 ? "campaign.conf"
							     : "plan.json"));
		assert_int_equal(nr_entries(results), 0);
	}
	tb_plan_fini(&plan);
}

static void finished_slots_are_indexed(void **state)
{
	struct tb_store store;
	struct tb_plan plan;
	struct tb_buf index = { 0 };
	char hex[65], names[4][32];

	make_plan(&plan, "id-b");
	create(&store, *state, &plan);
	assert_false(tb_store_has_slot(&store, &plan, &plan.slots[0]));
	write_slot(&store, &plan, 0);
	assert_true(tb_store_has_slot(&store, &plan, &plan.slots[0]));
	assert_false(tb_store_has_slot(&store, &plan, &plan.slots[1]));
	write_slot(&store, &plan, 1);
	assert_true(tb_store_has_slot(&store, &plan, &plan.slots[1]));
	t_assert_file(t_path(store.dir, "slots/00-a/records.jsonl"),
		      RECORD_OF_SLOT_0);

	assert_int_equal(
		tb_read_file(t_path(store.dir, "index.sha256"), &index), 0);
	assert_int_equal(sscanf(index.data,
				"%64[0-9a-f]  slots/%31s\n%*64[0-9a-f]  "
				"slots/%31s\n%*64[0-9a-f]  slots/%31s\n"
				"%*64[0-9a-f]  slots/%31s\n",
				hex, names[0], names[1], names[2], names[3]),
			 5);
	assert_string_equal(names[0], "00-a/records.jsonl");
	assert_string_equal(names[1], "00-a/slot.json");
	assert_string_equal(names[2], "01-b/records.jsonl");
	assert_string_equal(names[3], "01-b/slot.json");
	/* sha256sum of RECORD_OF_SLOT_0 */
	assert_string_equal(hex, "b8bf62b6c75dd4f0c2985838601d3fcbb86fb2611cc1"
				 "386cf2f28c90a8838cff");
	tb_buf_fini(&index);
	tb_plan_fini(&plan);
}

static void sums_are_those_of_sha256sum(void **state)
{
	struct tb_store store;
	struct tb_plan plan;
	int ret;

	make_plan(&plan, "id-b");
	create(&store, *state, &plan);
	write_slot(&store, &plan, 0);
	write_slot(&store, &plan, 1);
	ret = check_sums(&store);
	if (ret == -ENOENT || ret == 127)
		T_SKIP("sha256sum is not installed");
	assert_int_equal(ret, 0);
	t_write(t_path(store.dir, "slots/01-b/records.jsonl"), "{\"n\":2}\n");
	assert_int_equal(check_sums(&store), 1);
	tb_plan_fini(&plan);
}

static void slot_says_how_it_ended(void **state)
{
	struct tb_outcome out = {
		.state = TB_SLOT_CRASHED,
		.reason = "no END",
		.host_seconds = 2.25,
		.first_record_seconds = 0.5,
		.nr_not_ok = 3,
	};
	struct tb_slot_file file;
	struct tb_err err = { 0 };
	struct tb_store store;
	struct tb_plan plan;
	struct tb_buf sha = { 0 };
	struct tb_buf expected = { 0 };

	make_plan(&plan, "id-b");
	create(&store, *state, &plan);
	tb_buf_printf(&out.log_tail, "one\r\n\n\"two\"\nend without newline");
	assert_int_equal(
		tb_store_begin(&store, &plan, &plan.slots[1], &file, &err), 0);
	put_line(&file, "{\"n\":1}\n");
	put_line(&file, "{\"n\":2}\n");
	assert_int_equal(tb_store_finish(&file, &out, &err), 0);
	assert_int_equal(tb_read_file(t_path(store.dir, "index.sha256"), &sha),
			 0);
	tb_buf_printf(&expected,
		      "{\"schema\":1,\"type\":\"slot\",\"campaign\":\"c\","
		      "\"slot\":1,\"pair\":0,\"kernel\":\"b\","
		      "\"kernel_id\":\"id-b\",\"seed\":1,\"backend\":\"vm\","
		      "\"accel\":\"auto\",\"state\":\"crashed\","
		      "\"reason\":\"no END\",\"log_tail\":[\"one\","
		      "\"\\\"two\\\"\",\"end without newline\"],"
		      "\"records\":2,\"records_not_ok\":3,"
		      "\"records_sha256\":\"%.64s\",\"host_seconds\":2.25,"
		      "\"host_first_record_seconds\":0.5}\n",
		      sha.data);
	t_assert_file(t_path(store.dir, "slots/01-b/slot.json"), expected.data);
	tb_buf_fini(&expected);
	tb_buf_fini(&sha);
	tb_buf_fini(&out.log_tail);
	tb_plan_fini(&plan);
}

static void abandoned_slots_are_run_again(void **state)
{
	struct tb_slot_file file;
	struct tb_err err = { 0 };
	struct tb_store store;
	struct tb_plan plan;

	make_plan(&plan, "id-b");
	create(&store, *state, &plan);
	assert_int_equal(
		tb_store_begin(&store, &plan, &plan.slots[0], &file, &err), 0);
	put_line(&file, "{\"cut\":1}\n");
	tb_store_abandon(&file);
	tb_store_abandon(&file);
	assert_false(tb_store_has_slot(&store, &plan, &plan.slots[0]));
	/* The second attempt starts with an empty file. */
	write_slot(&store, &plan, 0);
	t_assert_file(t_path(store.dir, "slots/00-a/records.jsonl"),
		      RECORD_OF_SLOT_0);
	assert_int_equal(file.fd, -1);
	tb_plan_fini(&plan);
}

static void full_disk_keeps_the_index_whole(void **state)
{
	struct tb_outcome out = { .first_record_seconds = -1 };
	struct tb_slot_file file;
	struct tb_err err = { 0 };
	struct tb_store store;
	struct rlimit before;
	struct tb_plan plan;
	unsigned int i;
	struct stat st;
	int ret;

	make_plan(&plan, "id-b");
	create(&store, *state, &plan);
	/* Long enough for the limit to meet nothing but the index. */
	for (i = 0; i < 5; i++)
		write_slot(&store, &plan, 0);
	assert_int_equal(stat(t_path(store.dir, "index.sha256"), &st), 0);
	assert_int_equal(
		tb_store_begin(&store, &plan, &plan.slots[1], &file, &err), 0);
	put_line(&file, "{\"n\":1}\n");
	before = t_limit_files((rlim_t)st.st_size + 100);
	ret = tb_store_finish(&file, &out, &err);
	t_unlimit_files(&before);
	assert_int_equal(ret, -EFBIG);
	assert_false(tb_store_has_slot(&store, &plan, &plan.slots[1]));
	/* Half a line would spoil the next one that is appended. */
	write_slot(&store, &plan, 1);
	assert_true(tb_store_has_slot(&store, &plan, &plan.slots[1]));
	ret = check_sums(&store);
	if (ret == -ENOENT || ret == 127)
		T_SKIP("sha256sum is not installed");
	assert_int_equal(ret, 0);
	tb_plan_fini(&plan);
}

static void records_are_refused_by_a_full_disk(void **state)
{
	static const char line[] = "{\"a record that is too long\":1}\n";
	struct tb_slot_file file;
	struct tb_err err = { 0 };
	char message[PATH_MAX + 64];
	struct tb_store store;
	struct rlimit before;
	struct tb_plan plan;
	int ret;

	make_plan(&plan, "id-b");
	create(&store, *state, &plan);
	assert_int_equal(
		tb_store_begin(&store, &plan, &plan.slots[0], &file, &err), 0);
	before = t_limit_files(10);
	ret = file.sink.put(&file.sink, line, strlen(line), &err);
	t_unlimit_files(&before);
	assert_int_equal(ret, -EFBIG);
	snprintf(message, sizeof(message),
		 "cannot write %s/slots/00-a/records.jsonl: File too large",
		 store.dir);
	assert_string_equal(err.text, message);
	assert_int_equal(file.nr_records, 0);
	tb_store_abandon(&file);
	tb_plan_fini(&plan);
}

static void same_plan_is_resumed(void **state)
{
	struct tb_store store, again;
	struct tb_err err = { 0 };
	struct tb_plan plan;

	make_plan(&plan, "id-b");
	create(&store, *state, &plan);
	write_slot(&store, &plan, 0);
	assert_int_equal(tb_store_reopen(&again, store.dir, &plan, &err), 0);
	assert_true(tb_store_has_slot(&again, &plan, &plan.slots[0]));
	assert_false(tb_store_has_slot(&again, &plan, &plan.slots[1]));
	tb_plan_fini(&plan);
}

static void other_plans_are_refused(void **state)
{
	struct tb_err err = { 0 };
	struct tb_store store, again;
	struct tb_plan plan, rebuilt;

	make_plan(&plan, "id-b");
	make_plan(&rebuilt, "id-x");
	create(&store, *state, &plan);
	assert_int_equal(tb_store_reopen(&again, store.dir, &rebuilt, &err),
			 -EINVAL);
	assert_true(err.is_usage);
	assert_non_null(strstr(err.text, "kernels or backend are not those it "
					 "began with"));

	err = (struct tb_err){ 0 };
	t_write(t_path(store.dir, "plan.json"), "");
	assert_int_equal(tb_store_reopen(&again, store.dir, &plan, &err),
			 -EINVAL);
	assert_true(err.is_usage);

	err = (struct tb_err){ 0 };
	assert_int_equal(tb_store_reopen(&again, *state, &plan, &err), -EINVAL);
	assert_true(err.is_usage);
	assert_non_null(strstr(err.text, "not a campaign: plan.json: No such "
					 "file or directory"));
	tb_plan_fini(&plan);
	tb_plan_fini(&rebuilt);
}

static void cache_follows_xdg(void **state)
{
	struct tb_err err = { 0 };
	char path[PATH_MAX], small[24];

	setenv("XDG_CACHE_HOME", t_path(*state, "xdg"), 1);
	assert_int_equal(tb_cache_dir(path, sizeof(path), &err), 0);
	assert_string_equal(path, t_path(*state, "xdg/tlbbench"));
	assert_int_equal(access(path, W_OK), 0);
	assert_int_equal(tb_cache_dir(small, sizeof(small), &err),
			 -ENAMETOOLONG);
	/* Empty is as good as unset. */
	err = (struct tb_err){ 0 };
	setenv("XDG_CACHE_HOME", "", 1);
	setenv("HOME", *state, 1);
	assert_int_equal(tb_cache_dir(path, sizeof(path), &err), 0);
	assert_string_equal(path, t_path(*state, ".cache/tlbbench"));
	assert_int_equal(access(path, W_OK), 0);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		T_DIR(new_campaign_is_described),
		T_DIR(link_leads_to_the_newest),
		T_DIR(dangling_link_is_replaced),
		T_DIR(what_is_in_the_way_stays),
		T_DIR(file_for_a_parent_is_an_error),
		T_DIR(full_disk_leaves_no_campaign),
		T_DIR(finished_slots_are_indexed),
		T_DIR(sums_are_those_of_sha256sum),
		T_DIR(slot_says_how_it_ended),
		T_DIR(abandoned_slots_are_run_again),
		T_DIR(full_disk_keeps_the_index_whole),
		T_DIR(records_are_refused_by_a_full_disk),
		T_DIR(same_plan_is_resumed),
		T_DIR(other_plans_are_refused),
		T_DIR(cache_follows_xdg),
	};

	return T_RUN("store", tests);
}
