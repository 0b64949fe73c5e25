# SPDX-License-Identifier: GPL-2.0-only
"""Huge pages in exact mode: what one op causes, with 4 of them at 4 CPUs.

Pages of hugetlb are reserved at boot; the guest gives huge pages of shmem to those that ask.
"""
import pytest

import tlbtest
from tlbtest import BOOT_S

pytestmark = pytest.mark.vm

RANGE = {"cpus": 4, "ops": 20, "warmup_ops": 5, "pages": 4}
# So few acts that none meets pages that were given back: all servers have mapped each.
DB = {"workload": "mshare_db", "cpus": 4, "ops": 4, "warmup_ops": 1, "rendezvous": "per_op",
      "rate": 0, "backend": "hugetlb", "pool": "64M", "data": "64M"}
EITHER = "anonymous, shared"
# The two rounds of flushes per mprotect() are one of the range and one of everything.
PROTECT = {"anonymous/hugetlb": (12, 16, 8, 4, 4), "shared/hugetlb": (12, 16, 8, 4, 0),
           "anonymous/thp": (6, 8, 0, 4, 0), "shared/thp": (6, 8, 0, 4, 0)}
ONCE = {where: (3, 4, 0, 4, 4) for where in PROTECT}
# IPIs received, flushes, full flushes, pages of a flush that is not full and faults, per op; in
# words what differs from one flush of the range on each CPU.
COUNTS = {
    "munmap": ONCE,
    "madvise_dontneed": ONCE,
    # Once more by rearm. Of hugetlb each twice: hugetlb_change_protection() flushes its range, and
    # tlb_finish_mmu() everything, for the gather knows of no page of it. The page tables of
    # private pages lose the right to write as of fork(), so the next write faults once.
    "mprotect": PROTECT,
    "jit_toggle": PROTECT,
    # move_huge_pmd() flushes for each page, and so that page tables go, everything; hugetlb once.
    "mremap": {"anonymous/hugetlb": (3, 4, 0, 4, 0), "shared/hugetlb": (3, 4, 0, 4, 0),
               "anonymous/thp": (12, 16, 16, None, 0), "shared/thp": (12, 16, 16, None, 0)},
    "punch_hole": {"hugetlb": (3, 4, 0, 4, 4), "thp": (3, 4, 0, 4, 4)},
    # Of hugetlb twice, as with mprotect. Of thp by the op and by rearm, which must not fault.
    "uffd_wp": {"anonymous/hugetlb": (6, 8, 4, 4, 4), "shared/hugetlb": (6, 8, 4, 4, 4),
                "anonymous/thp": (6, 8, 0, 4, 0)},
}
METRICS = ("ipis_received_per_op", "flushes_per_op", "full_flushes_per_op", "pages_per_flush",
           "faults_per_op")


def cases():
    """Return the cases of the campaign: each workload with each kind of memory and page."""
    memory = {name: {} if name == "punch_hole" else {"memory": EITHER} for name in COUNTS}
    found = {name: {"workload": name, **RANGE, **memory[name], "page_size": "hugetlb, thp"}
             for name in COUNTS}
    return {**found, "db": {**DB, "act": "punch, zap, protect, resize"}}


@pytest.fixture(scope="module", name="found")
def _found(images, tmp_path_factory):
    """Run all cases in one boot; return name to record."""
    tmp_path = tmp_path_factory.mktemp("huge")
    conf = tlbtest.vm_conf(tmp_path / "h.conf", {
        "baseline": {"strategy": "baseline", "append": "hugepages=100"}}, cases(),
        {"cpus": 6, "memory": "1G"})
    assert images
    done = tlbtest.run("campaign", "--results", tmp_path, conf, timeout=2 * BOOT_S)
    assert done.returncode in (0, 4), done.stderr
    records = tlbtest.repetitions(tlbtest.slots(tmp_path / "h")[0])
    return {record["case"].replace("memory=", "").replace("page_size=", ""): record
            for record in records}


@pytest.mark.parametrize("case", [f"{name}/{where}" for name in COUNTS for where in COUNTS[name]])
def test_exact_counts(case, found):
    """One op causes exactly what its kernel functions explain, and what the workload expects."""
    name, _, where = case.partition("/")
    record = found[case]
    assert (record["state"], record["caveats"]) == ("ok", []), record["reasons"]
    values = tlbtest.metrics(record)
    assert tuple(values.get(metric) for metric in METRICS) == COUNTS[name][where]


def test_shared_huge_pages_are_not_write_protected(found):
    record = found["uffd_wp/shared/thp"]
    assert record["state"] == "skipped" and "unmaps huge pages instead" in record["reasons"][0]


@pytest.mark.parametrize("act, counts", [
    ("punch", (3, 4)), ("resize", (3, 4)),  # each server has an mm of its own, one round for each
    ("zap", (0, 1)),  # the administrator's mm alone
    ("protect", (0, 4)),  # the same, twice as above, and twice by check, which protects no more
])
def test_database(act, counts, found):
    """What the acts of mshare_db cause, with a pool of huge pages."""
    record = found[f"db/act={act}"]
    assert (record["state"], record["caveats"]) == ("ok", []), record["reasons"]
    values = tlbtest.metrics(record)
    assert (values["ipis_received_per_op"], values["flushes_per_op"]) == counts
