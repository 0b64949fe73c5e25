# SPDX-License-Identifier: GPL-2.0-only
"""A workload that cannot run says every reason, as whoever has no privilege, and exits with 4."""
import os
import re
from pathlib import Path

import pytest

from tlbtest import run

NOBODY = [] if os.geteuid() else ["setpriv", "--reuid", "65534", "--regid", "65534",
                                  "--clear-groups"]
UNDO = "cannot note what is to be undone: needs root"
# More than any machine has.
ALL = ["pages=4096", "page_size=hugetlb", "processes.responder=4096", "share_cpus=yes"]
HUGE = "page_size = hugetlb: needs 16781312 free pages of 2048 kB"
CASES = [
    ("munmap", ALL, [HUGE]),
    ("migrate", ["page_size=hugetlb", "pages=4096", "instances=1000", "share_cpus=yes"],
     ["needs 4096000 free pages"]),
    ("ksm_merge", [], ["/ksm/pages_to_scan cannot be set", "/ksm/sleep_millisecs cannot be set",
                       "/ksm/smart_scan cannot be set", "/ksm/run cannot be set", UNDO]),
    ("numa_hint", [], ["scan_size_mb cannot be set", "scan_delay_ms cannot be set",
                       "scan_period_min_ms cannot be set", "scan_period_max_ms cannot be set",
                       "/proc/sys/kernel/numa_balancing cannot be set", UNDO]),
    ("pageout", ["backing=swap"], ["swap on zram needs root", UNDO]),
    ("luf_reclaim", ["backing=anon", "read=io_uring", "bytes=1M", "limit=8M", "pages=512",
                     "watermark_scale=7"],
     ["bytes: expected more than the memory", "bytes: expected those of one op",
      "read = io_uring: expected a file", "cgroup", "swap on zram needs root",
      "watermark_scale_factor cannot be set to 7", UNDO]),
    ("thp_split", ["by=debugfs"], ["split_huge_pages"]),
    ("madvise_batch", ["advice=free", "memory=shared", "pages=4096", "ranges=1024",
                       "instances=1000", "share_cpus=yes"],
     ["advice = free: the kernel takes MADV_FREE for memory = anonymous only", "MiB of memory"]),
    ("pageout", ["instances=2", "share_cpus=yes"], ["expected instances = 1"]),
    ("msync_clean", ["instances=2", "share_cpus=yes"], ["expected instances = 1"]),
    ("uring_madvise", ["advice=cold", "memory=shared", "processes.responder=1", "share_cpus=yes"],
     ["advice = cold: the kernel leaves pages alone"]),
    ("uffd_wp", ["page_size=thp", "memory=shared"], ["expected memory = anonymous"]),
    ("mprotect_fault", ["threads.faulter=0", "pages=1048576", "instances=1000", "share_cpus=yes"],
     ["needs a faulter", "MiB of memory"]),
    ("mprotect_fault", ["where=same_range", "fault_pages=1", "threads.initiator=3",
                        "threads.faulter=1", "share_cpus=yes"],
     ["where = same_range: expected a page of faulters for each initiator"]),
    ("idle_pingpong", ["threads.partner=0"], ["needs a partner on a second CPU"]),
    ("mshare_db", ["backend=sysv", "act=resize", "pool=1052672", "data=2M"],
     ["pool: expected a multiple", "act = resize"]),
    ("mshare_db", ["backend=msharefs", "pool=1G", "data=8M", "pages=200000"],
     ["data: expected at least the size", "pages: one act", "backend = msharefs"]),
]


@pytest.mark.parametrize("name, keys, expected", CASES,
                         ids=[" ".join([name, *keys[:1]]) for name, keys, _ in CASES])
def test_every_reason(name, keys, expected):
    """Each is there in one go, in a line of its own; nothing ran."""
    done = run("run", name, *keys, "ops=2", "warmup_ops=0", prefix=NOBODY)
    assert done.returncode == 4 and "  skipped:\n" in done.stdout, done
    said = re.search(r"  skipped:\n((?:  (?!caveat).*\n)+)", done.stdout)[1].splitlines()
    missing = [words for words in expected if not any(words in line for line in said)]
    assert not missing, (missing, said)
    assert len(set(said)) == len(said)


def test_one_node():
    """What moves pages between nodes needs two."""
    if Path("/sys/devices/system/node/node1").exists():
        pytest.skip("this machine has several NUMA nodes")
    done = run("run", "migrate", prefix=NOBODY)
    assert done.returncode == 4 and "needs two NUMA nodes with memory" in done.stdout, done
