# SPDX-License-Identifier: GPL-2.0-only
"""A/A: the band, and that a host whose last one is outside of it gives no verdict."""
from __future__ import annotations

import random

import pytest
from make_campaign import make, metric

from tlbreport import aa
from tlbreport.load import load

pytestmark = pytest.mark.usefixtures("no_plots")
CASES = {f"case{i}": "w" for i in range(100)}


def make_aa(directory, bad: int, host="h", accel="kvm", cases=CASES):
    """Write an A/A in which the second name is 10 % slower in some cases, else noise."""
    def edit(kind, record):
        if kind == "plan":
            record.update(aa=True, host=host)
        if kind == "repetition":
            rng = random.Random(f"{record['case']}{record['pair']}{record['kernel']}")
            slow = record["kernel"] == "a-again" and int(record["case"][4:]) < bad
            value = (110 if slow else 100) + rng.choice((-1, 1)) * rng.uniform(0.4, 0.6)
            record["metrics"] = [metric("m", "ns", value)]
            record["passes"] = {}
    return make(directory, accel, ("a", "a-again"), 6, cases, edit=edit)


def make_campaign(directory, host="h", accel="kvm"):
    def edit(kind, record):
        if kind == "plan":
            record["host"] = host
        if kind == "repetition":
            record["metrics"] = [metric("m", "ns", 100.0 + record["pair"]
                                        + 50 * (record["kernel"] == "b"))]
    return make(directory, accel, ("a", "b"), cases={"one": "w"}, edit=edit)


def only(result):
    assert len(result.rows) == 1
    return result.rows[0]


@pytest.mark.parametrize("nr, low, high", [(100, 1, 10), (500, 16, 35), (4, 0, 1)])
def test_band(nr, low, high):
    """What chance allows at 5 %: 95 % of the binomial distribution."""
    from scipy.stats import binom
    assert binom.cdf(low - 1, nr, 0.05) < 0.025 <= binom.cdf(low, nr, 0.05)
    assert binom.cdf(high - 1, nr, 0.05) < 0.975 <= binom.cdf(high, nr, 0.05)
    assert not aa.Judgement("x", nr, high + 1, low, high).is_inside()
    assert aa.Judgement("x", nr, high, low, high).is_inside()


@pytest.mark.parametrize("bad, inside", [(30, False), (2, True)])
def test_judgement(tmp_path, bad, inside):
    judgement = aa.judge(load(make_aa(tmp_path / "x-aa-20260101T000000Z", bad)))
    assert (judgement.low, judgement.high, judgement.nr_rows) == (1, 10, 100)
    assert bad <= judgement.nr_alarms <= bad + 8 and judgement.is_inside() is inside


def test_report_of_an_aa(run, tmp_path):
    result = run("compare", make_aa(tmp_path / "x-aa-20260101T000000Z", 30))
    assert "of 100 rows differ, OUTSIDE the band 1 to 10" in result.flat
    assert "no verdict from this host until one is inside" in result.flat


def test_host_outside_its_band_gives_no_verdict(run, tmp_path):
    make_aa(tmp_path / "x-aa-20260101T000000Z", 30)
    directory = make_campaign(tmp_path / "c-20260102T000000Z")
    result = run("compare", directory)
    assert only(result)["verdict"] == "none" and only(result)["change_pct"] > 40
    assert "refused: the last A/A of this host, x-aa-20260101T000000Z: 3" in result.flat
    assert "WARNING no verdict is given" in result.flat and "no verdict is given" in result.html


def test_the_last_one_decides(run, tmp_path):
    make_aa(tmp_path / "x-aa-20260101T000000Z", 30)
    make_aa(tmp_path / "b-aa-20260103T000000Z", 2)  # its name is before the other's
    result = run("compare", make_campaign(tmp_path / "c-20260102T000000Z"))
    assert only(result)["verdict"] == "worse"
    assert "b-aa-20260103T000000Z" in result.flat and "inside the band" in result.flat


@pytest.mark.parametrize("host, accel, said", [
    ("other", "kvm", "none of this host yet: run tlbbench campaign --aa"),
    ("h", "exact", "not needed: exact mode repeats"),
    (None, "kvm", "does not say which host"),
    ("h", "none", "none of this host yet")])
def test_of_another_host_or_way_of_running(run, tmp_path, host, accel, said):
    make_aa(tmp_path / "x-aa-20260101T000000Z", 30)
    result = run("compare", make_campaign(tmp_path / "c-20260102T000000Z", host, accel))
    assert only(result)["verdict"] == "worse" and said in result.flat


def test_results_directory_of_the_user(run, tmp_path):
    make_aa(tmp_path / "there" / "x-aa-20260101T000000Z", 30)
    directory = make_campaign(tmp_path / "here" / "c-20260102T000000Z")
    assert only(run("compare", directory))["verdict"] == "worse"
    assert only(run("compare", directory, "--aa", str(tmp_path / "there")))["verdict"] == "none"


def test_too_few_boots_or_broken_are_no_aa(run, tmp_path):
    broken = make_aa(tmp_path / "z-aa-20260109T000000Z", 30, cases={"case1": "w"})
    (broken / "index.sha256").write_text("")
    (tmp_path / "y-aa-20260108T000000Z").mkdir()
    (tmp_path / "y-aa-20260108T000000Z" / "plan.json").write_text("{")
    result = run("compare", make_campaign(tmp_path / "c-20260102T000000Z"))
    assert only(result)["verdict"] == "worse" and "none of this host yet" in result.flat
