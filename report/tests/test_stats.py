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


def samples():
    """Yield 100 inputs: 2 to 11 values of any mean and spread, some with ties."""
    rng = np.random.default_rng(20250101)
    for i in range(100):
        x = rng.normal(rng.normal(0, 0.5), rng.choice([0.002, 0.5, 3]), 2 + i % 10)
        yield x if i % 7 else np.round(1000 * x) + np.arange(len(x)) % 2


SAMPLES = list(samples())


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


@pytest.mark.parametrize("x", [s for s in SAMPLES if len(s) <= 8])
def test_sign_flips_agree_with_scipy(x):
    reference = oracle.permutation_test((x,), np.sum, permutation_type="samples",
                                        n_resamples=np.inf)
    assert stats.sign_flip_p(x) == pytest.approx(min(reference.pvalue, 1))


def test_sign_flips_by_hand():
    assert stats.sign_flip_p(np.array([1.0, 1, 1, 1])) == 2 / 16
    assert stats.sign_flip_p(np.array([1.0, -1])) == 1
    assert stats.sign_flip_p(np.zeros(5)) == 1
    assert stats.sign_flip_p(np.ones(30)) == pytest.approx(2 ** -29)
    assert stats.sign_flip_p(np.ones(31)) is None


@pytest.mark.parametrize("x", SAMPLES)
def test_hodges_lehmann_agrees_with_brute_force(x):
    means = sorted((a + b) / 2 for a, b in itertools.combinations_with_replacement(x, 2))
    assert stats.hodges_lehmann(x) == pytest.approx(np.median(means))


@pytest.mark.parametrize("x", [s for s in SAMPLES if len(s) > 3])
def test_hodges_lehmann_is_where_wilcoxon_sees_nothing(x):
    """Moved by the estimate, positive and negative ranks balance; scipy's ranks say so."""
    def positive_ranks(shift):
        return oracle.wilcoxon(x - shift, alternative="greater", mode="exact").statistic
    estimate, step = stats.hodges_lehmann(x), 1e-7 * (1 + np.ptp(x))
    half = len(x) * (len(x) + 1) / 4
    assert positive_ranks(estimate + step) <= half <= positive_ranks(estimate - step)


def test_hodges_lehmann_by_hand():
    assert stats.hodges_lehmann(np.array([1.0, 2, 9])) == 3.5  # 1 1.5 2 5 5.5 9


def test_families_by_hand():
    assert stats.adjust([0.01, 0.04, 0.03], "holm") == pytest.approx([0.03, 0.06, 0.06])
    assert stats.adjust([0.01, 0.04, 0.03], "fdr_bh") == pytest.approx([0.03, 0.04, 0.04])
    assert stats.adjust([0.5, 0.9], "holm") == pytest.approx([1.0, 1.0])
    assert stats.adjust([], "holm") == []


@pytest.mark.parametrize("seed", range(100))
def test_components_agree_with_scipy(seed):
    """F of a one-way analysis is 1 + size * between / within, of variances."""
    rng = np.random.default_rng(seed)
    boots = [rng.normal(rng.normal(0, 3), 1, 6) for _ in range(2 + seed % 5)]
    between, within = stats.components(boots)
    assert within ** 2 == pytest.approx(np.mean([boot.var(ddof=1) for boot in boots]))
    f = oracle.f_oneway(*boots).statistic
    assert between ** 2 == pytest.approx(max(0, f - 1) * within ** 2 / 6)


def test_components_agree_with_a_mixed_model():
    """In a balanced design the moments are the estimates of restricted maximum likelihood."""
    from statsmodels.regression.mixed_linear_model import MixedLM
    rng = np.random.default_rng(5)
    boots = [rng.normal(m, 1, 8) for m in rng.normal(0, 2, 12)]
    y, group = np.concatenate(boots), np.repeat(np.arange(12), 8)
    fit = MixedLM(y, np.ones_like(y), group).fit(reml=True)
    between, within = stats.components(boots)
    assert between == pytest.approx(fit.cov_re[0][0] ** 0.5, rel=1e-3)
    assert within == pytest.approx(fit.scale ** 0.5, rel=1e-3)


def test_components_of_unequal_boots():
    """By hand: 1 3 and 2 4 6. Means 2, 4; within 10 / 3; between (7.2 - 10 / 3) / 2.4."""
    between, within = stats.components([np.array([1.0, 3]), np.array([2.0, 4, 6])])
    assert within ** 2 == pytest.approx(10 / 3)
    assert between ** 2 == pytest.approx((4.8 - 10 / 3) / 2.4)
    assert stats.components([np.array([1.0]), np.array([3.0])]) == (pytest.approx(2 ** 0.5), None)
    assert stats.components([np.array([1.0, 2])]) == (None, None)


@pytest.mark.parametrize("pairs", [4, 5, 8, 12, 20, 40])
def test_what_a_plan_sees_has_its_power(pairs):
    """The power of the t test at the smallest change is POWER, by the noncentral t of scipy."""
    sd, critical = 0.03, oracle.t.ppf(0.975, pairs - 1)
    shift = math.log1p(stats.detectable(sd, pairs)) / sd * math.sqrt(pairs)
    warnings.simplefilter("ignore")  # of scipy's noncentral t, far from its middle
    assert oracle.nct.sf(critical, pairs - 1, shift) == pytest.approx(stats.POWER, abs=1e-3)


def test_boots_that_are_needed():
    """The fewest: with one less the change is not seen. Part 4.2 has 144, 37, 17 and 7."""
    for sd in 0.014, 0.042:
        for change in 0.01, 0.02, 0.03, 0.05:
            boots = stats.boots_needed(sd, change)
            assert stats.detectable(sd, boots) <= change
            assert boots == 4 or stats.detectable(sd, boots - 1) > change
    sd = 0.03 * 2 ** 0.5
    assert [stats.boots_needed(sd, c) for c in (0.01, 0.02, 0.03, 0.05)] == [145, 38, 19, 9]
    assert stats.boots_needed(5, 0.001) is None


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


@pytest.mark.parametrize("seed", range(100))
def test_equivalence_is_two_one_sided_tests(seed):
    """The verdict is that of statsmodels' TOST on the log ratios."""
    from statsmodels.stats.weightstats import DescrStatsW
    rng = np.random.default_rng(seed)
    d = rng.normal(0.01, rng.choice([1e-6, 0.004, 0.01, 0.05]), 4 + seed % 5)
    p = DescrStatsW(d).ttost_mean(math.log(1 - stats.BAND), math.log(1 + stats.BAND))[0]
    a = np.full(len(d), 100.0)
    assert stats.compare_paired(a, a * np.exp(d)).equivalent == (p < 0.05)


def test_band_can_be_another():
    a = np.array([100.0, 101, 102, 103])
    assert stats.compare_paired(a, a * 1.04, band=0.05).equivalent
    assert not stats.compare_paired(a, a * 1.015, band=0.01).equivalent


def test_exact_differences_leave_no_doubt():
    """The same difference for every seed; on a real machine that would be an estimate."""
    a = np.array([100.0, 101, 140, 103])
    e = stats.compare_paired(a, a + 1, exact=True)
    assert (e.scale, e.direction, e.p) == ("constant", 1, 0)
    assert e.low == pytest.approx(1 / 140) and e.high == pytest.approx(1 / 100)
    assert stats.compare_paired(a, a + 1).scale == "ratio"


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
