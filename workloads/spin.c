// SPDX-License-Identifier: GPL-2.0-only
/*
 * spin: burn a known time, to check the harness's own clock.
 *
 * The op reads CLOCK_MONOTONIC until it has burned the time asked for. What
 * lies before the first reading and after the last is together one read of the
 * clock, and the last reading is late by half a read on average. The loop ends
 * that much earlier, so the whole op takes the time asked for, give or take
 * half a read; thread_init() measures a read. Flushes nothing.
 *
 * In exact mode a read costs hundreds of virtual nanoseconds.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "wl.h"

#define NR_TRIES 16
#define READS_PER_TRY 256

struct spin_conf {
	uint64_t ns;
};

/**
 * struct spin - one thread
 * @loop_ns: from the first reading in the op to the last
 * @armed_ns: end of rearm on CLOCK_MONOTONIC_RAW, which the op does not read
 */
struct spin {
	uint64_t loop_ns;
	uint64_t armed_ns;
};

static uint64_t read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

/* The best of several tries: interrupts lengthen the others. */
static uint64_t cost_of_reads_ns(void)
{
	uint64_t best = UINT64_MAX;
	unsigned int try, i;

	for (try = 0; try < NR_TRIES; try++) {
		uint64_t begin = read_ns(CLOCK_MONOTONIC), end = begin;

		for (i = 0; i < READS_PER_TRY; i++)
			end = read_ns(CLOCK_MONOTONIC);
		if (end - begin < best)
			best = end - begin;
	}
	return best;
}

static int thread_init(struct wl_thread *t)
{
	const struct spin_conf *conf = t->ctx->conf;
	uint64_t early_ns = cost_of_reads_ns() * 3 / 2 / READS_PER_TRY;
	struct spin *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	if (conf->ns > early_ns)
		s->loop_ns = conf->ns - early_ns;
	t->priv = s;
	return 0;
}

static void thread_exit(struct wl_thread *t)
{
	free(t->priv);
}

static int rearm(struct wl_thread *t)
{
	struct spin *s = t->priv;

	s->armed_ns = read_ns(CLOCK_MONOTONIC_RAW);
	return 0;
}

static int op(struct wl_thread *t)
{
	const struct spin *s = t->priv;
	uint64_t begin = read_ns(CLOCK_MONOTONIC);

	while (read_ns(CLOCK_MONOTONIC) - begin < s->loop_ns)
		;
	return 0;
}

static int check(struct wl_thread *t)
{
	const struct spin *s = t->priv;
	uint64_t burned_ns = read_ns(CLOCK_MONOTONIC_RAW) - s->armed_ns;

	/* NTP makes the two clocks differ by 0.05 % at most. */
	return burned_ns < s->loop_ns - s->loop_ns / 1000 ? -ERANGE : 0;
}

static const struct wl_param params[] = {
	{
		.name = "ns",
		.help = "Time that one op burns, in nanoseconds",
		.type = WL_UINT,
		.offset = offsetof(struct spin_conf, ns),
		.def = 20000,
		.min = 1,
		.max = 1000000000,
	},
	{ 0 },
};

static const struct wl_role roles[] = {
	{
		.name = "initiator",
		.help = "reads the clock until the time is over",
		.kind = WL_INITIATOR,
		.def_threads = 1,
		.rearm = rearm,
		.op = op,
		.check = check,
	},
	{ 0 },
};

const struct wl_ops wl_spin = {
	.abi = WL_ABI,
	.name = "spin",
	.summary = "a known time that is burned without any flush",
	.tags = "harness",
	.params = params,
	.conf_bytes = sizeof(struct spin_conf),
	.roles = roles,
	.thread_init = thread_init,
	.thread_exit = thread_exit,
};
