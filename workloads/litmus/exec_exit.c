// SPDX-License-Identifier: GPL-2.0-only
/*
 * exit() and execve() of a process with threads: exit_mmap() frees its pages
 * and page tables, and tlb_finish_mmu() flushes, also on CPUs that are idle and
 * still have them loaded. A CPU that goes on with another mm loads the page
 * tables of this one in switch_mm_irqs_off(), also if it has the place in
 * memory, or the ASID, of the one that ended (read in 6.12).
 *
 * In the act several processes come and go, each with pages of its own at the
 * addresses of the range and a thread on every CPU. The threads load the pages;
 * then some run, some are in system calls, some sleep, and some have moved to
 * the CPU where the process ends and sleep there, so that what they left is
 * idle; and the process ends. Each one must see its own pages, or the act ends
 * with -EFAULT; and so must victims, who have other pages there, and whose
 * pages nobody else may write to.
 *
 * The processes come from one that was forked before there were threads.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "litmus.h"
#include "litmus_program.h"

#define NR_PROCESSES 2
#define STACK_BYTES (64UL << 10)
#define SAW_OTHERS 2

/**
 * struct exec_exit - in the initiator, and in the process that forks
 * @in, @out: pipes from and to the other one
 * @program: a program that exits
 * @cpus: where threads run
 * @nr_ready: threads that have loaded their pages
 */
struct exec_exit {
	int in;
	int out;
	int program;
	pid_t forker;
	cpu_set_t cpus;
	_Atomic int nr_ready;
};

/* What the initiator asks for: processes for this try, that end on @cpu. */
struct order {
	char *addr;
	size_t len_bytes;
	unsigned int value_nr;
	int cpu;
};

/* What a thread does when it has loaded its pages. */
enum task {
	SLEEP,
	RUN,
	MOVE,
	CALL,
	NR_TASKS
};

/* A thread: what it needs, and the CPU that it is to load them on. */
struct loader {
	struct litmus *l;
	enum task task;
	int cpu;
	int end_cpu;
};

/* --- a process that comes and goes -----------------------------------------
 */

static int pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static void load(const struct litmus *l)
{
	size_t i;

	for (i = 0; i < litmus_pages(l); i++)
		if (*litmus_word(l, i) !=
		    litmus_value(LITMUS_BY_ACT, l->value_nr, i))
			_exit(SAW_OTHERS);
}

static void *load_and_wait(void *arg)
{
	const struct loader *me = arg;
	struct exec_exit *e = me->l->priv;

	if (pin(me->cpu))
		_exit(EXIT_FAILURE);
	load(me->l);
	if (me->task == MOVE && pin(me->end_cpu))
		_exit(EXIT_FAILURE);
	atomic_fetch_add(&e->nr_ready, 1);
	while (me->task == SLEEP || me->task == MOVE)
		pause();
	while (me->task == CALL)
		litmus_wait_in_kernel(me->end_cpu);
	for (;;)
		litmus_pause();
}

/* Another one on each CPU from try to try, and from CPU to CPU. */
static enum task task_on(const struct litmus *l, int cpu)
{
	return ((unsigned int)cpu + l->value_nr / NR_PROCESSES) % NR_TASKS;
}

/* Where the process ends nobody may keep it from that. */
static int start_threads(struct litmus *l, int end_cpu)
{
	static struct loader loaders[CPU_SETSIZE];
	const struct exec_exit *e = l->priv;
	pthread_attr_t attr;
	pthread_t thread;
	int cpu, ret = 0;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (cpu = 0; cpu < CPU_SETSIZE && !ret; cpu++) {
		loaders[cpu] = (struct loader){
			.l = l,
			.task = cpu == end_cpu ? SLEEP : task_on(l, cpu),
			.cpu = cpu,
			.end_cpu = end_cpu,
		};
		if (CPU_ISSET(cpu, &e->cpus))
			ret = pthread_create(&thread, &attr, load_and_wait,
					     &loaders[cpu]);
	}
	return ret;
}

static void come_and_go(struct litmus *l, const struct order *order, bool execs)
{
	static char *const none[] = { NULL };
	struct exec_exit *e = l->priv;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || pin(order->cpu) ||
	    wl_range_map(&l->range))
		_exit(EXIT_FAILURE);
	litmus_renew(l);
	litmus_may_wait_in_kernel();
	if (start_threads(l, order->cpu))
		_exit(EXIT_FAILURE);
	while (atomic_load(&e->nr_ready) < CPU_COUNT(&e->cpus))
		usleep(20);
	if (execs)
		execveat(e->program, "", none, none, AT_EMPTY_PATH);
	_exit(execs ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* --- the process that forks ------------------------------------------------
 */

static int fork_one(struct litmus *l, const struct order *order, unsigned int i)
{
	int status = 0;
	pid_t pid;

	l->range.addr = order->addr;
	l->range.len_bytes = order->len_bytes;
	l->value_nr = order->value_nr * NR_PROCESSES + i;
	pid = fork();
	if (!pid)
		come_and_go(l, order, i % 2);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -EAGAIN;
	if (!status)
		return 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE
		       ? -EAGAIN
		       : -EFAULT;
}

static void serve(struct litmus *l)
{
	const struct exec_exit *e = l->priv;
	struct order order;
	unsigned int i;
	int ret = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(e->in, &order, sizeof(order)) == sizeof(order)) {
		for (i = 0, ret = 0; i < NR_PROCESSES && !ret; i++)
			ret = fork_one(l, &order, i);
		if (write(e->out, &ret, sizeof(ret)) != sizeof(ret))
			break;
	}
	_exit(EXIT_SUCCESS);
}

/* --- the initiator ---------------------------------------------------------
 */

/* Forked here: neither end may hold the other one's pipe open. */
static int fork_forker(struct litmus *l, int orders[2], int answers[2])
{
	struct exec_exit *e = l->priv;

	e->forker = fork();
	if (e->forker < 0)
		return -errno;
	close(orders[e->forker ? 0 : 1]);
	close(answers[e->forker ? 1 : 0]);
	e->in = e->forker ? answers[0] : orders[0];
	e->out = e->forker ? orders[1] : answers[1];
	if (!e->forker)
		serve(l);
	return 0;
}

static int setup(struct litmus *l)
{
	struct exec_exit *e = calloc(1, sizeof(*e));
	int orders[2], answers[2];

	l->priv = e;
	if (!e || pipe2(orders, O_CLOEXEC) || pipe2(answers, O_CLOEXEC) ||
	    sched_getaffinity(0, sizeof(e->cpus), &e->cpus))
		return -errno;
	e->program = litmus_program();
	return e->program < 0 ? e->program : fork_forker(l, orders, answers);
}

static void teardown(struct litmus *l)
{
	const struct exec_exit *e = l->priv;

	close(e->out);
	waitpid(e->forker, NULL, 0);
}

static int act(struct litmus *l)
{
	const struct exec_exit *e = l->priv;
	const struct order order = { .addr = l->range.addr,
				     .len_bytes = l->range.len_bytes,
				     .value_nr = l->value_nr,
				     .cpu = sched_getcpu() };
	int ret;

	if (write(e->out, &order, sizeof(order)) != sizeof(order) ||
	    read(e->in, &ret, sizeof(ret)) != sizeof(ret))
		return -EIO;
	litmus_eat(l);
	return ret;
}

const struct litmus_ops litmus_exec_exit = {
	.abi = LITMUS_ABI,
	.name = "exec_exit",
	.summary = "the flush of a process with threads that ends",
	.path = "exit_mmap tlb_finish_mmu flush_tlb_mm_range "
		"switch_mm_irqs_off",
	.page_sizes = LITMUS_BASE | LITMUS_THP,
	.max_pages = 64,
	.read = LITMUS_OLD,
	.write = LITMUS_KEPT,
	.probe = litmus_program_probe,
	.setup = setup,
	.act = act,
	.teardown = teardown,
};
