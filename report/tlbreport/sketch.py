# SPDX-License-Identifier: GPL-2.0-only
"""A figure to be drawn, and how all figures look.

Kernels differ by point, dash and fill pattern as well as by colour, so that a print in black and
white can be read.
"""
from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10

COLOURS = ("#1f5a96", "#d1495b", "#2e7d4f", "#8a5a00")
POINTS = (6, 9, 4, 13)  # open circle, full triangle, open square, full diamond
DASHES = ("solid", '"-"', '"."', '"_."')
PATTERNS = (1, 3, 2, 6)
PATTERNS_STACKED = (4, 1, 3, 5, 6, 7)
PATTERNS_OVERLAID = (4, 5, 2, 7)


@dataclass(frozen=True)
class Sketch:
    """A figure to be drawn: gp is the script after the common head, dat the data."""

    name: str
    case: str
    caption: str
    width: int
    height: int
    gp: str
    dat: str


def quote(text: str) -> str:
    """Quote for gnuplot; nothing is expanded within single quotes."""
    return "'" + text.replace("'", "''") + "'"


def colour(i: int) -> str:
    return f'lc rgb "{COLOURS[i % len(COLOURS)]}"'


def lines(parts: list[str]) -> str:
    return ", \\\n     ".join(parts)


def axis_range(axis: str, numbers: list[float]) -> str:
    """Return a range that holds the values, even all the same, with a margin and few tics."""
    low, high = min(numbers), max(numbers)
    margin = 0.12 * (high - low) or abs(high) * 0.02 or 1
    step = (high - low + 2 * margin) / 5
    power = 10 ** floor(log10(step))
    tic = next(n * power for n in (1, 2, 5, 10) if n * power >= step)
    return (f"set {axis}range [{low - margin:.10g}:{high + margin:.10g}]\n"
            f"set {axis}tics {tic:.10g}")


def decades(axis: str, numbers: list[float]) -> str:
    """Return a logarithmic axis where a long tail would squeeze the bulk; else ""."""
    low, high = min(numbers) / 1.2, max(numbers) * 1.2
    if low <= 0 or high < 10 * low:
        return ""
    steps = (1, 2, 5) if high < 1000 * low else (1,)
    tics = [n * 10 ** k for k in range(floor(log10(low)), floor(log10(high)) + 1)
            for n in steps if low <= n * 10 ** k <= high]
    return (f"set logscale {axis}\nset {axis}range [{low:.10g}:{high:.10g}]\n"
            f"set {axis}tics ({', '.join(f'{tic:.10g}' for tic in tics)})")
