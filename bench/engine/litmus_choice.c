// SPDX-License-Identifier: GPL-2.0-only
/* What the tries of a litmus test are, and what each victim is to do. */
#include "engine/litmus_initiator.h"

#define RUNNING_TRIES 16
#define OTHER_TRIES 6
#define SHORT_TRIES 2

/* Where the range is: behind, about the begin of a page table, or at it. */
enum place {
	BEHIND,
	ABOUT,
	AT
};

/**
 * struct length - of ranges of base pages
 * @min, @max: between these, in each try another one
 * @place: where they begin
 *
 * Around the ceiling of x86 for ranged flushes, 33, and over several page
 * tables. The first three are all that some states try.
 */
static const struct length {
	unsigned int min;
	unsigned int max;
	enum place place;
} lengths[] = {
	{ 34, 34, BEHIND },
	{ 1, 1, BEHIND },
	{ 2, 32, ABOUT },
	{ TB_LITMUS_TABLE_PAGES, TB_LITMUS_TABLE_PAGES + 32, AT },
	{ 33, 33, BEHIND },
	{ 2, 32, BEHIND },
	{ 35, TB_LITMUS_TABLE_PAGES, BEHIND },
	{ 2 * TB_LITMUS_TABLE_PAGES, 2 * TB_LITMUS_TABLE_PAGES, BEHIND },
};
static const unsigned int huge_lengths[] = { 1, 2, 1, 3 };

/* --- what the tries are ------------------------------------------------------
 */

/* Most in the state in which most kernels run most of the time. */
unsigned int tb_litmus_nr_tries(const struct tb_litmus_initiator *in,
				enum litmus_state state)
{
	unsigned int effort =
		tb_litmus_ops_of(in)->effort ? tb_litmus_ops_of(in)->effort : 1;
	unsigned int nr = state == LITMUS_RUNNING ? RUNNING_TRIES : OTHER_TRIES;

	if (!in->job->env->effort)
		return SHORT_TRIES;
	if (in->job->page_size != WL_BASE)
		nr = nr * 2 / 3;
	return nr * effort * in->job->env->effort;
}

/* A number that is another one in each test and try, but always the same. */
static unsigned int mix(const struct tb_litmus_initiator *in, unsigned int t)
{
	const char *p = tb_litmus_ops_of(in)->name;
	unsigned int hash = 2166136261U ^ t;

	do
		hash = (hash ^ (unsigned char)*p) * 16777619U;
	while (*p++);
	return hash >> 8;
}

/* From @min to @max; up to twice @min as often as from there to its double. */
static unsigned int choose_length(unsigned int min, unsigned int max,
				  unsigned int random)
{
	unsigned int nr_doubles = 1, end;

	while (min << nr_doubles <= max)
		nr_doubles++;
	min <<= random % nr_doubles;
	end = min * 2 <= max ? min * 2 : max + 1;
	return min + random / nr_doubles % (end - min);
}

bool tb_litmus_may_move(const struct tb_litmus_initiator *in)
{
	const struct litmus_ops *ops = tb_litmus_ops_of(in);

	return in->job->page_size == WL_BASE && !ops->is_shared &&
	       ops->memory == WL_ANONYMOUS;
}

/* The range of try @t; pairs of a read and a write have the same. */
static void choose_range(struct tb_litmus_initiator *in, unsigned int t)
{
	const struct length *length = &lengths[t % ARRAY_SIZE(lengths)];
	unsigned int max =
		tb_litmus_max_pages(tb_litmus_ops_of(in), in->job->page_size);
	struct wl_range *r = &in->l.range;
	size_t pages;

	if (in->job->page_size == WL_BASE)
		pages = choose_length(length->min < max ? length->min : max,
				      length->max < max ? length->max : max,
				      mix(in, in->n / 2));
	else
		pages = huge_lengths[t % ARRAY_SIZE(huge_lengths)];
	r->conf.pages = pages < max ? pages : max;
	r->len_bytes = r->conf.pages * r->page_bytes;
	r->addr = in->first;
	/* It begins one page behind where a table begins. */
	if (length->place != BEHIND && tb_litmus_may_move(in))
		r->addr += (TB_LITMUS_TABLE_PAGES - 1 -
			    (length->place == ABOUT ? pages / 2 : 0)) *
			   r->page_bytes;
}

/* Every try reads, every other one writes, where both can be judged. */
void tb_litmus_choose_try(struct tb_litmus_initiator *in, unsigned int t)
{
	const struct litmus_ops *ops = tb_litmus_ops_of(in);
	bool both = ops->read != LITMUS_ANY && ops->write != LITMUS_ANY;
	struct litmus *l = &in->l;

	l->try_nr = t;
	l->value_nr = in->n;
	l->is_write = both ? t % 2 : ops->write != LITMUS_ANY;
	choose_range(in, both ? t / 2 : t);
}

/* --- who and what ----------------------------------------------------------
 */

/* All victims, one of them, two of them, in turn; to hammer takes two. */
static void choose_victims(struct tb_litmus_initiator *in,
			   unsigned int initiator)
{
	unsigned int nr = in->arena->nr_victims, want = nr - 1, i;
	unsigned int t = in->l.try_nr / 2, few = t % 3;

	if (few && tb_litmus_ops_of(in)->hammers)
		few = 2;
	if (few)
		want = few < nr ? few : nr - 1;
	in->nr_active = 0;
	for (i = 0; in->nr_active < want; i++) {
		unsigned int v = (initiator + 1 + t / 3 + i) % nr;

		if (v != initiator)
			in->active[in->nr_active++] = v;
	}
	if (in->nr_active > in->result->nr_victims)
		in->result->nr_victims = in->nr_active;
}

static unsigned int max_watched(const struct tb_litmus_initiator *in)
{
	unsigned int max = tb_litmus_ops_of(in)->max_watched;

	return max ? max : TB_LITMUS_WINDOW;
}

static void watch(const struct tb_litmus_initiator *in,
		  struct tb_litmus_victim *v, size_t page)
{
	unsigned int i;

	for (i = 0; i < v->nr_window && v->window[i] != page; i++)
		;
	if (page < litmus_pages(&in->l) && i == v->nr_window &&
	    i < max_watched(in))
		v->window[v->nr_window++] = (uint32_t)page;
}

/*
 * Those who hammer with entries of a long range keep to its end: they take no
 * faults, then, while others take them at its begin.
 */
static void choose_end(const struct tb_litmus_initiator *in,
		       struct tb_litmus_victim *v)
{
	size_t page, nr = litmus_pages(&in->l);

	v->nr_window = 0;
	for (page = nr - TB_LITMUS_WINDOW; page < nr; page++)
		watch(in, v, page);
}

/*
 * Ends, what is about the ceiling of ranged flushes, and a part that moves on.
 * Of @nr victims each watches pages of its own if @is_split.
 */
static void choose_window(const struct tb_litmus_initiator *in,
			  struct tb_litmus_victim *v, unsigned int rank,
			  bool is_split)
{
	size_t nr = litmus_pages(&in->l), i, page;
	const size_t table = TB_LITMUS_TABLE_PAGES;
	const size_t fixed[] = { 0, nr - 1, 1, 32, 33, 34, table - 1, table };
	size_t nr_fixed =
		tb_litmus_ops_of(in)->max_watched ? 2 : ARRAY_SIZE(fixed);
	unsigned int parts = is_split ? in->nr_active : 1;
	unsigned int part = (rank + in->n) % in->nr_active % parts;

	v->nr_window = 0;
	for (i = 0; i < nr_fixed; i++)
		if (fixed[i] % parts == part)
			watch(in, v, fixed[i]);
	page = nr > max_watched(in) ? (size_t)(in->n + rank) * max_watched(in)
				    : 0;
	for (i = 0; i < nr && v->nr_window < max_watched(in); i++)
		if ((page + i) % nr % parts == part)
			watch(in, v, (page + i) % nr);
}

/*
 * Do victims write while the act runs? Where that must do no harm, they read or
 * write in turn.
 */
static bool do_hammer(const struct tb_litmus_initiator *in,
		      enum litmus_state state, bool spins_touching)
{
	const struct litmus_ops *ops = tb_litmus_ops_of(in);

	if (!in->l.is_write)
		return false;
	return ops->hammers ||
	       (ops->keeps_writes && spins_touching && state == LITMUS_RUNNING);
}

void tb_litmus_give_orders(struct tb_litmus_initiator *in,
			   enum litmus_state state, unsigned int initiator)
{
	const struct litmus_ops *ops = tb_litmus_ops_of(in);
	bool is_write = in->l.is_write;
	bool spins_touching = in->l.try_nr / 2 % 2;
	unsigned int i;

	choose_victims(in, initiator);
	in->arena->order = (struct tb_litmus_order){
		.state = state,
		.sight = is_write ? ops->write : ops->read,
		.is_write = is_write,
		.hammers = do_hammer(in, state, spins_touching),
		.spins_reading = spins_touching,
		.try_nr = in->n,
		.initiator_cpu = in->arena->victims[initiator].cpu,
		.addr = in->l.range.addr,
		.page_bytes = in->ctx.page_bytes,
		.nr_pages = litmus_pages(&in->l),
	};
	for (i = 0; i < in->nr_active; i++) {
		struct tb_litmus_victim *v = tb_litmus_victim_of(in, i);

		v->loads = !(ops->hammers && is_write && i % 2);
		v->first = in->n * 7;
		if (ops->hammers && is_write && v->loads &&
		    litmus_pages(&in->l) > TB_LITMUS_WINDOW)
			choose_end(in, v);
		else
			choose_window(in, v, i, is_write && ops->one_writer);
	}
}
