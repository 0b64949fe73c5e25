/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tlbbench as PID 1 of a VM.
 */
#ifndef TB_INIT_H
#define TB_INIT_H

/**
 * tb_guest_main() - run the slot that the initramfs describes, power off
 *
 * Never returns.
 */
void tb_guest_main(void) __attribute__((noreturn));

/* Write a setting; one that there is not here is none to complain about. */
void tb_guest_set(const char *path, const char *value);

#endif
