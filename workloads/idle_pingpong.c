// SPDX-License-Identifier: GPL-2.0-only
/*
 * idle_pingpong: two CPUs wake each other and go idle in between.
 *
 * One op is a round trip through two pipes: each thread wakes the other and
 * sleeps, so that both CPUs go from user code to idle and back. Nothing is
 * unmapped. What is measured is what a strategy pays for that alone, in
 * switch_mm_irqs_off() and enter_lazy_tlb(), read in 6.12:
 *
 *	lazy-tlbgen, lazy-ipi  the idle task keeps the mm; no flush, a barrier
 *	                       and a read of the mm's tlb_gen at the way back
 *	lazy-leave             init_mm at the way in and the mm at the way out:
 *	                       two loads of CR3, and two atomics on mm_cpumask()
 *	                       that the two CPUs contend for. A load without
 *	                       PCID is a flush, flush_on_task_switch
 *
 * Before each op the partner is seen off its CPU, so that each thread goes to
 * sleep once per op, and each CPU goes idle. switches_per_s are these switches,
 * which the kernel counts as voluntary. What looks and asks takes time of the
 * rate, not of the op.
 *
 * Not measured: any shootdown; lazy_idle has that.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "wl.h"

enum side {
	INITIATOR,
	PARTNER,
	NR_SIDES
};

enum metric {
	SWITCHES
};

/**
 * struct pingpong - two threads, two pipes
 * @in: by enum side: what it reads
 * @out: by enum side: where it writes; -1 after that
 * @ball: what was sent last
 * @back: what came back; the partner adds one
 * @nr_switches: by enum side, up to the last look
 * @partner_tid: of its thread
 * @partner_state: its syscall file, -1 until somebody looks
 */
struct pingpong {
	int in[NR_SIDES];
	int out[NR_SIDES];
	unsigned char ball;
	unsigned char back;
	long nr_switches[NR_SIDES];
	_Atomic pid_t partner_tid;
	int partner_state;
};

static void close_all(struct pingpong *s)
{
	unsigned int side;

	if (s->partner_state >= 0)
		close(s->partner_state);
	for (side = 0; side < NR_SIDES; side++) {
		close(s->in[side]);
		if (s->out[side] >= 0)
			close(s->out[side]);
	}
}

static int open_all(struct pingpong *s)
{
	int to_partner[2], back[2], ret;

	if (pipe2(to_partner, O_CLOEXEC))
		return -errno;
	if (pipe2(back, O_CLOEXEC)) {
		ret = -errno;
		close(to_partner[0]);
		close(to_partner[1]);
		return ret;
	}
	s->in[PARTNER] = to_partner[0];
	s->out[INITIATOR] = to_partner[1];
	s->in[INITIATOR] = back[0];
	s->out[PARTNER] = back[1];
	return 0;
}

static void probe(const struct wl_env *env, const void *conf,
		  struct wl_reasons *why)
{
	(void)conf;
	if (env->nr_cpus < NR_SIDES || !env->nr_threads[PARTNER])
		wl_reason(why, "needs a partner on a second CPU: nobody else "
			       "wakes the initiator");
}

static int setup(struct wl_ctx *c)
{
	struct pingpong *s = calloc(1, sizeof(*s));
	int ret;

	if (!s)
		return -ENOMEM;
	s->partner_state = -1;
	ret = open_all(s);
	if (ret)
		free(s);
	else
		c->priv = s;
	return ret;
}

static void teardown(struct wl_ctx *c)
{
	close_all(c->priv);
	free(c->priv);
}

static int thread_init(struct wl_thread *t)
{
	struct pingpong *s = t->ctx->priv;

	if (t->role == PARTNER)
		s->partner_tid = gettid();
	return 0;
}

/* The other side reads the end of the file and is not left waiting. */
static void thread_exit(struct wl_thread *t)
{
	struct pingpong *s = t->ctx->priv;

	close(s->out[t->role]);
	s->out[t->role] = -1;
}

static int count_switches(struct wl_thread *t)
{
	struct pingpong *s = t->ctx->priv;
	struct rusage use;

	if (getrusage(RUSAGE_THREAD, &use))
		return -errno;
	wl_add(t, SWITCHES, (uint64_t)(use.ru_nvcsw - s->nr_switches[t->role]));
	s->nr_switches[t->role] = use.ru_nvcsw;
	return 0;
}

static int send_ball(const struct pingpong *s, enum side from,
		     unsigned char ball)
{
	return write(s->out[from], &ball, 1) == 1 ? 0 : -EIO;
}

static int open_state(struct pingpong *s)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall",
		 s->partner_tid);
	s->partner_state = open(path, O_RDONLY | O_CLOEXEC);
	return s->partner_state < 0 ? -errno : 0;
}

/* The next ball. Before it comes the partner has gone to sleep. */
static int rearm(struct wl_thread *t)
{
	struct pingpong *s = t->ctx->priv;
	int ret = s->partner_state < 0 ? open_state(s) : 0;
	char state[16];

	while (!ret) {
		/* A partner that has failed says so itself. */
		if (pread(s->partner_state, state, sizeof(state), 0) <= 0)
			return -ECANCELED;
		if (strncmp(state, "running", 7))
			break;
	}
	s->ball += 2;
	return ret;
}

static int round_trip(struct wl_thread *t)
{
	struct pingpong *s = t->ctx->priv;
	int ret = send_ball(s, INITIATOR, s->ball);
	ssize_t n;

	if (ret)
		return ret;
	n = read(s->in[INITIATOR], &s->back, 1);
	/* The partner has failed, and says so itself. */
	if (!n)
		return -ECANCELED;
	return n == 1 ? 0 : -errno;
}

static int check(struct wl_thread *t)
{
	const struct pingpong *s = t->ctx->priv;

	if (s->back != (unsigned char)(s->ball + 1))
		return -EBADMSG;
	return count_switches(t);
}

static int answer(struct wl_thread *t)
{
	const struct pingpong *s = t->ctx->priv;
	unsigned char ball;
	ssize_t n = read(s->in[PARTNER], &ball, 1);

	/* The end. */
	if (!n)
		return 0;
	return n == 1 ? send_ball(s, PARTNER, (unsigned char)(ball + 1))
		      : -errno;
}

static uint64_t rendezvous_every(const void *conf)
{
	(void)conf;
	return WL_NEVER;
}

static void expect(const struct wl_ctx *c, struct wl_expect *e)
{
	(void)c;
	/* On the way into the mm and out of it, on two CPUs. */
	e->flushes = (struct wl_bound){ 0, 4 };
}

static const struct wl_metric metrics[] = {
	[SWITCHES] = {
		.name = "switches",
		.unit = "switches",
		.help = "context switches to idle of both threads",
		.kind = WL_TOTAL,
		.better = WL_HIGHER,
		.is_headline = true,
	},
	{ 0 },
};

static const struct wl_role roles[] = {
	{
		.name = "initiator",
		.help = "wakes the partner and sleeps until it is woken",
		.kind = WL_INITIATOR,
		.def_threads = 1,
		.rearm = rearm,
		.op = round_trip,
		.check = check,
	},
	{
		.name = "partner",
		.help = "sleeps until it is woken, and wakes the initiator",
		.kind = WL_RESPONDER,
		.def_threads = 1,
		.max_threads = 1,
		.op = answer,
		.check = count_switches,
	},
	{ 0 },
};

const struct wl_ops wl_idle_pingpong = {
	.abi = WL_ABI,
	.name = "idle_pingpong",
	.summary = "a round trip between two CPUs that go idle in between",
	.tags = "lazy idle",
	.roles = roles,
	.metrics = metrics,
	.probe = probe,
	.rendezvous_every = rendezvous_every,
	.runs_free = true,
	.setup = setup,
	.thread_init = thread_init,
	.thread_exit = thread_exit,
	.teardown = teardown,
	.expect = expect,
};
