// SPDX-License-Identifier: GPL-2.0-only
/* APERF and MPERF; arch/x86/events/msr.c has the events. */
#include "machine/freq.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"

#define MSR_PMU "/sys/bus/event_source/devices/msr/"

/* "event=0x01" */
static int read_event(const char *name, uint64_t *config)
{
	char path[96], line[64];
	int ret;

	snprintf(path, sizeof(path), MSR_PMU "events/%s", name);
	ret = tb_read_line(path, line, sizeof(line));
	if (!ret && sscanf(line, "event=%lx", config) != 1)
		ret = -EBADMSG;
	return ret;
}

static int open_event(uint32_t type, uint64_t config, unsigned int cpu)
{
	struct perf_event_attr attr = {
		.type = type,
		.size = sizeof(attr),
		.config = config,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1,
			      PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static int open_pair(struct tb_freq *freq, uint32_t type,
		     const uint64_t config[2], unsigned int cpu)
{
	freq->aperf[cpu] = open_event(type, config[0], cpu);
	freq->mperf[cpu] = open_event(type, config[1], cpu);
	freq->nr_cpus = cpu + 1;
	return freq->aperf[cpu] < 0   ? freq->aperf[cpu]
	       : freq->mperf[cpu] < 0 ? freq->mperf[cpu]
				      : 0;
}

static int open_all(struct tb_freq *freq)
{
	unsigned int cpu, nr = (unsigned int)sysconf(_SC_NPROCESSORS_CONF);
	uint64_t config[2], type;
	char line[32];
	int ret = tb_read_line(MSR_PMU "type", line, sizeof(line));

	if (ret || !tb_parse_u64(line, &type))
		return ret ? ret : -EBADMSG;
	ret = read_event("aperf", &config[0]);
	if (!ret)
		ret = read_event("mperf", &config[1]);
	for (cpu = 0; !ret && cpu < nr && cpu < TB_FREQ_CPUS; cpu++) {
		ret = open_pair(freq, (uint32_t)type, config, cpu);
		/* A CPU that is offline has no events. */
		if (ret == -ENODEV)
			ret = 0;
	}
	return ret;
}

void tb_freq_begin(struct tb_freq *freq, int error)
{
	*freq = (struct tb_freq){ .error = error };
	if (!error)
		freq->error = open_all(freq);
}

static bool read_pair(const struct tb_freq *freq, unsigned int cpu,
		      uint64_t *aperf, uint64_t *mperf)
{
	return freq->aperf[cpu] >= 0 && freq->mperf[cpu] >= 0 &&
	       read(freq->aperf[cpu], aperf, sizeof(*aperf)) ==
		       sizeof(*aperf) &&
	       read(freq->mperf[cpu], mperf, sizeof(*mperf)) == sizeof(*mperf);
}

int tb_freq_ratio(const struct tb_freq *freq, const bool *is_used,
		  unsigned int nr, double *ratio)
{
	uint64_t aperf, mperf, sum_aperf = 0, sum_mperf = 0;
	unsigned int cpu;

	if (freq->error)
		return freq->error;
	for (cpu = 0; cpu < freq->nr_cpus && cpu < nr; cpu++)
		if (is_used[cpu] && read_pair(freq, cpu, &aperf, &mperf)) {
			sum_aperf += aperf;
			sum_mperf += mperf;
		}
	if (!sum_mperf)
		return -ENODATA;
	*ratio = (double)sum_aperf / (double)sum_mperf;
	return 0;
}

void tb_freq_fini(struct tb_freq *freq)
{
	unsigned int cpu;

	for (cpu = 0; cpu < freq->nr_cpus; cpu++) {
		if (freq->aperf[cpu] >= 0)
			close(freq->aperf[cpu]);
		if (freq->mperf[cpu] >= 0)
			close(freq->mperf[cpu]);
	}
	freq->nr_cpus = 0;
}
