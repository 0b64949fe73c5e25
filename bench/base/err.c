// SPDX-License-Identifier: GPL-2.0-only
/* Error records: the first description wins, because it is nearest to the
 * cause. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool record(struct tb_err *err, int code, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

static bool record(struct tb_err *err, int code, const char *fmt, va_list ap)
{
	if (err->code)
		return false;
	err->code = code;
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	return true;
}

int tb_fail(struct tb_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record(err, code, fmt, ap);
	va_end(ap);
	return code;
}

int tb_fail_errno(struct tb_err *err, int code, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	if (record(err, code, fmt, ap)) {
		len = strlen(err->text);
		snprintf(err->text + len, sizeof(err->text) - len, ": %s",
			 strerror(-code));
	}
	va_end(ap);
	return code;
}

int tb_usage(struct tb_err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (record(err, -EINVAL, fmt, ap))
		err->is_usage = true;
	va_end(ap);
	return -EINVAL;
}
