# SPDX-License-Identifier: GPL-2.0-only
"""The golden table: what one op of each workload, at its default, causes in exact mode.

data/ledger/NAME.txt has a line for each number, with its value at 2, 4 and 8 CPUs and the reason in
words. With --update-golden the values are written, never the reasons; a new line has the reason
"?", which fails until it is replaced.
"""
import pytest

import tlbtest
from tlbtest import BOOT_S, ROOT

pytestmark = pytest.mark.vm

LEDGER = ROOT / "bench/tests/data/ledger"
WORKLOADS = sorted(path.stem for path in (ROOT / "workloads").glob("*.c"))
CPUS = [2, 4, 8]
METRICS = ["ipis_received_per_op", "flushes_per_op", "full_flushes_per_op", "pages_per_flush",
           "faults_per_op"]
OPS = {"ops": 20, "warmup_ops": 5}
# What takes long does it less often: after a second kernel threads take the time of responders.
FEW = {"ops": 8, "warmup_ops": 2}
# Servers that run free would be counted with what they do meanwhile.
SETTINGS = {"mshare_db": {"rendezvous": "per_op", "reads": 0, "updates": 0},
            "ksm_merge": FEW, "thp_collapse": FEW, "thp_split": FEW}


@pytest.fixture(scope="module")
def measured(images, tmp_path_factory):
    """Run every workload at its default, one boot for each number of CPUs.

    The kernel's threads have two CPUs for themselves; where one takes a responder's place there is
    nobody to interrupt.
    """
    found = {}
    for cpus in CPUS:
        path = tmp_path_factory.mktemp("ledger") / f"cpus{cpus}.conf"
        cases = {name: {"workload": name, "cpus": cpus, **OPS, **SETTINGS.get(name, {})}
                 for name in WORKLOADS}
        conf = tlbtest.vm_conf(path, {"baseline": {"strategy": "baseline"}}, cases,
                               {"cpus": cpus + 2, "memory": "1G", "nodes": 2})
        done = tlbtest.run("campaign", "--results", path.parent, conf, timeout=4 * BOOT_S)
        assert done.returncode in (0, 4), done.stderr
        slot, = tlbtest.slots(path.parent / path.stem)
        found[cpus] = {record["workload"]: record for record in tlbtest.repetitions(slot)}
    return found


def rows_of(path):
    """Return metric to the numbers and the reason that a file of the table has."""
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [line.split(None, 1 + len(CPUS)) for line in lines]
    return {row[0]: (row[1:-1], row[-1]) for row in rows
            if row[0] in METRICS and len(row) == 2 + len(CPUS)}


def value_of(record, metric):
    """Return a number as the table has it."""
    found = tlbtest.metrics(record) if record["state"] == "ok" else {}
    # Of a workload with an effect they are per event.
    stem = metric.removesuffix("op")
    value = next((found[name] for name in found if name.startswith(stem)), None)
    return "-" if value is None else f"{value:.6g}"


def row_of(metric, records, before):
    """Return the row of a metric; what is inexact, "~", stays so, and is compared elsewhere."""
    values, reason = before.get(metric, ([], "?"))
    if set(values) != {"~"}:
        values = [value_of(record, metric) for record in records]
    return [metric, *values, reason]


def table_of(records, before):
    """Return the file: a row for each metric, and why the workload was skipped where it was."""
    rows = [["per op, at", *(f"{cpus} CPUs" for cpus in CPUS), "because"]]
    rows += [row_of(metric, records, before) for metric in METRICS]
    lines = [f"{name:22}" + "".join(f"{value:>8}" for value in values) + f"  {reason}"
             for name, *values, reason in rows]
    lines += [f"skipped at {cpus} CPUs: {reason}" for cpus, record in zip(CPUS, records)
              if record["state"] == "skipped" for reason in record["reasons"]]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", WORKLOADS)
def test_ledger(name, measured, request):
    """Flushes, IPIs, pages and faults per op are those in the table, and each has its reason."""
    path, records = LEDGER / f"{name}.txt", [measured[cpus][name] for cpus in CPUS]
    assert {record["state"] for record in records} <= {"ok", "skipped"}, records[0]["reasons"]
    table = table_of(records, rows_of(path))
    if request.config.getoption("--update-golden", default=False):
        path.write_text(table)
    assert path.exists() and path.read_text() == table, "compare, or run pytest --update-golden"
    reasons = [reason for _, reason in rows_of(path).values()]
    assert "?" not in reasons, f"{path}: say why the numbers are what they are"


@pytest.mark.parametrize("cpus", CPUS)
@pytest.mark.parametrize("name", WORKLOADS)
def test_no_doubts(name, cpus, measured):
    """What the workload itself expects holds, so there is no caveat but for what it had set."""
    caveats = measured[cpus][name]["caveats"]
    assert [text for text in caveats if not text.startswith("while the case ran, ")] == []


def test_ledger_has_no_leftovers():
    """Every file of the table belongs to a workload."""
    assert {path.stem for path in LEDGER.iterdir()} == set(WORKLOADS)
