# SPDX-License-Identifier: GPL-2.0-only
"""Verdicts on synthetic campaigns whose truth is known."""
from __future__ import annotations

import json

import numpy as np
import pytest
from make_campaign import make, metric

from tlbreport import stats
from tlbreport.compare import JSON_KEYS

pytestmark = pytest.mark.usefixtures("no_plots")
ONE = {"one": "w"}


def campaign(tmp_path, values: dict[str, list], accel: str = "kvm", better: str = "lower",
             headline: bool = True, name: str = "m", cases: dict[str, str] = ONE,
             edit=lambda kind, record: None):
    """Make a campaign where each boot of kernel k in pair i measures values[k][i].

    A list in place of a value is one value per repetition; a tuple is (unit, value).
    """
    def change(kind, record):
        if kind == "repetition":
            value = values[record["kernel"]][record["pair"]]
            if isinstance(value, list):
                value = value[record["repetition"]]
            unit, value = value if isinstance(value, tuple) else ("ns", value)
            record["metrics"] = [metric(name, unit, value, headline, better, "no counter")]
        edit(kind, record)
    first = next(iter(values.values()))
    nr = len(first[0]) if isinstance(first[0], list) else 1
    return make(tmp_path / "c", accel, tuple(values), len(first), cases, nr, edit=change)


def only(result) -> dict:
    assert len(result.rows) == 1 and tuple(result.rows[0]) == JSON_KEYS
    return result.rows[0]


NOISY = [100.0, 102, 98, 101, 99, 100]


@pytest.mark.parametrize("b, better, verdict", [
    ([v * 1.1 + i / 9 for i, v in enumerate(NOISY)], "lower", "worse"),
    ([v * 1.1 + i / 9 for i, v in enumerate(NOISY)], "higher", "better"),
    ([v * 0.9 - i / 9 for i, v in enumerate(NOISY)], "lower", "better"),
    ([v * 0.9 - i / 9 for i, v in enumerate(NOISY)], "none", "none"),
    ([v * 1.01 + i / 99 for i, v in enumerate(NOISY)], "lower", "worse"),
    ([v + (-1) ** i / 2 for i, v in enumerate(NOISY)], "lower", "equivalent"),
    ([v + (-1) ** i / 2 for i, v in enumerate(NOISY)], "none", "equivalent"),
    ([140.0, 80, 120, 90, 100, 101], "lower", "inconclusive"),
])
def test_verdicts(run, tmp_path, b, better, verdict):
    directory = campaign(tmp_path, {"a": NOISY, "b": b}, better=better, headline=False)
    row = only(run("compare", directory))
    assert (row["verdict"], row["boots_a"], row["boots_b"]) == (verdict, 6, 6)
    assert row["ci_low_pct"] < row["change_pct"] < row["ci_high_pct"]


@pytest.mark.parametrize("accel, verdict", [("kvm", "worse"), ("exact", "equivalent")])
def test_small_but_significant(run, tmp_path, accel, verdict):
    """Named where boots are a sample; in exact mode almost everything would be."""
    b = [v * 1.01 + i / 99 for i, v in enumerate(NOISY)]
    result = run("compare", campaign(tmp_path, {"a": NOISY, "b": b}, accel))
    assert only(result)["verdict"] == verdict
    assert ("small: inside the band" in result.flat) == (accel == "kvm")
    assert ("exactly, seed by seed: higher in 6 of 6" in result.flat) == (accel == "exact")


def test_band_of_the_user(run, tmp_path):
    b = [v * 1.05 for v in NOISY]
    result = run("compare", campaign(tmp_path, {"a": NOISY, "b": b}, "exact"), "--band", "6")
    assert only(result)["verdict"] == "equivalent" and "inside +-6%" in result.flat


def test_what_the_boots_scatter_by(run, tmp_path):
    """sd between boots and within, and what follows, against the functions they come from."""
    a = [[100.0, 102], [110, 111], [95, 94], [104, 105], [99, 99]]
    b = [[101.0, 103], [108, 112], [97, 93], [101, 104], [98, 101]]
    row = only(run("compare", campaign(tmp_path, {"a": a, "b": b})))
    between, within = stats.components([np.log(boot) for boot in a])
    assert row["sd_between_pct"] == pytest.approx(100 * between, abs=1e-5)
    assert row["sd_within_pct"] == pytest.approx(100 * within, abs=1e-5)
    sd = np.std([np.log(np.median(y) / np.median(x)) for x, y in zip(a, b)], ddof=1)
    assert row["detectable_pct"] == pytest.approx(100 * stats.detectable(sd, 5), abs=1e-5)
    assert row["boots_needed"] == stats.boots_needed(sd, 0.02)


@pytest.mark.parametrize("a, b, expected, shown", [
    ([0.0] * 4, [3.0] * 4, (0, 3, None, None, None, "worse"), "0 -> 3 - worse"),
    ([3.0] * 4, [0.0] * 4, (3, 0, -100, -100, -100, "better"), "-100% [-100,-100] better"),
    ([0.0] * 4, [0.0] * 4, (0, 0, None, None, None, "equivalent"), "0 0 0 - equivalent"),
    ([2.0] * 4, [3.0] * 4, (2, 3, 50, 50, 50, "worse"), "+50.0% [+50.0,+50.0] worse"),
    ([2.0] * 4, [2.0] * 4, (2, 2, 0, 0, 0, "equivalent"), "0.0% [0.0,0.0] equivalent"),
])
@pytest.mark.parametrize("accel", ["exact", "kvm"])
def test_counts_that_do_not_vary(run, tmp_path, accel, a, b, expected, shown):
    result = run("compare", campaign(tmp_path, {"a": a, "b": b}, accel))
    row = only(result)
    assert tuple(row[k] for k in ("value_a", "value_b", "change_pct", "ci_low_pct", "ci_high_pct",
                                  "verdict")) == pytest.approx(expected)
    assert shown in result.flat


def test_zero_in_one_boot(run, tmp_path):
    result = run("compare", campaign(tmp_path, {"a": [0.0, 1, 2, 1], "b": [9.0, 9, 10, 10]}))
    assert only(result)["verdict"] == "worse" and only(result)["change_pct"] == 850.0
    assert "a boot has 0, which has no ratio: the differences decide" in result.flat


@pytest.mark.parametrize("pairs", [1, 3])
def test_too_few_boots(run, tmp_path, pairs):
    result = run("compare", campaign(tmp_path, {"a": [1.0] * pairs, "b": [2.0] * pairs}))
    assert only(result)["verdict"] == "none" and only(result)["boots_a"] == pairs
    assert f"not judged: {pairs} complete pair{'s' * (pairs > 1)} of boots, 4 needed" in result.flat


def test_boots_without_a_partner(run, tmp_path):
    """They are in the values, not in the change, and the report says so."""
    values = {"a": [10.0, 11, 12, 13, 90], "b": [20.0, 22, 24, 26, None]}
    result = run("compare", campaign(tmp_path, values))
    row = only(result)
    assert (row["value_a"], row["boots_a"], row["boots_b"], row["verdict"]) == (12, 5, 4, "worse")
    assert row["change_pct"] == pytest.approx(100)
    assert "change and CI are those of the 4 complete pairs" in result.flat


def test_boots_are_compared_within_their_pairs(run, tmp_path):
    """Drift that is far larger than the difference cancels; unpaired it would drown it."""
    drift = [100.0, 200, 400, 800, 1600, 3200]
    b = [v * f for v, f in zip(drift, (1.05, 1.051, 1.049, 1.05, 1.05, 1.051))]
    row = only(run("compare", campaign(tmp_path, {"a": drift, "b": b})))
    assert row["verdict"] == "worse" and row["change_pct"] == pytest.approx(5, abs=0.1)
    assert row["value_a"] == 600


def test_a_boot_is_one_value(run, tmp_path):
    """A thousand repetitions of one boot do not make a second boot: their median counts."""
    a = [[v, v, 500.0] for v in (10.0, 30, 20, 40)]
    row = only(run("compare", campaign(tmp_path, {"a": a, "b": a})))
    assert (row["value_a"], row["boots_a"]) == (25, 4)


def test_absent_is_never_zero(run, tmp_path):
    result = run("compare", campaign(tmp_path, {"a": [1.0] * 4, "b": [None] * 4}))
    row = only(result)
    assert (row["value_a"], row["value_b"], row["boots_b"]) == (1, None, 0)
    assert row["verdict"] == "none" and row["change_pct"] is None
    assert "-[1]" in result.out and "[1] absent: no counter" in result.out


def test_absent_in_one_boot(run, tmp_path):
    result = run("compare", campaign(tmp_path, {"a": [1.0] * 5, "b": [2.0] * 4 + [None]}))
    assert (only(result)["boots_b"], only(result)["verdict"]) == (4, "worse")
    assert "2[1]" in result.out and "absent: no counter (1 of 5 boots)" in result.flat


def test_scaled_is_said(run, tmp_path):
    def edit(kind, record):
        if kind == "repetition" and record["kernel"] == "b":
            record["metrics"][0].update(status="scaled", reason="ran 40 % of the time")
    result = run("compare", campaign(tmp_path, {"a": [1.0] * 4, "b": [2.0] * 4}, edit=edit))
    assert "2[1]" in result.out and "[1] scaled: ran 40 % of the time" in result.out


@pytest.mark.parametrize("b, what", [
    ([("us", 1.0)] * 4, "ns, lower is better; us, lower is better"),
    ([1.0, 1.0, 1.0, ("us", 1.0)], "ns, lower is better; us, lower is better"),
])
def test_units_differ(run, tmp_path, b, what):
    result = run("compare", campaign(tmp_path, {"a": [900.0] * 4, "b": b}))
    row = only(result)
    assert (row["unit"], row["value_a"], row["value_b"], row["verdict"]) == (
        "mixed", None, None, "none")
    assert what in result.flat


def test_metric_on_one_side_only(run, tmp_path):
    def edit(kind, record):
        if kind == "repetition" and record["kernel"] == "b":
            record["metrics"][0]["name"] = "never_heard_of"
    result = run("compare", campaign(tmp_path, {"a": [1.0] * 4, "b": [2.0] * 4}, edit=edit))
    assert {r["metric"]: (r["value_a"], r["value_b"], r["verdict"]) for r in result.rows} == {
        "m": (1, None, "none"), "never_heard_of": (None, 2, "none")}
    assert "no record of this metric" in result.flat


def test_kernel_without_any_boot(run, tmp_path):
    directory = make(tmp_path / "c", states={i: ("crashed", "panic", []) for i in (1, 2, 5, 6)})
    result = run("compare", directory)
    assert result.status == 1 and "4 of 8 slots are not in the numbers" in result.flat
    assert {(r["boots_a"] > 0, r["boots_b"], r["value_b"], r["verdict"]) for r in result.rows
            if r["metric"] == "op_instructions"} == {(True, 0, None, "none")}


def test_one_kernel(run, tmp_path):
    """Nothing to compare is said, and not explained at length; what was measured is shown."""
    directory = make(tmp_path / "c", "none", kernels=("only",))
    result = run("compare", directory)
    said = "none: one kernel, so nothing is compared"
    assert result.status == 0 and result.rows == [] and "How to read it" not in result.out
    assert said in result.flat and f"Verdicts: {said}" in result.html
    assert "mode native: the running kernel" in result.flat
    assert "one kernel" not in run("show", directory).flat


def test_three_kernels_and_reference(run, tmp_path):
    values = {"a": [1.0] * 4, "b": [2.0] * 4, "c": [4.0] * 4}
    directory = campaign(tmp_path, values)
    assert [(r["kernel_a"], r["kernel_b"], r["change_pct"]) for r in
            run("compare", directory).rows] == [("a", "b", 100), ("a", "c", 300)]
    result = run("compare", directory, "--reference", "c")
    assert [(r["kernel_a"], r["kernel_b"], r["change_pct"]) for r in result.rows] == [
        ("c", "a", -75), ("c", "b", -50)]
    assert "A c 6.12" in result.flat


BORDERLINE = {"a": [100.0] * 6, "b": [103.0, 110, 99, 106, 108, 101]}  # p is about 0.04


@pytest.mark.parametrize("nr_cases, headline, accel, verdict", [
    (1, True, "kvm", "worse"), (5, True, "kvm", "inconclusive"), (5, False, "kvm", "worse"),
    (5, True, "exact", "inconclusive")])  # five p that are the same are all right for BH
def test_holm(run, tmp_path, nr_cases, headline, accel, verdict):
    cases = {f"case{i}": "w" for i in range(nr_cases)}
    result = run("compare", campaign(tmp_path, BORDERLINE, accel, headline=headline, cases=cases))
    assert {row["verdict"] for row in result.rows} == {verdict}
    assert ("worse by itself (p 0.0" in result.flat) == (verdict == "inconclusive")


def test_only_declared_cases_are_corrected_by_holm(run, tmp_path):
    """One of five cases is declared: alone in its family; the others go to the rest."""
    def edit(kind, record):
        if kind == "plan":
            record["headline_cases"] = ["case2"]
    cases = {f"case{i}": "w" for i in range(5)}
    result = run("compare", campaign(tmp_path, BORDERLINE, cases=cases, edit=edit))
    assert [(r["family"], r["verdict"]) for r in result.rows] == [
        ("headline" if i == 2 else "rest", "worse") for i in range(5)]
    assert "1 headline rows (those of the declared cases), corrected by Holm" in result.flat


def test_rest_is_corrected_by_benjamini_hochberg(run, tmp_path):
    """One borderline row among four that are noise is a discovery no more."""
    noise = [103.0, 97, 101, 99, 104, 98]

    def edit(kind, record):
        if kind == "repetition" and record["kernel"] == "b" and record["case"] != "case0":
            record["metrics"][0]["value"] = noise[(record["pair"] + int(record["case"][4])) % 6]
    cases = {f"case{i}": "w" for i in range(5)}
    result = run("compare", campaign(tmp_path, BORDERLINE, headline=False, cases=cases, edit=edit))
    assert result.rows[0]["verdict"] == "inconclusive" and result.rows[0]["p"] < 0.05
    assert "(Benjamini-Hochberg p 0." in result.flat


def test_fail_if_worse(run, tmp_path):
    directory = campaign(tmp_path, {"a": NOISY, "b": [v * 1.1 + v % 3 for v in NOISY]})
    assert run("compare", directory).status == 0
    assert run("compare", directory, "--fail-if-worse").status == 1
    assert run("compare", directory, "--fail-if-worse", "--reference", "b").status == 0
    assert run("compare", directory, "--exit-if-worse", "3").status == 3
    assert run("compare", directory, "--exit-if-worse", "3", "--reference", "b").status == 0


@pytest.mark.parametrize("code", ["0", "-1", "256", "x"])
def test_exit_if_worse_takes_what_an_exit_code_can_be(run, capsys, tmp_path, code):
    """256 would be 0 to a shell, which is the code of what is not worse."""
    with pytest.raises(SystemExit, match="2"):
        run("compare", tmp_path, f"--exit-if-worse={code}")
    assert "expected an exit code from 1 to 255" in capsys.readouterr().err


def test_counts_that_do_not_vary_need_no_holm(run, tmp_path):
    """Four certain rows beside a borderline one do not make it one of five."""
    def edit(kind, record):
        if kind == "repetition" and record["case"] != "case0":
            record["metrics"][0]["value"] = 3
    cases = {f"case{i}": "w" for i in range(5)}
    result = run("compare", campaign(tmp_path, BORDERLINE, "exact", cases=cases, edit=edit))
    assert [row["verdict"] for row in result.rows] == ["worse"] + 4 * ["equivalent"]


def test_sign_flips_that_disagree_are_said(run, tmp_path):
    values = {"a": [100.0] * 6, "b": [110.0, 110, 110, 110, 110, 98.5]}
    result = run("compare", campaign(tmp_path, values))
    assert "t test and exact sign flips disagree: p 0.0" in result.flat


def test_exact_mode_is_verified(run, tmp_path):
    """Two boots of one kernel with one seed must agree in exact mode."""
    def edit(kind, record):
        if kind == "plan":
            for slot in record["slots"]:
                slot["seed"] = 7
        elif "seed" in record:
            record["seed"] = 7
    values = {"a": [5.0, 5, 5, 6], "b": [5.0] * 4}
    result = run("compare", campaign(tmp_path, values, "exact", edit=edit))
    assert "exact mode did not repeat: one, a, seed 7: m is 5 and 6" in result.flat
    assert "compared exactly, seed by seed" in result.flat


def test_what_happened_during_a_slot_stands_beside_the_boots(run, tmp_path):
    """Caveats of the end of a slot, and settings that profile quiet could not change."""
    def edit(kind, record):
        if kind == "audit_end" and record["kernel"] == "b":
            record["caveats"] = ["stolen_pct = 3 %"]
        if kind == "boot" and record["kernel"] == "a":
            record["changes"] = [
                {"name": "/sys/x", "before": "1", "after": None, "reason": "needs root"},
                {"name": "/sys/y", "before": "1", "after": "0", "reason": None}]
    result = run("compare", campaign(tmp_path, {"a": [1.0] * 4, "b": [1.0] * 4}, edit=edit))
    assert "b: stolen_pct = 3 % (4 of 4 boots)" in result.flat
    assert "a: profile observe: /sys/x stays 1: needs root (4 of 4 boots)" in result.flat
    assert "/sys/y" not in result.flat


def test_equal_boots_have_no_confounds(run, tmp_path):
    assert "esides the kernel" not in run("compare", make(tmp_path / "c")).out


def test_soundness_and_caveats_stand_beside_the_numbers(run, tmp_path):
    def edit(kind, record):
        if kind == "repetition":
            record["soundness"] = "unsound" if record["kernel"] == "b" else "sound"
        if kind in ("repetition", "boot") and record["kernel"] == "b" and record["pair"] == 1:
            record["caveats"] = [f"{kind} is odd"]
    result = run("compare", campaign(tmp_path, {"a": [2.0] * 4, "b": [1.0] * 4}, edit=edit))
    assert only(result)["soundness"] == "unsound" and only(result)["verdict"] == "better"
    assert "A a (4 boots, sound), B b (4 boots, unsound)" in result.flat
    assert "WARNING b is unsound" in result.flat
    assert "A B[1]" in result.flat and "[1] b: repetition is odd (1 of 4 boots)" in result.flat
    assert "b: boot is odd (1 of 4 boots)" in result.flat


def test_json_holds_only_numbers_that_are_numbers(run, tmp_path):
    values = {"a": [5e-300, 1.8e19, 0.0, 1], "b": [1.8e19, 5e-300, 1, 0.0]}
    directory = campaign(tmp_path, values)
    run("compare", directory)
    text = (directory / "compare.json").read_text()
    json.loads(text, parse_constant=pytest.fail)
