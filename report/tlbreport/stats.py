# SPDX-License-Identifier: GPL-2.0-only
"""Paired statistics on boots: pure functions of arrays, one element per boot or pair.

The boot is the unit of inference: samples of one boot share its memory layout, so pooling
them calls boot noise a difference in up to nine of ten comparisons. Boots run in pairs, so
the functions take paired values and work on log ratios, which are symmetric and unit-free.
Sources: Hodges and Lehmann 1963 (estimate), Fisher 1935 (sign flips), Schuirmann 1987
(equivalence by the 90 % interval), Holm 1979 (families).
"""
from __future__ import annotations

from dataclasses import dataclass
from math import expm1, isfinite, sqrt
from typing import Callable

import numpy as np
from scipy.special import stdtr, stdtrit

ALPHA = 0.05
BAND = 0.02  # +-2 %: changes inside it are not worth a patch, whatever their p
MIN_PAIRS = 4  # fewer boots per kernel give no verdict
MAX_FLIP_PAIRS = 40  # 2 * 2^20 half sums
Array = np.ndarray


@dataclass(frozen=True)
class Estimate:
    """How B differs from A; fractions of A (0.05 is +5 %), None where no ratio exists."""

    change: float | None
    low: float | None
    high: float | None
    direction: int  # sign of a significant difference, 0 when the 95 % interval holds 0
    equivalent: bool  # the 90 % interval lies inside +-BAND
    p: float  # paired t
    p_flip: float | None  # exact sign flips; None where it cannot go below ALPHA
    scale: str  # ratio; difference (a zero has no ratio); constant (nothing varies)


def hodges_lehmann(x: Array) -> float:
    """Return the median of all means of two elements, each with itself included."""
    i, j = np.triu_indices(len(x))
    return float(np.median((x[i] + x[j]) / 2))


def t_interval(x: Array, level: float) -> tuple[float, float]:
    """Return the t interval of the mean; the whole line for one element."""
    if len(x) < 2:
        return -np.inf, np.inf
    half = float(stdtrit(len(x) - 1, (1 + level) / 2)) * float(x.std(ddof=1)) / sqrt(len(x))
    return float(x.mean()) - half, float(x.mean()) + half


def t_test_p(x: Array) -> float:
    """Return the two-sided p of the hypothesis that the mean is 0 (1 for one element)."""
    if len(x) < 2 or not x.any():
        return 1.0
    error = float(x.std(ddof=1)) / sqrt(len(x))
    return 2 * float(stdtr(len(x) - 1, -abs(float(x.mean())) / error)) if error else 0.0


def sign_flip_p(x: Array) -> float | None:
    """Return the exact two-sided p of |sum| under all 2^n sign flips; None beyond 40 elements.

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
    sums = np.zeros(1)
    for value in x:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def holm(ps: list[float]) -> list[float]:
    """Return Holm's adjusted p values in the order of ps."""
    adjusted = [0.0] * len(ps)
    running = 0.0
    for rank, i in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        running = max(running, min(1.0, (len(ps) - rank) * ps[i]))
        adjusted[i] = running
    return adjusted


def compare_paired(a: Array, b: Array) -> Estimate:
    """Compare paired boots, a[i] with b[i], at least one pair.

    Ratios where all values are positive. A zero has no ratio: then the differences decide,
    as fractions of the median of a when that is not 0.
    """
    constant = len(a) > 1 and not (np.ptp(a) or np.ptp(b))
    if min(a.min(), b.min()) > 0:
        scale = "constant" if constant else "ratio"
        return _estimate(np.log(b) - np.log(a), scale, _growth)
    base = float(np.median(a))

    def relative(difference: float) -> float | None:
        return difference / base if base > 0 and isfinite(difference) else None
    return _estimate(b - a, "constant" if constant else "difference", relative)


def _growth(log_ratio: float) -> float | None:
    """Turn a log ratio into a fraction; None where that is not a finite number."""
    return expm1(log_ratio) if abs(log_ratio) < 700 else None


def _estimate(d: Array, scale: str,
              as_fraction: Callable[[float], float | None]) -> Estimate:
    """Estimate from paired log ratios or differences d."""
    low, high = t_interval(d, 1 - ALPHA)
    if scale == "constant":
        low = high = float(d[0])
    inner = (low, high) if scale == "constant" else t_interval(d, 1 - 2 * ALPHA)
    edges = [as_fraction(edge) for edge in inner]
    inside = all(e is not None and abs(e) <= BAND + 1e-12 for e in edges)
    p = float(not d.any()) if scale == "constant" else t_test_p(d)
    flip = sign_flip_p(d) if 2 ** (1 - len(d)) <= ALPHA else None
    return Estimate(as_fraction(hodges_lehmann(d)), as_fraction(low), as_fraction(high),
                    int(low > 0) - int(high < 0), inside or not d.any(), p, flip, scale)
