# SPDX-License-Identifier: GPL-2.0-only
"""Paired statistics on boots: pure functions of arrays, one element per boot or pair.

The boot is the unit of inference: samples of one boot share its memory layout, so pooling
them calls boot noise a difference in up to nine of ten comparisons. Boots run in pairs, so
the functions take paired values and work on log ratios, which are symmetric and unit-free.
Sources: Hodges and Lehmann 1963 (estimate), Fisher 1935 (sign flips), Schuirmann 1987
(equivalence by the 90 % interval), Holm 1979 and Benjamini and Hochberg 1995 (families),
Searle, Casella and McCulloch 1992 (variance components). By hand is only what scipy and
statsmodels do not have.
"""
from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from math import expm1, isfinite, log1p, sqrt
from typing import Callable, Sequence

import numpy as np
from scipy.special import stdtr, stdtrit

ALPHA = 0.05
BAND = 0.02  # +-2 %: changes inside it are not worth a patch, whatever their p
POWER = 0.8  # chance to see a change of the size that a plan is said to detect
MIN_PAIRS = 4  # fewer boots per kernel give no verdict
MAX_BOOTS = 1000  # more are not asked for
MAX_FLIP_PAIRS = 30  # 2 * 2^15 half sums, two milliseconds; beyond, t needs no check
Array = np.ndarray


@dataclass(frozen=True)
class Estimate:
    """How B differs from A; fractions of A (0.05 is +5 %), None where no ratio exists."""

    change: float | None
    low: float | None
    high: float | None
    direction: int  # sign of a significant difference, 0 when the 95 % interval holds 0
    equivalent: bool  # the 90 % interval lies inside the band, which is two one-sided tests
    p: float  # paired t
    p_flip: float | None  # exact sign flips; None where it cannot go below ALPHA
    scale: str  # ratio; difference (a zero has no ratio); constant (nothing varies)
    sd: float | None  # of the paired log ratios; None on the other scales


@lru_cache(maxsize=None)
def _pairs(n: int) -> tuple[Array, Array]:
    return np.triu_indices(n)


def hodges_lehmann(x: Array) -> float:
    """Return the median of all means of two elements, each with itself included."""
    i, j = _pairs(len(x))
    means = np.sort(x[i] + x[j]) / 2
    return float(means[(len(means) - 1) // 2] + means[len(means) // 2]) / 2


def t_interval(x: Array, level: float) -> tuple[float, float]:
    """Return the t interval of the mean; the whole line for one element."""
    if len(x) < 2:
        return -np.inf, np.inf
    mean = float(x.mean())
    half = float(stdtrit(len(x) - 1, (1 + level) / 2)) * float(x.std(ddof=1)) / sqrt(len(x))
    return mean - half, mean + half


def t_test_p(x: Array) -> float:
    """Return the two-sided p of the hypothesis that the mean is 0 (1 for one element)."""
    if len(x) < 2 or not x.any():
        return 1.0
    error = float(x.std(ddof=1)) / sqrt(len(x))
    return 2 * float(stdtr(len(x) - 1, -abs(float(x.mean())) / error)) if error else 0.0


def sign_flip_p(x: Array) -> float | None:
    """Return the exact two-sided p of |sum| under all 2^n sign flips; None beyond 30 elements.

    The sums of both halves are enumerated and joined by binary search.
    """
    if len(x) > MAX_FLIP_PAIRS:
        return None
    bound = abs(x.sum()) - 1e-9 * np.abs(x).sum()
    half = len(x) // 2
    a, b = _flip_sums(x[:half]), np.sort(_flip_sums(x[half:]))
    above = len(b) - np.searchsorted(b, bound - a, side="left")
    below = np.searchsorted(b, -bound - a, side="right")
    extreme = int(above.sum() + below.sum()) if bound > 0 else len(a) * len(b)
    return extreme / (len(a) * len(b))


def _flip_sums(x: Array) -> Array:
    """Return the 2^n sums of x under all sign flips."""
    return _signs(len(x)) @ x


@lru_cache(maxsize=None)
def _signs(n: int) -> Array:
    """Return all 2^n rows of n signs."""
    return 1.0 - 2.0 * (np.arange(2 ** n)[:, None] >> np.arange(n) & 1)


def adjust(ps: Sequence[float], method: str) -> list[float]:
    """Return the adjusted p values of a family: method is holm or fdr_bh (Benjamini-Hochberg)."""
    if not ps:
        return []
    from statsmodels.stats.multitest import multipletests  # half a second that few commands need
    return list(map(float, multipletests(ps, ALPHA, method)[1]))


def components(boots: Sequence[Array]) -> tuple[float | None, float | None]:
    """Return the standard deviations (between boots, within a boot) of values, an array per boot.

    Moments of the one-way random effects model; boots may have different numbers of values.
    None: too few to tell. Between is 0 where the boots differ no more than their values do.
    """
    sizes = np.array([len(boot) for boot in boots])
    total, k = int(sizes.sum()), len(boots)
    if k < 2:
        return None, None
    means = np.array([boot.mean() for boot in boots])
    if total == k:
        return float(means.std(ddof=1)), None
    within = sum(float(((boot - m) ** 2).sum()) for boot, m in zip(boots, means)) / (total - k)
    grand = float((sizes * means).sum()) / total
    spread = float((sizes * (means - grand) ** 2).sum()) / (k - 1)
    size = (total - float((sizes ** 2).sum()) / total) / (k - 1)
    return sqrt(max(0.0, spread - within) / size), sqrt(within)


@lru_cache(maxsize=None)
def _smallest_effect(pairs: int) -> float:
    """Return the change that so many pairs see with POWER, in sd of their log ratios."""
    from statsmodels.stats.power import TTestPower
    with warnings.catch_warnings():  # scipy's noncentral t on its way to the root
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(TTestPower().solve_power(nobs=pairs, alpha=ALPHA, power=POWER))


def detectable(sd: float, pairs: int) -> float | None:
    """Return the smallest change that a plan sees with POWER, as a fraction."""
    return _growth(sd * _smallest_effect(pairs)) if pairs >= MIN_PAIRS else None


def boots_needed(sd: float, change: float) -> int | None:
    """Return the fewest pairs that see a change, a fraction, with POWER; None: too many."""
    low, high = MIN_PAIRS, MAX_BOOTS
    if sd * _smallest_effect(high) > log1p(change):
        return None
    while low < high:
        middle = (low + high) // 2
        if sd * _smallest_effect(middle) <= log1p(change):
            high = middle
        else:
            low = middle + 1
    return low


def compare_paired(a: Array, b: Array, band: float = BAND, exact: bool = False) -> Estimate:
    """Compare paired boots, a[i] with b[i], at least one pair.

    Ratios where all values are positive. A zero has no ratio: then the differences decide,
    as fractions of the median of a when that is not 0. Where nothing varies within a kernel,
    or, with exact, the difference is the same in every pair, there is nothing to be unsure of.
    """
    constant = len(a) > 1 and (not (np.ptp(a) or np.ptp(b)) or exact and not np.ptp(b - a))
    if min(a.min(), b.min()) > 0:
        return _estimate(np.log(b) - np.log(a), "constant" if constant else "ratio", _growth, band)
    base = float(np.median(a))

    def relative(difference: float) -> float | None:
        return difference / base if base > 0 and isfinite(difference) else None
    return _estimate(b - a, "constant" if constant else "difference", relative, band)


def _growth(log_ratio: float) -> float | None:
    """Turn a log ratio into a fraction; None where that is not a finite number."""
    return expm1(log_ratio) if abs(log_ratio) < 700 else None


def _estimate(d: Array, scale: str, as_fraction: Callable[[float], float | None],
              band: float) -> Estimate:
    """Estimate from paired log ratios or differences d."""
    if scale == "constant":
        low, high = float(d.min()), float(d.max())
        inner, p = (low, high), float(not d.any())
    else:
        low, high = t_interval(d, 1 - ALPHA)
        inner, p = t_interval(d, 1 - 2 * ALPHA), t_test_p(d)
    edges = [as_fraction(edge) for edge in inner]
    inside = all(e is not None and abs(e) <= band + 1e-12 for e in edges)
    flip = sign_flip_p(d) if 2 ** (1 - len(d)) <= ALPHA else None
    return Estimate(as_fraction(hodges_lehmann(d)), as_fraction(low), as_fraction(high),
                    int(low > 0) - int(high < 0), inside or not d.any(), p, flip, scale,
                    float(d.std(ddof=1)) if scale == "ratio" and len(d) > 1 else None)
