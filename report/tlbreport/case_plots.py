# SPDX-License-Identifier: GPL-2.0-only
"""The figures of one case: its boots, its percentiles, its histograms, who interrupts whom."""
from __future__ import annotations

from collections import Counter
from math import ceil, floor, log2, log10
from typing import Iterator

import numpy as np

from . import hdr
from .compare import Row
from .export import values
from .model import Campaign, Histogram, Kernel, file_stem
from .series import collect
from .sketch import (DASHES, PATTERNS_OVERLAID, POINTS, Sketch, axis_range, colour, decades, lines,
                     quote)
from .tables import human

BINS_PER_POWER = 8  # of the overlaid histograms


def of_case(campaign: Campaign, number: int, case: str, cost: Row | None) -> Iterator[Sketch]:
    """Yield the figures of a case; cost is the row that says what an op takes."""
    stem = file_stem(number, case)
    found = [_boots(campaign, case, f"boots-{stem}", cost),
             _percentiles(campaign, case, f"percentiles-{stem}"),
             _overlay(campaign, case, f"histogram-{stem}")]
    found += [_heat(campaign, case, k, f"heat-{stem}-{i}")
              for i, k in enumerate(campaign.kernels, 1)]
    yield from filter(None, found)


def _boots(campaign: Campaign, case: str, name: str, row: Row | None) -> Sketch | None:
    """Dots: the cost of an op in every boot, in the order in which they ran."""
    blocks, points = [], []
    for kernel in campaign.kernels:
        series = collect(campaign, kernel.name, case).get(row.metric) if row else None
        seeds = series.seeds if series else {}
        points += list(seeds.values())
        blocks.append("".join(f"{slot} {value:.10g}\n" for (slot, _), value in seeds.items()))
    if not points or not row:
        return None
    dat = "".join(f"# {k.name}: slot  {row.metric}\n{block or '0 NaN' + chr(10)}\n\n"
                  for k, block in zip(campaign.kernels, blocks))
    last = max(s.number for s in campaign.slots)
    plots = [f"'{name}.dat' index {k} using 1:2 with points {colour(k)} "
             f"pt {POINTS[k % 4]} ps 1.1 lw 1.6 title {quote(kernel.name)}"
             for k, kernel in enumerate(campaign.kernels)]
    gp = f"""set xrange [-0.5:{last + 0.5}]
set xtics {max(1, (last + 1) // 16)}
{axis_range("y", points)}
set format y '%.6g'
set xlabel 'boot, in the order in which they ran'
set ylabel {quote(row.unit)}
plot {lines(plots)}
"""
    return Sketch(name, case, f"{human(row.metric)}: every boot", 560, 300, gp, dat)


def _pooled(campaign: Campaign, kernel: Kernel, case: str) -> dict[str, list[Histogram]]:
    """Return role -> histograms of all boots."""
    found: dict[str, list[Histogram]] = {}
    for _, boot in campaign.boots(kernel.name):
        for r in boot.of(case):
            for role, h in {"initiator": r.timed, **r.roles}.items():
                if h and h.count:
                    found.setdefault(role, []).append(h)
    return found


def _percentiles(campaign: Campaign, case: str, name: str) -> Sketch | None:
    """Lines as HdrHistogram draws them: the cost at a percentile, finer and finer towards 100."""
    blocks, plots, unit, deepest, all_values = [], [], "", 10.0, []
    for k, kernel in enumerate(campaign.kernels):
        for n, (role, found) in enumerate(_pooled(campaign, kernel, case).items()):
            unit = unit or found[0].unit
            if found[0].unit != unit:
                continue
            curve = _levels(found)
            deepest = max(deepest, curve[-1][0])
            all_values += [value for _, value in curve]
            plots.append(f"'{name}.dat' index {len(blocks)} using 1:2 with linespoints "
                         f"{colour(k)} dt {DASHES[k % 4]} pt {(0, 6, 4, 8, 12)[n % 5]} "
                         f"pointinterval 6 ps 0.7 lw 2 title {quote(f'{kernel.name} {role}')}")
            blocks.append(f"# {kernel.name} {role}: 1/(1-percentile)  {unit}\n" + "".join(
                f"{x:.10g} {value}\n" for x, value in curve))
    if not blocks:
        return None
    tics = ", ".join(f"'{100 - 100 / 10 ** i:g}%%' {10 ** i}" for i in range(
        0, ceil(log10(deepest)) + 1)).replace("'0%%' 1", "'0%%' 1, '50%%' 2")
    gp = f"""set logscale x
set xrange [1:{deepest * 1.1:.6g}]
set xtics ({tics})
{decades("y", all_values) or "set yrange [0:*]"}
set format y '%.6g'
set xlabel 'percentile of the ops'
set ylabel {quote(unit)}
set key vertical maxrows 2
set tmargin 4
plot {lines(plots)}
"""
    return Sketch(name, case, "Cost of single ops by percentile and role, all boots together", 560,
                  340, gp, "\n\n".join(blocks) + "\n")


def _levels(found: list[Histogram]) -> list[tuple[float, int]]:
    """Return (1 / (1 - percentile), value) as far as there are ops to tell, the largest last."""
    counts = hdr.counts(pair for h in found for pair in values(h))
    nr = sum(counts.values())
    curve = [(1 / (1 - level / 100), value) for value, level, _ in hdr.percentiles(counts)
             if level < 100 * (1 - 0.5 / nr)]
    return curve + [(float(nr), hdr.highest(max(counts)))]


def _overlay(campaign: Campaign, case: str, name: str) -> Sketch | None:
    """Steps: the share of ops in bins of the same relative width, kernels over each other."""
    blocks, lows, unit = [], [], ""
    for kernel in campaign.kernels:
        found = _pooled(campaign, kernel, case).get("initiator", [])
        unit = found[0].unit if found else unit
        bins = _bins(found)
        lows += list(bins)
        total = sum(bins.values())
        edges = sorted({edge for b in bins for edge in (b - 1, b, b + 1)})
        blocks.append(f"# {kernel.name}: lower bound of bin, {unit}  share of ops\n" + ("".join(
            f"{2 ** (b / BINS_PER_POWER):.6g} {100 * bins[b] / total:.6g}\n" for b in edges)
            or "1 NaN\n"))
    if not lows:
        return None
    ends = [2 ** ((min(lows) - 1) / BINS_PER_POWER), 2 ** ((max(lows) + 2) / BINS_PER_POWER)]
    plots = [f"'{name}.dat' index {k} using 1:2 with fillsteps {colour(k)} "
             f"fs pattern {PATTERNS_OVERLAID[k % 4]} notitle, '{name}.dat' index {k} using 1:2 "
             f"with steps {colour(k)} dt {DASHES[k % 4]} lw 2 title {quote(kernel.name)}"
             for k, kernel in enumerate(campaign.kernels)]
    gp = f"""set logscale x 2
set xrange [{ends[0]:.6g}:{ends[1]:.6g}]
set yrange [0:*]
set format x '%.6g'
set xlabel {quote(unit + ' of one op')}
set ylabel '% of the ops'
plot {lines(plots)}
"""
    return Sketch(name, case, f"Cost of single ops, {BINS_PER_POWER} bins to each doubling, all"
                  " boots together", 560, 300, gp, "\n\n".join(blocks) + "\n")


def _bins(found: list[Histogram]) -> Counter[int]:
    """Return the ops in each bin, and 0 for the neighbours, so that steps come down."""
    bins: Counter[int] = Counter()
    for h in found:
        for low, nr in np.asarray(h.buckets).tolist():
            bins[floor(BINS_PER_POWER * log2(max(low, 1)) + 1e-9)] += nr
    return bins


def _heat(campaign: Campaign, case: str, kernel: Kernel, name: str) -> Sketch | None:
    """Squares: who sent how many IPIs to whom, all boots together; darker is more."""
    cells: Counter[tuple[int, int]] = Counter()
    for _, boot in campaign.boots(kernel.name):
        for r in boot.of(case):
            for sender, receiver, nr in r.ipis:
                cells[sender, receiver] += nr
    if not cells:
        return None
    cpus = sorted({cpu for pair in cells for cpu in pair})
    dat = "# receiver  sender  IPIs\n" + "\n".join("".join(
        f"{x} {y} {cells.get((cpus[y], cpus[x]), 0)}\n" for x in range(len(cpus)))
        for y in range(len(cpus)))
    tics = ", ".join(f"'{cpu}' {i}" for i, cpu in enumerate(cpus))
    most = max(cells.values())
    label = (f", '{name}.dat' using 1:2:3:($3>{most / 2}?0xffffff:0) with labels tc rgb variable"
             " notitle") if len(cpus) <= 16 else ""
    size = 150 + max(200, min(28 * len(cpus), 600))
    gp = f"""unset key
unset grid
set tmargin 1
set palette defined (0 '#ffffff', 1 '#0b2545')
set cbrange [0:{most}]
if (term ne "dumb") set cblabel 'IPIs'
set xtics ({tics})
set ytics ({tics})
set xrange [-0.5:{len(cpus) - 0.5}]
set yrange [{len(cpus) - 0.5}:-0.5]
set xlabel 'CPU that was interrupted'
set ylabel 'CPU that sent'
plot '{name}.dat' using 1:2:3 with image pixels notitle{label}
"""
    return Sketch(name, case, f"IPIs of flushes from CPU to CPU, {kernel.name}, traced ops of all"
                  " boots", size + 60, size, gp, dat)
