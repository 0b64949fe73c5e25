# SPDX-License-Identifier: GPL-2.0-only
"""The statistics against scipy's, against brute force and against values worked out by hand."""
from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
from scipy import stats as oracle

from tlbreport import stats

RNG = np.random.default_rng(20250101)
SAMPLES = [RNG.normal(mean, sd, n) for n in (2, 3, 4, 5, 6, 8, 11) for mean, sd in
           ((0, 1), (0.5, 1), (0.01, 0.002), (-3, 0.5))]


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("x", SAMPLES)
def test_t_agrees_with_scipy(x):
    reference = oracle.ttest_1samp(x, 0)
    assert stats.t_test_p(x) == pytest.approx(reference.pvalue, rel=1e-9)
    for level in 0.9, 0.95:
        expected = oracle.t.interval(level, len(x) - 1, x.mean(), oracle.sem(x))
        assert stats.t_interval(x, level) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("x", [s for s in SAMPLES if len(s) <= 8])
def test_sign_flips_agree_with_brute_force(x):
    sums = [abs(sum(s * v for s, v in zip(signs, x)))
            for signs in itertools.product((1, -1), repeat=len(x))]
    expected = sum(s >= abs(x.sum()) * (1 - 1e-12) for s in sums) / len(sums)
    assert stats.sign_flip_p(x) == pytest.approx(expected)


def test_sign_flips_agree_with_scipy():
    x = SAMPLES[-3]
    reference = oracle.permutation_test((x,), np.mean, permutation_type="samples",
                                        n_resamples=np.inf)
    assert stats.sign_flip_p(x) == pytest.approx(reference.pvalue)


def test_sign_flips_by_hand():
    assert stats.sign_flip_p(np.array([1.0, 1, 1, 1])) == 2 / 16
    assert stats.sign_flip_p(np.array([1.0, -1])) == 1
    assert stats.sign_flip_p(np.zeros(5)) == 1
    assert stats.sign_flip_p(np.ones(40)) == pytest.approx(2 ** -39)
    assert stats.sign_flip_p(np.ones(41)) is None


@pytest.mark.parametrize("x", SAMPLES)
def test_hodges_lehmann_agrees_with_brute_force(x):
    means = sorted((a + b) / 2 for a, b in itertools.combinations_with_replacement(x, 2))
    assert stats.hodges_lehmann(x) == pytest.approx(np.median(means))


def test_hodges_lehmann_by_hand():
    assert stats.hodges_lehmann(np.array([1.0, 2, 9])) == 3.5  # 1 1.5 2 5 5.5 9


def test_holm_by_hand():
    assert stats.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert stats.holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert stats.holm([]) == []


def test_ratio_by_hand():
    """Log ratios log 1.1 and log 1.21 twice: the mean is 1.5 log 1.1, the median too."""
    a = np.array([100.0, 50, 200, 10])
    e = stats.compare_paired(a, a * np.array([1.1, 1.21, 1.1, 1.21]))
    assert e.scale == "ratio" and e.direction == 1 and not e.equivalent
    assert e.change == pytest.approx(1.1 ** 1.5 - 1)
    half = 3.182446305 * (math.log(1.1) / 2) * math.sqrt(4 / 3) / 2
    assert e.low == pytest.approx(math.exp(1.5 * math.log(1.1) - half) - 1)
    assert e.high == pytest.approx(math.exp(1.5 * math.log(1.1) + half) - 1)


@pytest.mark.parametrize("factor, equivalent", [(1.019, True), (1.0201, False), (0.981, True),
                                                (0.97, False), (1.0, True)])
def test_equivalence_band(factor, equivalent):
    a = np.array([100.0, 101, 102, 103])
    assert stats.compare_paired(a, a * factor).equivalent is equivalent


@pytest.mark.parametrize("noise", [0.0, 0.004, 0.05])
def test_equivalence_is_two_one_sided_tests(noise):
    """The 90 % interval lies in the band exactly when both one-sided 5 % tests reject."""
    rng = np.random.default_rng(7)
    for _ in range(50):
        d = rng.normal(0.01, noise + 1e-6, 6)
        tests = (oracle.ttest_1samp(d, math.log(1 - stats.BAND), alternative="greater").pvalue,
                 oracle.ttest_1samp(d, math.log(1 + stats.BAND), alternative="less").pvalue)
        a = np.full(6, 100.0)
        assert stats.compare_paired(a, a * np.exp(d)).equivalent == (max(tests) < 0.05)


def test_constants():
    zero, three, four = np.zeros(4), np.full(4, 3.0), np.full(4, 4.0)
    e = stats.compare_paired(zero, three)
    assert (e.scale, e.direction, e.equivalent, e.change, e.low) == ("constant", 1, False, None,
                                                                     None)
    e = stats.compare_paired(three, zero)
    assert (e.direction, e.change, e.low, e.high) == (-1, -1.0, -1.0, -1.0)
    e = stats.compare_paired(zero, zero)
    assert (e.direction, e.equivalent, e.change) == (0, True, None)
    e = stats.compare_paired(three, four)
    assert e.direction == 1 and e.low == e.high == pytest.approx(1 / 3)
    assert stats.compare_paired(three, three).equivalent


def test_zero_among_others_uses_differences():
    a, b = np.array([0.0, 1, 2, 1, 1, 1]), np.array([5.0, 6, 7, 6, 6, 6.5])
    e = stats.compare_paired(a, b)
    assert e.scale == "difference" and e.direction == 1
    assert e.p == pytest.approx(oracle.ttest_rel(b, a).pvalue)
    assert e.change == pytest.approx(5.0)  # Hodges-Lehmann 5 over the median of a, 1
    noisy = stats.compare_paired(np.array([0.0, 4, 1, 9]), np.array([3.0, 0, 8, 2]))
    assert noisy.direction == 0 and not noisy.equivalent
    mostly_zero = stats.compare_paired(np.array([0.0, 0, 0, 1]), np.array([3.0, 4, 3, 5]))
    assert mostly_zero.change is None and mostly_zero.direction == 1


def test_one_pair_has_no_interval():
    for a, b in ((5.0, 6.0), (0.0, 6.0), (6.0, 0.0)):
        e = stats.compare_paired(np.array([a]), np.array([b]))
        assert (e.low, e.high, e.direction, e.p) == (None, None, 0, 1.0)


def test_nothing_overflows():
    e = stats.compare_paired(np.array([5e-324, 1e19, 1e-300, 1e19]),
                             np.array([1e19, 5e-324, 1e19, 1e-300]))
    assert (e.low, e.high, e.direction, e.equivalent) == (None, None, 0, False)


@pytest.mark.parametrize("boot_sd", [0.0, 0.003, 0.03])
def test_false_alarms_are_five_percent(boot_sd):
    """No difference, noise between and within boots: 5 % of the intervals exclude 0."""
    rng = np.random.default_rng(1)
    runs, pairs = 1500, 5
    alarms = 0
    for _ in range(runs):
        boots = np.exp(rng.normal(0, boot_sd, (2, pairs, 1)) + rng.normal(0, 0.01, (2, pairs, 9)))
        a, b = np.median(boots, axis=2)
        alarms += stats.compare_paired(a, b).direction != 0
    assert 0.035 < alarms / runs < 0.065
