// SPDX-License-Identifier: GPL-2.0-only
/* Differences of /proc over a window. */
#include "machine/procwindow.h"

#include <errno.h>
#include <stdio.h>
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

static int by_cpu_and_use(const void *a, const void *b)
{
	const struct tb_cpu_use *x = a, *y = b;

	return x->cpu != y->cpu ? x->cpu - y->cpu : (int)x->use - (int)y->use;
}

unsigned int tb_cpu_uses_merge(struct tb_cpu_use *uses, unsigned int nr)
{
	unsigned int i, kept = 0;

	qsort(uses, nr, sizeof(*uses), by_cpu_and_use);
	for (i = 0; i < nr; i++)
		if (!kept || uses[kept - 1].cpu != uses[i].cpu)
			uses[kept++] = uses[i];
	return kept;
}

static void add_counters(const struct tb_proc_window *w,
			 struct tb_counter_list *list)
{
	static const char *const of_cpus[] = { "irq_tlb", "irq_cal", "irq_res",
					       "steal_ms" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(of_cpus); i++)
		tb_counter_split(list,
				 tb_counter_add(list, "cpu", "%s", of_cpus[i]));
	tb_counter_add(list, "system", "irq_tlb_elsewhere");
	if (w->has_bystander) {
		tb_counter_add(list, "cpu", "irq_tlb_bystander");
		tb_counter_add(list, "cpu", "irq_cal_bystander");
	}
	for (i = 0; i < ARRAY_SIZE(vmstat_names); i++)
		tb_counter_add(list, "system", "%s", vmstat_names[i]);
}

static int copy_uses(struct tb_proc_window *w, struct tb_counter_list *list,
		     const struct tb_cpu_use *uses)
{
	unsigned int i;

	w->uses = calloc(w->nr_uses, sizeof(*uses));
	list->cpus = calloc(w->nr_uses, sizeof(*list->cpus));
	if (!w->uses || !list->cpus)
		return -ENOMEM;
	for (i = 0; i < w->nr_uses; i++) {
		w->uses[i] = uses[i];
		w->has_target |= uses[i].use == TB_USE_TARGET;
		if (uses[i].use != TB_USE_BYSTANDER)
			list->cpus[list->nr_cpus++] = uses[i].cpu;
		if ((unsigned int)uses[i].cpu >= w->max_cpus)
			w->max_cpus = (unsigned int)uses[i].cpu + 1;
	}
	return 0;
}

int tb_proc_window_init(struct tb_proc_window *w, struct tb_counter_list *list,
			const struct tb_cpu_use *uses, unsigned int nr_uses,
			bool has_bystander)
{
	*w = (struct tb_proc_window){
		.nr_uses = nr_uses,
		.has_bystander = has_bystander,
		.max_cpus = (unsigned int)sysconf(_SC_NPROCESSORS_CONF),
	};
	if (copy_uses(w, list, uses))
		return -ENOMEM;
	w->by_cpu = calloc(w->max_cpus, sizeof(*w->by_cpu));
	if (!w->by_cpu)
		return -ENOMEM;
	add_counters(w, list);
	return 0;
}

/* --- CPUs ---------------------------------------------------------------- */

/* Of CPUs that others use too nobody knows who suffers there. */
static void account_bystanders(const struct tb_proc_window *w,
			       struct tb_counter *counter, int sign)
{
	unsigned int i, nr = 0;

	for (i = 0; i < w->nr_uses; i++) {
		if (w->uses[i].use != TB_USE_BYSTANDER)
			continue;
		tb_counter_account(&counter->value, w->by_cpu[w->uses[i].cpu],
				   sign);
		nr++;
	}
	if (!nr)
		tb_counter_set_absent(counter,
				      "no bystander has a CPU of its own");
}

/* @counter, split by CPU; summed over initiators' CPUs only if asked. */
static void account_case(const struct tb_proc_window *w,
			 struct tb_counter *counter, bool of_initiators,
			 int sign)
{
	unsigned int i, place = 0;

	for (i = 0; i < w->nr_uses; i++) {
		uint64_t on_cpu = w->by_cpu[w->uses[i].cpu];

		if (w->uses[i].use == TB_USE_BYSTANDER)
			continue;
		if (counter->by_cpu)
			tb_counter_account(&counter->by_cpu[place], on_cpu,
					   sign);
		place++;
		if (of_initiators || w->uses[i].use == TB_USE_TARGET)
			tb_counter_account(&counter->value, on_cpu, sign);
	}
}

static void account_elsewhere(const struct tb_proc_window *w,
			      struct tb_counter *counter, int sign)
{
	unsigned int cpu, i;

	for (cpu = 0; cpu < w->max_cpus; cpu++)
		tb_counter_account(&counter->value, w->by_cpu[cpu], sign);
	for (i = 0; i < w->nr_uses; i++)
		if (w->uses[i].use != TB_USE_INITIATOR)
			tb_counter_account(&counter->value,
					   w->by_cpu[w->uses[i].cpu], -sign);
}

/* The counters of one row of /proc/interrupts; NULL where there is none. */
struct irq_row {
	const char *label;
	const char *of_case, *of_bystanders, *elsewhere;
};

static const struct irq_row irq_rows[] = {
	{ "TLB", "irq_tlb", "irq_tlb_bystander", "irq_tlb_elsewhere" },
	{ "CAL", "irq_cal", "irq_cal_bystander", NULL },
	{ "RES", "irq_res", NULL, NULL },
};

static void set_row_absent(struct tb_counter_list *list,
			   const struct irq_row *row)
{
	const char *const names[] = { row->of_case, row->of_bystanders,
				      row->elsewhere };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct tb_counter *counter =
			names[i] ? tb_counter_find(list, names[i]) : NULL;

		if (counter)
			tb_counter_set_absent(counter,
					      "no row %s in /proc/interrupts",
					      row->label);
	}
}

static void account_row(struct tb_proc_window *w, struct tb_counter_list *list,
			const char *text, const struct irq_row *row, int sign)
{
	bool is_tlb = row->elsewhere;

	memset(w->by_cpu, 0, w->max_cpus * sizeof(*w->by_cpu));
	if (tb_irq_row(text, row->label, w->by_cpu, w->max_cpus)) {
		set_row_absent(list, row);
		return;
	}
	/* A TLB interrupt of an initiator is somebody else's flush. */
	account_case(w, tb_counter_find(list, row->of_case), !is_tlb, sign);
	if (is_tlb && !w->has_target)
		tb_counter_set_absent(tb_counter_find(list, row->of_case),
				      "no other thread of the case to "
				      "interrupt");
	if (row->of_bystanders && w->has_bystander)
		account_bystanders(w, tb_counter_find(list, row->of_bystanders),
				   sign);
	if (row->elsewhere)
		account_elsewhere(w, tb_counter_find(list, row->elsewhere),
				  sign);
}

static void account_interrupts(struct tb_proc_window *w,
			       struct tb_counter_list *list, const char *text,
			       int sign)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(irq_rows); i++)
		account_row(w, list, text, &irq_rows[i], sign);
}

static void ticks_to_ms(uint64_t *value)
{
	*value = *value * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

/* In ticks until the end is known. */
static void account_steal(struct tb_proc_window *w,
			  struct tb_counter_list *list, const char *text,
			  int sign)
{
	struct tb_counter *counter = tb_counter_find(list, "steal_ms");
	unsigned int i;

	memset(w->by_cpu, 0, w->max_cpus * sizeof(*w->by_cpu));
	if (tb_stat_steal(text, w->by_cpu, w->max_cpus)) {
		tb_counter_set_absent(counter, "not in /proc/stat");
		return;
	}
	account_case(w, counter, true, sign);
	if (sign < 0)
		return;
	ticks_to_ms(&counter->value);
	for (i = 0; i < list->nr_cpus && counter->by_cpu; i++)
		ticks_to_ms(&counter->by_cpu[i]);
}

static void account_vmstat(struct tb_proc_window *w,
			   struct tb_counter_list *list, const char *text,
			   int sign)
{
	uint64_t value;
	size_t i;

	(void)w;
	for (i = 0; i < ARRAY_SIZE(vmstat_names); i++) {
		struct tb_counter *counter =
			tb_counter_find(list, vmstat_names[i]);

		if (tb_vmstat_value(text, vmstat_names[i], &value))
			tb_counter_set_absent(counter,
					      "not in /proc/vmstat (needs "
					      "CONFIG_DEBUG_TLBFLUSH)");
		else
			tb_counter_account(&counter->value, value, sign);
	}
}

/* --- the window ---------------------------------------------------------- */

static const struct {
	const char *path;
	void (*account)(struct tb_proc_window *w, struct tb_counter_list *list,
			const char *text, int sign);
} files[] = {
	{ "/proc/interrupts", account_interrupts },
	{ "/proc/stat", account_steal },
	{ "/proc/vmstat", account_vmstat },
};

int tb_proc_window_account(struct tb_proc_window *w,
			   struct tb_counter_list *list, int sign,
			   struct tb_err *err)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		struct tb_buf text = { 0 };
		int ret = tb_read_file(files[i].path, &text);

		if (!ret)
			files[i].account(w, list, text.data ? text.data : "",
					 sign);
		tb_buf_fini(&text);
		if (ret)
			return tb_fail_errno(err, ret, "cannot read %s",
					     files[i].path);
	}
	return 0;
}

void tb_proc_window_fini(struct tb_proc_window *w)
{
	free(w->by_cpu);
	free(w->uses);
}
