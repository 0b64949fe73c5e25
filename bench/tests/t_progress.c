// SPDX-License-Identifier: GPL-2.0-only
/* Progress: what is left, what is shown where, what is remembered. */
#include "campaign/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/t.h"

#define SECOND_NS 1000000000ULL

static struct tb_cpu here_cpus[2];
static struct tb_topo here = { .nr_cpus = ARRAY_SIZE(here_cpus),
			       .cpus = here_cpus };

/* Two slots of 10 s, then of 20 s: boot 4 s, repetitions 3 s and 3 s. */
static const char conf[] = "[campaign]\nname = c\nbackend = vm\nboots = 1\n"
			   "[vm]\naccel = exact\n"
			   "[kernel a]\nimage = /a\n[kernel b]\nimage = /b\n"
			   "[case m]\nworkload = munmap\nrepetitions = 2\n";

/* A plan on its way, and the far end of the descriptor where it is shown. */
struct fixture {
	struct tb_plan plan;
	struct tb_progress p;
	int fd;
	int far_fd;
};

static int swallow(struct tb_sink *sink, const char *line, size_t len_bytes,
		   struct tb_err *err)
{
	(void)sink;
	(void)line;
	(void)len_bytes;
	(void)err;
	return 0;
}

static struct tb_sink sink = { .put = swallow };

static void begin(struct fixture *f, const char *dir)
{
	struct tb_err err = { 0 };
	unsigned int k, i;

	setenv("XDG_CACHE_HOME", dir, 1);
	if (tb_plan_parse(&f->plan, "c.conf", conf, &here, &err))
		fail_msg("%s", err.text);
	for (i = 0; i < f->plan.nr_kernels; i++)
		f->plan.kernels[i].id = strdup(f->plan.kernels[i].name);
	assert_int_equal(tb_progress_init(&f->p, &f->plan, f->fd, &err), 0);
	for (k = 0; k < 2; k++) {
		f->p.estimate.boot_s[k] = k ? 8 : 4;
		f->p.estimate.case_s[k] = k ? 6 : 3;
	}
}

static void begin_on_pipe(struct fixture *f, const char *dir)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	f->far_fd = fds[0];
	f->fd = fds[1];
	begin(f, dir);
}

static void begin_on_terminal(struct fixture *f, const char *dir,
			      unsigned short columns)
{
	const struct winsize size = { .ws_row = 5, .ws_col = columns };

	f->far_fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	assert_true(f->far_fd >= 0);
	assert_int_equal(grantpt(f->far_fd), 0);
	assert_int_equal(unlockpt(f->far_fd), 0);
	f->fd = open(ptsname(f->far_fd), O_RDWR | O_NOCTTY);
	assert_true(f->fd >= 0);
	assert_int_equal(ioctl(f->fd, TIOCSWINSZ, &size), 0);
	begin(f, dir);
}

static void end(struct fixture *f)
{
	tb_progress_fini(&f->p);
	tb_plan_fini(&f->plan);
	close(f->fd);
	close(f->far_fd);
}

/* What was shown since the last time. */
static void check_shown(const struct fixture *f, const char *expected)
{
	char text[4096];
	ssize_t n = read(f->far_fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	assert_string_equal(text, expected);
}

static void put_record(struct fixture *f)
{
	struct tb_err err = { 0 };

	assert_int_equal(f->p.sink.put(&f->p.sink, "{}\n", 3, &err), 0);
}

/* As if all that has happened so far had happened earlier. */
static void pass(struct fixture *f, double seconds)
{
	uint64_t ns = (uint64_t)(seconds * 1e9);

	f->p.begin_ns -= ns;
	f->p.slot_ns -= ns;
	f->p.part_ns -= ns;
	f->p.shown_ns -= ns;
}

static void check_left(const struct fixture *f, double expected)
{
	double left = tb_progress_left(&f->p, tb_now_ns());

	if (fabs(left - expected) > 0.2)
		fail_msg("%g s left, expected %g", left, expected);
}

static void check_text(const struct fixture *f, const char *expected)
{
	struct tb_buf b = { 0 };

	tb_progress_text(&f->p, tb_now_ns(), &b);
	assert_string_equal(b.data, expected);
	tb_buf_fini(&b);
}

/* --- how long ------------------------------------------------------------ */

static void all_goes_as_expected(void **state)
{
	struct fixture f;

	begin_on_pipe(&f, *state);
	check_left(&f, 30);
	tb_progress_begin(&f.p, &f.plan.slots[0], &sink);
	pass(&f, 2);
	check_left(&f, 28);
	pass(&f, 2);
	put_record(&f);
	pass(&f, 3);
	put_record(&f);
	check_left(&f, 23);
	pass(&f, 3);
	put_record(&f);
	check_left(&f, 20);
	tb_progress_end(&f.p, false);
	tb_progress_begin(&f.p, &f.plan.slots[1], &sink);
	pass(&f, 8);
	check_left(&f, 12);
	/* What takes longer than expected never leaves less than the rest. */
	pass(&f, 100);
	check_left(&f, 12);
	end(&f);
}

static void measured_parts_correct_the_rest(void **state)
{
	struct fixture f;

	begin_on_pipe(&f, *state);
	tb_progress_begin(&f.p, &f.plan.slots[0], &sink);
	pass(&f, 9);
	put_record(&f);
	/* (1 + 9) / (1 + 4) as slow. */
	check_left(&f, 2 * 26);
	end(&f);
}

static void slots_that_are_done_do_not_count(void **state)
{
	struct fixture f;

	begin_on_pipe(&f, *state);
	tb_progress_skip(&f.p, &f.plan.slots[0]);
	check_left(&f, 20);
	tb_progress_announce(&f.p);
	check_shown(&f, "tlbbench: 1 slot to run: about 20 s, at most 2 min by "
			"timeout; of the cases and boots 4 a guess, never run "
			"here\n");
	tb_progress_begin(&f.p, &f.plan.slots[1], &sink);
	check_text(&f, "slot 1/1 b, 0.0 s, about 20 s left: boot");
	end(&f);
}

static void parts_have_names(void **state)
{
	struct fixture f;

	begin_on_pipe(&f, *state);
	tb_progress_begin(&f.p, &f.plan.slots[0], &sink);
	check_text(&f, "slot 1/2 a, 0.0 s, about 30 s left: boot");
	pass(&f, 4);
	put_record(&f);
	check_text(&f, "slot 1/2 a, 4.0 s, about 26 s left: 1/2 m");
	pass(&f, 3);
	put_record(&f);
	check_text(&f, "slot 1/2 a, 7.0 s, about 23 s left: 2/2 m");
	pass(&f, 3);
	put_record(&f);
	check_text(&f, "slot 1/2 a, 10 s, about 20 s left: end");
	tb_progress_end(&f.p, false);
	tb_progress_begin(&f.p, &f.plan.slots[1], &sink);
	check_text(&f, "slot 2/2 b, 10 s, about 20 s left: boot");
	end(&f);
}

/* --- what is shown ------------------------------------------------------- */

static void plain_lines_are_a_minute_apart(void **state)
{
	struct fixture f;

	begin_on_pipe(&f, *state);
	tb_progress_begin(&f.p, &f.plan.slots[0], &sink);
	pass(&f, 59);
	f.p.sink.wait(&f.p.sink);
	check_shown(&f, "");
	pass(&f, 1);
	f.p.sink.wait(&f.p.sink);
	f.p.sink.wait(&f.p.sink);
	check_shown(&f, "tlbbench: slot 1/2 a, 1 min, about 26 s left: boot\n");
	/* The next slot begins a new minute. */
	pass(&f, 59);
	tb_progress_end(&f.p, false);
	tb_progress_begin(&f.p, &f.plan.slots[1], &sink);
	pass(&f, 2);
	put_record(&f);
	tb_progress_clear(&f.p);
	check_shown(&f, "");
	end(&f);
}

static void a_terminal_has_one_line(void **state)
{
	struct fixture f;

	setenv("TERM", "xterm", 1);
	begin_on_terminal(&f, *state, 80);
	assert_true(f.p.is_live);
	tb_progress_begin(&f.p, &f.plan.slots[0], &sink);
	check_shown(&f, "\r\033[Kslot 1/2 a, 0.0 s, about 30 s left: boot\r");
	/* Once a second. */
	f.p.sink.wait(&f.p.sink);
	pass(&f, 0.5);
	f.p.sink.wait(&f.p.sink);
	check_shown(&f, "");
	pass(&f, 1.5);
	f.p.sink.wait(&f.p.sink);
	check_shown(&f, "\r\033[Kslot 1/2 a, 2.0 s, about 28 s left: boot\r");
	tb_progress_clear(&f.p);
	check_shown(&f, "\r\033[K");
	tb_progress_clear(&f.p);
	check_shown(&f, "");
	end(&f);
}

/* Nobody calls while a repetition runs, so a long one is shown at once. */
static void a_long_part_is_shown_as_it_begins(void **state)
{
	struct fixture f;

	setenv("TERM", "xterm", 1);
	begin_on_terminal(&f, *state, 80);
	tb_progress_begin(&f.p, &f.plan.slots[0], &sink);
	check_shown(&f, "\r\033[Kslot 1/2 a, 0.0 s, about 30 s left: boot\r");
	f.p.estimate.case_s[0] = 0.5;
	put_record(&f);
	check_shown(&f, "");
	f.p.estimate.case_s[0] = 3;
	put_record(&f);
	check_shown(&f, "\r\033[Kslot 1/2 a, 0.0 s, about 2.9 s left: 2/2 m\r");
	end(&f);
}

static void the_line_fits_the_terminal(void **state)
{
	const struct winsize wider = { .ws_row = 5, .ws_col = 31 };
	struct fixture f;

	setenv("TERM", "xterm", 1);
	begin_on_terminal(&f, *state, 17);
	tb_progress_begin(&f.p, &f.plan.slots[0], &sink);
	check_shown(&f, "\r\033[Kslot 1/2 a, 0.0 \r");
	assert_int_equal(ioctl(f.fd, TIOCSWINSZ, &wider), 0);
	pass(&f, 1);
	f.p.sink.wait(&f.p.sink);
	check_shown(&f, "\r\033[Kslot 1/2 a, 1.0 s, about 29 s \r");
	end(&f);
}

static void a_dumb_terminal_gets_plain_lines(void **state)
{
	static const char *const terms[] = { "dumb", "", NULL };
	struct fixture f;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(terms); i++) {
		if (terms[i])
			setenv("TERM", terms[i], 1);
		else
			unsetenv("TERM");
		begin_on_terminal(&f, *state, 80);
		assert_false(f.p.is_live);
		tb_progress_begin(&f.p, &f.plan.slots[0], &sink);
		pass(&f, 2);
		f.p.sink.wait(&f.p.sink);
		check_shown(&f, "");
		end(&f);
	}
}

/* --- what is remembered -------------------------------------------------- */

static void run_slot(struct fixture *f, bool is_good)
{
	tb_progress_begin(&f->p, &f->plan.slots[0], &sink);
	pass(f, 5);
	put_record(f);
	pass(f, 1);
	put_record(f);
	pass(f, 2);
	put_record(f);
	pass(f, 0.5);
	tb_progress_end(&f->p, is_good);
}

static void a_good_slot_is_remembered(void **state)
{
	struct fixture f;

	begin_on_pipe(&f, *state);
	run_slot(&f, true);
	/* Boot and end; of the repetitions the newest counts 0.3. */
	assert_true(fabs(f.p.estimate.boot_s[0] - 5.5) < 0.1);
	assert_true(fabs(f.p.estimate.case_s[0] - 1.3) < 0.1);
	/* The other kernel is taken to be alike. */
	check_left(&f, 5.5 + 2 * 1.3);
	end(&f);
	begin_on_pipe(&f, *state);
	assert_int_equal(f.p.known.nr, 2);
	end(&f);
}

static void a_bad_slot_is_not(void **state)
{
	struct fixture f;

	begin_on_pipe(&f, *state);
	run_slot(&f, false);
	/* Nor one that is not whole. */
	tb_progress_begin(&f.p, &f.plan.slots[1], &sink);
	put_record(&f);
	tb_progress_end(&f.p, true);
	assert_int_equal(f.p.known.nr, 0);
	check_shown(&f, "");
	end(&f);
}

static void a_cache_that_cannot_be_is_said_once(void **state)
{
	const char *path = t_path(*state, "file");
	struct fixture f;
	struct tb_buf b = { 0 };

	t_write(path, "");
	begin_on_pipe(&f, path);
	tb_buf_printf(&b,
		      "tlbbench: no memory of how long things take: cannot "
		      "create %s/tlbbench: Not a directory\n",
		      path);
	check_shown(&f, b.data);
	run_slot(&f, true);
	check_shown(&f, "");
	/* But known within this run. */
	assert_int_equal(f.p.known.nr, 2);
	end(&f);
	tb_buf_fini(&b);
}

static int refuse(struct tb_sink *to, const char *line, size_t len_bytes,
		  struct tb_err *err)
{
	(void)to;
	(void)line;
	(void)len_bytes;
	return tb_fail(err, -ENOSPC, "full");
}

static void a_record_that_is_refused_does_not_count(void **state)
{
	struct tb_sink full = { .put = refuse };
	struct tb_err err = { 0 };
	struct fixture f;

	begin_on_pipe(&f, *state);
	tb_progress_begin(&f.p, &f.plan.slots[0], &full);
	assert_int_equal(f.p.sink.put(&f.p.sink, "{}\n", 3, &err), -ENOSPC);
	assert_string_equal(err.text, "full");
	assert_int_equal(f.p.nr_records, 0);
	end(&f);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		T_DIR(all_goes_as_expected),
		T_DIR(measured_parts_correct_the_rest),
		T_DIR(slots_that_are_done_do_not_count),
		T_DIR(parts_have_names),
		T_DIR(plain_lines_are_a_minute_apart),
		T_DIR(a_terminal_has_one_line),
		T_DIR(a_long_part_is_shown_as_it_begins),
		T_DIR(the_line_fits_the_terminal),
		T_DIR(a_dumb_terminal_gets_plain_lines),
		T_DIR(a_good_slot_is_remembered),
		T_DIR(a_bad_slot_is_not),
		T_DIR(a_cache_that_cannot_be_is_said_once),
		T_DIR(a_record_that_is_refused_does_not_count),
	};
	size_t i;

	for (i = 0; i < here.nr_cpus; i++)
		here_cpus[i] = (struct tb_cpu){ .cpu = (int)i, .core = (int)i };
	return T_RUN("progress", tests);
}
