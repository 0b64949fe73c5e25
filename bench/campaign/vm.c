// SPDX-License-Identifier: GPL-2.0-only
/* Runs one QEMU at a time and takes what comes out of it. */
#include "campaign/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "campaign/image.h"
#include "campaign/initramfs.h"
#include "campaign/qemu.h"

/* 2^3 virtual nanoseconds per instruction: what was found repeatable. */
#define ICOUNT_SHIFT 3
/* CPUs whose ticks leave most instructions of a second to other things. */
#define FEW_CPUS 32
#define CROWDED_SHIFT 1
/* How often the host looks for frames; each look is one pread(). */
#define POLL_MS 20
/* What a guest that has sent END may take to power off. */
#define POWEROFF_MS 2000
#define LOG_TAIL_LINES 15

static bool is_exact(const struct tb_vm *vm)
{
	return vm->boot->plan->accel == TB_ACCEL_EXACT;
}

/*
 * In exact mode all CPUs share the instructions of a second, 125 million. Until
 * the kernel has its first clock source, CPUs that are idle tick 250 times a
 * second, and a tick takes thousands in a kernel with all checks: with 64 CPUs
 * nothing is left to boot with. Litmus tests measure no time, so on many CPUs
 * they have four times as many, in a machine that calibrates nothing. Those
 * who do measure keep the shift that their results are compared at.
 */
static bool is_crowded(const struct tb_vm *vm)
{
	return is_exact(vm) && vm->litmus &&
	       vm->boot->plan->vm_shape.nr_cpus > FEW_CPUS;
}

static int icount_shift(const struct tb_vm *vm)
{
	return is_crowded(vm) ? CROWDED_SHIFT : ICOUNT_SHIFT;
}

/* All kernels of a plan then come up in the same way. */
static bool has_foreign(const struct tb_vm *vm)
{
	const struct tb_plan *plan = vm->boot->plan;
	unsigned int i;

	for (i = 0; is_exact(vm) && i < plan->nr_kernels; i++)
		if (tb_kernel_is_foreign(&plan->kernels[i]))
			return true;
	return false;
}

/* --- files --------------------------------------------------------------- */

static int name_files(struct tb_vm *vm, struct tb_err *err)
{
	const char *dir = vm->boot->dir;
	int ret;

	ret = tb_path(vm->channel, PATH_MAX, err, "%s/channel.tmp", dir);
	if (!ret)
		ret = tb_path(vm->initrd, PATH_MAX, err, "%s/initrd.tmp", dir);
	if (!ret)
		ret = tb_path(vm->console, PATH_MAX, err, "%s/console.log",
			      dir);
	if (!ret)
		ret = tb_path(vm->qemu_log, PATH_MAX, err, "%s/qemu.log", dir);
	return ret;
}

/* Allocated in full now: a disk that is full must not kill QEMU later. */
static int make_channel(struct tb_vm *vm, struct tb_err *err)
{
	int fd =
		open(vm->channel, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int ret;

	if (fd < 0)
		return tb_fail_errno(err, -errno, "cannot create %s",
				     vm->channel);
	ret = -posix_fallocate(fd, 0, TB_CHANNEL_BYTES);
	if (ret) {
		close(fd);
		return tb_fail_errno(err, ret, "cannot write %s", vm->channel);
	}
	vm->frames = (struct tb_frames){ .fd = fd };
	return 0;
}

/* Arguments for PID 1, see guest/init.c: nothing that names the slot. */
static void slot_conf(const struct tb_vm *vm, struct tb_buf *b)
{
	const struct tb_vm_litmus *l = vm->litmus;
	const char *work = vm->boot->sink ? "cases" : "nothing";

	tb_buf_printf(b, "[slot]\nrelease = %s\nwork = %s\n",
		      vm->kernel->release, l ? "litmus" : work);
	if (l)
		tb_buf_printf(b, "effort = %u\nsoak_s = %u\n", l->effort,
			      l->soak_s);
	if (l && *l->tests)
		tb_buf_printf(b, "tests = %s\n", l->tests);
	if (is_exact(vm))
		tb_buf_printf(b, "icount_shift = %d\n", icount_shift(vm));
	if (has_foreign(vm))
		tb_buf_printf(b, "foreign = yes\n");
	if (*tb_kernel_fact(vm->kernel, "family", ""))
		tb_buf_printf(b, "family = %s\nexpect = %s\n",
			      tb_kernel_fact(vm->kernel, "family", ""),
			      tb_kernel_fact(vm->kernel, "expect", ""));
}

/* A kernel that does not carry its configuration finds it where distributions
 * have it. */
static int add_config(const struct tb_vm *vm, struct tb_buf *cpio,
		      struct tb_err *err)
{
	struct tb_buf config = { 0 };
	char path[PATH_MAX], name[256];
	int ret = tb_path(path, sizeof(path), err, "%s/config",
			  vm->kernel->image);

	if (ret || tb_read_file(path, &config) || !config.data ||
	    strstr(config.data, "\nCONFIG_IKCONFIG_PROC=y\n"))
		goto out;
	snprintf(name, sizeof(name), "boot/config-%s", vm->kernel->release);
	tb_initramfs_add(cpio, "boot", S_IFDIR | 0755, "", 0);
	tb_initramfs_add(cpio, name, S_IFREG | 0644, config.data,
			 config.len_bytes);
out:
	tb_buf_fini(&config);
	return ret;
}

static int make_initrd(struct tb_vm *vm, struct tb_err *err)
{
	struct tb_buf self = { 0 }, conf = { 0 }, cpio = { 0 };
	const char *text = vm->boot->conf_text;
	int ret = tb_read_file("/proc/self/exe", &self);

	if (ret)
		return tb_fail_errno(err, ret, "cannot read my own binary");
	slot_conf(vm, &conf);
	tb_initramfs_add(&cpio, "init", S_IFREG | 0755, self.data,
			 self.len_bytes);
	tb_initramfs_add(&cpio, TB_GUEST_SLOT, S_IFREG | 0644, conf.data,
			 conf.len_bytes);
	tb_initramfs_add(&cpio, TB_GUEST_CAMPAIGN, S_IFREG | 0644, text,
			 strlen(text));
	ret = add_config(vm, &cpio, err);
	tb_initramfs_end(&cpio);
	if (!ret && (cpio.has_failed || conf.has_failed))
		ret = tb_fail_errno(err, -ENOMEM, "initramfs");
	if (!ret)
		ret = tb_write_file(vm->initrd, cpio.data, cpio.len_bytes, err);
	tb_buf_fini(&self);
	tb_buf_fini(&conf);
	tb_buf_fini(&cpio);
	return ret;
}

/* --- QEMU ---------------------------------------------------------------- */

static int start_qemu(struct tb_vm *vm, struct tb_err *err)
{
	const struct tb_plan *plan = vm->boot->plan;
	char kernel[PATH_MAX];
	const struct tb_qemu q = {
		.is_exact = is_exact(vm),
		.is_kvm = plan->accel == TB_ACCEL_KVM,
		.icount_shift = icount_shift(vm),
		.skips_calibration = is_crowded(vm),
		.seed = vm->boot->slot->seed,
		.shape = plan->vm_shape,
		.memory_bytes = plan->vm_memory_bytes,
		.kernel = kernel,
		.own_append = tb_kernel_fact(vm->kernel, "append", ""),
		.append = vm->kernel->append,
		.late_cpus = has_foreign(vm),
		.initrd = vm->initrd,
		.console = vm->console,
		.log = vm->qemu_log,
		.channel = vm->channel,
	};

	if (tb_image_kernel(vm->kernel, kernel, sizeof(kernel), err))
		return err->code;
	vm->begin_ns = tb_now_ns();
	vm->heard_ns = vm->begin_ns;
	vm->pid = tb_qemu_start(&q, err);
	return vm->pid < 0 ? (int)vm->pid : 0;
}

static void stop_qemu(struct tb_vm *vm)
{
	if (vm->pid <= 0 || vm->has_ended)
		return;
	kill(vm->pid, SIGKILL);
	waitpid(vm->pid, &vm->status, 0);
	vm->has_ended = true;
}

static double seconds_since(uint64_t begin_ns)
{
	return (double)(tb_now_ns() - begin_ns) / 1e9;
}

/* --- what comes out ------------------------------------------------------ */

/* "refused\nreason" and the like, from guest/init.c. */
static void take_end(struct tb_vm *vm, struct tb_outcome *out)
{
	char *rest = vm->payload.data, *word = strsep(&rest, "\n");
	unsigned int state;

	vm->has_end_frame = true;
	snprintf(out->reason, sizeof(out->reason), "%s", rest ? rest : "");
	for (state = TB_SLOT_OK; state < TB_SLOT_INTERRUPTED; state++)
		if (!strcmp(word, tb_slot_state_name(state)))
			break;
	out->state = (enum tb_slot_state)state;
	if (state == TB_SLOT_OK)
		out->nr_not_ok = (unsigned int)strtoul(out->reason, NULL, 10);
	if (state == TB_SLOT_OK)
		out->reason[0] = '\0';
}

static int take_frames(struct tb_vm *vm, struct tb_outcome *out,
		       struct tb_err *err)
{
	int type, ret = 0;

	while (!ret && !vm->has_end_frame &&
	       (type = tb_frames_next(&vm->frames, &vm->payload, err)) != 0) {
		if (type < 0)
			return type;
		if (type == TB_FRAME_END) {
			take_end(vm, out);
		} else if (type == TB_FRAME_KTAP && vm->litmus) {
			vm->heard_ns = tb_now_ns();
			ret = vm->litmus->put(vm->litmus, vm->payload.data,
					      vm->payload.len_bytes, err);
		} else if (type == TB_FRAME_RECORD && vm->boot->sink) {
			ret = vm->boot->sink->put(vm->boot->sink,
						  vm->payload.data,
						  vm->payload.len_bytes, err);
			/* The first is the boot record. */
			if (++vm->nr_records == 2)
				out->first_record_seconds =
					seconds_since(vm->begin_ns);
		}
	}
	return ret;
}

static bool has_exited(struct tb_vm *vm)
{
	if (!vm->has_ended && waitpid(vm->pid, &vm->status, WNOHANG) > 0)
		vm->has_ended = true;
	return vm->has_ended;
}

static void say_how_it_exited(const struct tb_vm *vm, struct tb_outcome *out)
{
	out->state = TB_SLOT_CRASHED;
	if (WIFSIGNALED(vm->status))
		snprintf(out->reason, sizeof(out->reason),
			 "QEMU was killed by signal %d (%s)",
			 WTERMSIG(vm->status), strsignal(WTERMSIG(vm->status)));
	else
		snprintf(out->reason, sizeof(out->reason),
			 "the VM ended before its END frame (QEMU exit %d)",
			 WEXITSTATUS(vm->status));
}

static bool is_late(const struct tb_vm *vm, unsigned int timeout_s,
		    struct tb_outcome *out)
{
	if (seconds_since(vm->heard_ns) <= timeout_s)
		return false;
	out->state = TB_SLOT_TIMEOUT;
	snprintf(out->reason, sizeof(out->reason), "no %s within %u s",
		 vm->litmus ? "result of a test" : "END frame", timeout_s);
	return true;
}

/* Follow the VM to its end, whichever that is. */
static int watch(struct tb_vm *vm, unsigned int timeout_s,
		 struct tb_outcome *out, struct tb_err *err)
{
	struct pollfd fd = { .fd = vm->boot->sig->fd, .events = POLLIN };
	int ret;

	for (;;) {
		/* Before the frames are read, so that none can be missed. */
		bool ended = has_exited(vm);

		ret = take_frames(vm, out, err);
		if (ret == -EBADMSG) {
			out->state = TB_SLOT_FAILED;
			snprintf(out->reason, sizeof(out->reason), "%s",
				 err->text);
			*err = (struct tb_err){ 0 };
			return 0;
		}
		if (ret || vm->has_end_frame)
			return ret;
		if (ended) {
			say_how_it_exited(vm, out);
			return 0;
		}
		tb_sig_drain(vm->boot->sig);
		if (vm->boot->sig->was_interrupted) {
			out->state = TB_SLOT_INTERRUPTED;
			return tb_fail(err, -EINTR, "interrupted");
		}
		if (is_late(vm, timeout_s, out))
			return 0;
		poll(&fd, 1, POLL_MS);
		if (vm->boot->sink && vm->boot->sink->wait)
			vm->boot->sink->wait(vm->boot->sink);
	}
}

/* The END frame is in; give the guest a moment to power itself off. */
static void await_poweroff(struct tb_vm *vm)
{
	uint64_t begin_ns = tb_now_ns();
	struct pollfd fd = { .fd = vm->boot->sig->fd, .events = POLLIN };

	while (!has_exited(vm) &&
	       seconds_since(begin_ns) * 1000 < POWEROFF_MS) {
		poll(&fd, 1, POLL_MS);
		tb_sig_drain(vm->boot->sig);
	}
}

static void keep_log_tail(struct tb_vm *vm, struct tb_outcome *out)
{
	struct tb_buf log = { 0 };
	char *start;
	int lines = 0;

	tb_read_file(vm->console, &log);
	if (!log.len_bytes)
		tb_read_file(vm->qemu_log, &log);
	if (!log.data)
		return;
	for (start = log.data + log.len_bytes; start > log.data; start--)
		if (start[-1] == '\n' && lines++ == LOG_TAIL_LINES)
			break;
	tb_buf_printf(&out->log_tail, "%s", start);
	tb_buf_fini(&log);
}

int tb_vm_run(struct tb_vm *vm, unsigned int timeout_s, struct tb_outcome *out,
	      struct tb_err *err)
{
	int ret = name_files(vm, err);

	vm->frames.fd = -1;
	out->first_record_seconds = -1;
	if (!ret)
		ret = make_channel(vm, err);
	if (!ret)
		ret = make_initrd(vm, err);
	if (!ret)
		ret = start_qemu(vm, err);
	if (!ret)
		ret = watch(vm, timeout_s, out, err);
	if (!ret && vm->has_end_frame)
		await_poweroff(vm);
	stop_qemu(vm);
	if (vm->begin_ns)
		out->host_seconds = seconds_since(vm->begin_ns);
	if (!ret && out->state != TB_SLOT_OK)
		keep_log_tail(vm, out);
	if (vm->frames.fd >= 0)
		close(vm->frames.fd);
	unlink(vm->channel);
	unlink(vm->initrd);
	tb_buf_fini(&vm->payload);
	return ret;
}
