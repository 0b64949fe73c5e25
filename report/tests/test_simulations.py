# SPDX-License-Identifier: GPL-2.0-only
"""Verdicts on invented boots, with fixed seeds: false alarms, power, drift, families.

Boots scatter by boot_sd, samples within a boot by 1 %, and a boot is the median of 20 samples.
"""
from __future__ import annotations

import gc

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tlbreport.compare import verdict_of
from tlbreport.stats import ALPHA, Estimate, adjust, compare_paired, detectable

SAMPLE_SD, SAMPLES = 0.01, 20


def boots(rng: np.random.Generator, runs: int, pairs: int, boot_sd: float) -> np.ndarray:
    """Return log costs of boots: runs x kernels x pairs."""
    samples = rng.normal(0, SAMPLE_SD, (runs, 2, pairs, SAMPLES))
    return np.median(samples, axis=3) + rng.normal(0, boot_sd, (runs, 2, pairs))


def estimates(logs: np.ndarray) -> list[Estimate]:
    """Compare the kernels of each run as a report does."""
    return [compare_paired(a, b) for a, b in np.exp(logs)]


def share(flags) -> float:
    return float(np.mean(list(flags)))


@pytest.mark.parametrize("boot_sd", [0.03, 0.01])
@pytest.mark.parametrize("pairs", [5, 6, 8, 10])
def test_false_alarms(pairs, boot_sd):
    """No difference, and a verdict of better or worse in 2 to 7 % of the campaigns."""
    found = estimates(boots(np.random.default_rng(pairs), 3000, pairs, boot_sd))
    assert 0.02 <= share(verdict_of(e, "lower", pairs)[0] in ("better", "worse")
                         for e in found) <= 0.07


def test_under_four_boots_there_is_no_verdict():
    found = estimates(boots(np.random.default_rng(3), 200, 3, 0.03))
    assert {verdict_of(e, "lower", 3)[0] for e in found} == {"none"}


def test_drift_leaves_no_bias():
    """6 % of linear drift over 12 boots in the order A B B A: it falls on both alike."""
    pairs, runs = 6, 3000
    logs = boots(np.random.default_rng(6), runs, pairs, 0.01)
    drift = np.linspace(0, np.log(1.06), 2 * pairs)
    for pair in range(pairs):
        first, second = drift[2 * pair], drift[2 * pair + 1]
        logs[:, 0, pair] += first if pair % 2 == 0 else second
        logs[:, 1, pair] += second if pair % 2 == 0 else first
    found = estimates(logs)
    assert abs(np.mean([e.change for e in found])) < 0.0005
    assert 0.02 <= share(e.direction != 0 for e in found) <= 0.07


# Smallest detectable effect by boots, of boots that are compared unpaired (Welch), part 4.2 of
# the facts, which has 0.9 % where 0.92 stands here.
UNPAIRED = {0.03: {5: 0.061, 10: 0.040, 15: 0.032, 20: 0.027, 40: 0.019},
            0.01: {5: 0.021, 10: 0.014, 15: 0.011, 20: 0.0092, 40: 0.0065}}


@pytest.mark.parametrize("boot_sd", [0.03, 0.01])
@pytest.mark.parametrize("pairs", [5, 10, 15, 20, 40])
def test_power(pairs, boot_sd):
    """80 % within 5 points, where the report says so; and where the table does, unpaired.

    Pairs have half the degrees of freedom. That costs power with few boots, and nothing to
    speak of from 15 on; it buys that drift is no bias.
    """
    logs = boots(np.random.default_rng(pairs), 2500, pairs, boot_sd)
    listed = UNPAIRED[boot_sd][pairs]
    unpaired = scipy_stats.ttest_ind(logs[:, 0], logs[:, 1] + listed, axis=1, equal_var=False)
    assert share(unpaired.pvalue < ALPHA) == pytest.approx(0.8, abs=0.05)
    sd = np.hypot(boot_sd, SAMPLE_SD * np.sqrt(np.pi / 2 / SAMPLES)) * np.sqrt(2)
    for effect in [np.log1p(detectable(sd, pairs))] + [listed] * (pairs >= 15):
        moved = logs + np.array([0, effect])[:, None]
        assert share(e.direction > 0 for e in estimates(moved)) == pytest.approx(0.8, abs=0.05)


def test_holm_over_40_cells():
    """40 cells of no difference that share their boots: one false alarm in at most 7 %."""
    rng, runs, pairs, cells = np.random.default_rng(40), 500, 6, 40
    alarms = 0
    gc.freeze()  # statsmodels collects garbage with each family, and all modules are looked at
    for _ in range(runs):
        shared = rng.normal(0, 0.03, (1, 2, pairs))
        own = boots(rng, cells, pairs, 0.03)
        found = estimates(np.sqrt(0.5) * (shared + own))
        alarms += min(adjust([e.p for e in found], "holm")) <= ALPHA
    gc.unfreeze()
    assert alarms / runs <= 0.07


def test_pooled_samples_would_be_wrong():
    """What this is for: samples of one boot as if they were boots, two of three times an alarm."""
    rng = np.random.default_rng(68)
    logs = rng.normal(0, 0.03, (500, 2, 5, 1)) + rng.normal(0, SAMPLE_SD, (500, 2, 5, SAMPLES))
    pooled = logs.reshape(500, 2, -1)
    p = scipy_stats.ttest_ind(pooled[:, 0], pooled[:, 1], axis=1).pvalue
    assert share(p < ALPHA) > 0.5
