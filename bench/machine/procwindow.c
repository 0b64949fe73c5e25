// SPDX-License-Identifier: GPL-2.0-only
/* Differences of /proc/interrupts and /proc/vmstat over a window. */
#include "machine/procwindow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "machine/procstat.h"

static const char *const vmstat_names[] = {
	"nr_tlb_remote_flush",
	"nr_tlb_remote_flush_received",
	"nr_tlb_local_flush_all",
	"nr_tlb_local_flush_one",
};

static void add_counters(struct tb_counter_list *list)
{
	size_t i;

	tb_counter_add(list, "cpu", "irq_tlb");
	tb_counter_add(list, "system", "irq_tlb_elsewhere");
	tb_counter_add(list, "cpu", "irq_cal");
	tb_counter_add(list, "cpu", "irq_res");
	for (i = 0; i < ARRAY_SIZE(vmstat_names); i++)
		tb_counter_add(list, "system", "%s", vmstat_names[i]);
}

int tb_proc_window_init(struct tb_proc_window *w, struct tb_counter_list *list,
			const struct tb_cpu_use *cpus, unsigned int nr_cpus)
{
	unsigned int i;

	*w = (struct tb_proc_window){
		.cpus = calloc(nr_cpus, sizeof(*cpus)),
		.nr_cpus = nr_cpus,
		.max_cpus = (unsigned int)sysconf(_SC_NPROCESSORS_CONF),
	};
	if (!w->cpus)
		return -ENOMEM;
	for (i = 0; i < nr_cpus; i++) {
		w->cpus[i] = cpus[i];
		w->has_target |= cpus[i].is_target;
		if ((unsigned int)cpus[i].cpu >= w->max_cpus)
			w->max_cpus = (unsigned int)cpus[i].cpu + 1;
	}
	w->irq_by_cpu = calloc(w->max_cpus, sizeof(*w->irq_by_cpu));
	if (!w->irq_by_cpu)
		return -ENOMEM;
	add_counters(list);
	return 0;
}

/* Add @sign times what /proc says now: -1 at the start, +1 at the end. */
static void account(struct tb_counter *counter, uint64_t value, int sign)
{
	counter->value += sign > 0 ? value : -value;
}

static bool is_counted(const struct tb_proc_window *w, unsigned int i)
{
	return !w->has_target || w->cpus[i].is_target;
}

static void account_irq(struct tb_proc_window *w, struct tb_counter_list *list,
			const char *text, const char *label, const char *name,
			int sign)
{
	struct tb_counter *counter = tb_counter_find(list, name);
	struct tb_counter *elsewhere =
		tb_counter_find(list, "irq_tlb_elsewhere");
	bool is_tlb = !strcmp(label, "TLB");
	uint64_t all = 0, in_case = 0;
	unsigned int i;
	int ret;

	memset(w->irq_by_cpu, 0, w->max_cpus * sizeof(*w->irq_by_cpu));
	ret = tb_irq_row(text, label, w->irq_by_cpu, w->max_cpus);
	if (ret) {
		tb_counter_set_absent(counter, "no row %s in /proc/interrupts",
				      label);
		if (is_tlb)
			tb_counter_set_absent(elsewhere, "%s", counter->reason);
		return;
	}
	for (i = 0; i < w->max_cpus; i++)
		all += w->irq_by_cpu[i];
	for (i = 0; i < w->nr_cpus; i++) {
		uint64_t on_cpu = w->irq_by_cpu[w->cpus[i].cpu];

		in_case += on_cpu;
		if (!is_tlb || is_counted(w, i))
			account(counter, on_cpu, sign);
	}
	if (is_tlb)
		account(elsewhere, all - in_case, sign);
}

int tb_proc_window_account(struct tb_proc_window *w,
			   struct tb_counter_list *list, int sign,
			   struct tb_err *err)
{
	struct tb_buf irqs = { 0 }, vmstat = { 0 };
	uint64_t value;
	size_t i;
	int ret;

	ret = tb_read_file("/proc/interrupts", &irqs);
	if (!ret)
		ret = tb_read_file("/proc/vmstat", &vmstat);
	if (ret) {
		tb_fail_errno(err, ret, "cannot read /proc/%s",
			      irqs.len_bytes ? "vmstat" : "interrupts");
		goto out;
	}
	account_irq(w, list, irqs.data, "TLB", "irq_tlb", sign);
	account_irq(w, list, irqs.data, "CAL", "irq_cal", sign);
	account_irq(w, list, irqs.data, "RES", "irq_res", sign);
	for (i = 0; i < ARRAY_SIZE(vmstat_names); i++) {
		struct tb_counter *counter =
			tb_counter_find(list, vmstat_names[i]);

		if (tb_vmstat_value(vmstat.data, vmstat_names[i], &value))
			tb_counter_set_absent(counter,
					      "not in /proc/vmstat (needs "
					      "CONFIG_DEBUG_TLBFLUSH)");
		else
			account(counter, value, sign);
	}
out:
	tb_buf_fini(&irqs);
	tb_buf_fini(&vmstat);
	return ret;
}

void tb_proc_window_fini(struct tb_proc_window *w)
{
	free(w->irq_by_cpu);
	free(w->cpus);
}
