/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tracefs and kallsyms say about flushes.
 */
#ifndef TB_TRACE_H
#define TB_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#define TB_MAX_FLUSH_REASONS 12
/* TLB_FLUSH_ON_TASK_SWITCH, reason 0, as a word. */
#define TB_TRACE_TASK_SWITCH "flush_on_task_switch"
/* TLB_REMOTE_SEND_IPI, once per shootdown. */
#define TB_TRACE_IPI_SEND "remote_ipi_send"

/**
 * struct tb_flush_reason - one value of enum tlb_flush_reason
 * @word: its text in lower case with _ for blanks, "remote_shootdown"; kernels
 *	differ in how they write "local MM" and "IPI"
 */
struct tb_flush_reason {
	unsigned int number;
	char word[48];
};

/*
 * Does a CPU flush when it traces this reason? Sending is not flushing, and
 * neither is finding on arrival that the CPU has left the mm ("remote wrong
 * CPU", since 6.14).
 */
bool tb_trace_is_executed(const char *word);

/**
 * struct tb_trace_field - where a field lies in the raw data of an event
 */
struct tb_trace_field {
	unsigned int offset_bytes;
	unsigned int size_bytes;
};

/**
 * tb_trace_mount() - make tracefs visible to this process
 *
 * Where nobody mounted it, root mounts it in a mount namespace of its own, so
 * the machine stays as it was. Failure is no error here: the counters say so.
 */
void tb_trace_mount(void);

/* Where tracefs is mounted and readable, or NULL. */
const char *tb_trace_root(void);

/* Id of the tracepoint "system/name"; false if it cannot be had. */
bool tb_trace_id(const char *name, uint64_t *id);

/**
 * tb_trace_flush_reasons() - the reasons of tlb:tlb_flush on this kernel
 *
 * Return: how many of TB_MAX_FLUSH_REASONS there are; 0 without tracefs.
 */
unsigned int tb_trace_flush_reasons(struct tb_flush_reason *reasons);

/* The same from the text of a format file. */
unsigned int tb_trace_parse_reasons(const char *format,
				    struct tb_flush_reason *reasons);

/**
 * tb_trace_field() - look up field @name of the tracepoint "system/name"
 *
 * Offsets are what the kernel's format file says; kernels differ in them.
 */
bool tb_trace_field(const char *event, const char *name,
		    struct tb_trace_field *field);

/* The same in the text of a format file. */
bool tb_trace_parse_field(const char *format, const char *name,
			  struct tb_trace_field *field);

/**
 * struct tb_flush_funcs - what CPUs are told to run, by address; 0 if kallsyms
 *	does not tell (needs root) or the kernel has no such function
 * @of_mm: flush_tlb_func(), of one mm
 * @of_all: do_flush_tlb_all(), of everything
 * @of_kernel: do_kernel_range_flush(), of kernel addresses
 */
struct tb_flush_funcs {
	unsigned long long of_mm;
	unsigned long long of_all;
	unsigned long long of_kernel;
};

/* @kallsyms: "/proc/kallsyms", or a file like it. */
struct tb_flush_funcs tb_trace_flush_funcs(const char *kallsyms);

#endif
