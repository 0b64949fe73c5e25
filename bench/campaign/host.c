// SPDX-License-Identifier: GPL-2.0-only
/* Which machine this is. */
#include "campaign/host.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/text.h"

void tb_host_id(const char *root, char host[static TB_HOST_CHARS + 1])
{
	char path[PATH_MAX], id[128], salted[160];
	char hex[SHA256_DIGEST_STRING_LENGTH];
	struct utsname uts;

	snprintf(path, sizeof(path), "%s/etc/machine-id", root);
	if (tb_read_line(path, id, sizeof(id)) || !*id) {
		uname(&uts);
		snprintf(id, sizeof(id), "%s", uts.nodename);
	}
	snprintf(salted, sizeof(salted), "tlbbench host %s", id);
	SHA256Data((const uint8_t *)salted, strlen(salted), hex);
	snprintf(host, TB_HOST_CHARS + 1, "%.*s", TB_HOST_CHARS, hex);
}
