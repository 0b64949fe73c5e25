/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The option --profile of commands that measure.
 */
#ifndef TB_CMD_PROFILE_H
#define TB_CMD_PROFILE_H

#include "machine/quiet.h"

/* The name of a profile, or a usage error of @command. */
int tb_profile_option(const char *command, const char *name,
		      enum tb_profile *profile, struct tb_err *err);

/* tb_quiet_recover() of this machine; says on stderr what was restored. */
int tb_profile_recover(struct tb_err *err);

/**
 * tb_profile_enter() - before anything is measured
 *
 * Quiet changes settings. Strict prints what is wrong and fails. All restore
 * first what a killed tlbbench has left. tb_profile_leave() in either case.
 */
int tb_profile_enter(enum tb_profile profile, struct tb_quiet *q,
		     struct tb_err *err);

/* Restore; the exit code, which is a failure if that failed. */
int tb_profile_leave(struct tb_quiet *q, int code);

#endif
