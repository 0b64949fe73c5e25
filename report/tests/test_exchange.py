# SPDX-License-Identifier: GPL-2.0-only
"""Exports to benchstat, CSV, KCIDB and OpenMetrics."""
from __future__ import annotations

import csv
import json
import re

import pytest
from make_campaign import make

from tlbreport import exchange

NAME = "demo-20260102T030405Z"


def export(run, directory, form, *options):
    result = run("export", directory, "--format", form, *options)
    assert result.status == 0, result.err
    path, = result.out.split()
    return open(path, encoding="utf-8").read()


def test_benchstat_has_a_line_per_boot(run, tmp_path):
    text = export(run, make(tmp_path / NAME, "kvm", repetitions=3), "benchstat")
    lines = [line for line in text.splitlines() if line.startswith("Benchmark")]
    assert len(lines) == 2 * 8
    for line in lines:
        assert re.fullmatch(r"Benchmark\S+/kernel=\S+ 3(  [0-9.e+]+ \S+)+", line)
    assert "Unit op_p50_ns better=lower" in text
    assert "Benchmarklazy_idle-woken/cpus=4/kernel=lazy-ipi 3  3 ipis_received_per_op" in text
    assert "ipis_sent_per_op" in text  # in kvm it has values


def test_benchstat_leaves_out_what_is_absent(run, tmp_path):
    assert " ipis_sent_per_op" not in export(run, make(tmp_path / NAME), "benchstat")


def test_csv(run, tmp_path):
    rows = list(csv.DictReader(export(run, make(tmp_path / NAME), "csv").splitlines()))
    assert len(rows) == 8 * 2 * 7 and tuple(rows[0]) == exchange.CSV_HEAD
    absent = [r for r in rows if r["metric"] == "ipis_sent_per_op"]
    assert {(r["status"], r["value"]) for r in absent} == {("absent", "")}
    assert {r["reason"] for r in absent} == {"absent: this machine has no counter for it"}
    woken = [r for r in rows if r["case"] == "lazy_idle-woken/cpus=4"
             and r["metric"] == "ipis_received_per_op"]
    assert [r["value"] for r in woken if r["kernel"] == "lazy-ipi"] == ["3"] * 4
    assert {r["soundness"] for r in rows} == {"unchecked"}


def test_csv_is_no_formula():
    assert [exchange._plain(x) for x in ("=1+1", "a=1", 5, "")] == ["'=1+1", "a=1", 5, ""]


def test_one_case(run, tmp_path):
    text = export(run, make(tmp_path / NAME), "csv", "--case", "lazy_idle-asleep/cpus=4")
    assert "woken" not in text and "asleep" in text


def test_kcidb(run, tmp_path):
    def edit(kind, record):
        if kind == "plan":
            record["kernels"][1]["image"] = {"commit": "ab" * 20}
    report = json.loads(export(run, make(tmp_path / NAME, edit=edit), "kcidb"))
    assert report["version"] == {"major": 5, "minor": 3}
    assert [b["id"].partition("-")[0] for b in report["builds"]] == [
        "tlbbench:baseline", "tlbbench:lazy"]
    assert report["checkouts"][1]["git_commit_hash"] == "ab" * 20
    assert len(report["tests"]) == 2 * 2 * 7
    by_id = {t["id"]: t for t in report["tests"]}
    test = by_id[f"tlbbench:{NAME}:lazy-ipi:lazy_idle-woken/cpus=4:ipis_received_per_op"]
    assert (test["status"], test["number"]) == ("DONE", {"value": 3.0, "unit": "ipis/op"})
    assert test["path"] == "tlbbench.lazy_idle.ipis_received_per_op"
    assert test["start_time"] == "2026-01-02T03:04:05+00:00" and test["misc"]["boots"] == 4
    absent = by_id[f"tlbbench:{NAME}:baseline:lazy_idle-woken/cpus=4:ipis_sent_per_op"]
    assert absent["status"] == "MISS" and "number" not in absent


@pytest.mark.parametrize("bad, why", [
    (lambda r: r["tests"][0].update(status="GOOD"), "not one of"),
    (lambda r: r["tests"][0].update(path="a/b"), "does not match"),
    (lambda r: r["tests"][0].update(origin="TLB"), "does not match"),
    (lambda r: r["tests"][0].update(more=1), "Additional properties"),
    (lambda r: r["tests"][0]["number"].pop("value"), "required property"),
    (lambda r: r["tests"][0].update(start_time="yesterday"), "does not match"),
    (lambda r: r["tests"][0].update(build_id="tlbbench:none"), "no build_id"),
    (lambda r: r["tests"].append(r["tests"][0]), "an id stands twice"),
    (lambda r: r["version"].update(major=4), "5 was expected")])
def test_rules_of_kcidb_are_checked(run, tmp_path, bad, why):
    report = json.loads(export(run, make(tmp_path / NAME, "kvm", pairs=1), "kcidb"))
    bad(report)
    with pytest.raises(ValueError, match=why):
        exchange.check_kcidb(report)


def test_openmetrics(run, tmp_path):
    """Families are whole, labels escaped, and there is an end."""
    def edit(kind, record):
        if kind == "plan":
            record["cases"] = [{"case": 'a"b\\c', "workload": "w"}]
        if kind == "repetition":
            record["case"] = 'a"b\\c'
    text = export(run, make(tmp_path / NAME, cases={"x": "w"}, edit=edit), "openmetrics")
    lines = text.splitlines()
    assert lines[-1] == "# EOF" and text.endswith("\n")
    sample = re.compile(r'tlbbench_(value|boots)\{\w+="(\\.|[^"\\])*"(,\w+="(\\.|[^"\\])*")*\} \S+')
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    current = ""
    for line in lines[:-1]:
        if line.startswith("# "):
            current = line.split()[2]
            continue
        assert sample.fullmatch(line) and line.startswith(current + "{"), line
    assert families == ["tlbbench_value", "tlbbench_boots"]
    assert not re.search("tlbbench_value.*ipis_sent", text) and re.search(
        "tlbbench_boots.*ipis_sent_per_op.* 0", text)
