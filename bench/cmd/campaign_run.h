/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A campaign from its text to its records, for all commands that run one.
 */
#ifndef TB_CMD_CAMPAIGN_RUN_H
#define TB_CMD_CAMPAIGN_RUN_H

#include <limits.h>

#include "campaign/kernelarg.h"
#include "machine/quiet.h"

/**
 * struct tb_campaign_ask - what is wanted
 * @path: what messages call the file; @text: what is in it
 * @results: where the directory is made
 * @resume: instead, the directory to go on in; NULL for none
 * @is_aa: compare the first kernel with itself, see aa.h
 * @kernels: of the command line
 * @min_boots: refuse fewer
 */
struct tb_campaign_ask {
	const char *path;
	const char *text;
	const char *results;
	const char *resume;
	bool is_aa;
	struct tb_kernel_args kernels;
	enum tb_profile profile;
	unsigned int min_boots;
};

/**
 * enum tb_blame - whose fault it is that something is missing
 * @TB_BLAME_NOBODY: nothing is missing, or the machine or the user failed
 * @TB_BLAME_REFERENCE: the first kernel could not be made, or not be measured
 * @TB_BLAME_OTHER: only others were so
 */
enum tb_blame {
	TB_BLAME_NOBODY,
	TB_BLAME_REFERENCE,
	TB_BLAME_OTHER
};

/**
 * struct tb_campaign_result - how it went
 * @dir: the campaign's directory, "" if it was not made
 * @is_broken_off: not all slots were tried; @is_interrupted: by a signal
 */
struct tb_campaign_result {
	char dir[PATH_MAX];
	enum tb_blame blame;
	bool is_broken_off;
	bool is_interrupted;
};

/* Run it; the exit code, with all said on stderr. */
int tb_campaign_run(const struct tb_campaign_ask *ask,
		    struct tb_campaign_result *result);

#endif
