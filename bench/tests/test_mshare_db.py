# SPDX-License-Identifier: GPL-2.0-only
"""mshare_db in exact mode: counts per act, and processes by the thousand."""
import pytest

from tlbtest import metrics, repetitions, run, slots, vm_conf

pytestmark = pytest.mark.vm

OPS = 50
# Servers take turns with the administrator, so that all run and have the pages mapped.
EXACT = {"workload": "mshare_db", "ops": OPS, "warmup_ops": 5, "rendezvous": "per_op", "rate": 0}
MANY = {"workload": "mshare_db", "ops": 3, "warmup_ops": 1, "rate": 0, "share_cpus": "yes",
        "pool": "4M", "data": "8M", "cpus": 4, "counters": "no", "timeout_seconds": 120}
CASES = {
    "punch": {**EXACT, "cpus": "2, 4, 8"},
    "sysv": {**EXACT, "cpus": 4, "backend": "sysv"},
    "resize": {**EXACT, "cpus": 4, "act": "resize"},
    "own": {**EXACT, "cpus": 4, "act": "zap, protect"},
    "sleepers": {**EXACT, "cpus": 4, "processes.server": 1, "processes.sleeper": 2},
    "threads": {**EXACT, "cpus": 4, "processes.server": 0},
    "many": {**MANY, "processes.server": 1024},
    "few": {**MANY, "processes.server": 64},
    "asleep": {**MANY, "processes.server": 24, "processes.sleeper": 1000},
}
# IPIs received and executed flushes per op, and why.
COUNTS = {
    # Each server has an mm of its own: a flush in a round of its own, with one IPI, besides the
    # administrator's local flush.
    "punch/cpus=2": (1, 2), "punch/cpus=4": (3, 4), "punch/cpus=8": (7, 8),
    "sysv": (3, 4), "resize": (3, 4),
    # One mm alone, that of the administrator. Two flushes with protect: down, and up again in
    # check, which is within the window.
    "own/act=zap": (0, 1), "own/act=protect": (0, 2),
    # Idle CPUs are not interrupted; each flushes when its sleeper wakes for the rendezvous.
    "sleepers": (1, 4),
    # One mm for all: one round with three IPIs.
    "threads": (3, 4),
}


@pytest.fixture(scope="module", name="found")
def _found(images, tmp_path_factory):
    """Run all cases in one boot; return name to record."""
    tmp_path = tmp_path_factory.mktemp("mshare_db")
    conf = vm_conf(tmp_path / "m.conf", {"baseline": {"strategy": "baseline"}}, CASES,
                   {"cpus": 8, "memory": "4G", "timeout_seconds": 400})
    assert images
    done = run("campaign", "--results", tmp_path, conf, timeout=500)
    assert done.returncode == 0, done.stderr
    return {record["case"]: record for record in repetitions(slots(tmp_path / "m")[0])}


@pytest.mark.parametrize("case", COUNTS)
def test_exact_counts(case, found):
    """IPIs and flushes per act are exactly those that its kernel functions explain."""
    values = metrics(found[case])
    assert (values["ipis_received_per_op"], values["flushes_per_op"]) == COUNTS[case]
    assert not [caveat for caveat in found[case]["caveats"] if "expected" in caveat]


@pytest.mark.parametrize("case", ["many", "asleep"])
def test_a_thousand_processes(case, found):
    """1024 processes run in 4 GiB; each has a page table for each 2 MiB of the pool."""
    record = found[case]
    processes = {(thread["role"], thread["process"]) for thread in record["threads"]
                 if thread["process"] is not None}
    values = metrics(record)
    assert len(processes) == 1024 and record["state"] == "ok"
    assert values["page_table_bytes"] == 1024 * values["page_table_bytes_per_process"]
    assert values["page_table_bytes_per_process"] > 4096 * (4 << 20) // (2 << 20)
    # What one process says of the machine is no number of a process.
    assert values["system_page_table_bytes"] > values["page_table_bytes"]
    assert "system_page_table_bytes_per_process" not in values
    # All servers are forked, so the kernel puts the pool at one place, and bytes are linear.
    few = metrics(found["few"])["page_table_bytes"]
    assert values["page_table_bytes"] == pytest.approx(1024 / 64 * few, rel=0.05)
