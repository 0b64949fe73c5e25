# SPDX-License-Identifier: GPL-2.0-only
"""Values of a workload's own, and costs per event, as a report has them."""
import json

from make_campaign import histogram, make, metric


def test_values_are_checked(run, tmp_path):
    """A histogram of a value is believed only when it adds up, as the others are."""
    def edit(kind, record):
        if kind == "repetition":
            attach = histogram("instructions", [5, 6, 7])
            attach["count"] += record["slot"] == 2
            record["passes"]["timed"]["values"] = {
                "attach": {"kind": "setup_time", "histogram": attach},
                "table_bytes": {"kind": "level", "unit": "bytes", "sum": 9, "processes": 3}}
    directory = make(tmp_path / "x", edit=edit)
    result = run("compare", directory)
    assert result.status == 1 and "buckets do not add up" in result.flat, result.out


def test_value_without_its_parts(run, tmp_path):
    """A total needs its sum: what is not there is no 0."""
    def edit(kind, record):
        if kind == "repetition" and record["slot"] == 2:
            record["passes"]["timed"]["values"] = {"faults": {"kind": "total", "unit": "faults"}}
    result = run("compare", make(tmp_path / "x", edit=edit))
    assert result.status == 1 and "'sum' is a required property" in result.flat, result.out


def test_costs_per_event(run, tmp_path, no_plots):
    """The mechanism counts per event; the cost is the rate, for the op's time is no headline."""
    def edit(kind, record):
        if kind == "repetition":
            stock = record["kernel"] == "baseline"
            record["metrics"] = [
                metric("flushes_per_reclaimed_page", "flushes/reclaimed_page",
                       1 if stock else 0.125),
                metric("ops_per_s", "ops/s", 1000 + record["pair"] + 500 * (not stock),
                       better="higher"),
                metric("request_p50_ns", "ns", 700, headline=False)]
    directory = make(tmp_path / "x", accel="kvm", edit=edit)
    result = run("compare", directory)
    assert "flushes per reclaimed page 1 -> 0.125; ops per s 1002 ->" in result.flat
    rows = {row["metric"]: row for row in json.loads((directory / "compare.json").read_text())
            if row["case"] == "lazy_idle-woken/cpus=4"}
    assert rows["ops_per_s"]["verdict"] == rows["flushes_per_reclaimed_page"]["verdict"] == "better"
