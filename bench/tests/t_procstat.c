// SPDX-License-Identifier: GPL-2.0-only
/* Files of /proc as kernels write them, and damaged. */
#include "machine/procstat.h"

#include <errno.h>

#include "tests/t.h"

#define UNTOUCHED 12345678

static const char four_cpus[] =
	"           CPU0       CPU1       CPU2       CPU3       \n"
	"  0:         36          0          0          0   IO-APIC    2-edge  "
	" "
	"   timer\n"
	"  8:          0          0          0          1   IO-APIC    8-edge  "
	" "
	"   rtc0\n"
	" 24:          0     184512          0          0   PCI-MSI "
	"327680-edge "
	"     xhci_hcd\n"
	"NMI:         12         11         13         12   Non-maskable "
	"interrupts\n"
	"LOC:    5401234    5312345    5212345    5112345   Local timer "
	"interrupts\n"
	"RES:       1234       2345       3456       4567   Rescheduling "
	"interrupts\n"
	"CAL:     100001     100002     100003     100004   Function call "
	"interrupts\n"
	"TLB:         10         20         30 4294967306   TLB shootdowns\n"
	"ERR:          7\n"
	"MIS:          0\n";

/* CPUs 1 and 3 are offline: neither has a column. */
static const char gaps[] =
	"            CPU0       CPU2       CPU4       \n"
	"   9:          1          2          3   IO-APIC    9-fasteoi   acpi\n"
	" TLB:         10         30         50   TLB shootdowns\n";

static void set_untouched(uint64_t *by_cpu, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		by_cpu[i] = UNTOUCHED;
}

static void rows_are_read_by_label(void **state)
{
	uint64_t by_cpu[4];

	(void)state;
	assert_int_equal(tb_irq_row(four_cpus, "TLB", by_cpu, 4), 0);
	assert_int_equal(by_cpu[0], 10);
	assert_int_equal(by_cpu[1], 20);
	assert_int_equal(by_cpu[2], 30);
	/* More than 32 bits. */
	assert_int_equal(by_cpu[3], 4294967306ULL);
	assert_int_equal(tb_irq_row(four_cpus, "CAL", by_cpu, 4), 0);
	assert_int_equal(by_cpu[3], 100004);
	assert_int_equal(tb_irq_row(four_cpus, "RES", by_cpu, 4), 0);
	assert_int_equal(by_cpu[0], 1234);
	assert_int_equal(tb_irq_row(four_cpus, "24", by_cpu, 4), 0);
	assert_int_equal(by_cpu[1], 184512);
}

static void columns_are_cpu_numbers(void **state)
{
	uint64_t by_cpu[6];

	(void)state;
	set_untouched(by_cpu, 6);
	assert_int_equal(tb_irq_row(gaps, "TLB", by_cpu, 6), 0);
	assert_int_equal(by_cpu[0], 10);
	assert_int_equal(by_cpu[1], UNTOUCHED);
	assert_int_equal(by_cpu[2], 30);
	assert_int_equal(by_cpu[3], UNTOUCHED);
	assert_int_equal(by_cpu[4], 50);
	assert_int_equal(by_cpu[5], UNTOUCHED);
}

static void higher_cpus_are_left_out(void **state)
{
	uint64_t by_cpu[5];

	(void)state;
	set_untouched(by_cpu, 5);
	/* CPU 4 is the first that is too high. */
	assert_int_equal(tb_irq_row(gaps, "TLB", by_cpu, 4), 0);
	assert_int_equal(by_cpu[2], 30);
	assert_int_equal(by_cpu[3], UNTOUCHED);
	assert_int_equal(by_cpu[4], UNTOUCHED);
}

static void many_cpus(void **state)
{
	struct tb_buf b = { 0 };
	uint64_t by_cpu[512];
	unsigned int i;

	(void)state;
	tb_buf_printf(&b, "     ");
	for (i = 0; i < 512; i++)
		tb_buf_printf(&b, "       CPU%-3u", i);
	tb_buf_printf(&b, "\n TLB:");
	for (i = 0; i < 512; i++)
		tb_buf_printf(&b, " %10u", i * i);
	tb_buf_printf(&b, "   TLB shootdowns\n");
	assert_int_equal(tb_irq_row(b.data, "TLB", by_cpu, 512), 0);
	for (i = 0; i < 512; i++)
		assert_int_equal(by_cpu[i], i * i);
	tb_buf_fini(&b);
}

static void missing_rows_are_no_zeroes(void **state)
{
	uint64_t by_cpu[4];

	(void)state;
	set_untouched(by_cpu, 4);
	assert_int_equal(tb_irq_row(gaps, "CAL", by_cpu, 4), -ENOENT);
	/* Neither a part of a label nor a word of a description is one. */
	assert_int_equal(tb_irq_row(four_cpus, "TL", by_cpu, 4), -ENOENT);
	assert_int_equal(tb_irq_row(four_cpus, "LB", by_cpu, 4), -ENOENT);
	assert_int_equal(tb_irq_row(four_cpus, "timer", by_cpu, 4), -ENOENT);
	assert_int_equal(tb_irq_row("", "TLB", by_cpu, 4), -ENOENT);
	assert_int_equal(tb_irq_row("\n\n", "TLB", by_cpu, 4), -ENOENT);
	assert_int_equal(by_cpu[0], UNTOUCHED);
}

static void malformed_rows_are_refused(void **state)
{
	uint64_t by_cpu[4];

	(void)state;
	/* One number for all CPUs. */
	assert_int_equal(tb_irq_row(four_cpus, "ERR", by_cpu, 4), -EBADMSG);
	assert_int_equal(tb_irq_row(" CPU0 CPU1\nTLB:\n", "TLB", by_cpu, 4),
			 -EBADMSG);
	assert_int_equal(tb_irq_row(" CPU0 CPU1\nTLB: 1", "TLB", by_cpu, 4),
			 -EBADMSG);
	assert_int_equal(
		tb_irq_row(" CPU0 CPU1\nTLB: 1 shootdowns\n", "TLB", by_cpu, 4),
		-EBADMSG);
	assert_int_equal(tb_irq_row(" CPU0\nTLB: many\n", "TLB", by_cpu, 4),
			 -EBADMSG);
}

static void the_next_row_is_not_read(void **state)
{
	uint64_t by_cpu[4];

	(void)state;
	/* Too few numbers, and the next line begins with one. */
	assert_int_equal(tb_irq_row(" CPU0 CPU1\nTLB: 1\n 9: 5 6 acpi\n", "TLB",
				    by_cpu, 4),
			 -EBADMSG);
}

static void text_without_a_header_is_refused(void **state)
{
	uint64_t by_cpu[4];

	(void)state;
	assert_int_equal(tb_irq_row("TLB: 1 2 3 4\n", "TLB", by_cpu, 4),
			 -EBADMSG);
	assert_int_equal(tb_irq_row("irq\nTLB: 1 2 3 4\n", "TLB", by_cpu, 4),
			 -EBADMSG);
}

static const char vmstat[] = "nr_free_pages 7654321\n"
			     "nr_tlb_remote_flush_received 22\n"
			     "nr_tlb_remote_flush 11\n"
			     "nr_tlb_local_flush_all 18446744073709551615\n"
			     "nr_tlb_local_flush_one 0\n"
			     "nr_unstable 44";

static void check_vmstat(const char *name, uint64_t expected)
{
	uint64_t value = UNTOUCHED;

	assert_int_equal(tb_vmstat_value(vmstat, name, &value), 0);
	assert_int_equal(value, expected);
}

static void vmstat_is_read_by_whole_name(void **state)
{
	(void)state;
	check_vmstat("nr_free_pages", 7654321);
	check_vmstat("nr_tlb_remote_flush", 11);
	check_vmstat("nr_tlb_remote_flush_received", 22);
	check_vmstat("nr_tlb_local_flush_all", UINT64_MAX);
	check_vmstat("nr_tlb_local_flush_one", 0);
	check_vmstat("nr_unstable", 44);
}

static void missing_in_vmstat_is_no_zero(void **state)
{
	uint64_t value = UNTOUCHED;

	(void)state;
	assert_int_equal(tb_vmstat_value(vmstat, "nr_tlb", &value), -ENOENT);
	assert_int_equal(tb_vmstat_value(vmstat, "free_pages", &value),
			 -ENOENT);
	assert_int_equal(tb_vmstat_value("", "nr_unstable", &value), -ENOENT);
	assert_int_equal(tb_vmstat_value("nr_x \n", "nr_x", &value), -ENOENT);
	assert_int_equal(tb_vmstat_value("nr_x \n7\n", "nr_x", &value),
			 -ENOENT);
	assert_int_equal(tb_vmstat_value("nr_x much\n", "nr_x", &value),
			 -ENOENT);
	assert_int_equal(value, UNTOUCHED);
}

static void steal_is_read_per_cpu(void **state)
{
	uint64_t by_cpu[3];

	(void)state;
	set_untouched(by_cpu, 3);
	assert_int_equal(tb_stat_steal("cpu  1 2 3 4 5 6 7 8\n"
				       "cpu0 1 2 3 4 5 6 7 8\n"
				       "cpu2 1 2 3 4 5 6 7 9 9 10\n"
				       "intr 8687500 0 0 17\n",
				       by_cpu, 3),
			 0);
	assert_int_equal(by_cpu[0], 8);
	assert_int_equal(by_cpu[1], UNTOUCHED);
	assert_int_equal(by_cpu[2], 9);
	set_untouched(by_cpu, 3);
	assert_int_equal(
		tb_stat_steal("cpu  1 2\ncpu2 1 2 3 4 5 6 7 9\n", by_cpu, 2),
		0);
	assert_int_equal(by_cpu[0], UNTOUCHED);
}

static void steal_that_is_not_told_is_no_zero(void **state)
{
	uint64_t by_cpu[1] = { UNTOUCHED };

	(void)state;
	assert_int_equal(tb_stat_steal("", by_cpu, 1), -ENOENT);
	assert_int_equal(tb_stat_steal("cpu  1 2 3 4 5 6 7 8\n", by_cpu, 1),
			 -ENOENT);
	/* Seven columns, as before 2.6.11. */
	assert_int_equal(tb_stat_steal("cpu  1\ncpu0 1 2 3 4 5 6 7\nctxt 1\n",
				       by_cpu, 1),
			 -ENOENT);
	assert_int_equal(by_cpu[0], UNTOUCHED);
}

static const char task_status[] = "Name:\tx\n"
				  "voluntary_ctxt_switches:\t150\n"
				  "nonvoluntary_ctxt_switches:\t545\n";

static void threads_are_read(void **state)
{
	/* A name may look like the fields behind it. */
	const char *stat = "77 (a) R 1 (2) S 70 77 70 34816 -1 4194304 "
			   "111 222 333 444 5 6 7 8 20 0 1\n";
	struct tb_task_counts c;

	(void)state;
	assert_int_equal(tb_task_counts(stat, task_status, &c), 0);
	assert_int_equal(c.nr_minor_faults, 111);
	assert_int_equal(c.nr_major_faults, 333);
	assert_int_equal(c.nr_voluntary, 150);
	assert_int_equal(c.nr_involuntary, 545);
}

static void threads_that_tell_nothing_are_refused(void **state)
{
	const char *stat = "7 (a) S 70 77 70 0 -1 4 111 222 333 444\n";
	struct tb_task_counts c;

	(void)state;
	assert_int_equal(tb_task_counts(stat, task_status, &c), 0);
	assert_int_equal(tb_task_counts(stat, "", &c), -EBADMSG);
	assert_int_equal(
		tb_task_counts(stat, "voluntary_ctxt_switches:\t1\n", &c),
		-EBADMSG);
	assert_int_equal(tb_task_counts("", task_status, &c), -EBADMSG);
	assert_int_equal(tb_task_counts("7 (a) S 70 77\n", task_status, &c),
			 -EBADMSG);
}

static void the_running_kernel_is_understood(void **state)
{
	struct tb_buf b = { 0 };
	uint64_t value = 0;
	uint64_t by_cpu[4096] = { 0 };

	(void)state;
	assert_int_equal(tb_read_file("/proc/vmstat", &b), 0);
	assert_int_equal(tb_vmstat_value(b.data, "nr_free_pages", &value), 0);
	assert_true(value > 0);
	tb_buf_fini(&b);
	if (tb_read_file("/proc/interrupts", &b))
		T_SKIP("no /proc/interrupts");
#if defined(__x86_64__)
	assert_int_equal(tb_irq_row(b.data, "LOC", by_cpu, 4096), 0);
#endif
	assert_int_equal(tb_irq_row(b.data, "no such row", by_cpu, 4096),
			 -ENOENT);
	tb_buf_fini(&b);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_read_by_label),
		cmocka_unit_test(columns_are_cpu_numbers),
		cmocka_unit_test(higher_cpus_are_left_out),
		cmocka_unit_test(many_cpus),
		cmocka_unit_test(missing_rows_are_no_zeroes),
		cmocka_unit_test(malformed_rows_are_refused),
		cmocka_unit_test(the_next_row_is_not_read),
		cmocka_unit_test(text_without_a_header_is_refused),
		cmocka_unit_test(vmstat_is_read_by_whole_name),
		cmocka_unit_test(missing_in_vmstat_is_no_zero),
		cmocka_unit_test(steal_is_read_per_cpu),
		cmocka_unit_test(steal_that_is_not_told_is_no_zero),
		cmocka_unit_test(threads_are_read),
		cmocka_unit_test(threads_that_tell_nothing_are_refused),
		cmocka_unit_test(the_running_kernel_is_understood),
	};

	return T_RUN("procstat", tests);
}
