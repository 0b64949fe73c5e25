// SPDX-License-Identifier: GPL-2.0-only
/* tlbbench env: the audit of this machine. Changes nothing. */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/cmd.h"
#include "machine/audit.h"
#include "machine/mech.h"

static int run(int argc, char **argv)
{
	struct tb_mech mech = tb_mech_detect();
	unsigned int i, nr = 0;
	struct tb_fact *facts;
	char release[128];

	(void)argv;
	if (argc != 1)
		return tb_cmd_usage(&tb_cmd_env);
	facts = tb_audit_read(&nr);
	if (!facts) {
		fprintf(stderr, "tlbbench: out of memory\n");
		return TB_EXIT_FAIL;
	}
	tb_audit_release(release, sizeof(release));
	printf("%-20s %s\n", "release", release);
	for (i = 0; i < nr; i++)
		printf("%-20s %s\n", facts[i].name,
		       facts[i].is_known ? facts[i].value
					 : "- (cannot be read here)");
	free(facts);
	if (mech.hides_flushes)
		printf("\nRemote flushes are not visible here (%s).\n",
		       mech.name);
	if (mech.caveat)
		printf("\n%s.\n", mech.caveat);
	return TB_EXIT_OK;
}

const struct tb_cmd tb_cmd_env = {
	.name = "env",
	.usage = "",
	.help = "facts about this machine and kernel that matter for TLB "
		"flushes",
	.run = run,
};
