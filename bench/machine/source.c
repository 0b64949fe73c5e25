// SPDX-License-Identifier: GPL-2.0-only
/* Files of a machine or of a captured tree. */
#include "machine/source.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static int full_path(const struct tb_source *src, const char *path,
		     char full[PATH_MAX])
{
	struct tb_err ignored = { 0 };

	return tb_path(full, PATH_MAX, &ignored, "%s%s", src->root, path);
}

int tb_source_line(const struct tb_source *src, const char *path, char *line,
		   size_t size_bytes)
{
	char full[PATH_MAX];
	int ret = full_path(src, path, full);

	return ret ? ret : tb_read_line(full, line, size_bytes);
}

int tb_source_text(const struct tb_source *src, const char *path,
		   struct tb_buf *b)
{
	char full[PATH_MAX];
	int ret = full_path(src, path, full);

	return ret ? ret : tb_read_file(full, b);
}

/* Nothing was found at @pattern: is that because nobody may look? */
static int why_nothing(char *pattern)
{
	DIR *dir;

	pattern[strcspn(pattern, "*?[")] = '\0';
	*strrchr(pattern, '/') = '\0';
	dir = opendir(pattern);
	if (dir)
		closedir(dir);
	return !dir && errno == EACCES ? -EACCES : -ENOENT;
}

int tb_source_glob(const struct tb_source *src, const char *pattern,
		   glob_t *found)
{
	char full[PATH_MAX];
	int ret = full_path(src, pattern, full);

	*found = (glob_t){ 0 };
	if (ret)
		return ret;
	ret = glob(full, 0, NULL, found);
	return ret == GLOB_NOSPACE ? -ENOMEM : ret ? why_nothing(full) : 0;
}

void tb_list_add(struct tb_buf *b, const char *separator, const char *word)
{
	tb_buf_printf(b, "%s%s", b->len_bytes ? separator : "", word);
}

int tb_source_distinct(const struct tb_source *src, const char *pattern,
		       struct tb_buf *b)
{
	struct tb_buf seen = { 0 };
	glob_t found;
	size_t i;
	int ret = tb_source_glob(src, pattern, &found);

	for (i = 0; !ret && i < found.gl_pathc; i++) {
		char line[256], quoted[260];

		ret = tb_read_line(found.gl_pathv[i], line, sizeof(line));
		snprintf(quoted, sizeof(quoted), "\n%s\n", line);
		if (ret || (seen.data && strstr(seen.data, quoted)))
			continue;
		tb_buf_printf(b, "%s%s", seen.len_bytes ? ", " : "", line);
		tb_buf_printf(&seen, "%s", quoted);
	}
	globfree(&found);
	tb_buf_fini(&seen);
	return ret;
}

bool tb_source_cpuinfo(const struct tb_source *src, const char *key,
		       struct tb_buf *b)
{
	const char *line = src->cpuinfo.data;
	size_t len = strlen(key);

	for (; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) ||
		    line[len + strspn(line + len, " \t")] != ':')
			continue;
		line = strchr(line, ':') + 1;
		line += strspn(line, " \t");
		tb_buf_add(b, line, strcspn(line, "\n"));
		return true;
	}
	return false;
}

bool tb_has_word(const char *text, const char *word)
{
	size_t len = strlen(word);
	const char *p = text;

	while (p && (p = strstr(p, word))) {
		bool begins = p == text || isspace((unsigned char)p[-1]);

		p += len;
		if (begins && (!*p || isspace((unsigned char)*p)))
			return true;
	}
	return false;
}

bool tb_source_runs(const struct tb_source *src, const char *comm)
{
	char line[64];

	snprintf(line, sizeof(line), "\n%s\n", comm);
	return src->comms.data && strstr(src->comms.data, line);
}

int tb_fact_unknown(struct tb_fact *f, int code, const char *fmt, ...)
{
	va_list ap;

	if (!*f->reason) {
		va_start(ap, fmt);
		vsnprintf(f->reason, sizeof(f->reason), fmt, ap);
		va_end(ap);
	}
	return code;
}

/* /proc/config.gz, or what distributions install; gzread() reads both. */
static void read_config(struct tb_source *src)
{
	char release[128], path[PATH_MAX], chunk[16384];
	struct tb_err ignored = { 0 };
	gzFile file;
	int n;

	if (full_path(src, "/proc/config.gz", path))
		return;
	file = gzopen(path, "re");
	if (!file &&
	    !tb_source_line(src, "/proc/sys/kernel/osrelease", release,
			    sizeof(release)) &&
	    !tb_path(path, sizeof(path), &ignored, "%s/boot/config-%s",
		     src->root, release))
		file = gzopen(path, "re");
	if (!file)
		return;
	tb_buf_add(&src->config, "\n", 1);
	while ((n = gzread(file, chunk, sizeof(chunk))) > 0)
		tb_buf_add(&src->config, chunk, (size_t)n);
	/* Cut short, options would look as if they were not set. */
	if (gzclose(file) != Z_OK || n < 0)
		tb_buf_fini(&src->config);
}

static void read_comms(struct tb_source *src)
{
	char comm[64] = "";
	glob_t found;
	size_t i;

	tb_source_line(src, "/proc/2/comm", comm, sizeof(comm));
	if (strcmp(comm, "kthreadd") ||
	    tb_source_glob(src, "/proc/[0-9]*/comm", &found))
		return;
	tb_buf_add(&src->comms, "\n", 1);
	for (i = 0; i < found.gl_pathc; i++)
		if (!tb_read_line(found.gl_pathv[i], comm, sizeof(comm)))
			tb_buf_printf(&src->comms, "%s\n", comm);
	globfree(&found);
}

void tb_source_init(struct tb_source *src, const char *root)
{
	char *end;

	*src = (struct tb_source){ .root = root };
	tb_source_text(src, "/proc/cpuinfo", &src->cpuinfo);
	end = src->cpuinfo.data ? strstr(src->cpuinfo.data, "\n\n") : NULL;
	if (end)
		*end = '\0';
	read_config(src);
	read_comms(src);
}

void tb_source_fini(struct tb_source *src)
{
	tb_buf_fini(&src->cpuinfo);
	tb_buf_fini(&src->config);
	tb_buf_fini(&src->comms);
}

bool tb_source_is_live(const struct tb_source *src)
{
	return !*src->root;
}
