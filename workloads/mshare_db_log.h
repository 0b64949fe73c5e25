/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The write-ahead log: records go into a ring in shared memory; who commits
 * first writes for all that have come by then, with io_uring and O_DIRECT.
 */
#ifndef MSHARE_DB_LOG_H
#define MSHARE_DB_LOG_H

#include <liburing.h>
#include <stdbool.h>
#include <string.h>

#include "mshare_db_sync.h"

#define LOG_BYTES (1UL << 20)
#define LOG_BLOCK_BYTES 4096UL
#define LOG_RECORD_BYTES 128UL

/* How long a write waits until as many commits have come as it is to carry. */
#define LOG_GATHER_NS 1000000

/**
 * struct log_mark - a place in the log
 * @bytes: before it; in ring and file at the rest modulo LOG_BYTES
 * @commits: before it
 */
struct log_mark {
	_Atomic uint64_t bytes;
	_Atomic uint64_t commits;
};

/**
 * struct db_log - in shared memory
 * @append: latch of @end
 * @writing: latch of whoever writes, and of @safe
 * @nr_written: writes, a futex
 * @end: of what is appended
 * @safe: of what is on disk
 * @ring: LOG_BYTES, aligned to a block
 */
struct db_log {
	_Atomic uint32_t append;
	_Atomic uint32_t writing;
	_Atomic uint32_t nr_written;
	struct log_mark end;
	struct log_mark safe;
	char *ring;
};

/* Submit what is queued on @ring and wait for all @nr; 0 or the first -errno.
 */
static inline int db_io(struct io_uring *ring, unsigned int nr)
{
	struct io_uring_cqe *cqe;
	int ret = io_uring_submit_and_wait(ring, nr);

	if (ret < 0)
		return ret;
	ret = 0;
	while (nr--) {
		int error = io_uring_wait_cqe(ring, &cqe);

		if (error)
			return error;
		/* All are of whole blocks. */
		if (!ret && cqe->res <= 0)
			ret = cqe->res ? cqe->res : -EIO;
		io_uring_cqe_seen(ring, cqe);
	}
	return ret;
}

/* Bytes @from to @to, of one turn of the ring. */
static inline int log_write_part(struct db_log *log, struct io_uring *ring,
				 int fd, uint64_t from, uint64_t to)
{
	uint64_t first = from % LOG_BYTES / LOG_BLOCK_BYTES * LOG_BLOCK_BYTES;
	uint64_t last =
		(to - 1) % LOG_BYTES / LOG_BLOCK_BYTES * LOG_BLOCK_BYTES;
	struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

	io_uring_prep_write(sqe, fd, log->ring + first,
			    (unsigned int)(last + LOG_BLOCK_BYTES - first),
			    first);
	sqe->rw_flags = RWF_DSYNC;
	return db_io(ring, 1);
}

/* All that is appended; @nr_commits of it were not on disk before. */
static inline int log_write(struct db_log *log, struct io_uring *ring, int fd,
			    uint64_t *nr_commits)
{
	uint64_t from = log->safe.bytes,
		 turn = (from / LOG_BYTES + 1) * LOG_BYTES;
	uint64_t to, commits;
	int ret = latch_take(&log->append, true);

	if (ret)
		return ret;
	to = log->end.bytes;
	commits = log->end.commits;
	latch_drop(&log->append, true);
	if (to > turn) {
		ret = log_write_part(log, ring, fd, from, turn);
		from = turn;
	}
	if (!ret && to > from)
		ret = log_write_part(log, ring, fd, from, to);
	if (ret)
		return ret;
	*nr_commits = commits - log->safe.commits;
	log->safe.commits = commits;
	log->safe.bytes = to;
	return 0;
}

/* Blocks that are not whole yet are written again, so one must stay. */
static inline bool log_has_room(const struct db_log *log, uint64_t bytes)
{
	return log->end.bytes + bytes <=
	       log->safe.bytes + LOG_BYTES - LOG_BLOCK_BYTES;
}

/* A transaction of @nr updates; @end is where it ends. */
static inline int log_append(struct db_log *log, const void *record,
			     unsigned int nr, uint64_t *end)
{
	uint64_t at, bytes = nr * LOG_RECORD_BYTES;
	struct db_wait w = { 0 };
	int ret = latch_take(&log->append, true);

	while (!ret && !log_has_room(log, bytes)) {
		/* Those who fill it are about to have it written. */
		latch_drop(&log->append, true);
		ret = db_wait(&w);
		if (!ret)
			ret = latch_take(&log->append, true);
	}
	if (ret)
		return ret;
	at = log->end.bytes;
	for (*end = at + bytes; at < *end; at += LOG_RECORD_BYTES)
		memcpy(log->ring + at % LOG_BYTES, record, LOG_RECORD_BYTES);
	log->end.commits++;
	log->end.bytes = *end;
	latch_drop(&log->append, true);
	return 0;
}

/* Wait for a full group, but not for ever: not all may be about to commit. */
static inline void log_gather(const struct db_log *log, uint64_t group)
{
	const struct timespec nap = { .tv_nsec = DB_NAP_NS };
	uint64_t until_ns = 0;

	while (log->end.commits - log->safe.commits < group) {
		if (!until_ns)
			until_ns = db_now_ns() + LOG_GATHER_NS;
		else if (db_now_ns() > until_ns)
			return;
		nanosleep(&nap, NULL);
	}
}

/**
 * log_commit() - have the log on disk up to @end
 * @nr_carried: commits that this call wrote, 0 if another one did
 */
static inline int log_commit(struct db_log *log, struct io_uring *ring, int fd,
			     uint64_t end, uint64_t group, uint64_t *nr_carried)
{
	uint64_t until_ns = 0;
	int ret = 0;

	*nr_carried = 0;
	while (!ret && log->safe.bytes < end) {
		uint32_t now = log->nr_written;

		if (latch_try(&log->writing, true)) {
			/* Another one may just have written it. */
			if (log->safe.bytes < end) {
				log_gather(log, group);
				ret = log_write(log, ring, fd, nr_carried);
			}
			latch_drop(&log->writing, true);
			db_wake_all(&log->nr_written);
			continue;
		}
		if (!until_ns)
			until_ns = db_now_ns() + DB_WAIT_NS;
		else if (db_now_ns() > until_ns)
			ret = -ETIMEDOUT;
		else if (log->safe.bytes < end)
			db_sleep_on(&log->nr_written, now);
	}
	return ret;
}

#endif
