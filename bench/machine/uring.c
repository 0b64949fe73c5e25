// SPDX-License-Identifier: GPL-2.0-only
/* The only file that talks to liburing. */
#include "machine/uring.h"

#include <liburing.h>

int tb_uring_probe(void)
{
	struct io_uring ring;
	int ret = io_uring_queue_init(2, &ring, 0);

	if (!ret)
		io_uring_queue_exit(&ring);
	return ret;
}
