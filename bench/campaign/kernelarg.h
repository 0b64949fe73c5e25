/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Kernels of the command line, in place of those of a campaign file.
 *
 *	--kernel [NAME=]SPEC     a kernel; without a name it is called as the
 *spec
 *	--append NAME=PARAMETERS more parameters for the kernel of this name
 *
 * They are written into the text of the campaign, so that what was run is what
 * the campaign directory holds, and a resumed campaign needs no options.
 */
#ifndef TB_KERNELARG_H
#define TB_KERNELARG_H

#include "base/err.h"
#include "base/text.h"

#define TB_MAX_KERNEL_ARGS 16
#define TB_NAME_CHARS 64

/**
 * struct tb_kernel_arg - a kernel that was named, or what one gets on top
 * @spec: what is meant; paths in it are absolute; NULL: any that is there
 * @append: parameters, "" for none
 */
struct tb_kernel_arg {
	char name[TB_NAME_CHARS + 1];
	char *spec;
	const char *append;
};

struct tb_kernel_args {
	struct tb_kernel_arg args[TB_MAX_KERNEL_ARGS];
	unsigned int nr;
};

/* One --kernel; a name twice, or none that can be made of it, is an error. */
int tb_kernel_args_add(struct tb_kernel_args *a, const char *text,
		       struct tb_err *err);

/* One --append, before or behind its kernel. */
int tb_kernel_args_append(struct tb_kernel_args *a, const char *text,
			  struct tb_err *err);

/**
 * tb_kernel_args_apply() - the campaign file @text with these kernels
 * @path: what messages call the file
 * @out: the new text; lines that stay keep their numbers
 *
 * If any --kernel was given, they replace all of the file, the first one is
 * the reference, and expectations about others are left out. A parameter for a
 * kernel that there is not is a usage error.
 */
int tb_kernel_args_apply(const struct tb_kernel_args *a, const char *path,
			 const char *text, struct tb_buf *out,
			 struct tb_err *err);

void tb_kernel_args_fini(struct tb_kernel_args *a);

#endif
