// SPDX-License-Identifier: GPL-2.0-only
/* tlbbench report: hands over to tlbreport. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "campaign/image.h"
#include "cmd/cmd.h"

static int run(int argc, char **argv)
{
	char home[PATH_MAX - 16], tool[PATH_MAX];
	struct tb_err err = { 0 };

	(void)argc;
	if (tb_home(home, sizeof(home), &err) ||
	    tb_path(tool, sizeof(tool), &err, "%s/report/run", home))
		return tb_cmd_fail(&err);
	argv[0] = tool;
	execv(tool, argv);
	tb_fail_errno(&err, -errno, "cannot run %s", tool);
	return tb_cmd_fail(&err);
}

const struct tb_cmd tb_cmd_report = {
	.name = "report",
	.usage = "compare|show|list|plot|export|trend [OPTIONS] DIR",
	.help = "read records: verdicts, plots, exports, nights",
	.run = run,
};
