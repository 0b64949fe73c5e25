// SPDX-License-Identifier: GPL-2.0-only
/*
 * The init of the tests: prints the release and the lazy TLB strategy of the
 * kernel, and powers off.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

int main(void)
{
	char line[128] = "none\n";
	struct utsname uts;
	FILE *file;

	mkdir("/dev", 0755);
	mkdir("/sys", 0755);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	dup2(open("/dev/console", O_RDWR), 1);
	uname(&uts);
	printf("release=%s\n", uts.release);
	file = fopen("/sys/kernel/tlb_strategy/lazy", "r");
	if (file)
		fgets(line, sizeof(line), file);
	printf("lazy=%s", line);
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 0;
}
