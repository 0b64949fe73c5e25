/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The audit: facts about machine and kernel that decide whether numbers can be
 * compared, and what is wrong with them for a quiet measurement.
 *
 * Facts come from /proc and /sys below a root, so that tests can read captured
 * trees. Nothing here changes anything. Reading takes some milliseconds, so it
 * happens before the first case and never inside a measured window.
 */
#ifndef TB_AUDIT_H
#define TB_AUDIT_H

#include <sha2.h>
#include <stdbool.h>

#include "base/json.h"

/* The root of a live machine. */
#define TB_LIVE_ROOT ""

/* What to do when a fact is wrong. */
enum tb_audit_policy {
	TB_RECORD,
	TB_WARN,
	TB_REFUSE
};

/* "record", "warn", "refuse". */
const char *tb_audit_policy_name(enum tb_audit_policy policy);

/**
 * enum tb_fact_kind - between which boots a fact must be equal
 * @TB_FACT_AUDIT: all boots of a campaign
 * @TB_FACT_BUILD: all boots of one kernel
 * @TB_FACT_STATE: none; what the machine is doing just now
 */
enum tb_fact_kind {
	TB_FACT_AUDIT,
	TB_FACT_BUILD,
	TB_FACT_STATE
};

struct tb_fact_def;

/**
 * struct tb_fact - one line of the audit
 * @def: what it is
 * @is_known: false if it could not be read here, for @reason
 * @is_wrong: known, and not what a quiet measurement needs
 * @value: text as the kernel gives it
 */
struct tb_fact {
	const struct tb_fact_def *def;
	bool is_known;
	bool is_wrong;
	struct tb_buf value;
	char reason[160];
};

struct tb_source;

/**
 * struct tb_fact_def - a row of the check list
 * @path: its first line is the value; with a '*', all values that occur
 * @read: instead of @path: adds to the value; 0, or -errno with a reason of its
 *	own or none
 * @policy: if it is wrong
 * @want: what it should be; @is_wrong: instead, where that is no single text
 * @in_exact: also of interest where only instructions are counted
 * @why: it matters for TLB work, a clause
 * @advice: what to do when it is wrong, with the command where there is one
 * @is_set_by_quiet: profile quiet makes it right
 */
struct tb_fact_def {
	const char *name;
	const char *group;
	enum tb_fact_kind kind;
	enum tb_audit_policy policy;
	bool in_exact;
	const char *path;
	int (*read)(struct tb_source *src, struct tb_fact *f);
	const char *want;
	bool (*is_wrong)(const char *value);
	const char *why;
	const char *advice;
	bool is_set_by_quiet;
};

/* The check list, grouped, and its length. */
extern const struct tb_fact_def tb_fact_defs[];
extern const unsigned int tb_nr_fact_defs;

/**
 * struct tb_audit - all facts, in the order of the check list
 * @sha256: hex, of the facts that are no TB_FACT_STATE as one JSON object,
 *	names sorted, no blanks, unknown is null
 */
struct tb_audit {
	struct tb_fact *facts;
	unsigned int nr_facts;
	char sha256[SHA256_DIGEST_STRING_LENGTH];
};

/* Read all; 0 or -ENOMEM. tb_audit_fini() afterwards in either case. */
int tb_audit_read(struct tb_audit *audit, const char *root);
void tb_audit_fini(struct tb_audit *audit);

/* The fact of this name, which must exist. */
const struct tb_fact *tb_audit_fact(const struct tb_audit *audit,
				    const char *name);

/* Append "a, b": the names of stable facts that differ. */
void tb_audit_differences(const struct tb_audit *a, const struct tb_audit *b,
			  struct tb_buf *names);

/* Append "NAME = VALUE: why". */
void tb_fact_complaint(const struct tb_fact *f, struct tb_buf *b);

/* Kernel release as uname -r has it. */
void tb_audit_release(char *release, unsigned int size_bytes);

#endif
