// SPDX-License-Identifier: GPL-2.0-only
/* Growable text and whole-file reads and writes. */
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool reserve(struct tb_buf *b, size_t more_bytes)
{
	size_t need = b->len_bytes + more_bytes + 1;
	size_t cap = b->cap_bytes ? b->cap_bytes : 256;
	char *data;

	if (b->has_failed)
		return false;
	if (need <= b->cap_bytes)
		return true;
	while (cap < need)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data) {
		b->has_failed = true;
		return false;
	}
	b->data = data;
	b->cap_bytes = cap;
	return true;
}

void tb_buf_add(struct tb_buf *b, const void *data, size_t len_bytes)
{
	if (!reserve(b, len_bytes))
		return;
	memcpy(b->data + b->len_bytes, data, len_bytes);
	b->len_bytes += len_bytes;
	b->data[b->len_bytes] = '\0';
}

void tb_buf_printf(struct tb_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int len;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	if (len >= 0 && reserve(b, len)) {
		vsnprintf(b->data + b->len_bytes, len + 1, fmt, again);
		b->len_bytes += len;
	}
	va_end(again);
	va_end(ap);
}

void tb_buf_fini(struct tb_buf *b)
{
	free(b->data);
	*b = (struct tb_buf){ 0 };
}

int tb_read_file(const char *path, struct tb_buf *b)
{
	char chunk[4096];
	ssize_t n;
	int fd, ret = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* Seq files in /proc give less than a page at a time. */
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		tb_buf_add(b, chunk, n);
	if (n < 0)
		ret = -errno;
	else if (b->has_failed)
		ret = -ENOMEM;
	close(fd);
	return ret;
}

int tb_read_regular(const char *path, size_t max_bytes, struct tb_buf *b)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((size_t)st.st_size > max_bytes)
		return -EFBIG;
	return tb_read_file(path, b);
}

int tb_read_line(const char *path, char *line, size_t size_bytes)
{
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, line, size_bytes - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return (int)n;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return 0;
}

int tb_write_all(int fd, const void *data, size_t len_bytes)
{
	const char *p = data;

	while (len_bytes) {
		ssize_t n = write(fd, p, len_bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len_bytes -= n;
	}
	return 0;
}

int tb_write_file(const char *path, const void *data, size_t len_bytes,
		  struct tb_err *err)
{
	char tmp[PATH_MAX];
	int fd, ret;

	ret = tb_path(tmp, sizeof(tmp), err, "%s.tmp", path);
	if (ret)
		return ret;
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return tb_fail_errno(err, -errno, "cannot create %s", tmp);
	ret = tb_write_all(fd, data, len_bytes);
	if (!ret && fsync(fd))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && rename(tmp, path))
		ret = -errno;
	if (ret) {
		unlink(tmp);
		return tb_fail_errno(err, ret, "cannot write %s", path);
	}
	return 0;
}

int tb_make_dir(const char *path, struct tb_err *err)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		return tb_fail_errno(err, -errno, "cannot create %s", path);
	return 0;
}

int tb_path(char *path, size_t size_bytes, struct tb_err *err, const char *fmt,
	    ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(path, size_bytes, fmt, ap);
	va_end(ap);
	if (len < 0 || (size_t)len >= size_bytes)
		return tb_fail(err, -ENAMETOOLONG, "path too long: %s", path);
	return 0;
}

char *tb_strip(char *s)
{
	size_t len;

	while (isspace((unsigned char)*s))
		s++;
	len = strlen(s);
	while (len && isspace((unsigned char)s[len - 1]))
		s[--len] = '\0';
	return s;
}

bool tb_parse_u64(const char *s, uint64_t *value)
{
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	*value = strtoull(s, &end, 10);
	return !errno && !*end;
}

bool tb_parse_size(const char *s, uint64_t *bytes)
{
	static const char suffixes[] = "kMGT";
	const char *suffix;
	char digits[32];
	size_t len = strlen(s);
	unsigned int shift = 0;

	if (!len || len >= sizeof(digits))
		return false;
	memcpy(digits, s, len + 1);
	suffix = strchr(suffixes, s[len - 1]);
	if (suffix) {
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
		digits[len - 1] = '\0';
	}
	if (!tb_parse_u64(digits, bytes) || *bytes > UINT64_MAX >> shift)
		return false;
	*bytes <<= shift;
	return true;
}
