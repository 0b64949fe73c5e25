// SPDX-License-Identifier: GPL-2.0-only
/* Reads [vm]. */
#include "campaign/vmconf.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

#define DEFAULT_CPUS 4
#define DEFAULT_MEMORY_BYTES (1ULL << 30)
#define DEFAULT_TIMEOUT_S 120
#define MAX_CPUS 64
#define MAX_NODES 8

static const char *const accels[] = { "auto", "kvm", "exact", "tcg" };

const char *tb_accel_name(enum tb_accel accel)
{
	return accels[accel];
}

static int read_accel(struct tb_plan *plan, const struct tb_conf *conf,
		      struct tb_section *s, struct tb_err *err)
{
	const struct tb_entry *e = tb_section_find(s, "accel");
	unsigned int i;

	plan->accel = TB_ACCEL_AUTO;
	for (i = 0; e && i < ARRAY_SIZE(accels); i++)
		if (!strcmp(e->value, accels[i])) {
			plan->accel = (enum tb_accel)i;
			return 0;
		}
	return e ? tb_usage(err,
			    "%s:%u: accel = %.64s: expected auto, kvm, exact "
			    "or tcg",
			    conf->path, e->line, e->value)
		 : 0;
}

static int check_divides(const struct tb_conf *conf, struct tb_section *s,
			 const char *key, uint64_t part, const char *of,
			 uint64_t whole, struct tb_err *err)
{
	const struct tb_entry *e = tb_section_find(s, key);

	if (!(whole % part))
		return 0;
	return tb_usage(err,
			"%s:%u: %s = %" PRIu64 ": expected a divisor of %s = "
			"%" PRIu64,
			conf->path, e ? e->line : s->line, key, part, of,
			whole);
}

/*
 * A node has whole sockets: the CPUs of a socket share a cache, and the kernel
 * warns, with a backtrace, of a cache that reaches beyond a node.
 */
static int read_shape(struct tb_shape *shape, const struct tb_conf *conf,
		      struct tb_section *s, struct tb_err *err)
{
	uint64_t cpus, nodes, sockets, threads;

	if (tb_section_u64(conf, s, "cpus", DEFAULT_CPUS, 1, MAX_CPUS, &cpus,
			   err) ||
	    tb_section_u64(conf, s, "nodes", 1, 1, MAX_NODES, &nodes, err) ||
	    tb_section_u64(conf, s, "sockets", nodes, 1, MAX_CPUS, &sockets,
			   err) ||
	    tb_section_u64(conf, s, "threads_per_core", 1, 1, MAX_CPUS,
			   &threads, err) ||
	    check_divides(conf, s, "nodes", nodes, "cpus", cpus, err) ||
	    check_divides(conf, s, "sockets", sockets, "cpus", cpus, err) ||
	    check_divides(conf, s, "nodes", nodes, "sockets", sockets, err) ||
	    check_divides(conf, s, "threads_per_core", threads,
			  "cpus / sockets", cpus / sockets, err))
		return err->code;
	*shape = (struct tb_shape){
		.nr_cpus = (unsigned int)cpus,
		.nr_sockets = (unsigned int)sockets,
		.threads_per_core = (unsigned int)threads,
		.nr_nodes = (unsigned int)nodes,
	};
	return 0;
}

static int read_memory(struct tb_plan *plan, const struct tb_conf *conf,
		       struct tb_section *s, struct tb_err *err)
{
	const struct tb_entry *e = tb_section_find(s, "memory");
	unsigned int nodes = plan->vm_shape.nr_nodes;

	plan->vm_memory_bytes = DEFAULT_MEMORY_BYTES;
	if (e && (!tb_parse_size(e->value, &plan->vm_memory_bytes) ||
		  plan->vm_memory_bytes < 128ULL << 20))
		return tb_usage(
			err,
			"%s:%u: memory = %.64s: expected a size like 1G, "
			"128M or more",
			conf->path, e->line, e->value);
	if (nodes > 1 && plan->vm_memory_bytes % ((uint64_t)nodes << 20))
		return tb_usage(err,
				"%s:%u: memory: expected whole megabytes for "
				"each of %u nodes",
				conf->path, e ? e->line : s->line, nodes);
	return 0;
}

int tb_vmconf_read(struct tb_plan *plan, const struct tb_conf *conf,
		   struct tb_err *err)
{
	struct tb_section *s = tb_conf_section(conf, "vm");
	uint64_t timeout_s;
	int ret = read_accel(plan, conf, s, err);

	if (!ret)
		ret = read_shape(&plan->vm_shape, conf, s, err);
	if (!ret)
		ret = tb_section_u64(conf, s, "timeout_seconds",
				     DEFAULT_TIMEOUT_S, 1, TB_VM_MAX_TIMEOUT_S,
				     &timeout_s, err);
	if (ret)
		return ret;
	plan->vm_timeout_s = (unsigned int)timeout_s;
	return read_memory(plan, conf, s, err);
}
