/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The workload contract.
 *
 * A workload is one file under workloads/ that ends with
 *
 *	const struct wl_ops wl_<name> = { ... };
 *
 * where <name> is the file's base name, the value of "workload =" in a
 * campaign and the name in every record. The Makefile makes the registry from
 * the files that exist; nothing else is edited to add one.
 *
 * The harness owns loops, threads, clocks, placement and counters. Per op of
 * an initiator it calls
 *
 * 1. rearm, untimed: rebuild what op destroys;
 * 2. the rendezvous: every responder and sleeper runs its own op, which loads
 *    the range into the TLB of its CPU, and acknowledges; sleepers are then
 *    seen off their CPU, which is in lazy TLB mode from there on;
 * 3. op, timed: the measured act, exactly once;
 * 4. check, untimed: was the effect right?
 *
 * There may be a rendezvous before every op, several, one before every n-th op
 * or none. Without any, responders run rearm, op, check in a loop of their own,
 * whatever the initiator does. Several initiators of one instance wait for each
 * other at each rendezvous. All other roles are timed too: a responder's op; a
 * sleeper from being asked until its op is done, which includes its wake-up.
 *
 * A role that says so may run in processes of its own, as the case asks: they
 * are forked from the instance after setup(), so they inherit its mappings and
 * files. All else is as with threads. Page tables of shared mappings of files
 * are not inherited, so each process has its own and may attach anew.
 *
 * All callbacks return 0 or -errno. None may print; only setup, teardown and
 * those of processes and threads may allocate.
 */
#ifndef WL_H
#define WL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WL_ABI 2
#define WL_MAX_ROLES 4
#define WL_MAX_REGIONS 4
#define WL_MAX_METRICS 16
#define WL_MAX_FILES 4

/* Of rendezvous_every(); needs runs_free. */
#define WL_NEVER UINT64_MAX

struct tb_clock;
struct wl_values;

struct wl_ctx;
struct wl_thread;
struct wl_reasons;
struct wl_res;

/**
 * enum wl_kind - what the harness does with the threads of a role
 * @WL_INITIATOR: runs rearm, op, check in a loop; its op is timed
 * @WL_RESPONDER: spins; runs its op at each rendezvous, keeps its CPU busy
 * @WL_SLEEPER: sleeps; woken for each rendezvous, then sleeps again
 * @WL_BYSTANDER: of the harness alone: a thread of an unrelated process
 */
enum wl_kind {
	WL_INITIATOR,
	WL_RESPONDER,
	WL_SLEEPER,
	WL_BYSTANDER
};

/**
 * struct wl_role - one kind of thread that the workload needs
 * @name: as in "threads.<name> =" and in records
 * @help: completes the sentence "The <name> ..."
 * @def_threads: per instance; 0 with @fills_cpus
 * @fills_cpus: by default one thread on each CPU that the case has left
 * @max_threads: per instance, or per process where it has processes; 0 means
 *	one initiator, or any number of others
 * @max_processes: as in "processes.<name> ="; 0: it has threads of the instance
 *	only, as initiators always do
 * @def_processes: per instance; 0: threads of the instance; with @fills_cpus
 *	1 means one on each CPU that the case has left
 * @rearm, @check: of initiators, and of responders without rendezvous; may be
 *	NULL
 * @op: the timed act, or what a rendezvous asks of this role
 */
struct wl_role {
	const char *name;
	const char *help;
	enum wl_kind kind;
	unsigned int def_threads;
	bool fills_cpus;
	unsigned int max_threads;
	unsigned int max_processes;
	unsigned int def_processes;
	int (*rearm)(struct wl_thread *t);
	int (*op)(struct wl_thread *t);
	int (*check)(struct wl_thread *t);
};

enum wl_type {
	WL_UINT,
	WL_SIZE,
	WL_BOOL,
	WL_ENUM
};

/**
 * struct wl_param - one parameter; the table drives parsing, range errors,
 *	`tlbbench describe`, the record and the manual
 * @name: key in the campaign
 * @help: one sentence without a full stop
 * @type: WL_SIZE takes k, M, G, T; WL_BOOL takes yes, no
 * @offset: of a uint64_t in the workload's conf, for every type
 * @def, @min, @max: WL_ENUM: index into @values; @max is ignored there
 * @values: NULL-terminated; WL_ENUM only
 */
struct wl_param {
	const char *name;
	const char *help;
	enum wl_type type;
	size_t offset;
	uint64_t def;
	uint64_t min;
	uint64_t max;
	const char *const *values;
};

/**
 * struct wl_env - what probe() may look at
 * @nr_cpus: CPUs of the case
 * @nr_instances: of the case
 * @nr_threads, @nr_processes: of each instance by role, as in struct wl_ctx
 * @page_bytes: base page size
 */
struct wl_env {
	unsigned int nr_cpus;
	unsigned int nr_instances;
	unsigned int nr_threads[WL_MAX_ROLES];
	unsigned int nr_processes[WL_MAX_ROLES];
	size_t page_bytes;
};

/* Append one reason why the workload cannot run here. */
void wl_reason(struct wl_reasons *why, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * enum wl_fs - where a file is
 * @WL_FS_DISK: file system of a disk, with O_DIRECT; in our VMs ext4. Not in
 *	the page cache. Its blocks are reserved and reading it costs no disk
 * @WL_FS_DISK_DATA: the same, written: each page begins with its number, as a
 *	uint64_t
 * @WL_FS_TMPFS: a hole, whose pages belong to who touches them first
 */
enum wl_fs {
	WL_FS_DISK,
	WL_FS_DISK_DATA,
	WL_FS_TMPFS
};

/*
 * Resources: what a workload needs outside of its processes. They are made
 * before the instances and undone after them, last one first, however the case
 * ends. For wl_ops.prepare(), which is called twice: what cannot be had here
 * is a reason to skip the case. The record says what was made; of settings and
 * of swap, which concern the whole machine, a caveat says so, too.
 */

/* A file without a name; its descriptor is the next one in wl_ctx.files. */
void wl_res_file(struct wl_res *res, enum wl_fs fs, uint64_t bytes);

/* At most so much memory for all instances together; they are in a cgroup. */
void wl_res_memcg(struct wl_res *res, uint64_t bytes);

/* Swap of that size on a zram device, before any other swap. */
void wl_res_swap(struct wl_res *res, uint64_t bytes);

/**
 * wl_res_set() - a setting of the kernel, restored afterwards
 * @path: one of those in bench/machine/knobs.c
 * @value: as the file says it; of choices the one in brackets
 */
void wl_res_set(struct wl_res *res, const char *path, const char *value);

/**
 * struct wl_region - memory of one kind, that a case may put on a NUMA node
 * @name: as in "node.<name> ="
 * @help: completes the sentence "The NUMA node of <help>."
 */
struct wl_region {
	const char *name;
	const char *help;
};

/**
 * struct wl_binding - where memory of a region is to be
 * @is_bound: to @node, by the case's key "node.REGION"; else anywhere
 * @addr, @len_bytes: what wl_place() was last called with; the harness looks
 *	where its pages are before the first op of each phase
 */
struct wl_binding {
	bool is_bound;
	int node;
	_Atomic(void *) addr;
	_Atomic(size_t) len_bytes;
};

/**
 * enum wl_metric_kind - where a value comes from and what is made of it
 * @WL_TOTAL: wl_add(); summed over all threads, reported per op and per second
 * @WL_LEVEL: wl_level(), by one thread of each process; the last one holds, no
 *	matter when it was set; reported as the sum and per process
 * @WL_LEVEL_OF_ALL: wl_level(), by one thread of one process, of the whole
 *	machine; reported as it is
 * @WL_TIME: wl_time(); a histogram of its own, of which each thread touches 12
 *	KiB or, where times differ much, some more
 * @WL_SETUP_TIME: the same, but counted whenever it comes: what is done once,
 *	before the measured window
 * @WL_VMSTAT: a field of /proc/vmstat, read by the harness around the counted
 *	pass; reported as a total is
 * @WL_MEMSTAT: the same of memory.stat of the case's memory cgroup. That file
 *	lags, so less than 12800 for each CPU is absent
 */
enum wl_metric_kind {
	WL_TOTAL,
	WL_LEVEL,
	WL_LEVEL_OF_ALL,
	WL_TIME,
	WL_SETUP_TIME,
	WL_VMSTAT,
	WL_MEMSTAT
};

enum wl_better {
	WL_LOWER,
	WL_HIGHER,
	WL_NEITHER
};

/**
 * struct wl_metric - a value of the workload's own
 * @name: of the field with WL_VMSTAT and WL_MEMSTAT. In the record follow
 *	"_per_op" and "_per_s", "_per_process", or "_p50_ns" and "_p99_ns"
 * @unit: what is counted, in the plural; times have none
 * @help: completes the sentence "The <help>."
 * @is_headline: a verdict about it is what a campaign may be for
 */
struct wl_metric {
	const char *name;
	const char *unit;
	const char *help;
	enum wl_metric_kind kind;
	enum wl_better better;
	bool is_headline;
};

/**
 * struct wl_effect - what flushes, if it is not the op but comes later and
 *	elsewhere, as reclaim does
 * @event: one of them, such as "reclaimed_page"
 * @metrics: names of totals or fields of wl_ops.metrics whose sum is the number
 *	of events; ends with NULL
 *
 * Flushes and IPIs are then counted per event and not per op, the bounds of
 * expect() are of one event, the op is the request: its rate is in the record
 * as ops_per_s, its time as request_..., never as op_....
 */
struct wl_effect {
	const char *event;
	const char *const *metrics;
};

/**
 * struct wl_ctx - one instance (process) of the workload
 * @conf: the workload's parameters, @wl_ops.conf_bytes long
 * @priv: the workload's own state, set by setup()
 * @nr_threads: by role, of all its processes together
 * @nr_processes: by role; 0: its threads are the instance's own
 * @nr_ops: measured ops of one initiator in one pass
 * @page_bytes: base page size
 * @bindings: by index into wl_ops.regions; for wl_place()
 * @clock: for wl_now()
 * @files: of wl_res_file(), in the order of the calls
 * @pagemap: /proc/self/pagemap of this process, or -errno
 */
struct wl_ctx {
	const void *conf;
	void *priv;
	unsigned int nr_threads[WL_MAX_ROLES];
	unsigned int nr_processes[WL_MAX_ROLES];
	uint64_t nr_ops;
	size_t page_bytes;
	struct wl_binding bindings[WL_MAX_REGIONS];
	const struct tb_clock *clock;
	int files[WL_MAX_FILES];
	int pagemap;
};

/**
 * wl_place() - have memory on the NUMA node that the case asks for
 * @region: index into wl_ops.regions
 *
 * Called after every mmap() of such memory, before it is touched. Does nothing
 * unless the case asks for a node. Return: 0 or -errno, see tb_mem_bind().
 */
int wl_place(struct wl_ctx *c, unsigned int region, void *addr,
	     size_t len_bytes);

/**
 * struct wl_thread - one thread of an instance
 * @ctx: its instance, or its process's copy of that
 * @priv: the workload's own state, set by thread_init()
 * @role: index into wl_ops.roles
 * @idx: 0, 1, ... within role and instance
 * @process: 0, 1, ... likewise; 0 if the role has no processes
 * @cpu: kernel CPU number it is pinned to
 * @values: for wl_add() and its like
 */
struct wl_thread {
	struct wl_ctx *ctx;
	void *priv;
	unsigned int role;
	unsigned int idx;
	unsigned int process;
	int cpu;
	struct wl_values *values;
};

/*
 * Values of the workload's own. @metric is an index into wl_ops.metrics. Each
 * thread adds to memory of its own, so that a hot loop may call them; what is
 * added outside of the measured window is dropped, see enum wl_metric_kind.
 */

/* Ticks of the harness's clock; cheap, and comparable between threads. */
uint64_t wl_now(const struct wl_ctx *c);

void wl_add(struct wl_thread *t, unsigned int metric, uint64_t n);
void wl_level(struct wl_thread *t, unsigned int metric, uint64_t value);

/* @ticks: the difference of two wl_now(). */
void wl_time(struct wl_thread *t, unsigned int metric, uint64_t ticks);

/* Inclusive bounds; -1 as @max means no upper bound. */
struct wl_bound {
	double min;
	double max;
};

/**
 * struct wl_expect - what one correct op causes, on whatever sound kernel
 * @ipis_received: on the CPUs of the other threads, together
 * @flushes: flushes executed, local and remote
 * @pages: of one flush that is of a range; full flushes have no number
 * @faults: page faults of all threads, those of rearm among them
 */
struct wl_expect {
	struct wl_bound ipis_received;
	struct wl_bound flushes;
	struct wl_bound pages;
	struct wl_bound faults;
};

/**
 * struct wl_ops - one workload
 * @abi: WL_ABI
 * @name: equals the file's base name
 * @summary: completes the sentence "Measures ..."
 * @path: kernel functions that are expected to flush; NULL: nothing flushes
 * @tags: words from the list in workloads/README.md
 * @params: ends with a NULL name; may be NULL
 * @roles: ends with a NULL name; exactly the first is the initiator
 * @regions: at most WL_MAX_REGIONS, ends with a NULL name; may be NULL
 * @metrics: at most WL_MAX_METRICS, ends with a NULL name; may be NULL
 * @effect: NULL: the op itself flushes, or makes others flush before it returns
 * @probe: every reason why it cannot run; may be NULL
 * @prepare: asks for resources, by wl_res_*() alone; may be NULL
 * @rendezvous_every: rendezvous before op 0, n, 2n, ... of each phase; 0 means
 *	before op 0 only, WL_NEVER none; NULL leaves it to the key "rendezvous"
 *	of the case
 * @rendezvous_times: at each of them so many, one after the other; NULL: one
 * @runs_free: the ops of responders may run at any time, also during the
 *	initiator's, so "rendezvous = none" is possible, and the default
 * @setup: called once in the instance, before its threads exist; may be NULL
 * @process_init, @process_exit: in a process of @role, before its threads exist
 *	and after they have ended; may be NULL
 * @thread_init, @thread_exit: on the pinned thread; may be NULL
 * @teardown: undoes setup(), also after any later failure; in the instance
 *	alone, after its processes have ended; may be NULL
 * @expect: fills the bounds that differ from "anything"; may be NULL
 */
struct wl_ops {
	unsigned int abi;
	const char *name;
	const char *summary;
	const char *path;
	const char *tags;
	const struct wl_param *params;
	size_t conf_bytes;
	const struct wl_role *roles;
	const struct wl_region *regions;
	const struct wl_metric *metrics;
	const struct wl_effect *effect;
	void (*probe)(const struct wl_env *env, const void *conf,
		      struct wl_reasons *why);
	void (*prepare)(struct wl_res *res, const void *conf);
	uint64_t (*rendezvous_every)(const void *conf);
	uint64_t (*rendezvous_times)(const void *conf);
	bool runs_free;
	int (*setup)(struct wl_ctx *c);
	int (*process_init)(struct wl_ctx *c, unsigned int role,
			    unsigned int process);
	void (*process_exit)(struct wl_ctx *c, unsigned int role,
			     unsigned int process);
	int (*thread_init)(struct wl_thread *t);
	void (*thread_exit)(struct wl_thread *t);
	void (*teardown)(struct wl_ctx *c);
	void (*expect)(const struct wl_ctx *c, struct wl_expect *e);
};

/* Generated by the Makefile; ends with NULL, sorted by name. */
extern const struct wl_ops *const wl_registry[];

#endif
