/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Workload parameters: the table in the workload drives all of this.
 */
#ifndef TB_PARAMS_H
#define TB_PARAMS_H

#include "base/err.h"
#include "base/json.h"
#include "workloads/wl.h"

/* The registered workload, or NULL. */
const struct wl_ops *tb_workload_find(const char *name);

/* "munmap, lazy_idle": for messages. */
void tb_workload_names(struct tb_buf *b);

unsigned int tb_workload_roles(const struct wl_ops *ops);

/* A conf with every default, freed with free(); NULL if memory is short. */
void *tb_params_new(const struct wl_ops *ops);

const struct wl_param *tb_param_find(const struct wl_ops *ops,
				     const char *name);

/**
 * tb_param_set() - parse @value into @conf
 * @where: "file:line" or a flag, in front of the message
 *
 * Return: 0, or a usage error that says what was expected.
 */
int tb_param_set(const struct wl_param *p, void *conf, const char *value,
		 const char *where, struct tb_err *err);

/* "1 to 4096", "yes or no", "a, b or c". */
void tb_param_range(const struct wl_param *p, struct tb_buf *b);

/* The value as it is written in a campaign. */
void tb_param_text(const struct wl_param *p, const void *conf,
		   struct tb_buf *b);

/* One member per parameter. */
void tb_params_json(const struct wl_ops *ops, const void *conf,
		    struct tb_json *j);

#endif
