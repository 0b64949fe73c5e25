# SPDX-License-Identifier: GPL-2.0-only
"""Curves over a swept key: where one bends, and where two lines meet. Pure functions."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc

from .stats import Array

MIN_POINTS_OF_LINE = 2
MIN_POINTS_OF_KNEE = 5
BEND_P = 0.01  # scatter may look like a bend, for the best of many places is taken


@dataclass(frozen=True)
class Fit:
    """A place on the axis, or why there is none."""

    x: float | None
    why: str = ""


def break_even(x: Array, y: Array, ceiling: float) -> Fit:
    """Return where flushing page by page costs what flushing everything does.

    Up to the ceiling the kernel flushes page by page, so cost is a line that has the cost of
    flushing one page in its slope; above it flushes all, so what is left in the slope is the
    other work on a page, and the full flush is in the offset. Where both lines meet the two ways
    cost the same: the ceiling that this machine would want. Errors are taken relative to cost.
    """
    below, above = x <= ceiling, x > ceiling
    if min(len(np.unique(x[part])) for part in (below, above)) < MIN_POINTS_OF_LINE:
        return Fit(None, f"needs {MIN_POINTS_OF_LINE} points up to {ceiling:g} and as many above")
    (slope, offset), (slope_above, offset_above) = (
        np.polyfit(x[part], y[part], 1, w=1 / y[part]) for part in (below, above))
    if slope <= slope_above * (1 + 1e-9):
        return Fit(None, "a page that is flushed by itself adds no cost")
    meet = float((offset_above - offset) / (slope - slope_above))
    return Fit(meet) if meet > 0 else Fit(None, "flushing all is never dearer")


def knee(x: Array, y: Array) -> Fit:
    """Return the point where y over log x bends: two lines that meet there fit best.

    The points may be in any order. There is none where one straight line does as well: an F test
    for the two numbers that a bend adds, times the places where it could be.
    """
    order = np.argsort(x)
    u, v = np.log2(x[order]), y[order]
    if len(u) < MIN_POINTS_OF_KNEE or not u.ptp() or x.min() <= 0:
        return Fit(None, f"needs {MIN_POINTS_OF_KNEE} points")
    if not v.ptp():
        return Fit(None, "the curve has no bend")
    left = [_residual(u, v, [at]) for at in u[1:-1]]
    best, rest = int(np.argmin(left)), max(min(left), 1e-12 * float(v @ v))
    gain = max(_residual(u, v, []) - rest, 0.0) / 2
    if len(left) * fdtrc(2, len(u) - 4, gain / (rest / (len(u) - 4))) >= BEND_P:
        return Fit(None, "the curve has no bend")
    return Fit(float(x[order][1 + best]))


def _residual(u: Array, v: Array, bends: list[float]) -> float:
    """Return the sum of squares that lines with these bends leave."""
    columns = [np.ones_like(u), u] + [np.maximum(u - at, 0) for at in bends]
    matrix = np.column_stack(columns)
    solution, *_ = np.linalg.lstsq(matrix, v, rcond=None)
    return float(np.sum((matrix @ solution - v) ** 2))
