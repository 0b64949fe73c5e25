// SPDX-License-Identifier: GPL-2.0-only
/* Reader of /proc/TID/stack. */
#include "machine/stack.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define MAX_FUNCTIONS 6

/* "[<0>] futex_wait_queue+0x60/0x90" -> "futex_wait_queue" */
static void add_function(struct tb_buf *b, const char *line)
{
	const char *name = strchr(line, ' ');
	size_t len = name ? strcspn(++name, "+/ \n") : 0;

	if (len)
		tb_buf_printf(b, "%s%.*s", b->len_bytes ? " < " : "", (int)len,
			      name);
}

void tb_stack_read(pid_t tid, char stack[TB_STACK_BYTES])
{
	struct tb_buf text = { 0 }, functions = { 0 };
	char path[32], *rest, *line;
	int nr = 0, ret;

	stack[0] = '\0';
	if (!tid)
		return;
	snprintf(path, sizeof(path), "/proc/%d/stack", tid);
	ret = tb_read_file(path, &text);
	rest = text.data;
	while (rest && nr++ < MAX_FUNCTIONS && (line = strsep(&rest, "\n")))
		add_function(&functions, line);
	if (ret)
		snprintf(stack, TB_STACK_BYTES,
			 "; its kernel stack cannot be read: %s",
			 strerror(-ret));
	else if (functions.data)
		snprintf(stack, TB_STACK_BYTES, "; kernel stack: %s",
			 functions.data);
	else
		snprintf(stack, TB_STACK_BYTES,
			 "; no kernel stack: it runs in user space");
	tb_buf_fini(&text);
	tb_buf_fini(&functions);
}
