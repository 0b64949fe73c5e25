// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets of events, on the running kernel: what is counted is made by the test,
 * a known number of times.
 */
#include "machine/perf.h"

#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "machine/place.h"
#include "machine/trace.h"
#include "tests/t.h"

#define NR_FAULTS 37
#define NR_CALLS 23

static const struct tb_perf_event faults = {
	.type = PERF_TYPE_SOFTWARE,
	.config = PERF_COUNT_SW_PAGE_FAULTS,
};
static const struct tb_perf_event clock_event = {
	.type = PERF_TYPE_SOFTWARE,
	.config = PERF_COUNT_SW_CPU_CLOCK,
};
static const struct tb_perf_event no_such_event = {
	.type = PERF_TYPE_SOFTWARE,
	.config = 12345,
};

/* getppid() and nothing else; false where tracepoints cannot be had. */
static bool getppid_event(struct tb_perf_event *event)
{
	static char filter[32];

	snprintf(filter, sizeof(filter), "id==%d", SYS_getppid);
	*event = (struct tb_perf_event){
		.type = PERF_TYPE_TRACEPOINT,
		.filter = filter,
	};
	return tb_trace_id("raw_syscalls/sys_enter", &event->config);
}

static void call_getppid(unsigned int n)
{
	while (n--)
		syscall(SYS_getppid);
}

/*
 * Touch @n pages that are not there yet, and nothing else: no page of a
 * sanitizer, which would follow the access and the call of mmap().
 */
__attribute__((no_sanitize("address", "thread"))) static void
fault(unsigned int n)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE), i;
	long at =
		syscall(SYS_mmap, NULL, n * page_bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_int_not_equal(at, -1);
	syscall(SYS_madvise, at, n * page_bytes, MADV_NOHUGEPAGE);
	for (i = 0; i < n; i++)
		*(volatile char *)((uintptr_t)at + i * page_bytes) = 1;
	syscall(SYS_munmap, at, n * page_bytes);
}

static unsigned int nr_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static struct tb_perf *set_on_this_thread(void)
{
	pid_t tid = (pid_t)syscall(SYS_gettid);
	struct tb_perf *p;

	assert_int_equal(tb_perf_on_threads(&p, &tid, 1), 0);
	return p;
}

static struct tb_perf *set_on_this_cpu(void)
{
	int cpu = sched_getcpu();
	struct tb_perf *p;

	assert_int_equal(tb_place_pin(cpu), 0);
	assert_int_equal(tb_perf_on_cpus(&p, &cpu, 1), 0);
	return p;
}

static uint64_t value_of(const struct tb_perf *p, unsigned int event,
			 unsigned int place)
{
	struct tb_perf_value v;

	assert_int_equal(tb_perf_read(p, event, place, &v), 0);
	assert_false(v.is_scaled);
	return v.value;
}

/* Exact, but where a sanitizer touches memory of its own. */
static void assert_faults(const struct tb_perf *p, unsigned int place,
			  unsigned int nr)
{
	assert_in_range(value_of(p, 0, place), nr,
			T_IS_SANITIZED ? 4 * nr : nr);
}

static void a_thread_is_counted_in_the_window_only(void **state)
{
	unsigned int before = nr_fds();
	struct tb_perf *p = set_on_this_thread();
	struct tb_perf_value v;

	(void)state;
	if (tb_perf_add(p, &faults) < 0) {
		tb_perf_close(p);
		T_SKIP("events of the own thread are not allowed");
	}
	assert_int_equal(tb_perf_read(p, 0, 0, &v), -ENODATA);
	fault(NR_FAULTS);
	tb_perf_enable(p);
	fault(NR_FAULTS);
	tb_perf_disable(p);
	fault(NR_FAULTS);
	assert_faults(p, 0, NR_FAULTS);
	tb_perf_close(p);
	assert_int_equal(nr_fds(), before);
}

/* A thread that faults when it is told to, and says so. */
struct other {
	pthread_t thread;
	sem_t is_there, may_begin, has_ended, may_end;
	pid_t tid;
};

static void *fault_when_told(void *arg)
{
	struct other *o = arg;

	o->tid = (pid_t)syscall(SYS_gettid);
	fault(1);
	sem_post(&o->is_there);
	sem_wait(&o->may_begin);
	fault(2 * NR_FAULTS);
	sem_post(&o->has_ended);
	sem_wait(&o->may_end);
	return NULL;
}

static void count_both(const struct tb_perf *p, struct other *o)
{
	/* A sanitizer notes what semaphores do on pages of its own. */
	uint64_t slack = T_IS_SANITIZED ? NR_FAULTS / 2 : 0;

	tb_perf_enable(p);
	fault(NR_FAULTS);
	sem_post(&o->may_begin);
	sem_wait(&o->has_ended);
	tb_perf_disable(p);
	assert_in_range(value_of(p, 0, 0), NR_FAULTS, NR_FAULTS + slack);
	assert_in_range(value_of(p, 0, 1), 2 * NR_FAULTS,
			2 * NR_FAULTS + slack);
}

static void another_thread_is_another_place(void **state)
{
	struct other o = { 0 };
	struct tb_perf *p;
	pid_t tids[2];

	(void)state;
	sem_init(&o.is_there, 0, 0);
	sem_init(&o.may_begin, 0, 0);
	sem_init(&o.has_ended, 0, 0);
	sem_init(&o.may_end, 0, 0);
	assert_int_equal(pthread_create(&o.thread, NULL, fault_when_told, &o),
			 0);
	sem_wait(&o.is_there);
	tids[0] = (pid_t)syscall(SYS_gettid);
	tids[1] = o.tid;
	assert_int_equal(tb_perf_on_threads(&p, tids, 2), 0);
	if (tb_perf_add(p, &faults) >= 0)
		count_both(p, &o);
	tb_perf_close(p);
	sem_post(&o.may_begin);
	sem_post(&o.may_end);
	pthread_join(o.thread, NULL);
}

static void a_filter_is_applied_on_a_cpu(void **state)
{
	struct tb_perf_event event;
	struct tb_perf *p = set_on_this_cpu();

	(void)state;
	if (!getppid_event(&event) || tb_perf_add(p, &event) < 0) {
		tb_perf_close(p);
		T_SKIP("needs root and tracefs");
	}
	call_getppid(NR_CALLS);
	tb_perf_enable(p);
	call_getppid(NR_CALLS);
	syscall(SYS_gettid);
	tb_perf_disable(p);
	call_getppid(NR_CALLS);
	/* Nobody else asks for its parent all the time, but somebody may. */
	assert_in_range(value_of(p, 0, 0), NR_CALLS, NR_CALLS + 2);
	tb_perf_close(p);
}

static void what_cannot_be_opened_leaves_the_others(void **state)
{
	struct tb_perf_event bad_filter;
	struct tb_perf *p = set_on_this_thread();

	(void)state;
	/* Before there is a leader, and after. */
	assert_true(tb_perf_add(p, &no_such_event) < 0);
	if (tb_perf_add(p, &faults) < 0) {
		tb_perf_close(p);
		T_SKIP("events of the own thread are not allowed");
	}
	assert_true(tb_perf_add(p, &no_such_event) < 0);
	if (getppid_event(&bad_filter)) {
		bad_filter.filter = "no_such_field==1";
		assert_int_equal(tb_perf_add(p, &bad_filter), -EINVAL);
	}
	assert_int_equal(tb_perf_add(p, &clock_event), 1);
	tb_perf_enable(p);
	fault(NR_FAULTS);
	tb_perf_disable(p);
	assert_faults(p, 0, NR_FAULTS);
	assert_true(value_of(p, 1, 0) > 0);
	tb_perf_close(p);
}

static void a_child_may_open_and_shut_the_window(void **state)
{
	struct tb_perf_event event;
	struct tb_perf *p = set_on_this_cpu();
	pid_t child;

	(void)state;
	if (!getppid_event(&event) || tb_perf_add(p, &event) < 0) {
		tb_perf_close(p);
		T_SKIP("needs root and tracefs");
	}
	child = fork();
	if (!child) {
		tb_perf_enable(p);
		call_getppid(NR_CALLS);
		tb_perf_disable(p);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	call_getppid(NR_CALLS);
	assert_in_range(value_of(p, 0, 0), NR_CALLS, NR_CALLS + 2);
	tb_perf_close(p);
}

static void cpus_are_in_order(void **state)
{
	const int backwards[] = { 1, 0 }, twice[] = { 0, 0 };
	struct tb_perf *p;

	(void)state;
	assert_int_equal(tb_perf_on_cpus(&p, backwards, 2), -EINVAL);
	assert_int_equal(tb_perf_on_cpus(&p, twice, 2), -EINVAL);
}

/* In a child: a limit that was lowered for good stays so. */
static void no_descriptor_left_is_told(void **state)
{
	struct tb_perf *p = set_on_this_thread();
	int status;
	pid_t child;

	(void)state;
	if (tb_perf_add(p, &faults) < 0) {
		tb_perf_close(p);
		T_SKIP("events of the own thread are not allowed");
	}
	child = fork();
	if (!child) {
		struct rlimit none = { 0 };

		setrlimit(RLIMIT_NOFILE, &none);
		_exit(-tb_perf_add(p, &faults));
	}
	waitpid(child, &status, 0);
	assert_int_equal(WEXITSTATUS(status), EMFILE);
	assert_non_null(strstr(tb_perf_reason(-EMFILE), "ulimit -n"));
	tb_perf_close(p);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_is_counted_in_the_window_only),
		cmocka_unit_test(another_thread_is_another_place),
		cmocka_unit_test(a_filter_is_applied_on_a_cpu),
		cmocka_unit_test(what_cannot_be_opened_leaves_the_others),
		cmocka_unit_test(a_child_may_open_and_shut_the_window),
		cmocka_unit_test(cpus_are_in_order),
		cmocka_unit_test(no_descriptor_left_is_told),
	};

	tb_trace_mount();
	return T_RUN("perf", tests);
}
