# SPDX-License-Identifier: GPL-2.0-only
"""Change points: the statistics, how often they are wrong, and what a night says."""
from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from make_campaign import identity, make, metric
from scipy import stats as oracle

from tlbreport import changes


@pytest.mark.parametrize("seed", range(100))
def test_divergence_agrees_with_scipy(seed):
    """Energy distance of both parts, for every split; scipy's is its square root."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=10 + seed % 30) * rng.choice([0.1, 1, 50])
    found, least, n = changes.divergences(x), changes.MIN_SEGMENT, len(x)
    assert len(found) == n - 2 * least + 1
    for i, at in enumerate(range(least, n - least + 1)):
        distance = oracle.energy_distance(x[:at], x[at:])
        assert found[i] == pytest.approx(distance ** 2 * at * (n - at) / n, abs=1e-9 * x.ptp())


@pytest.mark.parametrize("seed", range(100))
def test_split_agrees_with_scipy(seed):
    rng = np.random.default_rng(seed)
    at = 20 + seed % 20
    x = rng.normal(size=60)
    x[at:] += 6
    found = changes.split(x)
    assert found and abs(found.at - at) <= 1
    start = len(x) - changes.WINDOW
    p = oracle.ttest_ind(x[start:found.at], x[found.at:]).pvalue
    assert found.p == pytest.approx(p) and found.after - found.before == pytest.approx(6, abs=1.5)


def test_cusum_by_hand():
    """A baseline of 0 and 1, then nights 3 sd above it: 2.5 each, above 7 at the third."""
    x = np.array([0.0, 1] * 20)
    sd = x.std(ddof=1)
    after = np.full(5, 0.5 + 3 * sd)
    said = [changes.cusum(np.concatenate([x, after[:n]])) for n in range(6)]
    assert [bool(c) for c in said] == [False, False, False, True, True, True]
    assert said[3].at == 40 and said[3].p is None
    down = changes.cusum(np.concatenate([x, 1 - after]))
    assert down and down.after < down.before
    assert changes.cusum(np.concatenate([x, after[:3]]), nr_series=50) is None
    assert changes.cusum(np.zeros(60)) is None


def nights(rng, shift):
    x = rng.normal(size=100)
    x[60:] += shift
    return x


def test_two_sd_are_found_within_a_week():
    """A shift of 2 sd at night 60: median delay at most 7 nights, by any rule."""
    rng = np.random.default_rng(2)
    delays = []
    for _ in range(100):
        x = nights(rng, 2)
        delays.append(next((n - 60 for n in range(61, 91) if changes.change(x[:n])), 99))
    assert np.median(delays) <= 7


def test_false_alarms_in_forty_nights():
    """No shift: any alarm in nights 60 to 100 in at most 10 % of the series."""
    rng = np.random.default_rng(1)
    alarms = sum(any(changes.change(x[:n]) for n in range(61, 101))
                 for x in (nights(rng, 0) for _ in range(250)))
    assert alarms / 250 <= 0.10


# --- directories -------------------------------------------------------------


def history(tmp_path, nr, since=None, factor=1.1, edit=lambda kind, record, night: None):
    """Write nights in which kernel b costs as much as a, from night `since` on factor as much."""
    for night in range(nr):
        def change(kind, record, night=night):
            changed = since is not None and night >= since
            if kind == "plan":
                record["host"] = "h"
                record["kernels"][1]["spec"] = "tree:/src"
                record["kernels"][1]["image"] = {"commit": f"{int(changed) + 10:02d}" * 20}
            if kind == "plan" and changed:
                record["kernels"][1]["kernel_id"] = "b-new"
            elif changed and record.get("kernel") == "b":
                record["kernel_id"] = "b-new"
            if kind == "boot":
                record["audit"]["cmdline"] = "quiet"
            if kind == "repetition":
                rng = random.Random(f"{night}{record['kernel']}{record['pair']}")
                slow = factor if changed and record["kernel"] == "b" else 1
                room = 1 + night / 50  # what moves both is no change
                record["metrics"] = [metric("op_p50_ns", "ns", 1000 * slow * room
                                            * rng.gauss(1, 0.01))]
            edit(kind, record, night)
        make(tmp_path / f"demo-2026{1 + night // 28:02d}{1 + night % 28:02d}T000000Z", "kvm",
             ("a", "b"), pairs=4, cases={"one": "w"}, edit=change)
    return tmp_path


def test_quiet(run, tmp_path):
    result = run("trend", history(tmp_path, 16))
    assert (result.status, result.err) == (0, "")
    assert "demo, 16 nights, 2026-01-01 to 2026-01-16" in result.flat
    assert "0 of 1 series changed" in result.flat and not (tmp_path / "trend").exists()


def test_change(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path.parent)
    result = run("trend", Path(history(tmp_path, 20, since=12).name))
    assert result.status == 3 and max(map(len, result.out.splitlines())) <= 72
    assert "CHANGE one: op_p50_ns of b over a" in result.flat
    assert "worse), from the night of 2026-01-13 on" in result.flat
    assert "and b-new (2026-01-13)" in result.flat
    assert f"$ git log {'10' * 6}..{'11' * 6}" in result.flat
    assert (f"decide: $ tlbbench ab good=tree:/src@{'10' * 6} bad=tree:/src@{'11' * 6} "
            f"{tmp_path.name}/demo-20260113T000000Z/campaign.conf" in result.flat)
    image = tmp_path / "trend" / "trend-01-one-op-p50-ns-b.svg"
    assert image.read_text().rstrip().endswith("</svg>")
    rows = image.with_suffix(".dat").read_text().splitlines()[1:]
    assert len(rows) == 20 and all(float(row.split()[1]) > 1.05 for row in rows[12:])


@pytest.mark.parametrize("kernel_id, command", [
    ("b-new", "ab good=OLD bad=lazy-ipi demo-20260113T000000Z/campaign.conf where OLD is the"
              " bzImage, or tree:DIR@REV, of b-"),
    (None, "campaign --aa demo-20260113T000000Z/campaign.conf")])
def test_command_that_decides(run, tmp_path, monkeypatch, kernel_id, command):
    """A name that stands for both kernels finds no difference; the same kernel is none."""
    def edit(kind, record, night):
        if kind == "plan":
            record["kernels"][1].update(spec="lazy-ipi", image={})
        if kernel_id is None and kind == "plan":
            record["kernels"][1]["kernel_id"] = identity("b")
        elif kernel_id is None and record["kernel"] == "b":
            record["kernel_id"] = identity("b")
    monkeypatch.chdir(tmp_path)
    history(tmp_path, 20, since=12, edit=edit)
    result = run("trend", Path("."))
    assert result.status == 3 and f"decide: $ tlbbench {command}" in result.flat, result.out


def test_history_that_was_looked_at(run, tmp_path):
    result = run("trend", history(tmp_path, 24, since=12), "--since", "20260113")
    assert result.status == 0 and "12 nights, 2026-01-13" in result.flat


def test_nights_that_do_not_belong(run, tmp_path):
    def edit(kind, record, night):
        if night == 3 and kind == "plan":
            record["host"] = "other"
        if night == 4 and kind == "boot" and record["kernel"] == "b":
            record["audit"]["nr_cpus"] = "8"
    history(tmp_path, 14, edit=edit)
    (tmp_path / "demo-20260120T000000Z").mkdir()
    (tmp_path / "demo-20260120T000000Z" / "plan.json").write_text("{")
    result = run("trend", tmp_path)
    assert result.status == 0 and "demo, 12 nights" in result.flat
    assert "demo-20260104T000000Z: host is other, not h" in result.flat
    assert "demo-20260105T000000Z: void: the kernels also differ in nr_cpus" in result.flat
    assert "Expecting property name" in result.flat


def test_no_night(run, tmp_path):
    result = run("trend", tmp_path)
    assert result.status == 2 and "no night to look at" in result.err
