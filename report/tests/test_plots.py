# SPDX-License-Identifier: GPL-2.0-only
"""What stands in the data of the plots, and that terminals get them too."""
from __future__ import annotations

import math
import random

import numpy as np
import pytest
from make_campaign import histogram, make, metric

from tlbreport import case_plots, sketch
from tlbreport.model import Histogram

CASES = {f"scale/cpus={n}": "w" for n in (2, 4, 8, 16, 32, 64)}


def blocks(path) -> list[list[list[str]]]:
    """Return the blocks of a data file as rows of words."""
    return [[line.split() for line in block.splitlines() if line and line[0] != "#"]
            for block in path.read_text().split("\n\n\n")]


def sweep(tmp_path, key="cpus"):
    """Make a campaign whose cost is flat up to 8, and then each doubling costs more."""
    def edit(kind, record):
        if kind == "repetition":
            n = int(record["case"].rpartition("=")[2])
            cost = 1000.0 + 700 * max(0, math.log2(n / 8)) + record["pair"]
            tables = 4096.0 * n * (1 if record["kernel"] == "baseline" else 0.5)
            record["metrics"] = [metric("op_p50_ns", "ns", cost),
                                 metric("ipis_received_per_op", "ipis/op", n - 1),
                                 metric("page_table_bytes", "bytes", tables)]
    cases = {case.replace("cpus", key): w for case, w in CASES.items()}
    return make(tmp_path / "c", "kvm", cases=cases, edit=edit)


def test_sweeps(run, tmp_path):
    directory = sweep(tmp_path)
    assert run("compare", directory).status == 0
    plots = directory / "plots"
    assert {p.stem for p in plots.glob("sweep-*.svg")} == {
        "sweep-scale-cpus-op-p50-ns", "sweep-scale-cpus-ipis-received-per-op"}
    ipis = blocks(plots / "sweep-scale-cpus-ipis-received-per-op.dat")
    assert [(row[0], row[1]) for row in ipis[0]] == [
        ("2", "1"), ("4", "3"), ("8", "7"), ("16", "15"), ("32", "31"), ("64", "63")]
    script = (plots / "sweep-scale-cpus-op-p50-ns.gp").read_text()
    assert "bends at 8" in script and "set arrow from 8" in script


def test_page_tables_over_processes(run, tmp_path):
    directory = sweep(tmp_path, "processes.server")
    run("compare", directory)
    name = "sweep-scale-processes-server-page-table-bytes"
    found = blocks(directory / "plots" / f"{name}.dat")
    assert [row[1] for row in found[0]][:2] == ["8192", "16384"]
    assert [row[1] for row in found[1]][:2] == ["4096", "8192"]
    assert (directory / "plots" / f"{name}.svg").exists()


def test_flushes_by_reason(run, tmp_path):
    """Stacked from 0 on; what a kernel does not have is not drawn."""
    directory = make(tmp_path / "c")
    run("compare", directory)
    first = blocks(directory / "plots/flushes.dat")[0]
    woken = [[float(x) for x in row[:3]] for row in first if -0.5 < float(row[3]) < 0.5]
    assert woken == [[0, 0, 1], [0, 0, 1], [1, 1, 4]]


def test_percentiles_agree_with_the_ops(run, tmp_path):
    """At 1/(1-p) of 2, 10 and 100 stands the cost of that op, within a bucket."""
    rng = random.Random(4)
    costs = sorted(rng.randrange(1000, 90000) for _ in range(2000))

    def edit(kind, record):
        if kind == "repetition":
            record["passes"]["timed"]["histogram"] = histogram("ns", costs)
            record["passes"]["timed"]["roles"] = {
                "sleeper": {"ops": 3, "histogram": histogram("ns", [70, 80, 90])}}
    directory = make(tmp_path / "c", "kvm", pairs=1, cases={"one": "w"}, edit=edit)
    run("compare", directory)
    text = (directory / "plots/percentiles-01-one.dat").read_text()
    assert text.count("# baseline") == 2 and "# lazy-ipi sleeper: 1/(1-percentile)  ns" in text
    curve = [tuple(map(float, row)) for row in blocks(directory / "plots/percentiles-01-one.dat")
             [0] if len(row) == 2][:40]
    for level in 0.5, 0.9:
        near = min(curve, key=lambda point: abs(point[0] - 1 / (1 - level)))
        exact = costs[int((1 - 1 / near[0]) * len(costs))]
        assert near[1] == pytest.approx(exact, rel=0.08)


def test_bins_by_hand():
    """Eight to a doubling: 1024 begins one, 2048 the eighth after it."""
    h = Histogram("ns", 6, 0, np.array([[1024, 2], [1100, 1], [2048, 3]]), 1024, 2050, 9000)
    assert case_plots._bins([h, h]) == {80: 4, 80 + 0: 6, 88: 6}


def test_heat_map(run, tmp_path):
    def edit(kind, record):
        if kind == "repetition":
            record["shootdown"] = {
                **dict.fromkeys(("ops_asked", "ops_traced", "shootdowns", "complete", "incomplete",
                                 "without_responder", "full", "own_parts", "orphans", "lost"), 0),
                **dict.fromkeys(("observer_ratio", "no_times", "latency", "first_queue", "reason")),
                "status": "ok", "cpu_to_cpu": [[0, 1, 5], [0, 3, 2], [1, 0, 7]],
                "responders": histogram("cpus", [1, 2]), "pages": histogram("pages", [1])}
    directory = make(tmp_path / "c", pairs=2, cases={"one": "w"}, edit=edit)
    run("compare", directory)
    rows = blocks(directory / "plots/heat-01-one-1.dat")[0]
    assert ["1", "0", "10"] in rows and ["2", "0", "4"] in rows and ["0", "1", "14"] in rows
    assert ["0", "0", "0"] in rows and len(rows) == 9  # CPUs 0, 1 and 3
    assert (directory / "plots/heat-01-one-2.svg").exists()


def test_long_tails_get_a_logarithmic_axis():
    assert sketch.decades("x", [100.0, 500]) == "" == sketch.decades("x", [0.0, 500])
    assert sketch.decades("x", [60.0, 900]).endswith("(50, 100, 200, 500, 1000)")


def test_terminal(run, tmp_path):
    directory = make(tmp_path / "c")
    result = run("plot", directory, "--term", "dumb")
    assert result.status == 0 and not (directory / "plots").exists()
    assert "boots-01-lazy-idle-woken-cpus-4\nlazy_idle-woken/cpus=4: op" in result.out
    assert result.out.isascii() and max(map(len, result.out.splitlines())) <= 79
    only = run("plot", directory, "--term", "dumb", "--only", "ipis").out
    assert only.startswith("ipis\nTLB IPIs received per op") and "boots-01" not in only


def test_plot_alone(run, tmp_path):
    directory = make(tmp_path / "c")
    result = run("plot", directory, "--only", "ipis")
    assert result.out == f"{directory}/plots/ipis.svg\n"
    assert not (directory / "report.txt").exists()


def test_readable_in_black_and_white(run, tmp_path):
    """Curves differ by dash or point, bars by pattern, not by colour alone."""
    directory = make(tmp_path / "c", "kvm", kernels=("a", "b", "c", "d"))
    run("compare", directory)
    for name in ("boots-01-lazy-idle-woken-cpus-4", "percentiles-01-lazy-idle-woken-cpus-4",
                 "histogram-01-lazy-idle-woken-cpus-4", "ipis"):
        script = (directory / "plots" / f"{name}.gp").read_text().partition("\nplot ")[2]
        looks = [tuple(word for at, word in enumerate(words) if at and words[at - 1] in (
            "pt", "dt", "pattern")) for part in script.split(", \\") if "title '" in part
            for words in [part.split()]]
        assert len(set(looks)) == len(looks) == 4, name
