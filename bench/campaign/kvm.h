/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known about KVM on this machine.
 */
#ifndef TB_KVM_H
#define TB_KVM_H

#include <stdbool.h>

#include "base/err.h"

/* Is there a /dev/kvm that speaks the API? It may still boot nothing. */
bool tb_kvm_answers(void);

/**
 * tb_kvm_recall(), tb_kvm_remember() - the answer of an earlier trial
 *
 * A trial costs seconds where it fails, so its answer is kept in the cache,
 * for this boot of the machine and the release of the kernel: one that boots
 * nowhere says nothing about the others, and what is chosen by a parameter of
 * one image changes nothing.
 */
int tb_kvm_recall(const char *release, bool *boots, bool *is_known,
		  struct tb_err *err);
int tb_kvm_remember(const char *release, bool boots, struct tb_err *err);

#endif
