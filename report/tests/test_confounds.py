# SPDX-License-Identifier: GPL-2.0-only
"""Differences besides the kernel: listed first; one that is not allowed makes all void."""
from __future__ import annotations

import pytest
from make_campaign import make, metric

pytestmark = pytest.mark.usefixtures("no_plots")


def compare(run, tmp_path, edit, *options, accel="kvm"):
    """Compare two kernels that measure 100 and 200, so that only a reason stops a verdict."""
    def change(kind, record):
        if kind == "repetition":
            value = 100.0 + record["pair"] + 100 * (record["kernel"] == "b")
            record["metrics"] = [metric("m", "ns", value)]
        edit(kind, record)
    directory = make(tmp_path / "c", accel, ("a", "b"), cases={"one": "w", "two": "w"}, edit=change)
    return run("compare", directory, *options)


def verdicts(result) -> list[str]:
    return [row["verdict"] for row in result.rows]


def differ(key, value, kernel="b", pairs=range(4)):
    """Return an edit that sets a fact of some boots."""
    def edit(kind, record):
        if kind == "boot" and record["kernel"] == kernel and record["pair"] in pairs:
            record["audit"][key] = value
    return edit


def test_no_difference(run, tmp_path):
    result = compare(run, tmp_path, lambda kind, record: None)
    assert verdicts(result) == ["worse", "worse"] and "Differences" not in result.out


def test_fact_that_must_be_equal(run, tmp_path):
    result = compare(run, tmp_path, differ("nr_cpus", "8"))
    assert verdicts(result) == ["void", "void"]
    assert "WARNING void: the kernels also differ in nr_cpus" in result.flat
    assert "nr_cpus: a = 4; b = 8" in result.flat
    assert result.flat.index("nr_cpus: a = 4") < result.flat.index("metric")
    assert {row["value_b"] for row in result.rows} == {201.5}  # what was measured is shown
    assert "Differences besides the kernel" in result.html and "void" in result.html


def test_one_boot_of_the_same_kernel(run, tmp_path):
    result = compare(run, tmp_path, differ("nr_cpus", "8", pairs=[3]))
    assert verdicts(result) == ["void", "void"]
    assert "nr_cpus: a = 4; b = 4 | 8" in result.flat


@pytest.mark.parametrize("option", [("--allow", "cpu_model,nr_cpus"), ("--allow", "nr_cpus")])
def test_allowed_by_the_reader(run, tmp_path, option):
    result = compare(run, tmp_path, differ("nr_cpus", "8"), *option)
    assert verdicts(result) == ["worse", "worse"]
    assert "nr_cpus: a = 4; b = 8 (declared)" in result.flat


def test_allowed_by_the_campaign(run, tmp_path):
    def edit(kind, record):
        if kind == "plan":
            record["may_differ"] = ["nr_cpus"]
        differ("nr_cpus", "8")(kind, record)
    assert verdicts(compare(run, tmp_path, edit)) == ["worse", "worse"]


@pytest.mark.parametrize("key, verdict", [("cmdline", "worse"), ("mitigations", "worse"),
                                          ("cpu_model", "void")])
def test_boot_parameters_of_its_own(run, tmp_path, key, verdict):
    """They may change what the kernel does, not the machine."""
    def edit(kind, record):
        if kind == "plan":
            record["kernels"][1]["append"] = "mitigations=off"
        if kind == "boot":
            record["audit"]["mitigations"] = "on"
        differ(key, "other")(kind, record)
    result = compare(run, tmp_path, edit)
    assert verdicts(result) == [verdict, verdict]
    assert f"{key}: a = " in result.flat


def test_what_is_not_known_is_a_doubt(run, tmp_path):
    result = compare(run, tmp_path, differ("governor", "powersave"))
    assert verdicts(result) == ["worse", "worse"]
    assert ("governor: a = could not be read; b = powersave (a doubt: it is not known of all boots)"
            in result.flat)


def test_id_of_the_kernel_is_no_difference(run, tmp_path):
    def edit(kind, record):
        if kind == "boot":
            record["audit"]["cmdline"] += f" tlb_strategy={record['kernel']}"
    assert "Differences" not in compare(run, tmp_path, edit).out


def test_setting_of_one_case(run, tmp_path):
    """Only that case is void."""
    def edit(kind, record):
        if kind == "repetition" and record["kernel"] == "b" and record["case"] == "two":
            record["harness"]["ops"] = 400
    result = compare(run, tmp_path, edit)
    assert verdicts(result) == ["worse", "void"]
    assert "two: ops: a = 200; b = 400" in result.flat


def test_builds_of_one_kernel(run, tmp_path):
    def edit(kind, record):
        if kind == "boot" and record["pair"] == 3:
            record["audit_sha256"] = "1" * 64
            if record["kernel"] == "b":
                record["build"]["build_id"] = "new"
    result = compare(run, tmp_path, edit)
    assert verdicts(result) == ["void", "void"]
    assert "b: its boots are not of one build: build_id" in result.flat
    assert "a: its boots have different audits (a doubt)" in result.flat


@pytest.mark.parametrize("key, value", [("tlbbench", "0.2.0"), ("profile", "quiet")])
def test_harness_must_be_the_same(run, tmp_path, key, value):
    def edit(kind, record):
        if kind == "boot" and record["kernel"] == "b":
            record[key] = value
    result = compare(run, tmp_path, edit)
    assert verdicts(result) == ["void", "void"] and f"{key}: a = " in result.flat


def test_seeds_of_a_pair(run, tmp_path):
    def edit(kind, record):
        if kind == "plan":
            record["slots"][1]["seed"] = 99
        elif record.get("slot") == 1:
            record["seed"] = 99
    result = compare(run, tmp_path, edit)
    assert verdicts(result) == ["void", "void"]
    assert "pair 0: its boots have different seeds" in result.flat


def from_outside(key, value):
    """Return an edit that makes b a kernel of a package, with a fact of its own."""
    def edit(kind, record):
        if kind == "plan":
            record["kernels"][1]["image"] = {"flavour": "deb", "version": "6.1.192-2"}
        differ(key, value)(kind, record)
    return edit


@pytest.mark.parametrize("key", ["mglru", "memory", "cmdline"])
def test_kernel_from_outside_has_its_own_defaults(run, tmp_path, key):
    """They are said beside the verdicts; a package's version stands with its kernel."""
    result = compare(run, tmp_path, from_outside(key, "other"))
    assert verdicts(result) == ["worse", "worse"]
    assert f"{key}: " in result.flat
    assert "(a doubt: a kernel from outside, with defaults of its own)" in result.flat
    assert "6.1.192-2)" in result.flat


def test_kernel_from_outside_on_another_machine(run, tmp_path):
    result = compare(run, tmp_path, from_outside("cpu_model", "other"))
    assert verdicts(result) == ["void", "void"]


def test_origin_of_a_tree(run, tmp_path):
    def edit(kind, record):
        if kind == "plan":
            record["kernels"][0]["image"] = {"flavour": "tree", "commit": "0123456789" * 4,
                                             "dirty": "yes"}
            record["kernels"][1]["append"] = "nopcid"
    result = compare(run, tmp_path, edit)
    assert "012345678901 and changes)" in result.flat and "with nopcid)" in result.flat
