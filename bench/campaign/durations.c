// SPDX-License-Identifier: GPL-2.0-only
/* A table in a file that several may write. */
#include "campaign/durations.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/text.h"
#include "campaign/store.h"

#define VERSION "tlbbench durations 1"
/* Some 100 bytes each; the oldest go first. */
#define MAX_DURATIONS 4096
#define MAX_FILE_BYTES (1U << 20)
#define MAX_SECONDS 1e7
/* Share of the newest measurement: one slow boot is not the rule. */
#define NEWEST 0.3
/* Up to this long, a measurement is not far above any other. */
#define SHORT_S 0.1
#define LOCK_TRIES 100
#define LOCK_PAUSE_US 20000

int tb_durations_path(char *path, size_t size_bytes, struct tb_err *err)
{
	char cache[PATH_MAX - 16];
	int ret = tb_cache_dir(cache, sizeof(cache), err);

	return ret ? ret
		   : tb_path(path, size_bytes, err, "%s/durations", cache);
}

void tb_durations_fini(struct tb_durations *d)
{
	free(d->all);
	*d = (struct tb_durations){ 0 };
}

static bool is_same(const struct tb_duration *a, const struct tb_duration *b)
{
	return a->ops == b->ops && !strcmp(a->backend, b->backend) &&
	       !strcmp(a->machine, b->machine) &&
	       !strcmp(a->kernel, b->kernel) && !strcmp(a->what, b->what) &&
	       !strcmp(a->point, b->point);
}

static int append(struct tb_durations *d, const struct tb_duration *one)
{
	struct tb_duration *more = realloc(d->all, (d->nr + 1) * sizeof(*more));

	if (!more)
		return -ENOMEM;
	d->all = more;
	d->all[d->nr++] = *one;
	return 0;
}

/*
 * A busy machine makes things slow, none makes them fast: what is far above
 * counts as twice as much, and what is far below shows that the other was one.
 */
static double smooth(double known_s, double newest_s)
{
	if (newest_s < known_s / 2)
		return newest_s;
	newest_s = fmin(newest_s, 2 * known_s + SHORT_S);
	return known_s + NEWEST * (newest_s - known_s);
}

int tb_durations_add(struct tb_durations *d, const struct tb_duration *one)
{
	struct tb_duration merged = *one;
	unsigned int i;

	for (i = 0; i < d->nr; i++)
		if (is_same(&d->all[i], one))
			break;
	if (i < d->nr) {
		merged.seconds = smooth(d->all[i].seconds, one->seconds);
		memmove(&d->all[i], &d->all[i + 1],
			(--d->nr - i) * sizeof(*d->all));
	}
	return append(d, &merged);
}

/* --- the file ------------------------------------------------------------ */

static bool parse_line(const char *line, struct tb_duration *d)
{
	int end = -1;

	return sscanf(line, "%lf %" SCNu64 " %15s %23s %19s %31s %19s%n",
		      &d->seconds, &d->ops, d->backend, d->machine, d->kernel,
		      d->what, d->point, &end) == 7 &&
	       end > 0 && !line[end] && d->seconds >= 0 &&
	       d->seconds <= MAX_SECONDS;
}

static int parse(struct tb_durations *d, char *text, const char *path,
		 struct tb_err *err)
{
	char *rest = text, *line = strsep(&rest, "\n");
	unsigned int nr = 1;

	if (!line || strcmp(line, VERSION))
		return tb_fail(err, -EINVAL, "%s:1: expected '%s'", path,
			       VERSION);
	while ((line = strsep(&rest, "\n"))) {
		struct tb_duration one;

		nr++;
		if (!*line && !rest)
			return 0;
		if (!parse_line(line, &one))
			return tb_fail(err, -EINVAL,
				       "%s:%u: expected a duration", path, nr);
		if (append(d, &one))
			return tb_fail_errno(err, -ENOMEM, "%s", path);
	}
	return tb_fail(err, -EINVAL, "%s: cut off", path);
}

int tb_durations_load(struct tb_durations *d, const char *path,
		      struct tb_err *err)
{
	struct tb_buf b = { 0 };
	int ret;

	*d = (struct tb_durations){ 0 };
	ret = tb_read_regular(path, MAX_FILE_BYTES, &b);
	if (ret == -ENOENT)
		ret = 0;
	else if (ret)
		tb_fail_errno(err, ret, "%s", path);
	else
		ret = parse(d, b.data ? b.data : "", path, err);
	tb_buf_fini(&b);
	if (ret)
		tb_durations_fini(d);
	return ret;
}

static int write_file(const struct tb_durations *d, const char *path,
		      struct tb_err *err)
{
	unsigned int i = d->nr > MAX_DURATIONS ? d->nr - MAX_DURATIONS : 0;
	struct tb_buf b = { 0 };
	int ret;

	tb_buf_printf(&b, VERSION "\n");
	for (; i < d->nr; i++) {
		const struct tb_duration *one = &d->all[i];

		tb_buf_printf(&b, "%.4f %" PRIu64 " %s %s %s %s %s\n",
			      one->seconds, one->ops, one->backend,
			      one->machine, one->kernel, one->what, one->point);
	}
	ret = b.has_failed ? tb_fail_errno(err, -ENOMEM, "%s", path)
			   : tb_write_file(path, b.data, b.len_bytes, err);
	tb_buf_fini(&b);
	return ret;
}

/* A file of its own, for the other one is replaced; its descriptor. */
static int lock(const char *path, struct tb_err *err)
{
	char name[PATH_MAX];
	int i, fd, ret = tb_path(name, sizeof(name), err, "%s.lock", path);

	if (ret)
		return ret;
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return tb_fail_errno(err, -errno, "cannot create %s", name);
	for (i = 0; i < LOCK_TRIES; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return fd;
		usleep(LOCK_PAUSE_US);
	}
	close(fd);
	return tb_fail(err, -EAGAIN, "%s: locked by another tlbbench", name);
}

static int add_all(struct tb_durations *to, const struct tb_durations *from,
		   struct tb_err *err)
{
	unsigned int i;

	for (i = 0; i < from->nr; i++)
		if (tb_durations_add(to, &from->all[i]))
			return tb_fail_errno(err, -ENOMEM, "durations");
	return 0;
}

int tb_durations_save(struct tb_durations *known,
		      const struct tb_durations *fresh, const char *path,
		      struct tb_err *err)
{
	struct tb_durations now;
	struct tb_err ignored = { 0 };
	int ret, fd;

	if (!*path)
		return add_all(known, fresh, err);
	fd = lock(path, err);
	if (fd < 0) {
		add_all(known, fresh, &ignored);
		return fd;
	}
	/* A damaged one is begun anew. */
	tb_durations_load(&now, path, &ignored);
	tb_durations_fini(known);
	*known = now;
	ret = add_all(known, fresh, err);
	if (!ret)
		ret = write_file(known, path, err);
	close(fd);
	return ret;
}
