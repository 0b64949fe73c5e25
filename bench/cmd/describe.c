// SPDX-License-Identifier: GPL-2.0-only
/* tlbbench describe: what a workload does and takes, or a litmus test. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campaign/keys.h"
#include "campaign/params.h"
#include "cmd/cmd.h"
#include "engine/litmus.h"
#include "engine/region.h"
#include "engine/values.h"
#include "workloads/wl_mem.h"

#define MAX_COLUMNS 80

static void print_params(const struct wl_ops *ops)
{
	void *conf = tb_params_new(ops);
	const struct wl_param *p;

	if (!conf)
		return;
	printf("\nParameters:\n");
	for (p = ops->params; p && p->name; p++) {
		struct tb_buf def = { 0 }, range = { 0 };

		tb_param_text(p, conf, &def);
		tb_param_range(p, &range);
		printf("  %s = %s    (%s)\n      %s.\n", p->name,
		       def.data ? def.data : "", range.data ? range.data : "",
		       p->help);
		tb_buf_fini(&def);
		tb_buf_fini(&range);
	}
	free(conf);
}

static void print_processes(const struct wl_role *r)
{
	printf("  processes.%s = ", r->name);
	if (r->fills_cpus && r->def_processes)
		printf("one on each CPU that is left");
	else
		printf("%u", r->def_processes);
	printf("    (0 to %u)\n"
	       "      Processes of their own that hold the threads, as many "
	       "each; 0: none.\n",
	       r->max_processes);
}

static void print_roles(const struct wl_ops *ops)
{
	unsigned int i;

	printf("\nRoles:\n");
	for (i = 0; i < tb_workload_roles(ops); i++) {
		const struct wl_role *r = &ops->roles[i];

		printf("  threads.%s = ", r->name);
		if (r->fills_cpus)
			printf("the CPUs that are left\n");
		else
			printf("%u\n", r->def_threads);
		printf("      The %s %s.\n", r->name, r->help);
		if (r->max_processes)
			print_processes(r);
	}
}

static void print_regions(const struct wl_ops *ops)
{
	unsigned int i;

	if (tb_nr_regions(ops))
		printf("\nRegions:\n");
	for (i = 0; i < tb_nr_regions(ops); i++)
		printf("  node.%s = anywhere\n"
		       "      The NUMA node of %s.\n",
		       ops->regions[i].name, ops->regions[i].help);
}

/* What the record has of one, behind its name. */
static const char *metric_forms(const struct wl_metric *m)
{
	switch (m->kind) {
	case WL_TOTAL:
		return "per op and per second";
	case WL_LEVEL:
		return "in all and per process";
	case WL_LEVEL_OF_ALL:
		return "of the machine";
	case WL_TIME:
		return "p50 and p99";
	case WL_SETUP_TIME:
		return "p50 and p99, of the set-up too";
	case WL_VMSTAT:
		return "per op and per second, of /proc/vmstat";
	case WL_MEMSTAT:
		return "per op and per second, of memory.stat";
	}
	return "";
}

static void print_metrics(const struct wl_ops *ops)
{
	unsigned int i;

	if (tb_nr_metrics(ops))
		printf("\nValues:\n");
	for (i = 0; i < tb_nr_metrics(ops); i++) {
		const struct wl_metric *m = &ops->metrics[i];

		printf("  %s = %s    (%s)\n      The %s.\n", m->name,
		       tb_metric_is_time(m) ? "time" : m->unit, metric_forms(m),
		       m->help);
	}
}

/* Costs are then not per op. */
static void print_effect(const struct wl_ops *ops)
{
	const char *const *name;

	if (!ops->effect)
		return;
	printf("\nFlushes and IPIs are per %s:", ops->effect->event);
	for (name = ops->effect->metrics; *name; name++)
		printf("%s %s", name == ops->effect->metrics ? "" : " +",
		       *name);
	printf(".\n");
}

static void print_keys(void)
{
	int column = printf("\nKeys of every case:") - 1;
	struct tb_buf names = { 0 };
	char *rest, *name;

	tb_keys_list(&names);
	rest = names.data;
	while ((name = strsep(&rest, " "))) {
		if (column + 1 + (int)strlen(name) > MAX_COLUMNS)
			column = printf("\n ") - 1;
		column += printf(" %s", name);
	}
	printf(" (tlbbench(1)).\n");
	tb_buf_fini(&names);
}

/* --- litmus tests --------------------------------------------------------- */

static void print_set(const char *what, unsigned int set,
		      const char *(*name)(unsigned int i))
{
	unsigned int i, nr = 0;

	printf("%s:", what);
	for (i = 0; set >> i; i++)
		if (set >> i & 1)
			printf("%s %s", nr++ ? "," : "", name(i));
	printf(".\n");
}

static const char *size_name(unsigned int i)
{
	return wl_page_sizes[i];
}

static const char *state_name(unsigned int i)
{
	return tb_litmus_state_name((enum litmus_state)i);
}

static void print_sight(const char *access, enum litmus_sight sight)
{
	static const char *const sights[] = {
		[LITMUS_ANY] = "anything",
		[LITMUS_OLD] = "what was there before",
		[LITMUS_NEW] = "what is new",
		[LITMUS_ZERO] = "zero",
		[LITMUS_OLD_OR_ZERO] = "what was there before, or zero",
		[LITMUS_FAULT] = "a fault",
		[LITMUS_KEPT] = "a place that keeps it",
	};

	if (sight != LITMUS_ANY)
		printf("A %s must find: %s.\n", access, sights[sight]);
}

static int describe_litmus(const char *name)
{
	const struct litmus_ops *ops = tb_litmus_find(name);

	if (!ops) {
		fprintf(stderr,
			"tlbbench: unknown litmus test '%s'; 'tlbbench list' "
			"lists them\n",
			name);
		return TB_EXIT_USAGE;
	}
	printf("litmus/%s: catches a kernel that forgets %s.\n", ops->name,
	       ops->summary);
	printf("Flushes in: %s.\n", ops->path);
	print_set("Pages", ops->page_sizes, size_name);
	print_set("Victims", tb_litmus_states(ops), state_name);
	print_sight("read", ops->read);
	print_sight("write", ops->write);
	if (ops->noticed)
		printf("The kernel must notice a write.\n");
	return TB_EXIT_OK;
}

static int run(int argc, char **argv)
{
	static const char litmus[] = "litmus/";
	const struct wl_ops *ops;
	struct tb_buf names = { 0 };

	if (argc != 2)
		return tb_cmd_usage(&tb_cmd_describe);
	if (!strncmp(argv[1], litmus, strlen(litmus)))
		return describe_litmus(argv[1] + strlen(litmus));
	ops = tb_workload_find(argv[1]);
	if (!ops) {
		tb_workload_names(&names);
		fprintf(stderr,
			"tlbbench: unknown workload '%s', expected one of: "
			"%s\n",
			argv[1], names.data ? names.data : "");
		tb_buf_fini(&names);
		return TB_EXIT_USAGE;
	}
	printf("%s: measures %s.\n", ops->name, ops->summary);
	printf("Flushes in: %s.\nTags: %s.\n",
	       ops->path ? ops->path : "nothing", ops->tags);
	if (ops->params)
		print_params(ops);
	print_roles(ops);
	print_regions(ops);
	print_metrics(ops);
	print_effect(ops);
	print_keys();
	return TB_EXIT_OK;
}

const struct tb_cmd tb_cmd_describe = {
	.name = "describe",
	.usage = "WORKLOAD | litmus/TEST",
	.help = "what a workload does, its parameters, roles and keys; or a "
		"test",
	.run = run,
};
