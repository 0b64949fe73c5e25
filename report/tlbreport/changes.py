# SPDX-License-Identifier: GPL-2.0-only
"""Change points in a series of nights: pure functions of arrays, one element per night.

CUSUM sees a shift early; the E-divisive split with a t test says where it was, and is seldom
wrong. Sources: Page 1954 (CUSUM), Matteson and James 2014 (E-divisive), Hunter/Otava (a t test in
place of permutations, so that the answer is the same each time).
"""
from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from .stats import Array

BASELINE = 40  # nights that say what is usual
SLACK, LIMIT = 0.5, 7.0  # of CUSUM, in standard deviations of the baseline, itself an estimate
WINDOW = 45  # nights that are looked at for a split
MIN_SEGMENT = 5
SPLIT_P = 1e-5


@dataclass(frozen=True)
class Change:
    """Night `at` is the first that is different; p is None where only CUSUM says so."""

    at: int
    before: float  # mean of the nights before, as far as they were looked at
    after: float
    p: float | None


def divergences(x: Array) -> Array:
    """Return how far apart, by energy distance, both parts are for each first night of the second.

    As large as MIN_SEGMENT at least; scaled by n * m / (n + m), so that splits can be compared.
    """
    n = len(x)
    sums = np.abs(x[:, None] - x[None, :]).cumsum(0).cumsum(1)
    at = np.arange(MIN_SEGMENT, n - MIN_SEGMENT + 1)
    first, total = sums[at - 1, at - 1], sums[-1, -1]
    across = sums[at - 1, -1] - first
    second = total - first - 2 * across
    size, rest = at, n - at
    energy = 2 * across / (size * rest) - first / size ** 2 - second / rest ** 2
    return energy * size * rest / n


def split(x: Array, nr_series: int = 1) -> Change | None:
    """Return where the last WINDOW nights fall into two parts that a t test tells apart.

    nr_series: how many series are looked at in one night; the threshold is for all of them.
    """
    from scipy.stats import ttest_ind
    window = x[-WINDOW:]
    if len(window) < 2 * MIN_SEGMENT:
        return None
    at = MIN_SEGMENT + int(np.argmax(divergences(window)))
    before, after = window[:at], window[at:]
    if not np.ptp(before) and not np.ptp(after):
        p = float(before[0] == after[0])
    else:
        p = float(ttest_ind(before, after).pvalue)
    if p >= SPLIT_P / nr_series:
        return None
    return Change(len(x) - len(window) + at, float(before.mean()), float(after.mean()), p)


def cusum(x: Array, nr_series: int = 1) -> Change | None:
    """Return the shift that the sums of deviations from the baseline have seen until tonight.

    None when both sums are below the limit tonight, or there is no night behind the baseline.
    The limit grows with the logarithm of the number of series: false alarms fall exponentially.
    """
    if len(x) <= BASELINE or not np.ptp(x[:BASELINE]):
        return None
    mean, sd = float(x[:BASELINE].mean()), float(x[:BASELINE].std(ddof=1))
    limit = LIMIT + log(nr_series)
    found = []
    for sign in 1, -1:
        total, start = 0.0, BASELINE
        for night in range(BASELINE, len(x)):
            total += sign * (x[night] - mean) / sd - SLACK
            if total <= 0:
                total, start = 0.0, night + 1
        if total > limit:
            found.append(Change(start, mean, float(x[start:].mean()), None))
    return found[0] if found else None


def change(x: Array, nr_series: int = 1) -> Change | None:
    """Return the change that is there tonight, by the split if that finds it."""
    return split(x, nr_series) or cusum(x, nr_series)
