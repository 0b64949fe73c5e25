// SPDX-License-Identifier: GPL-2.0-only
/* Frames from a writer to a reader through one file, whole and damaged. */
#include "campaign/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "tests/t.h"

/* Both sides of a channel of the size given to open_pair(). */
struct pair {
	struct tb_channel writer;
	struct tb_frames reader;
	struct tb_buf payload;
	struct tb_err err;
};

static void open_pair(struct pair *p, const char *dir, size_t size_bytes)
{
	int fd = open(t_path(dir, "channel"), O_RDWR | O_CREAT | O_CLOEXEC,
		      0600);
	void *mem;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size_bytes), 0);
	mem = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(mem, MAP_FAILED);
	*p = (struct pair){ .reader = { .fd = fd } };
	tb_channel_init(&p->writer, mem, size_bytes);
}

static void close_pair(struct pair *p)
{
	munmap(p->writer.mem, p->writer.size_bytes);
	close(p->reader.fd);
	tb_buf_fini(&p->payload);
}

static int send_text(struct pair *p, enum tb_frame_type type, const char *text)
{
	return tb_channel_send(&p->writer, type, text, strlen(text), &p->err);
}

static void expect(struct pair *p, int type, const char *text)
{
	int ret = tb_frames_next(&p->reader, &p->payload, &p->err);

	assert_string_equal(p->err.text, "");
	assert_int_equal(ret, type);
	if (type)
		assert_string_equal(p->payload.data, text);
}

static void expect_damage(struct pair *p, unsigned int frame)
{
	char message[80];
	int ret = tb_frames_next(&p->reader, &p->payload, &p->err);

	assert_int_equal(ret, -EBADMSG);
	snprintf(message, sizeof(message),
		 "frame %u of the VM's results: Bad message", frame);
	assert_string_equal(p->err.text, message);
	p->err = (struct tb_err){ 0 };
}

static void frames_come_in_order(void **state)
{
	struct pair p;

	open_pair(&p, *state, 65536);
	expect(&p, 0, NULL);
	send_text(&p, TB_FRAME_RECORD, "{\"a\":1}\n");
	expect(&p, TB_FRAME_RECORD, "{\"a\":1}\n");
	expect(&p, 0, NULL);
	expect(&p, 0, NULL);
	send_text(&p, TB_FRAME_RECORD, "two");
	send_text(&p, TB_FRAME_END, "ok\n");
	expect(&p, TB_FRAME_RECORD, "two");
	expect(&p, TB_FRAME_END, "ok\n");
	expect(&p, 0, NULL);
	close_pair(&p);
}

static void every_length_comes_whole(void **state)
{
	struct tb_buf text = { 0 };
	uint64_t seed = 5;
	struct pair p;
	unsigned int i;

	open_pair(&p, *state, 2U << 20);
	for (i = 1; i < 300; i++) {
		char letter = (char)('a' + t_random(&seed) % 26);

		tb_buf_add(&text, &letter, 1);
		assert_int_equal(send_text(&p, TB_FRAME_RECORD, text.data), 0);
		/* Some are read at once, others later. */
		if (i % 3 && i < 299)
			continue;
		while (p.reader.next_seq < i) {
			int ret = tb_frames_next(&p.reader, &p.payload, &p.err);

			assert_int_equal(ret, TB_FRAME_RECORD);
			assert_int_equal(p.payload.len_bytes,
					 p.reader.next_seq);
			assert_memory_equal(p.payload.data, text.data,
					    p.reader.next_seq);
		}
	}
	tb_buf_fini(&text);
	/* Longer than the chunks in which it is read. */
	for (i = 0; i < 5000; i++)
		tb_buf_printf(&text, "%u ", i);
	assert_int_equal(send_text(&p, TB_FRAME_END, text.data), 0);
	expect(&p, TB_FRAME_END, text.data);
	tb_buf_fini(&text);
	close_pair(&p);
}

static void frames_start_at_multiples_of_eight(void **state)
{
	static const char text[] = "0123456789";
	struct pair p;
	size_t i;

	open_pair(&p, *state, 65536);
	for (i = 1; i < sizeof(text); i++) {
		size_t at = p.writer.used_bytes;

		assert_int_equal(at % 8, 0);
		tb_channel_send(&p.writer, TB_FRAME_RECORD, text, i, &p.err);
		assert_int_equal(p.writer.used_bytes - at,
				 i <= 8 ? 24 + 8 : 24 + 16);
	}
	close_pair(&p);
}

static void bytes_pass_as_they_are(void **state)
{
	static const char bytes[] = "\0\xff\n\0TLBF\x54\x4c\x42\x46\0";
	struct pair p;

	open_pair(&p, *state, 65536);
	tb_channel_send(&p.writer, TB_FRAME_RECORD, bytes, sizeof(bytes),
			&p.err);
	assert_int_equal(tb_frames_next(&p.reader, &p.payload, &p.err),
			 TB_FRAME_RECORD);
	assert_int_equal(p.payload.len_bytes, sizeof(bytes));
	assert_memory_equal(p.payload.data, bytes, sizeof(bytes));
	close_pair(&p);
}

static void frame_without_magic_is_not_there_yet(void **state)
{
	uint32_t magic;
	struct pair p;

	open_pair(&p, *state, 65536);
	send_text(&p, TB_FRAME_RECORD, "first");
	send_text(&p, TB_FRAME_RECORD, "second");
	/* As if the guest were between payload and magic. */
	memcpy(&magic, p.writer.mem, sizeof(magic));
	assert_int_equal(magic, TB_FRAME_MAGIC);
	memset(p.writer.mem, 0, sizeof(magic));
	expect(&p, 0, NULL);
	memcpy(p.writer.mem, &magic, sizeof(magic));
	expect(&p, TB_FRAME_RECORD, "first");
	expect(&p, TB_FRAME_RECORD, "second");
	close_pair(&p);
}

/* Every single byte of header and payload, but @reserved. */
static void damage_anywhere_is_seen(void **state)
{
	static const char text[] = "a record\n";
	const size_t nr = sizeof(struct tb_frame) + strlen(text);
	struct pair p;
	size_t i;

	open_pair(&p, *state, 65536);
	send_text(&p, TB_FRAME_RECORD, text);
	send_text(&p, TB_FRAME_END, "ok\n");
	for (i = 0; i < nr; i++) {
		char *byte = &p.writer.mem[i];

		if (i / 4 == offsetof(struct tb_frame, reserved) / 4)
			continue;
		*byte ^= 0x10;
		expect_damage(&p, 0);
		/* And it stays where it is. */
		expect_damage(&p, 0);
		*byte ^= 0x10;
	}
	expect(&p, TB_FRAME_RECORD, text);
	expect(&p, TB_FRAME_END, "ok\n");
	close_pair(&p);
}

static void unknown_types_are_damage(void **state)
{
	static const uint32_t types[] = { 0, 4, 0x101, 0x80000001 };
	char *type;
	struct pair p;
	size_t i;

	open_pair(&p, *state, 65536);
	send_text(&p, TB_FRAME_RECORD, "x");
	type = p.writer.mem + offsetof(struct tb_frame, type);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		memcpy(type, &types[i], sizeof(types[i]));
		expect_damage(&p, 0);
	}
	close_pair(&p);
}

static void wrong_sequence_is_damage(void **state)
{
	struct pair p;

	open_pair(&p, *state, 65536);
	p.writer.next_seq = 1;
	send_text(&p, TB_FRAME_RECORD, "one too far");
	expect_damage(&p, 0);
	close_pair(&p);
}

static void truncated_file_is_damage(void **state)
{
	struct pair p;
	int ret;

	open_pair(&p, *state, 65536);
	send_text(&p, TB_FRAME_RECORD, "first");
	send_text(&p, TB_FRAME_RECORD, "a second one");
	/* In the payload of the second: 24 + 5 is 32, and 24 more. */
	assert_int_equal(ftruncate(p.reader.fd, 32 + 24 + 3), 0);
	expect(&p, TB_FRAME_RECORD, "first");
	expect_damage(&p, 1);
	/* In its header: nothing can be there. */
	assert_int_equal(ftruncate(p.reader.fd, 32 + 23), 0);
	expect(&p, 0, NULL);
	close(p.reader.fd);
	ret = tb_frames_next(&p.reader, &p.payload, &p.err);
	assert_int_equal(ret, -EBADF);
	p.reader.fd = -1;
	close_pair(&p);
}

static void full_channel_has_room_for_the_end(void **state)
{
	char reason[TB_ERR_TEXT_BYTES + 16];
	unsigned int sent = 0, i;
	struct pair p;

	memset(reason, 'r', sizeof(reason));
	reason[sizeof(reason) - 1] = '\0';
	open_pair(&p, *state, 8192);
	while (!send_text(&p, TB_FRAME_RECORD, "0123456789012345678"))
		sent++;
	assert_true(sent > 0);
	assert_int_equal(p.err.code, -ENOSPC);
	assert_string_equal(p.err.text, "channel of 8192 bytes is full: run "
					"fewer cases in one boot");
	p.err = (struct tb_err){ 0 };
	/* A failed send leaves no trace. */
	assert_int_equal(p.writer.next_seq, sent);
	assert_int_equal(send_text(&p, TB_FRAME_END, reason), 0);
	for (i = 0; i < sent; i++)
		expect(&p, TB_FRAME_RECORD, "0123456789012345678");
	expect(&p, TB_FRAME_END, reason);
	expect(&p, 0, NULL);
	close_pair(&p);
}

static void channel_may_be_filled_to_the_last_byte(void **state)
{
	char text[512 - sizeof(struct tb_frame) + 1];
	struct pair p;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	open_pair(&p, *state, 512);
	assert_int_equal(send_text(&p, TB_FRAME_END, text), 0);
	expect(&p, TB_FRAME_END, text);
	expect(&p, 0, NULL);
	assert_int_equal(send_text(&p, TB_FRAME_END, "x"), -ENOSPC);
	close_pair(&p);
}

static void too_long_a_frame_is_refused(void **state)
{
	char text[600];
	struct pair p;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	open_pair(&p, *state, 512);
	assert_int_equal(send_text(&p, TB_FRAME_END, text), -ENOSPC);
	p.err = (struct tb_err){ 0 };
	expect(&p, 0, NULL);
	close_pair(&p);
}

int main(void)
{
	struct CMUnitTest tests[] = {
		T_DIR(frames_come_in_order),
		T_DIR(every_length_comes_whole),
		T_DIR(frames_start_at_multiples_of_eight),
		T_DIR(bytes_pass_as_they_are),
		T_DIR(frame_without_magic_is_not_there_yet),
		T_DIR(damage_anywhere_is_seen),
		T_DIR(unknown_types_are_damage),
		T_DIR(wrong_sequence_is_damage),
		T_DIR(truncated_file_is_damage),
		T_DIR(full_channel_has_room_for_the_end),
		T_DIR(channel_may_be_filled_to_the_last_byte),
		T_DIR(too_long_a_frame_is_refused),
	};

	return T_RUN("channel", tests);
}
