// SPDX-License-Identifier: GPL-2.0-only
/* /dev/kvm and the memory of trials. */
#include "campaign/kvm.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "campaign/store.h"

bool tb_kvm_answers(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int version;

	if (fd < 0)
		return false;
	version = ioctl(fd, KVM_GET_API_VERSION, 0);
	close(fd);
	return version == KVM_API_VERSION;
}

static int memory_path(const char *release, char *path, size_t size_bytes,
		       struct tb_err *err)
{
	char boot_id[64], cache[PATH_MAX];
	int ret = tb_cache_dir(cache, sizeof(cache), err);

	if (!ret && tb_read_line("/proc/sys/kernel/random/boot_id", boot_id,
				 sizeof(boot_id)))
		strcpy(boot_id, "unknown");
	if (!ret)
		ret = tb_path(path, size_bytes, err, "%s/kvm-%s-%s", cache,
			      boot_id, release);
	return ret;
}

int tb_kvm_recall(const char *release, bool *boots, bool *is_known,
		  struct tb_err *err)
{
	char path[PATH_MAX], answer[8];
	int ret = memory_path(release, path, sizeof(path), err);

	*is_known = !ret && !tb_read_line(path, answer, sizeof(answer));
	if (*is_known)
		*boots = !strcmp(answer, "yes");
	return ret;
}

int tb_kvm_remember(const char *release, bool boots, struct tb_err *err)
{
	const char *answer = boots ? "yes\n" : "no\n";
	char path[PATH_MAX];
	int ret = memory_path(release, path, sizeof(path), err);

	return ret ? ret : tb_write_file(path, answer, strlen(answer), err);
}
