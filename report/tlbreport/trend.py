# SPDX-License-Identifier: GPL-2.0-only
"""Night after night: has a kernel changed against the pinned reference of the same night?

The ratio is what counts, so that what moves both, such as firmware or the room, is no change.
An alarm decides nothing: it names the paired A/B that does.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from math import exp
from pathlib import Path

import numpy as np

from . import tables as fmt
from .changes import BASELINE, MIN_SEGMENT, Change, change
from .confounds import differences
from .load import NotACampaign, load
from .model import Campaign, Kernel, file_stem
from .series import cases, collect
from .sketch import Sketch, quote
from .stats import hodges_lehmann

WIDTH = fmt.WIDTH
Key = tuple[str, str, str]  # case, metric, kernel


@dataclass(frozen=True)
class Night:
    """One campaign; kernel -> what it was."""

    directory: Path  # as it was asked for
    date: str
    kernels: dict[str, Kernel]


@dataclass
class Line:
    """One metric over the nights: change of B against A of the same night, as its logarithm."""

    key: Key
    better: str
    nights: list[Night] = field(default_factory=list)
    logs: list[float] = field(default_factory=list)

    def found(self, nr_series: int) -> Change | None:
        """Return the change that is there tonight."""
        return change(np.array(self.logs), nr_series)


@dataclass(frozen=True)
class Trend:
    """All that is known about a directory of nights."""

    name: str
    reference: str
    nights: list[Night]
    lines: list[Line]
    left_out: list[str]

    def alarms(self) -> list[tuple[Line, Change]]:
        """Return the lines that have changed, those that a split found first."""
        found = [(line, line.found(len(self.lines))) for line in self.lines]
        return sorted(((line, c) for line, c in found if c), key=lambda lc: lc[1].p or 1)


def read(directory: Path, name: str | None, since: str, nights: int) -> Trend:
    """Read the nights below a directory, the last ones. Raises NotACampaign.

    All have the name, host and way of running of the last one. since: a date; what was before is
    history that somebody has looked at.
    """
    paths = sorted((p.parent for p in directory.glob("*/plan.json")
                    if not p.parent.is_symlink() and _date(p.parent) >= since), key=_date)
    left_out: list[str] = []
    found: list[Campaign] = []
    wanted = name
    for path in reversed(paths):
        if len(found) == nights:
            break
        if wanted and path.name.rpartition("-")[0] != wanted:
            continue
        try:
            campaign = load(path)
        except NotACampaign as error:
            left_out.append(str(error))
            continue
        reason = _unlike(campaign, found[0] if found else campaign)
        wanted = wanted or campaign.name
        if reason:
            left_out.append(f"{path.name}: {reason}")
        else:
            found.append(campaign)
    if not found:
        raise NotACampaign(f"{directory}: no night to look at, expected NAME-YYYYMMDDTHHMMSSZ/")
    return _trend(directory, found[::-1], left_out[::-1])


def _date(path: Path) -> str:
    """Return the date of a campaign's directory, "" where it has none."""
    stamp = path.name.rpartition("-")[2]
    return stamp if len(stamp) == 16 and stamp.endswith("Z") else ""


def _unlike(campaign: Campaign, last: Campaign) -> str:
    """Say why a night cannot stand beside the last one, "" if it can."""
    for what in ("name", "host", "backend", "accel", "reference"):
        if getattr(campaign, what) != getattr(last, what):
            return f"{what} is {getattr(campaign, what)}, not {getattr(last, what)}"
    if campaign.is_aa:
        return "an A/A"
    void = [d.name for k in campaign.kernels if k.name != campaign.reference
            for d in differences(campaign, k.name, frozenset()) if d.voids and d.case is None]
    return f"void: the kernels also differ in {', '.join(dict.fromkeys(void))}" if void else ""


def _trend(directory: Path, campaigns: list[Campaign], left_out: list[str]) -> Trend:
    last = campaigns[-1]
    lines: dict[Key, Line] = {}
    nights = []
    for campaign in campaigns:
        night = Night(directory / campaign.path.name, campaign.date[:10],
                      {k.name: k for k in campaign.kernels})
        nights.append(night)
        for case in cases(campaign):
            if not last.headline_cases or case in last.headline_cases:
                _add(lines, campaign, night, case)
    kept = [line for line in lines.values() if len(line.logs) >= 2 * MIN_SEGMENT]
    short = len(lines) - len(kept)
    if short:
        left_out.append(f"{short} series have fewer than {2 * MIN_SEGMENT} nights with a ratio")
    return Trend(last.name, last.reference, nights, kept, left_out)


def _add(lines: dict[Key, Line], campaign: Campaign, night: Night, case: str) -> None:
    """Add the ratios of a night; a metric with a zero has none."""
    a = collect(campaign, campaign.reference, case)
    for kernel in campaign.kernels:
        b = collect(campaign, kernel.name, case) if kernel.name != campaign.reference else {}
        for name in [n for n in b if n in a and a[n].metric and a[n].metric.headline]:
            pairs = sorted(a[name].pairs.keys() & b[name].pairs.keys())
            values = a[name].paired(pairs), b[name].paired(pairs)
            if pairs and min(values[0].min(), values[1].min()) > 0:
                line = lines.setdefault((case, name, kernel.name),
                                        Line((case, name, kernel.name), a[name].metric.better))
                line.nights.append(night)
                line.logs.append(hodges_lehmann(np.log(values[1]) - np.log(values[0])))


# --- what is written ---------------------------------------------------------


def text(trend: Trend) -> str:
    """Return the text for a mail."""
    alarms = trend.alarms()
    first, last = trend.nights[0], trend.nights[-1]
    lines = fmt.fill(f"tlbbench trend: {trend.name}, {len(trend.nights)} nights, {first.date} to "
                     f"{last.date}", WIDTH)
    ids = list(dict.fromkeys(n.kernels[trend.reference].kernel_id for n in trend.nights))
    lines += fmt.fill(f"reference {trend.reference}: {', '.join(ids[-3:])}"
                      + (" (it changed, which it should not)" if len(ids) > 1 else ""), WIDTH, 0, 2)
    lines += fmt.fill(f"{len(alarms)} of {len(trend.lines)} series changed"
                      + ("" if len(trend.nights) > BASELINE else
                         f"; small shifts are seen from night {BASELINE + 1} on"), WIDTH)
    for line, found in alarms:
        lines += ["", *_alarm(trend, line, found)]
    if trend.left_out:
        lines += ["", "Left out"]
        lines += [part for why in trend.left_out for part in fmt.fill(why, WIDTH, 2, 2)]
    return fmt.ascii_only("\n".join(lines) + "\n")


def _alarm(trend: Trend, line: Line, found: Change) -> list[str]:
    """Return one alarm: what, since when, between which kernels, and what decides."""
    case, metric, kernel = line.key
    shift = exp(found.after - found.before) - 1
    word = "changed" if line.better == "none" else (
        "better" if (shift > 0) == (line.better == "higher") else "worse")
    good, bad = line.nights[found.at - 1], line.nights[found.at]
    how = (f"split, t test p {found.p:.1g}" if found.p is not None
           else "CUSUM, nothing that a test would confirm yet")
    old, new = good.kernels[kernel], bad.kernels[kernel]
    lines = fmt.fill(f"{'CHANGE' if found.p is not None else 'SUSPECTED'} {case}: {metric} of "
                     f"{kernel} over {trend.reference}", WIDTH)
    lines += fmt.fill(f"{exp(found.before):.4g} -> {exp(found.after):.4g} "
                      f"({fmt.percent(100 * shift)}, {word}), from the night of {bad.date} on; "
                      f"{how}", WIDTH, 2, 2)
    if old.kernel_id == new.kernel_id:
        lines += fmt.fill(f"the kernel is the same, {old.kernel_id}: look at the machine", WIDTH, 2,
                          2)
    else:
        lines += fmt.fill(f"between {old.kernel_id} ({good.date}) and {new.kernel_id} "
                          f"({bad.date})", WIDTH, 2, 2)
        if old.commit and new.commit:
            lines += fmt.fill(f"$ git log {old.commit[:12]}..{new.commit[:12]}", WIDTH, 2, 2)
    return lines + fmt.fill(_decide(old, new, bad.directory / "campaign.conf"), WIDTH, 2, 4)


def _decide(old: Kernel, new: Kernel, conf: Path) -> str:
    """Return the command of the comparison that decides, and what it lacks."""
    if old.kernel_id == new.kernel_id:
        return f"decide: $ tlbbench campaign --aa {conf}"
    good, bad = _spec(old), _spec(new)
    if good != bad:
        return f"decide: $ tlbbench ab good={good} bad={bad} {conf}"
    return (f"decide: $ tlbbench ab good=OLD bad={bad} {conf} where OLD is the bzImage, or"
            f" tree:DIR@REV, of {old.kernel_id}")


def _spec(kernel: Kernel) -> str:
    """Return how to ask for this very kernel again, as far as its plan tells."""
    spec = kernel.spec or kernel.kernel_id
    if spec.startswith("tree:") and kernel.commit:
        return f"{spec.partition('@')[0]}@{kernel.commit[:12]}"
    return spec


def sketches(trend: Trend, most: int = 8) -> list[Sketch]:
    """Return a figure for each alarm, the first ones."""
    return [_sketch(i, trend, line, found)
            for i, (line, found) in enumerate(trend.alarms()[:most], 1)]


def _sketch(number: int, trend: Trend, line: Line, found: Change) -> Sketch:
    case, metric, kernel = line.key
    name = f"trend-{file_stem(number, f'{case}-{metric}-{kernel}')}"
    dat = f"# night  ratio of {metric}, {kernel} over {trend.reference}  date\n" + "".join(
        f"{i} {exp(value):.10g} {night.date}\n"
        for i, (night, value) in enumerate(zip(line.nights, line.logs)))
    step = max(1, len(line.nights) // 6)
    tics = ", ".join(f"'{night.date[5:]}' {i}" for i, night in enumerate(line.nights)
                     if i % step == 0)
    gp = f"""set xtics ({tics})
set format y '%.4g'
set xlabel 'night'
set ylabel {quote(f'{kernel} / {trend.reference}')}
set arrow from {found.at - 0.5}, graph 0 to {found.at - 0.5}, graph 1 nohead dt '-' lc rgb '#d1495b'
set arrow from 0, {exp(found.before):.8g} to {found.at - 0.5}, {exp(found.before):.8g} nohead
set arrow from {found.at - 0.5}, {exp(found.after):.8g} to {len(line.logs) - 1}, \
{exp(found.after):.8g} nohead
plot '{name}.dat' using 1:2 with points pt 6 ps 0.9 lc rgb "#1f5a96" \
title {quote(f'{fmt.human(metric)}, ratio of the night')}
"""
    return Sketch(name, case, f"{metric}, {kernel} over {trend.reference}, night by night", 640,
                  320, gp, dat)
