# SPDX-License-Identifier: GPL-2.0-only
"""Was seen what the campaign expects to see: seen, not seen, or cannot tell, with the numbers.

The boot is the unit here too: a boot gives one number, the answer is about the interval of them.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import exp, inf, log, nan
from statistics import median
from typing import Iterator

import numpy as np

from .fits import Fit, break_even, knee
from .model import Campaign, Expectation
from .series import Series, collect
from .stats import ALPHA, Array, t_interval
from .tables import number

SEEN, NOT_SEEN, CANNOT_TELL = "seen", "not seen", "cannot tell"
CEILING = "flush_ceiling_pages"  # of the audit
USUAL_CEILING = 33  # of x86 since 2014
EPSILON = 1e-9


@dataclass(frozen=True)
class Line:
    """One comparison: what it is about, its numbers, and what they say."""

    about: str
    numbers: str
    verdict: str


@dataclass(frozen=True)
class Finding:
    """An expectation and what became of it."""

    expectation: Expectation
    wanted: str
    verdict: str
    lines: tuple[Line, ...]


@dataclass
class Curve:
    """One metric of one kernel along a key: per boot the values at the points."""

    metric: str
    points: list[str] = field(default_factory=list)  # values of the key
    boots: list[Array] = field(default_factory=list)
    why: str = ""  # there is none


def findings(campaign: Campaign) -> list[Finding]:
    """Look for everything that the campaign expects."""
    return [_finding(campaign, e) for e in campaign.expectations]


def _finding(campaign: Campaign, e: Expectation) -> Finding:
    lines = _along(campaign, e) if e.along else _kernels(campaign, e)
    said = [line.verdict for line in lines]
    verdict = next((v for v in (NOT_SEEN, CANNOT_TELL) if v in said), SEEN)
    return Finding(e, wanted(e), verdict if said else CANNOT_TELL, tuple(lines))


def wanted(e: Expectation) -> str:
    """Say in words what is expected."""
    metric = " or ".join(e.metrics) + (f" over {e.along}" if e.each else "")
    ends = f" from {e.start} to {e.end}" if e.start else ""
    only = f" on {e.kernel_a}" if e.kernel_a else ""
    where = (f"from {e.kernel_a} to {e.kernel_b}" if e.kernel_b
             else f"along {e.along}{ends}{only}")
    parts = []
    if e.direction == "same":
        parts.append(f"{metric} is the same {where}, within {percent(e.factor)}")
    elif e.direction:
        by = f" by a factor of {e.factor:g} or more" if e.factor > 1 else ""
        parts.append(f"{metric} {e.direction} {where}{by}")
    if e.knee:
        parts.append(f"{metric} bends where {e.along} is {e.knee[0]} to {e.knee[1]}")
    if e.break_even:
        parts.append(f"the break-even point of {metric} is at {e.break_even[0]} to "
                     f"{e.break_even[1]} {e.along}")
    return "; ".join(parts)


def percent(factor: float) -> str:
    """Return how far from 1 a factor is.

    >>> percent(1.02), percent(2)
    ('2 %', 'a factor of 2')
    """
    return f"{100 * (factor - 1):.3g} %" if factor < 1.5 else f"a factor of {factor:g}"


# --- kernels ---


def _kernels(campaign: Campaign, e: Expectation) -> list[Line]:
    for name in (e.kernel_a, e.kernel_b):
        if name in campaign.missing:
            return [_left_out(campaign, name)]
    return [_one_case(campaign, e, case) for case in e.cases]


def _left_out(campaign: Campaign, kernel: str) -> Line:
    return Line(kernel, f"left out: there is no strategy {campaign.missing[kernel]} yet",
                CANNOT_TELL)


def _one_case(campaign: Campaign, e: Expectation, case: str) -> Line:
    a, b = (collect(campaign, kernel, case) for kernel in (e.kernel_a, e.kernel_b))
    metric = next((m for m in e.metrics if _has(a, m) and _has(b, m)), None)
    if not metric:
        return Line(case, _why_nothing([(e.kernel_a, a), (e.kernel_b, b)], e.metrics), CANNOT_TELL)
    pairs = sorted(a[metric].pairs.keys() & b[metric].pairs.keys())
    if not pairs:
        return Line(case, "no pair of boots has both values", CANNOT_TELL)
    before, after = (np.array([median(side[metric].pairs[p]) for p in pairs]) for side in (a, b))
    return _change(case, metric, e, before, after)


def _has(found: dict[str, Series], metric: str) -> bool:
    return metric in found and bool(found[metric].pairs)


def _why_nothing(sides: list[tuple[str, dict[str, Series]]], metrics: tuple[str, ...]) -> str:
    """Say why none of the metrics has values, by the first that was recorded."""
    for kernel, found in sides:
        for metric in metrics:
            if not _has(found, metric) and metric in found:
                return f"{kernel}: {metric}: {'; '.join(found[metric].notes())}"
    missing = [kernel for kernel, found in sides if not found]
    if missing:
        return f"no repetition of {' or '.join(missing)} ended well"
    return f"no record has {' or '.join(metrics)}"


def _change(about: str, metric: str, e: Expectation, before: Array, after: Array) -> Line:
    """Judge one change by its interval over boots."""
    arrow = f"{metric} {number(median(before))} -> {number(median(after))}"
    if min(before.min(), after.min()) <= 0:
        return Line(about, arrow, _by_sign(e, before, after))
    ratios = np.log(after) - np.log(before)
    low, high = _interval(ratios)
    spread = f"[{_factor(low)}, {_factor(high)}]" if len(ratios) > 1 else "(one boot: no interval)"
    return Line(about, f"{arrow}, x {_factor(float(ratios.mean()))} {spread}",
                _by_ratio(e, low, high))


def _factor(log_ratio: float) -> str:
    """Return a ratio in three digits."""
    ratio = exp(log_ratio)
    return f"{ratio:.0f}" if ratio >= 99.5 else f"{ratio:.3g}"


def _interval(values: Array) -> tuple[float, float]:
    """Return the 95 % interval of the mean; boots that all agree leave no doubt."""
    if len(values) > 1 and not np.ptp(values):
        return float(values[0]), float(values[0])
    return t_interval(values, 1 - ALPHA)


def _by_ratio(e: Expectation, low: float, high: float) -> str:
    least = log(e.factor)
    if e.direction == "same":
        return _inside(low, high, -least, least)
    if e.direction == "falls":
        low, high = -high, -low
    if low > EPSILON and low >= least - EPSILON:
        return SEEN
    return NOT_SEEN if high < max(least, EPSILON) else CANNOT_TELL


def _by_sign(e: Expectation, before: Array, after: Array) -> str:
    """Where there is a zero there is no ratio: from or to 0 is any factor."""
    low, high = _interval(after - before)
    if e.direction == "same":
        return _inside(low, high, 0, 0)
    if e.direction == "falls":
        low, high, before = -high, -low, after
    if low > 0 and (e.factor <= 1 or not before.any()):
        return SEEN
    return NOT_SEEN if high <= 0 else CANNOT_TELL


def _inside(low: float, high: float, least: float, most: float) -> str:
    if least - EPSILON <= low and high <= most + EPSILON:
        return SEEN
    return NOT_SEEN if high < least or low > most else CANNOT_TELL


# --- along a key ---


def curves(campaign: Campaign, e: Expectation) -> Iterator[tuple[str, str, Curve]]:
    """Yield (what it is about, kernel, curve) of an expectation along a key."""
    for kernel in campaign.kernels:
        if e.kernel_a in (None, kernel.name):
            for group, cases in groups(e.cases, e.along or "").items():
                about = f"{group}: {kernel.name}" if len(campaign.kernels) > 1 else group
                yield about, kernel.name, _curve(campaign, kernel.name, cases, e)


def _along(campaign: Campaign, e: Expectation) -> list[Line]:
    if e.kernel_a in campaign.missing:
        return [_left_out(campaign, e.kernel_a)]
    lines = []
    for about, kernel, curve in curves(campaign, e):
        lines += ([Line(about, curve.why, CANNOT_TELL)] if curve.why
                  else _judge(campaign, kernel, about, e, curve))
    return lines


def groups(cases: tuple[str, ...], key: str) -> dict[str, dict[str, str]]:
    """Sort cases by what they have in common: name without the key -> value -> case.

    >>> groups(("m/pages=1/cpus=2", "m/pages=8/cpus=2"), "pages")
    {'m/cpus=2': {'1': 'm/pages=1/cpus=2', '8': 'm/pages=8/cpus=2'}}
    """
    result: dict[str, dict[str, str]] = {}
    for case in cases:
        value = re.search(rf"/{re.escape(key)}=([^/]+)", case)
        if value:
            rest = case[:value.start()] + case[value.end():]
            result.setdefault(rest, {})[value[1]] = case
    return result


def as_number(value: str) -> float:
    """Return a value of a key, which may be a size; not a number for words.

    >>> as_number("64"), as_number("4k"), as_number("1T"), as_number("up")
    (64.0, 4096.0, 1099511627776.0, nan)
    """
    match = re.fullmatch(r"([0-9]+)([kMGT]?)", value)
    return float(match[1]) * 1024 ** " kMGT".index(match[2] or " ") if match else nan


def _curve(campaign: Campaign, kernel: str, cases: dict[str, str], e: Expectation) -> Curve:
    """Collect the curve of the first metric that all points of some boot have."""
    found = {x: collect(campaign, kernel, case)
             for x, case in sorted(cases.items(), key=lambda point: as_number(point[0]))}
    for metric in e.metrics:
        points = [x for x, series in found.items() if _has(series, metric)]
        if len(points) < 2:
            continue
        sides = [found[x][metric].pairs for x in points]
        shared = sorted(set.intersection(*(set(side) for side in sides)))
        over = np.array(list(map(as_number, points))) if e.each else 1.0
        boots = [np.array([median(side[p]) for side in sides]) / over for p in shared]
        if boots:
            return Curve(metric + f" over {e.along}" * e.each, points, boots)
    why = _why_nothing([(f"{kernel}, {x}", series) for x, series in found.items()], e.metrics)
    return Curve("", why=why)


def _judge(campaign: Campaign, kernel: str, about: str, e: Expectation,
           curve: Curve) -> list[Line]:
    lines = []
    x = np.array(list(map(as_number, curve.points)))
    start, end = e.start or curve.points[0], e.end or curve.points[-1]
    if e.direction and not {start, end} <= set(curve.points):
        lines.append(Line(f"{about}, {e.along} {start} to {end}",
                          f"no values of {curve.metric} at both", CANNOT_TELL))
    elif e.direction:
        lines.append(_change(f"{about}, {e.along} {start} to {end}", curve.metric, e, *(
            np.array([boot[curve.points.index(at)] for boot in curve.boots])
            for at in (start, end))))
    if e.knee:
        lines.append(_place(f"{about}, bend", [knee(x, boot) for boot in curve.boots], e.knee,
                            curve))
    if e.break_even:
        ceiling, said = _ceiling(campaign, kernel)
        fits = [break_even(x, boot, ceiling) for boot in curve.boots]
        line = _place(f"{about}, break-even", fits, e.break_even, curve)
        lines.append(Line(line.about, f"{line.numbers} (ceiling {ceiling:g}{said})", line.verdict))
    return lines


def _ceiling(campaign: Campaign, kernel: str) -> tuple[float, str]:
    """Return tlb_single_page_flush_ceiling as its boots have said it."""
    said = {boot.audit.get(CEILING) or "" for _, boot in campaign.boots(kernel)}
    known = [float(text) for text in said if re.fullmatch(r"[0-9]+", text)]
    return (known[0], "") if len(known) == 1 else (USUAL_CEILING, ", not recorded: the usual one")


def _place(about: str, fits: list[Fit], span: tuple[int, int], curve: Curve) -> Line:
    """Judge where on the axis something is, by the interval over boots."""
    found = np.array([fit.x for fit in fits if fit.x is not None])
    if len(found) < len(fits):
        reasons = sorted({fit.why for fit in fits if fit.why})
        text = f"{curve.metric}: in {len(fits) - len(found)} of {len(fits)} boots none: "
        return Line(about, text + "; ".join(reasons), CANNOT_TELL if len(found) else NOT_SEEN)
    low, high = _interval(found)
    spread = f" [{low:.3g}, {high:.3g}]" if abs(low) < inf else " (one boot: no interval)"
    return Line(about, f"{curve.metric}: at {median(found):.3g}{spread}",
                _inside(low, high, *span))
