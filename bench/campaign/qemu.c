// SPDX-License-Identifier: GPL-2.0-only
/* QEMU's command line. */
#include "campaign/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "campaign/channel.h"
#include "campaign/child.h"

#define QEMU "qemu-system-x86_64"
#define MAX_ARGS 96

/* The command line: strings in @text, pointers in @argv. */
struct command {
	const char *argv[MAX_ARGS];
	char *text[MAX_ARGS];
	unsigned int nr;
};

static void arg(struct command *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void arg(struct command *c, const char *fmt, ...)
{
	va_list ap;

	if (c->nr + 1 >= MAX_ARGS)
		return;
	va_start(ap, fmt);
	if (vasprintf(&c->text[c->nr], fmt, ap) >= 0) {
		c->argv[c->nr] = c->text[c->nr];
		c->nr++;
	}
	va_end(ap);
}

static void free_command(struct command *c)
{
	unsigned int i;

	for (i = 0; i < c->nr; i++)
		free(c->text[i]);
}

static void accel_args(const struct tb_qemu *q, struct command *c)
{
	arg(c, "-seed");
	arg(c, "%" PRIu64, q->seed);
	arg(c, "-accel");
	if (q->is_kvm) {
		arg(c, "kvm");
		arg(c, "-cpu");
		/*
		 * With PV TLB flush, targets that the host has preempted are
		 * flushed without an IPI, on older hosts halted ones too: all
		 * lazy TLB strategies would look alike.
		 */
		arg(c, "host,kvm-pv-tlb-flush=off");
		return;
	}
	arg(c, "tcg,thread=%s", q->is_exact ? "single" : "multi");
	if (q->is_exact) {
		arg(c, "-icount");
		arg(c, "shift=%d,sleep=off", q->icount_shift);
		arg(c, "-rtc");
		arg(c, "base=2024-01-01,clock=vm");
	}
	arg(c, "-cpu");
	arg(c, "max,la57=off");
}

/* A comma ends a value in QEMU's options, two stand for one. */
static void add_channel(const struct tb_qemu *q, struct command *c)
{
	struct tb_buf path = { 0 };
	const char *p;

	for (p = q->channel; *p; p++)
		tb_buf_printf(&path, *p == ',' ? ",%c" : "%c", *p);
	arg(c, "-object");
	arg(c, "memory-backend-file,id=channel,share=on,mem-path=%s,size=%uM",
	    path.data, TB_CHANNEL_BYTES >> 20);
	arg(c, "-device");
	arg(c, "ivshmem-plain,memdev=channel");
	tb_buf_fini(&path);
}

/*
 * In exact mode a second of each boot would go into calibrating a timer whose
 * clock is one tick per virtual nanosecond by construction; kernels without
 * patch 1 of the series ignore the parameter.
 *
 * With a thread for each CPU, three boots of ten ended in sched_clock_cpu():
 * another CPU met the breakpoint of a static branch that was being patched, as
 * the clock was found stable or not. With a TSC that is to be trusted nothing
 * is patched there.
 */
static const char *clock_args(const struct tb_qemu *q)
{
	if (q->is_kvm)
		return "";
	return q->is_exact ? " lapic_timer_hz=1000000000" : " tsc=reliable";
}

/*
 * Does the first timer tick, and how often does each CPU turn in a loop
 * meanwhile? Both wait for time to pass, so the more instructions a second has,
 * the longer they take: the first 8 CPU seconds at a shift of 0. The value is
 * for 250 ticks of the 1 GHz TSC; with another rate, delays are longer or
 * shorter, which no emulated device minds.
 */
static const char *calibration_args(const struct tb_qemu *q)
{
	return q->skips_calibration ? " lpj=4000000 no_timer_check" : "";
}

static unsigned int id_bits(unsigned int n)
{
	unsigned int bits = 0;

	while (1U << bits < n)
		bits++;
	return bits;
}

/* Cores and threads have bits of their own in an APIC ID. */
static bool has_apic_gaps(const struct tb_shape *s)
{
	unsigned int threads = s->threads_per_core;
	unsigned int cores = s->nr_cpus / s->nr_sockets / threads;
	unsigned int last = (s->nr_sockets - 1) << id_bits(cores);

	last = ((last | (cores - 1)) << id_bits(threads)) | (threads - 1);
	return last + 1 != s->nr_cpus;
}

/*
 * Up to 8 CPUs have their bits in the destination of an IPI, in Linux 6.1 and
 * before. QEMU's APICs look for these bits as far as the first APIC ID that no
 * CPU has (apic_get_delivery_bitmask() in QEMU 7.2), so the CPUs behind it got
 * no IPI, and the boot hung. A kernel that may get a ninth CPU names one CPU in
 * each IPI; newer ones do anyway.
 */
static const char *apic_args(const struct tb_qemu *q)
{
	const struct tb_shape *s = &q->shape;

	return !q->is_kvm && s->nr_cpus <= 8 && has_apic_gaps(s)
		       ? " possible_cpus=9"
		       : "";
}

static void smp_arg(const struct tb_shape *s, struct command *c)
{
	arg(c, "-smp");
	if (s->nr_sockets == 1 && s->threads_per_core == 1)
		arg(c, "%u", s->nr_cpus);
	else
		arg(c, "%u,sockets=%u,cores=%u,threads=%u", s->nr_cpus,
		    s->nr_sockets,
		    s->nr_cpus / s->nr_sockets / s->threads_per_core,
		    s->threads_per_core);
}

static void shape_args(const struct tb_qemu *q, struct command *c)
{
	unsigned int i, nr_nodes = q->shape.nr_nodes;
	unsigned int cpus = q->shape.nr_cpus / nr_nodes;
	uint64_t mbytes = q->memory_bytes >> 20;

	smp_arg(&q->shape, c);
	arg(c, "-m");
	arg(c, "%" PRIu64 "M", mbytes);
	for (i = 0; nr_nodes > 1 && i < nr_nodes; i++) {
		arg(c, "-object");
		arg(c, "memory-backend-ram,id=node%u,size=%" PRIu64 "M", i,
		    mbytes / nr_nodes);
		arg(c, "-numa");
		arg(c, "node,nodeid=%u,memdev=node%u,cpus=%u-%u", i, i,
		    i * cpus, (i + 1) * cpus - 1);
	}
}

/*
 * Its memory is not offered to KSM of the host: to be merged and copied again
 * takes time, and ksm_merge would wait until ksmd has scanned all of it.
 */
static void machine_args(const struct tb_qemu *q, struct command *c)
{
	arg(c, "-machine");
	arg(c, "q35,mem-merge=off");
	shape_args(q, c);
	arg(c, "-nodefaults");
	arg(c, "-no-user-config");
	arg(c, "-display");
	arg(c, "none");
	arg(c, "-no-reboot");
	arg(c, "-serial");
	arg(c, "file:%s", q->console);
	add_channel(q, c);
	arg(c, "-kernel");
	arg(c, "%s", q->kernel);
	arg(c, "-initrd");
	arg(c, "%s", q->initrd);
	arg(c, "-append");
	arg(c, "console=ttyS0 panic=-1%s%s%s%s%s%s %s", clock_args(q),
	    calibration_args(q), apic_args(q),
	    q->late_cpus ? " maxcpus=1 tsc=reliable" : "",
	    *q->own_append ? " " : "", q->own_append, q->append);
}

/*
 * Keep an exact machine's threads on one CPU of ours, whichever we are on.
 *
 * When the last virtual CPU halts, its thread has yet to account for what it
 * ran, while QEMU's main loop may see all CPUs idle already and move virtual
 * time on from the older count (icount_start_warp_timer() in QEMU 7.2). On two
 * CPUs that happens once in some dozens of boots, and virtual time is then
 * milliseconds ahead; the threads lose nothing by taking turns.
 */
static pid_t start_on_one_cpu(const char *const *argv, int log)
{
	cpu_set_t before, one;
	pid_t pid;

	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_getaffinity(0, sizeof(before), &before) ||
	    sched_setaffinity(0, sizeof(one), &one))
		return -errno;
	pid = tb_child_start(argv, log, log);
	if (sched_setaffinity(0, sizeof(before), &before))
		return -errno;
	return pid;
}

pid_t tb_qemu_start(const struct tb_qemu *q, struct tb_err *err)
{
	int log = open(q->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	struct command c = { .nr = 0 };
	pid_t pid;

	if (log < 0)
		return tb_fail_errno(err, -errno, "cannot create %s", q->log);
	arg(&c, QEMU);
	accel_args(q, &c);
	machine_args(q, &c);
	pid = q->is_exact ? start_on_one_cpu(c.argv, log)
			  : tb_child_start(c.argv, log, log);
	close(log);
	free_command(&c);
	if (pid < 0)
		return tb_fail_errno(err, (int)pid,
				     "cannot start " QEMU
				     " (Debian package qemu-system-x86)");
	return pid;
}
