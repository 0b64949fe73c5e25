// SPDX-License-Identifier: GPL-2.0-only
/* Frames in shared memory. */
#include "campaign/channel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/* ivshmem: docs/specs/ivshmem-spec of QEMU. */
#define PCI_DEVICES "/sys/bus/pci/devices"
#define IVSHMEM_VENDOR "0x1af4"
#define IVSHMEM_DEVICE "0x1110"

/* Largest END frame: header and a reason of TB_ERR_TEXT_BYTES. */
#define END_ROOM_BYTES 1024

static size_t frame_bytes(size_t len_bytes)
{
	return (sizeof(struct tb_frame) + len_bytes + 7) & ~(size_t)7;
}

static uint32_t crc_of(const void *data, size_t len_bytes)
{
	return (uint32_t)crc32(0, data, (unsigned int)len_bytes);
}

static bool has_id(const char *device, const char *file, const char *id)
{
	char path[PATH_MAX], line[16];

	snprintf(path, sizeof(path), PCI_DEVICES "/%s/%s", device, file);
	return !tb_read_line(path, line, sizeof(line)) && !strcmp(line, id);
}

static int find_device(char *path, size_t size_bytes)
{
	DIR *dir = opendir(PCI_DEVICES);
	struct dirent *e;
	int ret = -ENODEV;

	if (!dir)
		return -errno;
	while ((e = readdir(dir))) {
		if (!has_id(e->d_name, "vendor", IVSHMEM_VENDOR) ||
		    !has_id(e->d_name, "device", IVSHMEM_DEVICE))
			continue;
		snprintf(path, size_bytes, PCI_DEVICES "/%s", e->d_name);
		ret = 0;
		break;
	}
	closedir(dir);
	return ret;
}

static int enable_device(const char *device)
{
	char path[PATH_MAX];
	int fd, ret;

	snprintf(path, sizeof(path), "%s/enable", device);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = tb_write_all(fd, "1", 1);
	close(fd);
	return ret;
}

static int map_bar(struct tb_channel *c, const char *device)
{
	char path[PATH_MAX];
	struct stat st;
	void *mem;
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s/resource2", device);
	fd = open(path, O_RDWR | O_CLOEXEC | O_SYNC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		ret = -errno;
		goto out_close;
	}
	mem = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   fd, 0);
	if (mem == MAP_FAILED)
		ret = -errno;
	else
		tb_channel_init(c, mem, (size_t)st.st_size);
out_close:
	close(fd);
	return ret;
}

int tb_channel_open(struct tb_channel *c, struct tb_err *err)
{
	char device[PATH_MAX / 2];
	int ret = find_device(device, sizeof(device));

	if (!ret)
		ret = enable_device(device);
	if (!ret)
		ret = map_bar(c, device);
	if (ret)
		return tb_fail_errno(err, ret,
				     "no channel to the host "
				     "(ivshmem device)");
	return 0;
}

void tb_channel_init(struct tb_channel *c, void *mem, size_t size_bytes)
{
	*c = (struct tb_channel){ .mem = mem, .size_bytes = size_bytes };
}

int tb_channel_send(struct tb_channel *c, enum tb_frame_type type,
		    const void *data, size_t len_bytes, struct tb_err *err)
{
	size_t kept_bytes = type == TB_FRAME_END ? 0 : END_ROOM_BYTES;
	struct tb_frame header = {
		.type = type,
		.seq = c->next_seq,
		.len_bytes = (uint32_t)len_bytes,
		.crc = crc_of(data, len_bytes),
	};
	char *at = c->mem + c->used_bytes;

	if (frame_bytes(len_bytes) + kept_bytes > c->size_bytes - c->used_bytes)
		return tb_fail(err, -ENOSPC,
			       "channel of %zu bytes is full: run fewer cases "
			       "in one boot",
			       c->size_bytes);
	memcpy(at + sizeof(header), data, len_bytes);
	memcpy(at, &header, sizeof(header));
	/* Pairs with the host's look at the magic: the frame is whole by then.
	 */
	__atomic_store_n((uint32_t *)(void *)at, TB_FRAME_MAGIC,
			 __ATOMIC_RELEASE);
	c->used_bytes += frame_bytes(len_bytes);
	c->next_seq++;
	return 0;
}

static int read_at(int fd, void *data, size_t len_bytes, uint64_t offset_bytes)
{
	ssize_t n = pread(fd, data, len_bytes, (off_t)offset_bytes);

	if (n < 0)
		return -errno;
	return (size_t)n == len_bytes ? 0 : -EBADMSG;
}

static int read_payload(struct tb_frames *f, const struct tb_frame *header,
			struct tb_buf *payload)
{
	uint64_t at = f->offset_bytes + sizeof(*header);
	size_t left = header->len_bytes;
	char chunk[4096];
	int ret;

	while (left) {
		size_t n = left < sizeof(chunk) ? left : sizeof(chunk);

		ret = read_at(f->fd, chunk, n, at);
		if (ret)
			return ret;
		tb_buf_add(payload, chunk, n);
		at += n;
		left -= n;
	}
	if (payload->has_failed)
		return -ENOMEM;
	return crc_of(payload->data, payload->len_bytes) == header->crc
		       ? 0
		       : -EBADMSG;
}

/* The payload has a CRC; this is all that vouches for the header. */
static bool is_plausible(const struct tb_frame *header, uint32_t seq)
{
	return header->magic == TB_FRAME_MAGIC && header->seq == seq &&
	       header->len_bytes && header->type >= TB_FRAME_RECORD &&
	       header->type <= TB_FRAME_KTAP;
}

int tb_frames_next(struct tb_frames *f, struct tb_buf *payload,
		   struct tb_err *err)
{
	struct tb_frame header;
	int ret = read_at(f->fd, &header, sizeof(header), f->offset_bytes);

	/* Less than a header is left: the channel is full. */
	if (ret == -EBADMSG || (!ret && !header.magic))
		return 0;
	payload->len_bytes = 0;
	if (!ret && !is_plausible(&header, f->next_seq))
		ret = -EBADMSG;
	if (!ret)
		ret = read_payload(f, &header, payload);
	if (ret)
		return tb_fail_errno(err, ret, "frame %u of the VM's results",
				     f->next_seq);
	f->offset_bytes += frame_bytes(header.len_bytes);
	f->next_seq++;
	return (int)header.type;
}
