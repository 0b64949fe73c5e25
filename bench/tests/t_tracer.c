// SPDX-License-Identifier: GPL-2.0-only
/* Rings and shootdowns of the running kernel, in numbers that the test makes.
 */
#include "machine/tracer.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "machine/perf.h"
#include "machine/place.h"
#include "machine/trace.h"
#include "tests/t.h"

#define NR_CALLS 23
#define NR_OPS 500
/* Times that somebody else may have run on one of the CPUs before we give up.
 */
#define NR_TRIES 20
/* How a child ends that cannot tell. */
#define EXIT_NO_FIFO 2
#define EXIT_DISTURBED 3

/* That this process may use, while no test has pinned it. */
static cpu_set_t allowed;

static int unpin(void **state)
{
	(void)state;
	return sched_setaffinity(0, sizeof(allowed), &allowed);
}

/* --- rings --------------------------------------------------------------- */

static struct tb_trace_field syscall_id;

/* Records of getppid() on this CPU, in rings of one page; NULL: not here. */
static struct tb_perf *record_getppid(void)
{
	char filter[32];
	struct tb_perf_event event = {
		.type = PERF_TYPE_TRACEPOINT,
		.filter = filter,
		.is_recorded = true,
	};
	int cpu = sched_getcpu();
	struct tb_perf *p;

	snprintf(filter, sizeof(filter), "id==%d", SYS_getppid);
	if (!tb_trace_id("raw_syscalls/sys_enter", &event.config) ||
	    !tb_trace_field("raw_syscalls/sys_enter", "id", &syscall_id))
		return NULL;
	assert_int_equal(tb_place_pin(cpu), 0);
	assert_int_equal(tb_perf_on_cpus(&p, &cpu, 1), 0);
	if (tb_perf_add(p, &event) < 0 ||
	    tb_perf_map(p, (size_t)sysconf(_SC_PAGESIZE))) {
		tb_perf_close(p);
		return NULL;
	}
	return p;
}

static void call_getppid(const struct tb_perf *p, unsigned int n)
{
	tb_perf_enable(p);
	while (n--)
		syscall(SYS_getppid);
	tb_perf_disable(p);
}

struct seen {
	uint64_t nr;
	uint64_t last_ns;
};

static void see(void *arg, const struct tb_perf_record *r)
{
	struct seen *seen = arg;
	uint64_t id;

	memcpy(&id, (const char *)r->raw + syscall_id.offset_bytes, sizeof(id));
	assert_int_equal(id, SYS_getppid);
	assert_int_equal(r->cpu, sched_getcpu());
	assert_true(r->time_ns >= seen->last_ns);
	seen->last_ns = r->time_ns;
	seen->nr++;
}

/* Somebody else may ask for its parent on this CPU, but not all the time. */
static void assert_about(uint64_t value, uint64_t expected)
{
	assert_in_range(value, expected, expected + 2);
}

/* Some thousand bytes each time: many records lie across the page's end. */
static void a_ring_may_wrap(void **state)
{
	struct tb_perf *p = record_getppid();
	struct tb_perf_value v;
	unsigned int i;

	(void)state;
	if (!p)
		T_SKIP("needs root and tracefs");
	for (i = 0; i < 20; i++) {
		struct timespec now;
		struct seen seen = { 0 };

		clock_gettime(CLOCK_MONOTONIC_RAW, &now);
		seen.last_ns = (uint64_t)now.tv_sec * 1000000000 +
			       (uint64_t)now.tv_nsec;
		call_getppid(p, NR_CALLS);
		tb_perf_take(p, see, &seen);
		assert_about(seen.nr, NR_CALLS);
	}
	assert_int_equal(tb_perf_read(p, 0, 0, &v), 0);
	assert_int_equal(v.nr_lost, 0);
	tb_perf_close(p);
}

static void a_full_ring_counts_what_is_lost(void **state)
{
	struct tb_perf *p = record_getppid();
	struct seen seen = { 0 };
	struct tb_perf_value v;

	(void)state;
	if (!p)
		T_SKIP("needs root and tracefs");
	call_getppid(p, NR_OPS);
	tb_perf_take(p, see, &seen);
	assert_int_equal(tb_perf_read(p, 0, 0, &v), 0);
	assert_about(v.value, NR_OPS);
	assert_true(v.nr_lost > 0);
	assert_int_equal(seen.nr + v.nr_lost, v.value);
	tb_perf_close(p);
}

/* --- shootdowns ---------------------------------------------------------- */

static int two_cpus(int cpus[2])
{
	int cpu, nr = 0;

	for (cpu = 0; cpu < CPU_SETSIZE && nr < 2; cpu++)
		if (CPU_ISSET(cpu, &allowed))
			cpus[nr++] = cpu;
	return nr;
}

static void become_fifo(int cpu)
{
	const struct sched_param param = { .sched_priority = 5 };

	if (tb_place_pin(cpu) || sched_setscheduler(0, SCHED_FIFO, &param))
		_exit(EXIT_NO_FIFO);
}

struct responder {
	pthread_t thread;
	int cpu;
	_Atomic bool is_there;
	_Atomic bool may_end;
};

static void *respond(void *arg)
{
	struct responder *r = arg;

	become_fifo(r->cpu);
	r->is_there = true;
	while (!r->may_end)
		;
	return NULL;
}

static void munmap_pages(size_t nr_pages)
{
	size_t bytes = nr_pages * (size_t)sysconf(_SC_PAGESIZE);
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED || munmap(p, bytes))
		_exit(1);
}

/* Times that a thread of this process had to leave its CPU to another one. */
static long nr_preempted(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_nivcsw;
}

/*
 * In a process of its own, which has never run elsewhere: half of the ops of
 * one page, half of so many that the kernel flushes all there is.
 */
static void shoot(const struct tb_tracer *t, const int cpus[2])
{
	struct responder r = { .cpu = cpus[1] };
	unsigned int i;
	long before;

	if (pthread_create(&r.thread, NULL, respond, &r))
		_exit(1);
	while (!r.is_there)
		sched_yield();
	become_fifo(cpus[0]);
	munmap_pages(1);
	before = nr_preempted();
	tb_tracer_enable(t);
	for (i = 0; i < NR_OPS; i++)
		munmap_pages(i % 2 ? 1 : 600);
	tb_tracer_disable(t);
	r.may_end = true;
	pthread_join(r.thread, NULL);
	_exit(nr_preempted() > before ? EXIT_DISTURBED : 0);
}

/* How the child ended; -1 if shootdowns cannot be traced, @reason says why. */
static int trace_once(const int cpus[2], uint64_t nr_events,
		      struct tb_shootdowns *s, uint64_t *nr_lost, char *reason)
{
	struct tb_err err = { 0 };
	struct tb_tracer *t;
	int status;
	pid_t child;

	assert_int_equal(tb_tracer_open(&t, cpus, 2, nr_events, reason, &err),
			 0);
	if (!t)
		return -1;
	assert_int_equal(tb_place_pin(cpus[0]), 0);
	child = fork();
	if (!child)
		shoot(t, cpus);
	unpin(NULL);
	waitpid(child, &status, 0);
	assert_true(WIFEXITED(status));
	assert_int_equal(tb_tracer_take(t, s, nr_lost), 0);
	tb_tracer_close(t);
	return WEXITSTATUS(status);
}

/* False where it cannot be done, and @reason says why. */
static bool trace(uint64_t nr_events, struct tb_shootdowns *s,
		  uint64_t *nr_lost, char *reason)
{
	int cpus[2], i, status = EXIT_DISTURBED;

	snprintf(reason, TB_TRACER_REASON_BYTES, "needs two CPUs");
	if (two_cpus(cpus) < 2)
		return false;
	for (i = 0; i < NR_TRIES && status == EXIT_DISTURBED; i++)
		status = trace_once(cpus, nr_events, s, nr_lost, reason);
	if (status == EXIT_NO_FIFO || status == EXIT_DISTURBED)
		snprintf(reason, TB_TRACER_REASON_BYTES, "%s",
			 status == EXIT_NO_FIFO ? "SCHED_FIFO is not allowed"
						: "others run on these CPUs");
	else if (status >= 0)
		assert_int_equal(status, 0);
	return !status;
}

static void each_munmap_is_one_shootdown(void **state)
{
	char reason[TB_TRACER_REASON_BYTES];
	struct tb_shootdowns s;
	uint64_t nr_lost;

	(void)state;
	T_SKIP_IF_MUNMAP_FLUSHES_TWICE();
	if (!trace(tb_tracer_room(10 * NR_OPS, 2), &s, &nr_lost, reason))
		T_SKIP(reason);
	assert_int_equal(nr_lost, 0);
	assert_int_equal(s.nr_orphans, 0);
	assert_int_equal(s.nr, NR_OPS);
	assert_int_equal(s.nr_complete, NR_OPS);
	assert_int_equal(s.responders.min, 1);
	assert_int_equal(s.responders.max, 1);
	assert_int_equal(s.nr_full, NR_OPS / 2);
	assert_int_equal(s.pages.min, 1);
	assert_int_equal(s.pages.max, 1);
	assert_true(s.first_queue.min > 0);
	assert_true(s.first_queue.max < s.latency.max);
	assert_true(s.latency.max < 1000000000);
}

/* Rings are at least a page: both CPUs have more than that to say. */
static void what_is_lost_is_counted(void **state)
{
	char reason[TB_TRACER_REASON_BYTES];
	struct tb_shootdowns s;
	uint64_t nr_lost, nr_seen;

	(void)state;
	T_SKIP_IF_MUNMAP_FLUSHES_TWICE();
	if (!trace(1, &s, &nr_lost, reason))
		T_SKIP(reason);
	assert_true(nr_lost > 0);
	nr_seen = s.nr + s.responders.sum + s.nr_done + s.nr_own_parts +
		  s.nr_orphans;
	/* Send, queue, end and the sender's own part. */
	assert_int_equal(nr_seen + nr_lost, 4 * NR_OPS);
	assert_true(s.nr_complete < NR_OPS);
}

static void room_is_bounded(void **state)
{
	uint64_t room;

	(void)state;
	assert_int_equal(tb_tracer_room(1, 1), 1);
	room = tb_tracer_room(UINT64_MAX, 1);
	assert_in_range(room, 4000, 1000000);
	/* CPUs share the memory. */
	assert_true(tb_tracer_room(UINT64_MAX, 2) <= room / 2 + 1);
	assert_true(tb_tracer_room(UINT64_MAX, 1024) > 0);
}

static void no_privilege_is_a_reason(void **state)
{
	char reason[TB_TRACER_REASON_BYTES] = "";
	struct tb_err err = { 0 };
	struct tb_tracer *t;
	int cpu = 0, status;
	pid_t child;

	(void)state;
	if (geteuid())
		T_SKIP("needs root, to give it up");
	child = fork();
	if (!child) {
		if (setuid(65534) ||
		    tb_tracer_open(&t, &cpu, 1, 1, reason, &err))
			_exit(1);
		_exit(!t && strstr(reason, "root") ? 0 : 2);
	}
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_ring_may_wrap, unpin),
		cmocka_unit_test_teardown(a_full_ring_counts_what_is_lost,
					  unpin),
		cmocka_unit_test_teardown(each_munmap_is_one_shootdown, unpin),
		cmocka_unit_test_teardown(what_is_lost_is_counted, unpin),
		cmocka_unit_test(room_is_bounded),
		cmocka_unit_test(no_privilege_is_a_reason),
	};

	sched_getaffinity(0, sizeof(allowed), &allowed);
	tb_trace_mount();
	return T_RUN("tracer", tests);
}
