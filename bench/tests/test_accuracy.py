# SPDX-License-Identifier: GPL-2.0-only
"""Counts that must be exact on this machine, and the program behind `make bench`.

Nothing here is timed: `make bench` does that.
"""
import json
import os
import subprocess
import sys

import pytest

import tlbtest
from tlbtest import ROOT, run

ACCURACY = ROOT / "bench/accuracy"
sys.path.insert(0, str(ACCURACY))

import bench  # noqa: E402
import ledger  # noqa: E402
import many  # noqa: E402
from items import Item, Row  # noqa: E402
from tools import Tools, Unavailable  # noqa: E402

BUILD = tlbtest.BINARY.parent
OPS = 1000
few_cpus = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs 2 CPUs")


# --- exact counts -------------------------------------------------------------


def exact_run():
    """Run munmap on all CPUs under SCHED_FIFO; return IPIs received and expected."""
    done = run("run", "--json", "munmap", "sched=fifo", f"ops={OPS}")
    record = json.loads(done.stdout.splitlines()[1])
    if record["state"] == "skipped":
        pytest.skip(record["reasons"][0])
    assert record["state"] == "ok", record["reasons"]
    expected = OPS * (len(record["threads"]) - 1)
    return tlbtest.metrics(record)["ipis_received"], expected


@few_cpus
def test_ipis_are_exact():
    """1000 munmaps interrupt each of n-1 running responders 1000 times."""
    # Others may flush on these CPUs; a hypervisor may send none to a CPU that it has preempted.
    for _ in range(5):
        received, expected = exact_run()
        if received == expected:
            break
    assert received == expected


def test_many_instances():
    """4096 instances run, and each counts its ops; one that waits has little memory of its own."""
    record, idle_kib, _ = many.run(tlbtest.BINARY)
    if any("cannot fork" in reason for reason in record["reasons"]):
        pytest.skip(record["reasons"][0])
    assert record["state"] == "ok", record["reasons"]
    assert {one["ops"] for one in record["passes"].values()} == {many.INSTANCES * many.OPS}
    assert record["harness"]["instances"] == many.INSTANCES == 4096
    assert len(idle_kib) == many.SAMPLES and 0 < min(idle_kib)
    assert max(idle_kib) <= many.PRIVATE_KIB


# --- make bench ---------------------------------------------------------------


def script(*args):
    """Run the script of `make bench` on what was built."""
    argv = [sys.executable, "-B", ACCURACY / "bench.py", "--build", BUILD, *args]
    return subprocess.run(argv, check=False, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)


def test_table():
    """One line about the machine, one per value, one about the run."""
    done = script("--rounds", "2", "costs")
    assert done.returncode == 0, done
    machine, head, *rows, end = done.stdout.splitlines()
    assert f"Linux {os.uname().release}" in machine and head.split()[:2] == ["what", "median"]
    assert len(rows) == 2 and end.startswith("2 rounds, ")
    for row in rows:
        assert float(row.split("  ")[-1].split()[0].rstrip("%")) >= 0


def test_unknown_item():
    """What is not an item is a usage error that lists the items."""
    done = script("nope")
    assert done.returncode == 2 and "expected items of spin, floor" in done.stderr


class Made:
    """Tools that have a record for each workload, or what is wrong with it."""

    def __init__(self, **results):
        self.results = results

    def workloads(self):
        """Return the names."""
        return list(self.results)

    def record(self, name, **_):
        """Return what was made, or raise it."""
        if isinstance(self.results[name], Exception):
            raise self.results[name]
        return self.results[name]


def test_ledger_of_workloads():
    """A workload has its line, with rate and costs; where it cannot run, the reasons are there."""
    ran = Tools(BUILD).record("null", ops=50)
    made = Made(null=ran, away=Unavailable("no disk; no swap"))
    head, null, away, *notes = ledger.lines(made, made.workloads())
    assert head.split()[:2] == ["workload", "ops/s"]
    name, rate, p50, ipis, *_, per = null.split()
    assert (name, ipis, per) == ("null", "-", "op") and float(rate) > 0 and float(p50) > 0
    assert away == "away: not measured: no disk; no swap"
    assert any("interrupt" in note and note.endswith("null") for note in notes), notes


def test_ledger_of_a_failure(capsys):
    """A workload that fails is told, the others have their lines, and the exit status is 1."""
    made = Made(bad=RuntimeError("boom"), null=Tools(BUILD).record("null", ops=50))
    assert not bench.run_ledger(made)
    _, _, bad, null, *_, last = capsys.readouterr().out.splitlines()
    assert bad == "bad: failed: boom" and null.startswith("null ") and last == "failed: bad"


@pytest.mark.parametrize("act, cpus", [("pair", 1), ("madvise", 1), ("munmap", 2)])
def test_hand_written_loop(act, cpus):
    """It does the ops asked for and gives their times."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < cpus:
        pytest.skip("needs 2 CPUs")
    found = Tools(BUILD).hand(act, 50, usable[:cpus])
    assert found.fields["ops"] == 50
    assert 0 < found.fields["sum_ns"] <= found.fields["elapsed_ns"]
    assert 0 < found.p50_ns() < found.fields["elapsed_ns"]


def table(monkeypatch, capsys, rounds, **row):
    """Run one made-up item; return exit status and the cells of its row."""
    values = iter(rounds)

    def measure(_):
        value = next(values)
        if isinstance(value, Exception):
            raise value
        return {"x": value}

    monkeypatch.setattr(bench, "ITEMS", {"made": Item(measure, [Row("x", "label", **row)])})
    monkeypatch.setattr(sys, "argv", ["bench", "--rounds", str(len(rounds)), "made"])
    status = bench.main()
    return status, capsys.readouterr().out.splitlines()[2]


@pytest.mark.parametrize("rounds, row, ok", [
    ([1, 9, 1], {"bound": ("<=", 1)}, True),
    ([1, 9, 1], {"bound": ("<=", 1), "every": True}, False),
    ([2, 2, 1], {"bound": ("<=", 1)}, False),
    ([0.98, 0.1, 0.99], {"bound": (">=", 0.97)}, True),
    ([0.96, 0.9, 0.99], {"bound": (">=", 0.97)}, False),
    ([1.009], {"bound": ("~", 0.01)}, True),
    ([0.991], {"bound": ("~", 0.01)}, True),
    ([1.011], {"bound": ("~", 0.01)}, False),
    ([0.989], {"bound": ("~", 0.01)}, False),
    ([7], {}, True)])
def test_verdict(rounds, row, ok, monkeypatch, capsys):
    """The median is held against the bound, or every round; what fails makes the exit status 1."""
    status, line = table(monkeypatch, capsys, rounds, **row)
    assert status == (0 if ok else 1)
    assert line.endswith("NOT OK") == (not ok)
    assert line.endswith(" ok") == (ok and bool(row))


def test_unavailable(monkeypatch, capsys):
    """What this machine cannot do is named, has no number, and is not good by default."""
    status, line = table(monkeypatch, capsys, [Unavailable("needs 2 CPUs")], bound=("<=", 1))
    assert status == 0 and line == "made: not measured: needs 2 CPUs"
