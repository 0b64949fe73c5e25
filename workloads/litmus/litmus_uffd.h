/* SPDX-License-Identifier: GPL-2.0-only */
/* Write-protection by userfaultfd as the act of a litmus test. */
#ifndef LITMUS_UFFD_H
#define LITMUS_UFFD_H

#include <stdlib.h>

#include "../wl_uffd.h"
#include "litmus.h"

static inline int litmus_uffd_setup(struct litmus *l)
{
	int *fd = malloc(sizeof(*fd));

	l->priv = fd;
	if (!fd)
		return -ENOMEM;
	*fd = wl_uffd_open();
	return *fd < 0 ? *fd : 0;
}

static inline int litmus_uffd_arm(struct litmus *l)
{
	const int *fd = l->priv;
	int ret = litmus_arm_any(l);

	return ret ? ret : wl_uffd_register(*fd, &l->range);
}

static inline int litmus_uffd_protect(struct litmus *l)
{
	const int *fd = l->priv;

	return wl_uffd_protect(*fd, &l->range, true);
}

/* With WP_ASYNC a write takes the protection away, which pagemap shows. */
static inline int litmus_uffd_noticed(struct litmus *l, size_t page)
{
	long nr = litmus_pagemap(l, page, WL_PM_UFFD_WP);

	return nr < 0 ? (int)nr : !nr;
}

#endif
