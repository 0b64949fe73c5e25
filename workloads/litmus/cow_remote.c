// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copy on write in another process, by process_vm_writev(): wp_page_copy() puts
 * another page into its entry, and flushes it by ptep_clear_flush(), on a CPU
 * that has another mm loaded (read in 6.12). That process must read the new
 * page from then on. Pages are those of a private file, and nobody can take the
 * copies away again, so each try has pages of its own until there are no more.
 */
#include <stdlib.h>
#include <sys/uio.h>

#include "litmus.h"

#define ALL_PAGES 1024
#define MAX_PAGES 34

struct cow_remote {
	struct wl_range all;
	size_t used;
};

static void probe(struct wl_reasons *why)
{
	uint64_t there, here = 0;
	const struct iovec from = { &here, sizeof(here) };
	const struct iovec to = { &there, sizeof(there) };

	if (process_vm_writev(getpid(), &from, 1, &to, 1, 0) < 0)
		wl_reason(why, "process_vm_writev: %s", strerror(errno));
}

static int map_file(struct wl_range *r)
{
	int fd = memfd_create("tlbbench-litmus", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)r->len_bytes) ||
	    mmap(r->addr, r->len_bytes, PROT_READ | PROT_WRITE,
		 MAP_FIXED | MAP_PRIVATE, fd, 0) == MAP_FAILED)
		return -errno;
	close(fd);
	return 0;
}

/* Before victims are forked off. */
static int setup(struct litmus *l)
{
	const struct wl_mem_conf conf = { .pages = ALL_PAGES };
	struct cow_remote *c = calloc(1, sizeof(*c));
	int ret;

	l->priv = c;
	if (!c)
		return -ENOMEM;
	ret = wl_range_init(&c->all, l->range.ctx, 0, &conf);
	return ret ? ret : map_file(&c->all);
}

static int arm(struct litmus *l)
{
	struct cow_remote *c = l->priv;
	size_t nr = litmus_pages(l);

	if (c->used + nr > ALL_PAGES)
		return -ENOMEM;
	l->range.addr = c->all.addr + c->used * c->all.page_bytes;
	c->used += nr;
	return 0;
}

static int act(struct litmus *l)
{
	size_t i, nr = litmus_pages(l);
	uint64_t values[MAX_PAGES];
	struct iovec from = { values, nr * sizeof(*values) };
	struct iovec to[MAX_PAGES];
	ssize_t done;

	for (i = 0; i < nr; i++) {
		values[i] = litmus_value(LITMUS_BY_ACT, l->value_nr, i);
		to[i] = (struct iovec){ (void *)litmus_word(l, i),
					sizeof(*values) };
	}
	done = process_vm_writev(l->victims, &from, 1, to, nr, 0);
	if (done < 0)
		return -errno;
	return (size_t)done == from.iov_len ? 0 : -EIO;
}

const struct litmus_ops litmus_cow_remote = {
	.abi = LITMUS_ABI,
	.name = "cow_remote",
	.summary = "the flush of a copy on write in another process",
	.path = "process_vm_writev wp_page_copy ptep_clear_flush",
	.page_sizes = LITMUS_BASE,
	.states = 1U << LITMUS_PROCESS,
	.is_shared = true,
	.effort = 4,
	.max_pages = MAX_PAGES,
	.read = LITMUS_NEW,
	.probe = probe,
	.setup = setup,
	.arm = arm,
	.act = act,
};
