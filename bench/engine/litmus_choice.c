// SPDX-License-Identifier: GPL-2.0-only
/* What the tries of a litmus test are, and what each victim is to do. */
#include "engine/litmus_initiator.h"

#define RUNNING_TRIES 16
#define OTHER_TRIES 6
#define SHORT_TRIES 2

/*
 * Around the ceiling of x86 for ranged flushes, 33, and over several page-table
 * pages. The first three are all that some states try.
 */
static const unsigned int lengths[] = { 34, 1, 3, 600, 33, 2, 64, 1024 };
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

static unsigned int length_of(const struct tb_litmus_initiator *in,
			      unsigned int t)
{
	unsigned int max =
		tb_litmus_max_pages(tb_litmus_ops_of(in), in->job->page_size);
	unsigned int length;

	if (in->job->page_size == WL_BASE)
		length = lengths[t % ARRAY_SIZE(lengths)];
	else
		length = huge_lengths[t % ARRAY_SIZE(huge_lengths)];
	return length < max ? length : max;
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
	l->range.conf.pages = length_of(in, both ? t / 2 : t);
	l->range.len_bytes = l->range.conf.pages * l->range.page_bytes;
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

static void watch(struct tb_litmus_victim *v, size_t page, size_t nr_pages)
{
	unsigned int i;

	for (i = 0; i < v->nr_window && v->window[i] != page; i++)
		;
	if (page < nr_pages && i == v->nr_window && i < TB_LITMUS_WINDOW)
		v->window[v->nr_window++] = (uint32_t)page;
}

/*
 * Those who hammer with entries of a long range keep to its end: they take no
 * faults, then, while others take them at its begin.
 */
static void choose_end(struct tb_litmus_victim *v, size_t nr)
{
	size_t page;

	v->nr_window = 0;
	for (page = nr - TB_LITMUS_WINDOW; page < nr; page++)
		watch(v, page, nr);
}

/*
 * Ends, what is about the ceiling of ranged flushes, and a part that moves on.
 * Of @nr victims each watches pages of its own if @is_split.
 */
static void choose_window(const struct tb_litmus_initiator *in,
			  struct tb_litmus_victim *v, unsigned int rank,
			  bool is_split)
{
	static const size_t fixed[] = { 0, 1, 32, 33, 34, 511, 512 };
	size_t nr = litmus_pages(&in->l), i, page;
	unsigned int parts = is_split ? in->nr_active : 1;
	unsigned int part = (rank + in->n) % in->nr_active % parts;

	v->nr_window = 0;
	for (i = 0; i < ARRAY_SIZE(fixed); i++)
		if (fixed[i] % parts == part)
			watch(v, fixed[i], nr);
	if ((nr - 1) % parts == part)
		watch(v, nr - 1, nr);
	page = nr > TB_LITMUS_WINDOW
		       ? (size_t)(in->n + rank) * TB_LITMUS_WINDOW % nr
		       : 0;
	for (i = 0; i < nr && v->nr_window < TB_LITMUS_WINDOW; i++)
		if ((page + i) % nr % parts == part)
			watch(v, (page + i) % nr, nr);
}

void tb_litmus_give_orders(struct tb_litmus_initiator *in,
			   enum litmus_state state, unsigned int initiator)
{
	const struct litmus_ops *ops = tb_litmus_ops_of(in);
	bool is_write = in->l.is_write;
	unsigned int i;

	choose_victims(in, initiator);
	in->arena->order = (struct tb_litmus_order){
		.state = state,
		.sight = is_write ? ops->write : ops->read,
		.is_write = is_write,
		.hammers = ops->hammers && is_write,
		.spins_reading = in->l.try_nr / 2 % 2,
		.try_nr = in->n,
		.initiator_cpu = in->arena->victims[initiator].cpu,
		.addr = in->l.range.addr,
		.page_bytes = in->ctx.page_bytes,
		.nr_pages = litmus_pages(&in->l),
	};
	for (i = 0; i < in->nr_active; i++) {
		struct tb_litmus_victim *v = tb_litmus_victim_of(in, i);

		v->loads = !(in->arena->order.hammers && i % 2);
		v->first = in->n * 7;
		if (in->arena->order.hammers && v->loads &&
		    litmus_pages(&in->l) > TB_LITMUS_WINDOW)
			choose_end(v, litmus_pages(&in->l));
		else
			choose_window(in, v, i, is_write && ops->one_writer);
	}
}
