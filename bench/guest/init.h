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

#endif
