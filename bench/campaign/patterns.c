// SPDX-License-Identifier: GPL-2.0-only
/* Lists in campaign files. */
#include "campaign/patterns.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

bool tb_next_word(const char **list, char *word, size_t size_bytes)
{
	size_t len;

	*list += strspn(*list, ", \t");
	len = strcspn(*list, ", \t");
	if (!len)
		return false;
	snprintf(word, size_bytes, "%.*s", (int)len, *list);
	*list += len;
	return true;
}

bool tb_matches(const char *patterns, const char *name)
{
	char word[256];

	while (tb_next_word(&patterns, word, sizeof(word)))
		if (!fnmatch(word, name, 0))
			return true;
	return false;
}
