/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A campaign file, resolved: kernels, cases and the exact order of slots.
 *
 *	[campaign]  name, backend = here | vm, boots, seed,
 *	            litmus = full | short | none, and see declare.h
 *	[vm]        cpus, sockets, threads_per_core, nodes, memory (k, M, G, T),
 *	            accel = auto | kvm | exact | tcg, timeout_seconds (wall
 *	            clock of one slot)
 *	[kernel N]  strategy = ID | image = DIR | spec = SPEC, append = kernel
 *	            parameters, optional = yes | no
 *	[defaults]  keys of cases
 *	[case N]    workload, its parameters, and of the harness: cpus,
 *	            threads.ROLE, instances, ops, warmup_ops, repetitions,
 *	            sched, placement, timeout_seconds.
 *	[expect N]  see expect.h
 *
 * A list "a, b" in a case is swept.
 */
#ifndef TB_PLAN_H
#define TB_PLAN_H

#include <sha2.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/json.h"
#include "campaign/config.h"
#include "campaign/expect.h"
#include "campaign/host.h"
#include "engine/case.h"
#include "machine/quiet.h"
#include "machine/topo.h"

enum tb_accel {
	TB_ACCEL_AUTO,
	TB_ACCEL_KVM,
	TB_ACCEL_EXACT,
	TB_ACCEL_TCG
};

/* "kvm", "exact", "tcg"; of the here backend NULL is "none". */
const char *tb_accel_name(enum tb_accel accel);

/**
 * enum tb_litmus_share - how much of the litmus tests a campaign runs first, on
 *	each kernel
 * @TB_LITMUS_SHORT: two tries of each point
 */
enum tb_litmus_share {
	TB_LITMUS_FULL,
	TB_LITMUS_SHORT,
	TB_LITMUS_NONE
};

/**
 * struct tb_kernel - one side of the comparison
 * @name: as in the campaign; the first is the reference
 * @strategy: id of kernels/strategies/, or NULL
 * @spec: any kernel, as kernels/build takes it, or NULL
 * @image: directory that kernels/build makes; filled by tb_images_resolve()
 *	unless the campaign names it
 * @append: further kernel parameters, may be ""
 * @facts: image.conf, of which the next two come; zeroed until it was read
 * @id, @release: of the image
 * @is_optional: left out where there is no such strategy yet
 * @is_control: its strategy says that it is not sound
 * @soundness: "sound", "unsound", "unchecked" or NULL, which is the same;
 *	set by who runs the plan
 * @where: it comes from: file:line, or an argument; messages begin with it
 */
struct tb_kernel {
	char *name;
	char *strategy;
	char *spec;
	char *image;
	char *append;
	struct tb_conf facts;
	char *id;
	char *release;
	bool is_optional;
	bool is_control;
	const char *soundness;
	char *where;
};

/**
 * struct tb_slot_plan - one boot in its place
 * @pair: boots of all kernels with the same pair share @seed and are compared
 *	with each other
 */
struct tb_slot_plan {
	unsigned int slot;
	unsigned int pair;
	unsigned int kernel;
	uint64_t seed;
};

/**
 * struct tb_rep_plan - one repetition in its place within every slot
 * @cs: index of its case
 */
struct tb_rep_plan {
	unsigned int cs;
	unsigned int repetition;
};

struct tb_plan {
	char *path;
	/* In hex, set by who runs the plan; "" if nobody does. */
	char conf_sha256[SHA256_DIGEST_STRING_LENGTH];
	char binary_sha256[SHA256_DIGEST_STRING_LENGTH];
	/* The profile that is in force, set by who runs the plan. */
	struct tb_quiet *quiet;
	char *name;
	bool is_vm;
	unsigned int boots;
	uint64_t seed;
	struct tb_shape vm_shape;
	uint64_t vm_memory_bytes;
	unsigned int vm_timeout_s;
	enum tb_accel accel;
	enum tb_litmus_share litmus;
	struct tb_kernel *kernels;
	unsigned int nr_kernels;
	/* Optional ones that were left out, see tb_images_resolve(). */
	struct tb_kernel *missing;
	unsigned int nr_missing;
	struct tb_case *cases;
	unsigned int nr_cases;
	struct tb_expect *expects;
	unsigned int nr_expects;
	/* See declare.h; lists as they stand in the file. */
	char *headline;
	char *may_differ;
	/* See aa.h. */
	bool is_aa;
	/* See host.h; "" if nobody runs the plan. */
	char host[TB_HOST_CHARS + 1];
	struct tb_slot_plan *slots;
	unsigned int nr_slots;
	struct tb_rep_plan *reps;
	unsigned int nr_reps;
};

/**
 * tb_plan_load() - read and check a campaign file, whole
 * @topo: usable CPUs; decides what fits with the here backend
 *
 * Every mistake is a usage error with file:line; nothing is started.
 */
int tb_plan_load(struct tb_plan *plan, const char *path,
		 const struct tb_topo *topo, struct tb_err *err);

/* The same from text, which messages call @path. */
int tb_plan_parse(struct tb_plan *plan, const char *path, const char *text,
		  const struct tb_topo *topo, struct tb_err *err);

/* The same from what was parsed already; takes @conf, in any case. */
int tb_plan_make(struct tb_plan *plan, struct tb_conf *conf,
		 const struct tb_topo *topo, struct tb_err *err);
void tb_plan_fini(struct tb_plan *plan);

/* A fact of the image, or @def; before it was read always @def. */
const char *tb_kernel_fact(const struct tb_kernel *k, const char *key,
			   const char *def);

/* Is it a kernel that was configured for something else than this? */
bool tb_kernel_is_foreign(const struct tb_kernel *k);

/* Frees what it holds, not itself. */
void tb_kernel_fini(struct tb_kernel *k);

/* plan.json of the campaign directory, one line. */
void tb_plan_json(const struct tb_plan *plan, struct tb_buf *b);

#endif
