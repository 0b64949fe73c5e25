/* SPDX-License-Identifier: GPL-2.0-only */
/* A program for execve() that does nothing, where there is no file system. */
#ifndef LITMUS_PROGRAM_H
#define LITMUS_PROGRAM_H

#include <elf.h>

#include "litmus.h"

#define LITMUS_PROGRAM_ADDR 0x400000UL

static inline void litmus_program_probe(struct wl_reasons *why)
{
#ifdef __x86_64__
	(void)why;
#else
	wl_reason(why, "its program is machine code of x86-64");
#endif
}

/* A file with it: exit_group(0), and what the kernel has to know of that. */
static inline int litmus_program(void)
{
	static const uint8_t code[] = { 0xb8, 0xe7, 0,	  0,   0,
					0x31, 0xff, 0x0f, 0x05 };
	struct {
		Elf64_Ehdr file;
		Elf64_Phdr load;
		uint8_t code[sizeof(code)];
	} p = {
		.file = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3,
				       ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			  .e_type = ET_EXEC,
			  .e_machine = EM_X86_64,
			  .e_version = EV_CURRENT,
			  .e_phoff = sizeof(p.file),
			  .e_ehsize = sizeof(p.file),
			  .e_phentsize = sizeof(p.load),
			  .e_phnum = 1 },
		.load = { .p_type = PT_LOAD,
			  .p_flags = PF_R | PF_X,
			  .p_vaddr = LITMUS_PROGRAM_ADDR,
			  .p_filesz = sizeof(p),
			  .p_memsz = sizeof(p),
			  .p_align = 4096 },
	};
	int fd = memfd_create("tlbbench-exit", MFD_CLOEXEC);

	p.file.e_entry = LITMUS_PROGRAM_ADDR + offsetof(typeof(p), code);
	memcpy(p.code, code, sizeof(code));
	if (fd >= 0 && write(fd, &p, sizeof(p)) != sizeof(p))
		return -EIO;
	return fd < 0 ? -errno : fd;
}

#endif
