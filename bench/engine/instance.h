/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instances: one process, so one mm, each with all roles of the workload but
 * those in processes of their own (process.h). The bystanders are a process,
 * too.
 */
#ifndef TB_INSTANCE_H
#define TB_INSTANCE_H

#include "engine/thread.h"

/**
 * tb_instance_start() - fork one instance, or the bystanders, with its threads
 * @group: process group that it joins; 0: it leads a new one
 * @common: arena, case, clock, slots (which say role and CPU), observer, FIFO
 *
 * The child's main thread sets up and tears down on the first thread's CPU and
 * sleeps in between. It dies with its parent.
 *
 * Return: pid, or -errno.
 */
pid_t tb_instance_start(const struct tb_worker *common, pid_t group,
			struct tb_err *err);

#endif
