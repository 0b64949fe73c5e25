/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The audit: facts about machine and kernel that must be equal in A and B.
 */
#ifndef TB_AUDIT_H
#define TB_AUDIT_H

#include <stdbool.h>

#define TB_AUDIT_VALUE_BYTES 512

/**
 * struct tb_fact - one line of the audit
 * @name: key in the boot record
 * @is_known: false if it could not be read here
 * @value: text as the kernel gives it
 */
struct tb_fact {
	const char *name;
	bool is_known;
	char value[TB_AUDIT_VALUE_BYTES];
};

/* Facts in a fixed order, freed with free(); NULL if memory is short. */
struct tb_fact *tb_audit_read(unsigned int *nr_facts);

/* Kernel release as uname -r has it. */
void tb_audit_release(char *release, unsigned int size_bytes);

#endif
