/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Results out of a VM: framed records in memory that guest and host share.
 *
 * The host gives the VM an ivshmem-plain device whose memory is a file. The
 * guest maps the device's memory (BAR 2) through sysfs, which needs no driver
 * and, unlike virtio devices, no asynchronous completion, so an instruction
 * counting run stays repeatable. Frames follow one another from offset 0:
 *
 *	struct tb_frame, payload, zeroes up to a multiple of 8
 *
 * The magic is stored last, so what the host sees is whole; sequence and CRC
 * say so once more. An END frame closes the stream: without one the boot
 * crashed or hung. All numbers are little-endian.
 */
#ifndef TB_CHANNEL_H
#define TB_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/text.h"

#define TB_CHANNEL_BYTES (16U << 20)
#define TB_FRAME_MAGIC 0x46424c54U

enum tb_frame_type {
	/* A line of records.jsonl. */
	TB_FRAME_RECORD = 1,
	/* A name of enum tb_slot_state, a newline, and a reason or nothing. */
	TB_FRAME_END = 2,
	/* A piece of KTAP, whole lines. */
	TB_FRAME_KTAP = 3,
};

/**
 * struct tb_frame - header
 * @crc: CRC-32 of the payload
 */
struct tb_frame {
	uint32_t magic;
	uint32_t type;
	uint32_t seq;
	uint32_t len_bytes;
	uint32_t crc;
	uint32_t reserved;
};

/**
 * struct tb_channel - the writing side
 * @mem: mapped memory of @size_bytes
 */
struct tb_channel {
	char *mem;
	size_t size_bytes;
	size_t used_bytes;
	uint32_t next_seq;
};

/* Guest: find the device and map it. */
int tb_channel_open(struct tb_channel *c, struct tb_err *err);

/* Use memory that is mapped already. */
void tb_channel_init(struct tb_channel *c, void *mem, size_t size_bytes);

/* Room for an END frame is always kept; -ENOSPC if the rest is full. */
int tb_channel_send(struct tb_channel *c, enum tb_frame_type type,
		    const void *data, size_t len_bytes, struct tb_err *err);

/**
 * struct tb_frames - the reading side
 * @fd: the file behind the device
 */
struct tb_frames {
	int fd;
	uint64_t offset_bytes;
	uint32_t next_seq;
};

/**
 * tb_frames_next() - the next frame, if it is there
 * @payload: emptied, then filled
 *
 * Return: the frame's type, 0 if there is none yet, -EBADMSG if what stands
 * there is no frame or was damaged.
 */
int tb_frames_next(struct tb_frames *f, struct tb_buf *payload,
		   struct tb_err *err);

#endif
