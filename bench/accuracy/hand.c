// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loop that one writes by hand, to hold the harness against.
 *
 *	hand pair N              an empty pair of timestamps
 *	hand munmap N CPU ...    munmap() of a page that the other CPUs have in
 *	                         their TLBs: workloads/munmap.c
 *	hand madvise N CPU       MADV_DONTNEED of a page: workloads/lazy_idle.c
 *	                         without sleepers
 *
 * The first CPU runs the loop, each other one a thread that spins. Prints one
 * JSON object: ops, time of the loop, time in the act, median of the act. It
 * uses nothing of tlbbench, on purpose, and stops at the first error.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define PAGE 4096UL
#define PMD (2UL << 20)
#define MAX_CPUS 1024
#define PAGEMAP_PRESENT (1UL << 63)
#define NR_WARMUP 100
#define FIFO_PRIORITY 5

struct peer {
	_Alignas(64) _Atomic unsigned int asked;
	_Alignas(64) _Atomic unsigned int done;
	int cpu;
	pthread_t thread;
};

static struct peer peers[MAX_CPUS];
static int nr_peers;
static pthread_barrier_t pinned;
static char *page;
static int pagemap;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static uint64_t ticks_before(void)
{
	uint64_t t;

	_mm_lfence();
	t = __rdtsc();
	_mm_lfence();
	return t;
}

static uint64_t ticks_after(void)
{
	unsigned int aux;
	uint64_t t = __rdtscp(&aux);

	_mm_lfence();
	return t;
}

/* Without the right to real time, tlbbench does without it as well. */
static void pin(int cpu)
{
	struct sched_param fifo = { .sched_priority = FIFO_PRIORITY };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		err(1, "CPU %d", cpu);
	if (sched_setscheduler(0, SCHED_FIFO, &fifo) && errno != EPERM)
		err(1, "SCHED_FIFO");
}

static void *respond(void *arg)
{
	struct peer *p = arg;
	unsigned int done = 0, asked;

	pin(p->cpu);
	pthread_barrier_wait(&pinned);
	for (;;) {
		while ((asked = atomic_load_explicit(
				&p->asked, memory_order_acquire)) == done)
			_mm_pause();
		if (asked == UINT32_MAX)
			return NULL;
		(void)*(volatile char *)page;
		done = asked;
		atomic_store_explicit(&p->done, done, memory_order_release);
	}
}

static void ask(unsigned int what)
{
	int i;

	for (i = 0; i < nr_peers; i++)
		atomic_store_explicit(&peers[i].asked, what,
				      memory_order_release);
}

static void meet(void)
{
	static unsigned int epoch;
	int i;

	ask(++epoch);
	for (i = 0; i < nr_peers; i++)
		while (atomic_load_explicit(&peers[i].done,
					    memory_order_acquire) != epoch)
			_mm_pause();
}

static void map_page(void)
{
	if (mmap(page, PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		err(1, "mmap");
}

static uint64_t one_munmap(void)
{
	unsigned char resident;
	uint64_t begin, ticks;

	map_page();
	*(volatile char *)page = 1;
	meet();
	begin = ticks_before();
	if (munmap(page, PAGE))
		err(1, "munmap");
	ticks = ticks_after() - begin;
	if (!mincore(page, PAGE, &resident) || errno != ENOMEM)
		errx(1, "still mapped");
	return ticks;
}

static uint64_t one_madvise(void)
{
	uint64_t begin, entry, ticks;

	*(volatile char *)page = 1;
	begin = ticks_before();
	if (madvise(page, PAGE, MADV_DONTNEED))
		err(1, "madvise");
	ticks = ticks_after() - begin;
	if (pread(pagemap, &entry, sizeof(entry),
		  (off_t)((uintptr_t)page / PAGE * sizeof(entry))) !=
		    sizeof(entry) ||
	    entry & PAGEMAP_PRESENT)
		errx(1, "still there");
	return ticks;
}

static uint64_t one_pair(void)
{
	uint64_t begin = ticks_before();

	return ticks_after() - begin;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void measure(uint64_t (*one)(void), size_t nr_ops)
{
	uint64_t *ticks = calloc(nr_ops, sizeof(*ticks));
	uint64_t begin_ns, loop_ticks, p50, sum = 0;
	double ns_per_tick, elapsed_ns;
	size_t i;

	if (!ticks)
		err(1, "calloc");
	/* No page fault in the loop. */
	memset(ticks, 1, nr_ops * sizeof(*ticks));
	for (i = 0; i < NR_WARMUP; i++)
		one();
	begin_ns = now_ns();
	loop_ticks = ticks_before();
	for (i = 0; i < nr_ops; i++)
		ticks[i] = one();
	loop_ticks = ticks_after() - loop_ticks;
	elapsed_ns = (double)(now_ns() - begin_ns);
	ns_per_tick = elapsed_ns / (double)loop_ticks;
	for (i = 0; i < nr_ops; i++)
		sum += ticks[i];
	qsort(ticks, nr_ops, sizeof(*ticks), by_value);
	p50 = ticks[nr_ops / 2];
	printf("{\"ops\": %zu, \"elapsed_ns\": %.0f, \"sum_ns\": %.0f, "
	       "\"p50_ns\": %.1f}\n",
	       nr_ops, elapsed_ns, (double)sum * ns_per_tick,
	       (double)p50 * ns_per_tick);
	free(ticks);
}

/* One page inside a reservation, so that no page table is ever freed. */
static void reserve(void)
{
	char *base = mmap(NULL, 2 * PMD, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		err(1, "mmap");
	page = (char *)(((uintptr_t)base + PMD - 1) & ~(PMD - 1)) + PAGE;
	map_page();
}

/* All are on their CPUs before the loop keeps its own from everybody. */
static void start_peers(int nr, char **cpus)
{
	pthread_barrier_init(&pinned, NULL, (unsigned int)nr + 1);
	for (nr_peers = 0; nr_peers < nr; nr_peers++) {
		struct peer *p = &peers[nr_peers];

		p->cpu = atoi(cpus[nr_peers]);
		if (pthread_create(&p->thread, NULL, respond, p))
			errx(1, "pthread_create");
	}
	pthread_barrier_wait(&pinned);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		uint64_t (*one)(void);
	} acts[] = {
		{ "pair", one_pair },
		{ "munmap", one_munmap },
		{ "madvise", one_madvise },
	};
	size_t i, nr_ops = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;

	if (!nr_ops || argc < 4 || argc - 4 > MAX_CPUS)
		errx(2, "usage: hand pair|munmap|madvise N CPU ...");
	reserve();
	pagemap = open("/proc/self/pagemap", O_RDONLY);
	if (pagemap < 0)
		err(1, "/proc/self/pagemap");
	start_peers(argc - 4, argv + 4);
	pin(atoi(argv[3]));
	for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (!strcmp(argv[1], acts[i].name))
			measure(acts[i].one, nr_ops);
	ask(UINT32_MAX);
	while (nr_peers)
		pthread_join(peers[--nr_peers].thread, NULL);
	return 0;
}
