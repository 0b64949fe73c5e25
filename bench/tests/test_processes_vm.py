# SPDX-License-Identifier: GPL-2.0-only
"""Responders in processes of their own, in exact mode: who notices an act, and who does not.

Three of them on 4 CPUs, pages=2. What acts on one mm interrupts nobody then, whatever memory they
share; what acts on a file finds each process that has it mapped.
"""
import pytest

import tlbtest
from tlbtest import BOOT_S

pytestmark = pytest.mark.vm

OPS, PROCESSES, PAGES = 20, 3, 2
EITHER = ["anonymous", "shared"]
# IPIs received and flushes per op, and why. A process that spins on a CPU of its own leaves no mm.
COUNTS = {
    # The initiator's mm alone, and nobody else runs it: as often as without responders.
    **{f"{name}/memory={memory}": (0, flushes) for memory in EITHER
       for name, flushes in {"munmap": 1, "mprotect": 2, "madvise_dontneed": 1, "mremap": 1,
                             "uffd_wp": 1, "jit_toggle": 2, "uring_madvise": 1}.items()},
    # What they advise, MADV_FREE and MADV_COLD, the kernel does not do to pages of others.
    "madvise_free": (0, 1), "madvise_batch": (0, 16),
    # unmap_mapping_range() finds all mms, and flushes each in a round of its own.
    "punch_hole": (PROCESSES, 1 + PROCESSES),
    # page_vma_mkclean_one() for each page and each mm that can write to it.
    "msync_clean": (PAGES * PROCESSES, PAGES * (1 + PROCESSES)),
}
NAMES = sorted({case.partition("/")[0] for case in COUNTS})


@pytest.fixture(scope="module", name="found")
def _found(images, tmp_path_factory):
    """Run all cases in one boot, with and without processes; return name to record."""
    tmp_path = tmp_path_factory.mktemp("processes")
    common = {"cpus": 1 + PROCESSES, "ops": OPS, "warmup_ops": 5, "pages": PAGES}
    memory = {name: {} if name in COUNTS else {"memory": ", ".join(EITHER)} for name in NAMES}
    cases = {name: {"workload": name, **common, **memory[name], "processes.responder": PROCESSES}
             for name in NAMES}
    # Two threads in each, which share an mm: a round is for both.
    cases["pairs"] = {"workload": "punch_hole", **common, "cpus": 5, "processes.responder": 2,
                      "threads.responder": 2}
    conf = tlbtest.vm_conf(tmp_path / "p.conf", {"baseline": {"strategy": "baseline"}}, cases,
                           {"cpus": 7, "memory": "512M"})
    done = tlbtest.run("campaign", "--results", tmp_path, conf, timeout=2 * BOOT_S)
    assert done.returncode == 0, done.stderr
    return {record["case"]: record
            for record in tlbtest.repetitions(tlbtest.slots(tmp_path / "p")[0])}


def counts(record):
    """Return IPIs received and flushes per op of a record without doubts."""
    assert (record["state"], record["caveats"]) == ("ok", []), record["reasons"]
    values = tlbtest.metrics(record)
    return values["ipis_received_per_op"], values["flushes_per_op"]


@pytest.mark.parametrize("case", COUNTS)
def test_exact_counts(case, found):
    """IPIs and flushes are exactly those that its kernel functions explain."""
    assert counts(found[case]) == COUNTS[case]
    processes = {thread["process"] for thread in found[case]["threads"]
                 if thread["role"] == "responder"}
    assert processes == set(range(PROCESSES))


def test_threads_of_a_process_share_a_round(found):
    """Each of four CPUs gets one IPI, though there are two mms."""
    assert counts(found["pairs"]) == (4, 5)


def test_all_that_can_are_here():
    """Each workload whose responders may be processes has its line; mshare_db has its own test."""
    said = {name: tlbtest.run("describe", name).stdout
            for name in sorted(path.stem for path in (tlbtest.ROOT / "workloads").glob("*.c"))}
    assert NAMES == [name for name, text in said.items() if "processes.responder" in text]
