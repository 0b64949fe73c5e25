// SPDX-License-Identifier: GPL-2.0-only
/* Facts about the kernel: what was built, and how it was started. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "machine/facts.h"
#include "machine/kmsg.h"
#include "machine/uring.h"

/* ELF notes: name size, description size, type, then both, padded to 4. */
int tb_fact_build_id(struct tb_source *src, struct tb_fact *f)
{
	const uint32_t gnu_build_id = 3;
	struct tb_buf b = { 0 };
	size_t at = 0, i;
	int ret = tb_source_text(src, "/sys/kernel/notes", &b);

	while (!ret && !f->value.len_bytes && at + 12 <= b.len_bytes) {
		uint32_t head[3];
		size_t name, desc;

		memcpy(head, b.data + at, sizeof(head));
		name = at + sizeof(head);
		desc = name + (((size_t)head[0] + 3) & ~(size_t)3);
		at = desc + (((size_t)head[1] + 3) & ~(size_t)3);
		if (at > b.len_bytes || head[2] != gnu_build_id ||
		    head[0] != 4 || memcmp(b.data + name, "GNU", 4) != 0)
			continue;
		for (i = 0; i < head[1]; i++)
			tb_buf_printf(&f->value, "%02x",
				      (unsigned char)b.data[desc + i]);
	}
	tb_buf_fini(&b);
	if (!ret && !f->value.len_bytes)
		ret = tb_fact_unknown(f, -ENOENT,
				      "no GNU build id in /sys/kernel/notes");
	return ret;
}

static int need_config(const struct tb_source *src, struct tb_fact *f)
{
	if (src->config.len_bytes)
		return 0;
	return tb_fact_unknown(f, -ENOENT,
			       "neither /proc/config.gz nor "
			       "/boot/config-RELEASE");
}

int tb_fact_config_sha256(struct tb_source *src, struct tb_fact *f)
{
	char hex[SHA256_DIGEST_STRING_LENGTH];
	int ret = need_config(src, f);

	if (ret)
		return ret;
	/* Without the newline that tb_source puts in front. */
	SHA256Data((const uint8_t *)src->config.data + 1,
		   src->config.len_bytes - 1, hex);
	tb_buf_printf(&f->value, "%s", hex);
	return 0;
}

/* Options among @names that are set, and what to: "A HZ=250". */
static void list_options(const struct tb_source *src, struct tb_fact *f,
			 const char *const *names, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		char line[96];
		const char *value;

		snprintf(line, sizeof(line), "\nCONFIG_%s=", names[i]);
		value = strstr(src->config.data, line);
		if (!value)
			continue;
		value += strlen(line);
		tb_list_add(&f->value, " ", names[i]);
		if (strncmp(value, "y\n", 2) != 0)
			tb_buf_printf(&f->value, "=%.*s",
				      (int)strcspn(value, "\n"), value);
	}
}

/* What decides how this kernel flushes, and when it may be interrupted. */
int tb_fact_config_flush(struct tb_source *src, struct tb_fact *f)
{
	static const char *const names[] = {
		"HZ",
		"NR_CPUS",
		"PREEMPT_NONE",
		"PREEMPT_VOLUNTARY",
		"PREEMPT",
		"PREEMPT_LAZY",
		"PREEMPT_RT",
		"PREEMPT_DYNAMIC",
		"NUMA",
		"PARAVIRT",
		"HYPERV",
		"X86_5LEVEL",
		"PAGE_TABLE_ISOLATION",
		"MITIGATION_PAGE_TABLE_ISOLATION",
		"ARCH_WANT_BATCHED_UNMAP_TLB_FLUSH",
		"BROADCAST_TLB_FLUSH",
		"MMU_LAZY_TLB_REFCOUNT",
		"MMU_LAZY_TLB_SHOOTDOWN",
		"MMU_GATHER_RCU_TABLE_FREE",
		"PER_VMA_LOCK",
		"TRANSPARENT_HUGEPAGE",
		"LRU_GEN",
		"DEBUG_TLBFLUSH",
	};
	int ret = need_config(src, f);

	if (!ret)
		list_options(src, f, names, ARRAY_SIZE(names));
	return ret;
}

int tb_fact_debug_options(struct tb_source *src, struct tb_fact *f)
{
	static const char *const names[] = {
		"KASAN",       "KCSAN",	   "KMSAN",	      "UBSAN",
		"LOCKDEP",     "DEBUG_VM", "DEBUG_PAGEALLOC", "DEBUG_OBJECTS",
		"DEBUG_ENTRY", "KCOV",	   "GCOV_KERNEL",
	};
	int ret = need_config(src, f);

	if (!ret)
		list_options(src, f, names, ARRAY_SIZE(names));
	return ret;
}

/* Documentation/arch/x86/boot.rst, type_of_loader; kexec says Dh. */
int tb_fact_boot_method(struct tb_source *src, struct tb_fact *f)
{
	static const char *const names[16] = {
		[0x0] = "LILO",	     [0x1] = "Loadlin", [0x3] = "Syslinux",
		[0x4] = "Etherboot", [0x7] = "GRUB",	[0x9] = "Xen",
		[0xb] = "QEMU",	     [0xd] = "kexec",
	};
	uint64_t type;
	char line[32];
	int ret = tb_source_line(src, "/proc/sys/kernel/bootloader_type", line,
				 sizeof(line));

	if (ret)
		return tb_fact_unknown(f, ret, "no kernel.bootloader_type");
	if (!tb_parse_u64(line, &type) || type > 0xff)
		return tb_fact_unknown(f, -EBADMSG, "loader type '%s'", line);
	tb_buf_printf(&f->value, "%s (loader type %02xh)",
		      names[type >> 4] ? names[type >> 4] : "firmware",
		      (unsigned int)type);
	return 0;
}

static int read_cmdline(const struct tb_source *src, struct tb_buf *b)
{
	return tb_source_text(src, "/proc/cmdline", b);
}

int tb_fact_kaslr(struct tb_source *src, struct tb_fact *f)
{
	struct tb_buf b = { 0 };
	int ret = read_cmdline(src, &b);

	if (!ret && tb_has_word(b.data, "nokaslr"))
		tb_buf_printf(&f->value, "off");
	else if (!ret)
		ret = need_config(src, f);
	if (!ret && !f->value.len_bytes)
		tb_buf_printf(
			&f->value, "%s",
			strstr(src->config.data, "\nCONFIG_RANDOMIZE_BASE=y\n")
				? "on"
				: "off");
	tb_buf_fini(&b);
	return ret;
}

int tb_fact_rcu_nocbs(struct tb_source *src, struct tb_fact *f)
{
	struct tb_buf b = { 0 };
	int ret = read_cmdline(src, &b);
	const char *p = ret || !b.data ? NULL : strstr(b.data, "rcu_nocbs");

	if (p)
		tb_buf_add(&f->value, p, strcspn(p, " \n"));
	tb_buf_fini(&b);
	return ret;
}

/* Said once, at boot; a long log may have lost it. */
int tb_fact_pv_messages(struct tb_source *src, struct tb_fact *f)
{
	static const char *const texts[] = {
		"KVM setup pv remote TLB flush",
		"setup PV IPIs",
		"Using hypercall for remote TLB flush",
		"Booting paravirtualized kernel on",
	};
	struct tb_kmsg log;
	char line[256];
	size_t i;
	int ret = tb_kmsg_open(&log, src->root, false);

	if (ret)
		return tb_fact_unknown(f, ret, "/dev/kmsg: %s", strerror(-ret));
	while (tb_kmsg_next(&log, NULL, line, sizeof(line)))
		for (i = 0; i < ARRAY_SIZE(texts); i++)
			if (strstr(line, texts[i]))
				tb_list_add(&f->value, "; ", line);
	tb_kmsg_close(&log);
	return 0;
}

int tb_fact_io_uring(struct tb_source *src, struct tb_fact *f)
{
	int ret;

	if (!tb_source_is_live(src))
		return -ENOTSUP;
	ret = tb_uring_probe();
	tb_buf_printf(&f->value, "%s", ret ? strerror(-ret) : "available");
	return 0;
}

int tb_fact_uptime(struct tb_source *src, struct tb_fact *f)
{
	char line[64];
	int ret = tb_source_line(src, "/proc/uptime", line, sizeof(line));

	if (!ret)
		tb_buf_printf(&f->value, "%.*s s", (int)strcspn(line, " "),
			      line);
	return ret;
}

void tb_audit_release(char *release, unsigned int size_bytes)
{
	struct utsname u;

	snprintf(release, size_bytes, "%s", uname(&u) ? "unknown" : u.release);
}
