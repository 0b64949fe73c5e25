/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernels of the command line, in place of those of a campaign file.
 *
 *	--kernel [NAME=]SPEC     a kernel; without a name its name comes
 *	                         from the spec
 *	--append NAME=PARAMETERS more parameters for the kernel of this name
 *
 * They become sections of the campaign, so that its directory holds what was
 * run, and a resumed campaign needs no options.
 */
#ifndef TB_KERNELARG_H
#define TB_KERNELARG_H

#include "base/err.h"
#include "campaign/config.h"

#define TB_MAX_KERNEL_ARGS 16
#define TB_NAME_CHARS 64

/**
 * struct tb_kernel_arg - a kernel that was named, or what one gets on top
 * @spec: what is meant; paths in it are absolute; NULL: any that is there
 * @from: the argument with the spec, as messages name it
 * @append: parameters, "" for none
 */
struct tb_kernel_arg {
	char name[TB_NAME_CHARS + 1];
	char *spec;
	char *from;
	const char *append;
};

struct tb_kernel_args {
	struct tb_kernel_arg args[TB_MAX_KERNEL_ARGS];
	unsigned int nr;
};

/**
 * tb_kernel_args_add() - take the kernel that one argument names
 * @option: what stands in front of @text in messages, such as "--kernel"
 *
 * A name twice, or none that can be made of it, is a usage error. Whether there
 * is such a kernel is seen later, see image.h.
 */
int tb_kernel_args_add(struct tb_kernel_args *a, const char *option,
		       const char *text, struct tb_err *err);

/* One --append, before or behind its kernel. */
int tb_kernel_args_append(struct tb_kernel_args *a, const char *text,
			  struct tb_err *err);

/**
 * tb_kernel_args_apply() - put these kernels into a campaign
 * @a: outlives @conf
 *
 * If any kernel was named, they replace all of the campaign, the first one is
 * the reference, and expectations about others are left out. A parameter for a
 * kernel that there is not is a usage error.
 */
int tb_kernel_args_apply(const struct tb_kernel_args *a, struct tb_conf *conf,
			 struct tb_err *err);

void tb_kernel_args_fini(struct tb_kernel_args *a);

#endif
