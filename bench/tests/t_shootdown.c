// SPDX-License-Identifier: GPL-2.0-only
/* The matcher on event sequences made by hand, then on random ones. */
#include "machine/shootdown.h"

#include "tests/t.h"

#define MAX_EVENTS 4096
#define NR_CPUS 8
#define NR_ROUNDS 200

/* --- events by hand ------------------------------------------------------ */

static struct tb_shootdown_event room[MAX_EVENTS];
static struct tb_shootdown_log log_;
static struct tb_shootdowns got;

static void begin(void)
{
	log_ = (struct tb_shootdown_log){
		.events = room,
		.capacity = MAX_EVENTS,
	};
}

/* The csd of a pair of CPUs. */
static uint64_t csd(uint32_t sender, uint32_t target)
{
	return 0xffff888000000000ULL + sender * 4096 + target * 64;
}

static void add(enum tb_shootdown_kind kind, uint32_t cpu, uint64_t time_ns,
		uint64_t pages, uint64_t its_csd)
{
	const struct tb_shootdown_event e = {
		.kind = kind,
		.cpu = cpu,
		.time_ns = time_ns,
		.pages = pages,
		.csd = its_csd,
		/* What an earlier match has left behind means nothing. */
		.done_ns = 77,
		.queued_before_ns = UINT64_MAX,
	};

	tb_shootdown_log_add(&log_, &e);
}

static void send(uint64_t time_ns, uint32_t cpu, uint64_t pages)
{
	add(TB_SHOOTDOWN_SEND, cpu, time_ns, pages, 0);
}

static void queue(uint64_t time_ns, uint32_t cpu, uint32_t target)
{
	add(TB_SHOOTDOWN_QUEUE, cpu, time_ns, 0, csd(cpu, target));
}

static void done(uint64_t time_ns, uint32_t cpu, uint32_t sender)
{
	add(TB_SHOOTDOWN_DONE, cpu, time_ns, 0, csd(sender, cpu));
}

static void own_part(uint64_t time_ns, uint32_t cpu)
{
	add(TB_SHOOTDOWN_DONE, cpu, time_ns, 0, 0);
}

static uint64_t nr_mapped(void)
{
	uint64_t nr = 0;
	size_t from, to;

	for (from = 0; from < TB_SHOOTDOWN_MAP_CPUS; from++)
		for (to = 0; to < TB_SHOOTDOWN_MAP_CPUS; to++)
			nr += got.nr_from_to[from][to];
	return nr;
}

/* Each event is in one count. */
static void match(void)
{
	tb_shootdown_match(&log_, &got);
	assert_int_equal(nr_mapped() + got.nr_not_mapped, got.nr_done);
	assert_int_equal(got.nr, got.nr_complete + got.nr_incomplete +
					 got.nr_without_responder);
	assert_int_equal(log_.nr, got.nr + got.responders.sum + got.nr_done +
					  got.nr_own_parts + got.nr_orphans);
	assert_int_equal(got.responders.count, got.nr);
	assert_int_equal(got.pages.count, got.nr - got.nr_full);
	assert_int_equal(got.latency.count, got.nr_complete);
	assert_int_equal(got.first_queue.count,
			 got.nr_complete + got.nr_incomplete);
}

static void nothing_is_nothing(void **state)
{
	(void)state;
	begin();
	match();
	assert_int_equal(got.nr, 0);
	assert_int_equal(got.nr_orphans, 0);
}

static void one_responder(void **state)
{
	(void)state;
	begin();
	send(1000, 0, 1);
	queue(1100, 0, 1);
	own_part(1300, 0);
	done(1900, 1, 0);
	match();
	assert_int_equal(got.nr_complete, 1);
	assert_int_equal(got.nr_own_parts, 1);
	assert_int_equal(got.nr_orphans, 0);
	assert_int_equal(got.latency.sum, 900);
	assert_int_equal(got.first_queue.sum, 100);
	assert_int_equal(got.responders.sum, 1);
	assert_int_equal(got.pages.sum, 1);
	assert_int_equal(got.nr_from_to[0][1], 1);
	assert_int_equal(got.nr_from_to[1][0], 0);
}

static void who_interrupts_whom(void **state)
{
	(void)state;
	begin();
	send(1000, 2, 1);
	queue(1100, 2, 3);
	queue(1200, 2, 70);
	done(1900, 3, 2);
	done(2000, 70, 2);
	send(3000, 3, 1);
	queue(3100, 3, 2);
	/* Its end is not seen: nobody knows whether it was interrupted. */
	send(4000, 3, 1);
	queue(4100, 3, 2);
	done(4200, 2, 3);
	match();
	assert_int_equal(got.nr_from_to[2][3], 1);
	assert_int_equal(got.nr_from_to[3][2], 1);
	assert_int_equal(got.nr_not_mapped, 1);
}

/* The last one counts, and it need not be the one that was asked last. */
static void the_last_of_many_responders_ends_it(void **state)
{
	(void)state;
	begin();
	send(1000, 3, 4);
	queue(1100, 3, 0);
	queue(1150, 3, 1);
	/* The first is done before the last is asked. */
	done(1180, 0, 3);
	queue(1200, 3, 2);
	done(1700, 1, 3);
	done(1600, 2, 3);
	match();
	assert_int_equal(got.nr_complete, 1);
	assert_int_equal(got.latency.sum, 700);
	assert_int_equal(got.first_queue.sum, 100);
	assert_int_equal(got.responders.max, 3);
	assert_int_equal(got.nr_done, 3);
}

/* Both ask CPU 2 at once, and each other. */
static void initiators_are_told_apart(void **state)
{
	(void)state;
	begin();
	send(1000, 0, 1);
	send(1010, 1, 1);
	queue(1100, 0, 1);
	queue(1110, 0, 2);
	queue(1120, 1, 0);
	queue(1130, 1, 2);
	done(1500, 2, 1);
	done(1600, 2, 0);
	done(1700, 0, 1);
	done(1800, 1, 0);
	match();
	assert_int_equal(got.nr_complete, 2);
	assert_int_equal(got.latency.max, 800);
	assert_int_equal(got.latency.min, 690);
	assert_int_equal(got.nr_orphans, 0);
}

static void lazy_cpus_are_not_asked(void **state)
{
	(void)state;
	begin();
	send(1000, 0, 1);
	own_part(1200, 0);
	send(2000, 0, 1);
	queue(2100, 0, 1);
	done(2500, 1, 0);
	match();
	assert_int_equal(got.nr, 2);
	assert_int_equal(got.nr_without_responder, 1);
	assert_int_equal(got.nr_complete, 1);
	assert_int_equal(got.latency.sum, 500);
	assert_int_equal(got.responders.min, 0);
}

static void full_is_no_number_of_pages(void **state)
{
	(void)state;
	begin();
	send(1000, 0, TB_SHOOTDOWN_FULL);
	send(2000, 0, 33);
	send(3000, 0, 2);
	match();
	assert_int_equal(got.nr_full, 1);
	assert_int_equal(got.pages.count, 2);
	assert_int_equal(got.pages.sum, 35);
	assert_int_equal(got.pages.max, 33);
}

static void equal_times_are_in_causal_order(void **state)
{
	(void)state;
	begin();
	done(1000, 1, 0);
	queue(1000, 0, 1);
	send(1000, 0, 1);
	match();
	assert_int_equal(got.nr_complete, 1);
	assert_int_equal(got.latency.sum, 0);
}

/* --- events that are missing --------------------------------------------- */

static void a_lost_end_leaves_it_incomplete(void **state)
{
	(void)state;
	begin();
	send(1000, 0, 1);
	queue(1100, 0, 1);
	queue(1200, 0, 2);
	done(1500, 2, 0);
	send(2000, 0, 1);
	queue(2100, 0, 1);
	done(2400, 1, 0);
	match();
	assert_int_equal(got.nr_incomplete, 1);
	assert_int_equal(got.nr_complete, 1);
	/* The end of the second is not taken for that of the first. */
	assert_int_equal(got.latency.max, 400);
	assert_int_equal(got.nr_orphans, 0);
}

/* The end of the second has the csd that the first still waits for. */
static void an_end_after_the_next_send_is_not_the_first_ones(void **state)
{
	(void)state;
	begin();
	send(1000, 0, 1);
	queue(1100, 0, 1);
	send(2000, 0, 1);
	done(2400, 1, 0);
	match();
	assert_int_equal(got.nr_incomplete, 1);
	assert_int_equal(got.nr_complete, 0);
	assert_int_equal(got.nr_orphans, 1);
}

static void an_end_without_a_queue_is_an_orphan(void **state)
{
	(void)state;
	begin();
	done(900, 1, 0);
	send(1000, 0, 1);
	done(1500, 1, 0);
	match();
	assert_int_equal(got.nr_orphans, 2);
	assert_int_equal(got.nr_without_responder, 1);
}

static void a_queue_without_a_send_is_an_orphan_with_its_end(void **state)
{
	(void)state;
	begin();
	queue(1100, 0, 1);
	done(1500, 1, 0);
	own_part(1600, 0);
	queue(1100, 2, 1);
	match();
	assert_int_equal(got.nr, 0);
	assert_int_equal(got.nr_orphans, 4);
	/* Nor are they those of a CPU whose number is lower. */
	send(500, 1, 1);
	match();
	assert_int_equal(got.nr_without_responder, 1);
	assert_int_equal(got.nr_orphans, 4);
}

/* The send of the second is lost: its queue is not the first one's. */
static void a_csd_is_queued_once_in_a_shootdown(void **state)
{
	(void)state;
	begin();
	send(1000, 0, 1);
	queue(1100, 0, 1);
	done(1500, 1, 0);
	queue(2100, 0, 1);
	done(2500, 1, 0);
	match();
	assert_int_equal(got.nr_complete, 1);
	assert_int_equal(got.latency.max, 500);
	assert_int_equal(got.responders.sum, 1);
	assert_int_equal(got.nr_orphans, 2);
}

static void the_end_of_the_window_cuts_one_off(void **state)
{
	(void)state;
	begin();
	send(1000, 1, 1);
	queue(1100, 1, 0);
	done(1400, 0, 1);
	send(2000, 1, 1);
	queue(2100, 1, 0);
	match();
	assert_int_equal(got.nr_complete, 1);
	assert_int_equal(got.nr_incomplete, 1);
}

static void a_full_log_counts_what_it_does_not_keep(void **state)
{
	struct tb_shootdown_log small;
	const struct tb_shootdown_event e = { .kind = TB_SHOOTDOWN_SEND };
	unsigned int i;

	(void)state;
	assert_int_equal(tb_shootdown_log_init(&small, 3), 0);
	for (i = 0; i < 5; i++)
		tb_shootdown_log_add(&small, &e);
	assert_int_equal(small.nr, 3);
	assert_int_equal(small.nr_not_kept, 2);
	tb_shootdown_match(&small, &got);
	assert_int_equal(got.nr, 3);
	tb_shootdown_log_fini(&small);
}

/* --- random interleavings ------------------------------------------------ */

/* What was done, by whoever did it. */
static struct tb_shootdowns truth;

static uint64_t below(uint64_t *seed, uint64_t n)
{
	return t_random(seed) % n;
}

/* One shootdown of @cpu from @now on; returns when it is over. */
static uint64_t shoot(uint64_t *seed, uint32_t cpu, uint64_t now)
{
	uint64_t begin_ns = now, first = 0, last = 0, nr = 0, end;
	bool is_full = !below(seed, 4);
	uint64_t pages = is_full ? TB_SHOOTDOWN_FULL : 1 + below(seed, 200);
	uint32_t target;

	send(begin_ns, cpu, pages);
	for (target = 0; target < NR_CPUS; target++) {
		if (target == cpu || below(seed, 3))
			continue;
		now += 1 + below(seed, 50);
		end = now + 1 + below(seed, 3000);
		queue(now, cpu, target);
		truth.nr_from_to[cpu][target]++;
		done(end, target, cpu);
		first = nr++ ? first : now;
		last = end > last ? end : last;
	}
	now += 1 + below(seed, 500);
	if (below(seed, 2)) {
		own_part(now, cpu);
		truth.nr_own_parts++;
	}
	truth.nr++;
	truth.nr_full += is_full;
	truth.nr_done += nr;
	tb_hist_add(&truth.responders, nr);
	if (!is_full)
		tb_hist_add(&truth.pages, pages);
	if (nr) {
		truth.nr_complete++;
		tb_hist_add(&truth.latency, last - begin_ns);
		tb_hist_add(&truth.first_queue, first - begin_ns);
	} else {
		truth.nr_without_responder++;
	}
	return (last > now ? last : now) + 1 + below(seed, 100);
}

/* All CPUs shoot at all others, from about the same time on. */
static void shoot_at_random(uint64_t *seed)
{
	uint64_t i, nr, now;
	uint32_t cpu;

	begin();
	memset(&truth, 0, sizeof(truth));
	for (cpu = 0; cpu < NR_CPUS; cpu++) {
		now = 1000 + below(seed, 1000);
		nr = below(seed, 30);
		for (i = 0; i < nr; i++)
			now = shoot(seed, cpu, now);
	}
}

/* Rings are read in any order. */
static void shuffle(uint64_t *seed)
{
	size_t i;

	for (i = 1; i < log_.nr; i++) {
		size_t j = below(seed, i + 1);
		struct tb_shootdown_event e = room[i];

		room[i] = room[j];
		room[j] = e;
	}
}

static void random_interleavings_are_matched_exactly(void **state)
{
	uint64_t seed = 11;
	unsigned int i;

	(void)state;
	for (i = 0; i < NR_ROUNDS; i++) {
		shoot_at_random(&seed);
		shuffle(&seed);
		match();
		assert_memory_equal(&got, &truth, sizeof(got));
	}
}

/* Nobody empties a ring that is full: what comes later on its CPU is lost. */
static void cut_off(uint64_t *seed)
{
	uint64_t until[NR_CPUS];
	size_t i, kept = 0;

	for (i = 0; i < NR_CPUS; i++)
		until[i] = below(seed, 2) ? below(seed, 60000) : UINT64_MAX;
	for (i = 0; i < log_.nr; i++)
		if (room[i].time_ns <= until[room[i].cpu])
			room[kept++] = room[i];
	log_.nr = kept;
}

/* What is still called complete was, and took no longer than it did. */
static void full_rings_make_no_latency_up(void **state)
{
	uint64_t seed = 12, nr_incomplete = 0;
	unsigned int i;

	(void)state;
	for (i = 0; i < NR_ROUNDS; i++) {
		shoot_at_random(&seed);
		cut_off(&seed);
		shuffle(&seed);
		match();
		nr_incomplete += got.nr_incomplete;
		assert_true(got.nr <= truth.nr);
		assert_true(got.nr_complete <= truth.nr_complete);
		assert_true(got.latency.max <= truth.latency.max);
		assert_true(got.latency.sum <= truth.latency.sum);
	}
	assert_true(nr_incomplete > 0);
}

/* match() checks that nothing is dropped, whatever is missing. */
static void any_loss_is_accounted_for(void **state)
{
	uint64_t seed = 13, nr_orphans = 0;
	unsigned int i;

	(void)state;
	for (i = 0; i < NR_ROUNDS; i++) {
		uint64_t nr_lost;

		shoot_at_random(&seed);
		shuffle(&seed);
		nr_lost = below(&seed, log_.nr + 1);
		log_.nr -= nr_lost;
		match();
		nr_orphans += got.nr_orphans;
		assert_true(got.nr <= truth.nr);
	}
	assert_true(nr_orphans > 0);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_nothing),
		cmocka_unit_test(one_responder),
		cmocka_unit_test(who_interrupts_whom),
		cmocka_unit_test(the_last_of_many_responders_ends_it),
		cmocka_unit_test(initiators_are_told_apart),
		cmocka_unit_test(lazy_cpus_are_not_asked),
		cmocka_unit_test(full_is_no_number_of_pages),
		cmocka_unit_test(equal_times_are_in_causal_order),
		cmocka_unit_test(a_lost_end_leaves_it_incomplete),
		cmocka_unit_test(
			an_end_after_the_next_send_is_not_the_first_ones),
		cmocka_unit_test(an_end_without_a_queue_is_an_orphan),
		cmocka_unit_test(
			a_queue_without_a_send_is_an_orphan_with_its_end),
		cmocka_unit_test(a_csd_is_queued_once_in_a_shootdown),
		cmocka_unit_test(the_end_of_the_window_cuts_one_off),
		cmocka_unit_test(a_full_log_counts_what_it_does_not_keep),
		cmocka_unit_test(random_interleavings_are_matched_exactly),
		cmocka_unit_test(full_rings_make_no_latency_up),
		cmocka_unit_test(any_loss_is_accounted_for),
	};

	return T_RUN("shootdown", tests);
}
