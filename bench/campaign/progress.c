// SPDX-License-Identifier: GPL-2.0-only
/* Times the parts of a plan as their records pass, and shows the rest. */
#include "campaign/progress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LIVE_EVERY_NS 1000000000ULL
#define PLAIN_EVERY_NS 60000000000ULL
#define DEFAULT_COLUMNS 80
/* Carriage return, then ECMA-48 EL: erase to the end of the line. */
#define ERASE "\r\033[K"
/* By so much the estimate is believed against a first measurement. */
#define BELIEF_S 1.0

static double seconds_between(uint64_t begin_ns, uint64_t end_ns)
{
	return (double)(end_ns - begin_ns) / 1e9;
}

static void say(const struct tb_progress *p, const char *text)
{
	dprintf(p->fd, "tlbbench: %s\n", text);
}

/* --- how long ------------------------------------------------------------ */

/* Repetitions of this slot that are in. */
static unsigned int nr_reps_done(const struct tb_progress *p)
{
	return p->nr_records ? p->nr_records - 1 : 0;
}

/* Seconds that parts [@from, @to) of the slot that runs should take. */
static double expected(const struct tb_progress *p, unsigned int from,
		       unsigned int to)
{
	double seconds = 0;

	for (; from < to; from++)
		seconds += from ? tb_estimate_rep(&p->estimate, p->slot->kernel,
						  from - 1)
				: p->estimate.boot_s[p->slot->kernel];
	return seconds;
}

double tb_progress_left(const struct tb_progress *p, uint64_t now_ns)
{
	unsigned int i, parts = p->plan->nr_reps + 1;
	double left = 0, pace = 1, part;

	for (i = 0; i < p->plan->nr_slots; i++)
		if (p->is_left[i])
			left += tb_estimate_slot(&p->estimate,
						 p->plan->slots[i].kernel);
	if (!p->slot)
		return left;
	/* What was measured in this slot corrects the rest of the plan. */
	pace = (BELIEF_S + seconds_between(p->slot_ns, p->part_ns)) /
	       (BELIEF_S + expected(p, 0, p->nr_records));
	if (p->nr_records >= parts)
		return pace * left;
	part = pace * expected(p, p->nr_records, p->nr_records + 1) -
	       seconds_between(p->part_ns, now_ns);
	left += expected(p, p->nr_records + 1, parts);
	return pace * left + (part > 0 ? part : 0);
}

/* --- what is shown ------------------------------------------------------- */

static void part_text(const struct tb_progress *p, struct tb_buf *b)
{
	const struct tb_plan *plan = p->plan;
	unsigned int rep = nr_reps_done(p);

	if (plan->is_vm && !p->nr_records)
		tb_buf_printf(b, "boot");
	else if (rep < plan->nr_reps)
		tb_buf_printf(b, "%u/%u %s", rep + 1, plan->nr_reps,
			      plan->cases[plan->reps[rep].cs].name);
	else
		tb_buf_printf(b, "end");
}

/* The name of the case comes last: it is what may be cut off. */
void tb_progress_text(const struct tb_progress *p, uint64_t now_ns,
		      struct tb_buf *b)
{
	if (p->nr_slots > 1 || p->plan->is_vm)
		tb_buf_printf(b, "slot %u/%u %s, ", p->nth, p->nr_slots,
			      p->plan->kernels[p->slot->kernel].name);
	tb_seconds_text(seconds_between(p->begin_ns, now_ns), b);
	tb_buf_printf(b, ", about ");
	tb_seconds_text(tb_progress_left(p, now_ns), b);
	tb_buf_printf(b, " left: ");
	part_text(p, b);
}

/* One less: in the last column some terminals go to the next line. */
static size_t columns_of(int fd)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) || !size.ws_col)
		return DEFAULT_COLUMNS - 1;
	return size.ws_col - 1;
}

/* A job in the background leaves the terminal to the others. */
static bool is_in_background(int fd)
{
	pid_t group = tcgetpgrp(fd);

	return group >= 0 && group != getpgrp();
}

static void draw(struct tb_progress *p, const char *text)
{
	if (is_in_background(p->fd))
		return;
	dprintf(p->fd, ERASE "%.*s\r", (int)columns_of(p->fd), text);
	p->is_drawn = true;
}

void tb_progress_clear(struct tb_progress *p)
{
	if (p->is_drawn)
		dprintf(p->fd, ERASE);
	p->is_drawn = false;
}

static void show(struct tb_progress *p, uint64_t now_ns)
{
	struct tb_buf b = { 0 };

	tb_progress_text(p, now_ns, &b);
	if (!b.has_failed && p->is_live)
		draw(p, b.data);
	else if (!b.has_failed)
		say(p, b.data);
	tb_buf_fini(&b);
	p->shown_ns = now_ns;
}

static void show_if_due(struct tb_progress *p)
{
	uint64_t now_ns = tb_now_ns();
	uint64_t every_ns = p->is_live ? LIVE_EVERY_NS : PLAIN_EVERY_NS;

	if (now_ns - p->shown_ns >= every_ns)
		show(p, now_ns);
}

/* A part has ended, the next begins; nobody may call until that has ended. */
static void show_next(struct tb_progress *p)
{
	unsigned int part = p->nr_records;

	if (p->is_live && part <= p->plan->nr_reps &&
	    (!p->is_drawn ||
	     expected(p, part, part + 1) * 1e9 >= LIVE_EVERY_NS))
		show(p, tb_now_ns());
	else
		show_if_due(p);
}

/* --- records that pass --------------------------------------------------- */

static int put(struct tb_sink *sink, const char *line, size_t len_bytes,
	       struct tb_err *err)
{
	struct tb_progress *p = (struct tb_progress *)sink;
	int ret = p->to->put(p->to, line, len_bytes, err);
	uint64_t now_ns = tb_now_ns();
	unsigned int part = p->nr_records;

	/* What comes behind the repetitions is no part of a plan. */
	if (ret || part > p->plan->nr_reps)
		return ret;
	if (part)
		p->reps_s[part - 1] = seconds_between(p->part_ns, now_ns);
	p->part_ns = now_ns;
	p->nr_records++;
	show_next(p);
	return 0;
}

static void forward_show(struct tb_sink *sink, const struct tb_case *cs,
			 const struct tb_result *r)
{
	struct tb_progress *p = (struct tb_progress *)sink;

	if (!p->to->show)
		return;
	tb_progress_clear(p);
	p->to->show(p->to, cs, r);
	show_next(p);
}

static void wait_some(struct tb_sink *sink)
{
	show_if_due((struct tb_progress *)sink);
}

/* --- slots --------------------------------------------------------------- */

/* The old one stays if there is no new one. */
static int estimate(struct tb_progress *p, struct tb_err *err)
{
	struct tb_estimate e;
	int ret = tb_estimate_make(&e, p->plan, &p->known, err);

	if (ret)
		return ret;
	tb_estimate_fini(&p->estimate);
	p->estimate = e;
	return 0;
}

static void warn(const struct tb_progress *p, const struct tb_err *why)
{
	dprintf(p->fd, "tlbbench: no memory of how long things take: %s\n",
		why->text);
}

/* From now on nothing is read or written; so it is said once. */
static void do_without(struct tb_progress *p, const struct tb_err *why)
{
	warn(p, why);
	p->durations_path[0] = '\0';
}

static bool is_live(int fd)
{
	const char *term = getenv("TERM");

	return isatty(fd) && term && *term && strcmp(term, "dumb");
}

int tb_progress_init(struct tb_progress *p, const struct tb_plan *plan, int fd,
		     struct tb_err *err)
{
	struct tb_err why = { 0 };

	*p = (struct tb_progress){
		.sink = { .put = put, .show = forward_show, .wait = wait_some },
		.plan = plan,
		.fd = fd,
		.is_live = is_live(fd),
		.is_left = calloc(plan->nr_slots + 1, sizeof(*p->is_left)),
		.nr_slots = plan->nr_slots,
		.reps_s = calloc(plan->nr_reps + 1, sizeof(*p->reps_s)),
		.begin_ns = tb_now_ns(),
	};
	if (!p->is_left || !p->reps_s)
		return tb_fail_errno(err, -ENOMEM, "progress");
	memset(p->is_left, true, plan->nr_slots);
	if (tb_durations_path(p->durations_path, PATH_MAX, &why))
		do_without(p, &why);
	else if (tb_durations_load(&p->known, p->durations_path, &why))
		warn(p, &why);
	return estimate(p, err);
}

void tb_progress_fini(struct tb_progress *p)
{
	tb_progress_clear(p);
	tb_estimate_fini(&p->estimate);
	tb_durations_fini(&p->known);
	free(p->is_left);
	free(p->reps_s);
	*p = (struct tb_progress){ 0 };
}

void tb_progress_skip(struct tb_progress *p, const struct tb_slot_plan *slot)
{
	p->is_left[slot->slot] = false;
	p->nr_slots--;
}

void tb_progress_announce(const struct tb_progress *p)
{
	struct tb_buf b = { 0 };

	tb_estimate_text(&p->estimate, tb_progress_left(p, 0), p->nr_slots, &b);
	tb_buf_printf(&b, "; ");
	tb_estimate_basis(&p->estimate, &b);
	if (!b.has_failed)
		say(p, b.data);
	tb_buf_fini(&b);
}

struct tb_sink *tb_progress_begin(struct tb_progress *p,
				  const struct tb_slot_plan *slot,
				  struct tb_sink *to)
{
	p->to = to;
	p->slot = slot;
	p->nth++;
	p->nr_records = 0;
	p->is_left[slot->slot] = false;
	p->slot_ns = tb_now_ns();
	p->part_ns = p->slot_ns;
	p->shown_ns = p->slot_ns;
	if (p->is_live)
		show(p, p->slot_ns);
	return &p->sink;
}

static int collect(const struct tb_progress *p, struct tb_durations *fresh)
{
	double rest_s = seconds_between(p->slot_ns, tb_now_ns());
	struct tb_duration key;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < p->plan->nr_reps && !ret; i++) {
		tb_estimate_key_case(p->plan, p->slot->kernel,
				     p->plan->reps[i].cs, &key);
		key.seconds = p->reps_s[i];
		rest_s -= key.seconds;
		ret = tb_durations_add(fresh, &key);
	}
	tb_estimate_key_boot(p->plan, p->slot->kernel, &key);
	key.seconds = rest_s > 0 ? rest_s : 0;
	return ret ? ret : tb_durations_add(fresh, &key);
}

static void remember(struct tb_progress *p)
{
	struct tb_durations fresh = { 0 };
	struct tb_err why = { 0 };

	if (!collect(p, &fresh) &&
	    tb_durations_save(&p->known, &fresh, p->durations_path, &why))
		do_without(p, &why);
	tb_durations_fini(&fresh);
	estimate(p, &why);
}

void tb_progress_end(struct tb_progress *p, bool is_good)
{
	tb_progress_clear(p);
	if (is_good && p->nr_records == p->plan->nr_reps + 1)
		remember(p);
	p->slot = NULL;
}
