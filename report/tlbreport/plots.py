# SPDX-License-Identifier: GPL-2.0-only
"""What is drawn: from a campaign to scripts and data for gnuplot."""
from __future__ import annotations

from math import isnan
from statistics import median
from typing import Iterator

import numpy as np

from .case_plots import of_case
from .compare import Row, Table
from .expect import as_number, curves, groups
from .fits import knee
from .model import Campaign, Expectation, file_stem
from .series import Series, cases, collect
from .sketch import DASHES, PATTERNS, PATTERNS_STACKED, POINTS, Sketch, colour, lines, quote
from .tables import cost_row, human

IPIS = "ipis_received_per_op"
CASES_PER_FIGURE = 12
MIN_POINTS = 3  # of a curve


def sketches(campaign: Campaign, tables: list[Table]) -> list[Sketch]:
    """Return all figures: of all cases, of sweeps, of each case, of expectations."""
    found = [*_bars(campaign), *_sweeps(campaign, tables)]
    for number, case in enumerate(cases(campaign), 1):
        found += of_case(campaign, number, case, _cost(tables, case))
    found += [_expected(campaign, e, f"expect-{file_stem(i, e.name)}")
              for i, e in enumerate(campaign.expectations, 1)]
    return [s for s in found if s]


def _cost(tables: list[Table], case: str) -> Row | None:
    return next((r for t in tables if t.case == case for r in [cost_row(t)] if r), None)


# --- bars of all cases -------------------------------------------------------


def _bars(campaign: Campaign) -> Iterator[Sketch | None]:
    """Yield IPIs per op and flushes by reason, so many cases to a figure."""
    names = list(cases(campaign))
    for first in range(0, len(names), CASES_PER_FIGURE):
        some = names[first:first + CASES_PER_FIGURE]
        more = f"-{first // CASES_PER_FIGURE + 1}" if len(names) > CASES_PER_FIGURE else ""
        yield _ipis(campaign, some, f"ipis{more}")
        yield _reasons(campaign, some, f"flushes{more}")


def _group_axis(labels: list[str], longest: float) -> str:
    tics = ", ".join(f"{quote(case.replace('%', '%%'))} {i}" for i, case in enumerate(labels))
    return f"""set yrange [{len(labels) - 0.4}:-0.6]
set ytics ({tics})
set xrange [0:{longest * 1.12:.6g}]
unset grid
set grid x lc rgb "#dddddd" dt 1 lw 0.7
"""


def _ipis(campaign: Campaign, labels: list[str], name: str) -> Sketch | None:
    """Bars: IPIs received per op, one group per case, one bar per kernel."""
    rows = []
    for i, case in enumerate(labels):
        for k, kernel in enumerate(campaign.kernels):
            series = collect(campaign, kernel.name, case).get(IPIS)
            value = series.value() if series else None
            rows.append((i, k, value, "absent" if value is None else f"{value:.4g}"))
    if all(value is None for _, _, value, _ in rows):
        return None
    nr = len(campaign.kernels)
    bar = 0.8 / nr
    dat = ["# group  kernel  low  high  value  label"]
    for i, k, value, label in rows:
        top = i - 0.4 + k * bar
        dat.append(f'{i} {k} {top:.4f} {top + bar:.4f} {value or 0:.10g} "{label}"')
    plots = [f"'{name}.dat' using (0):($2=={k}?$1:NaN):(0):5:3:4 with boxxyerror "
             f"{colour(k)} fs pattern {PATTERNS[k % 4]} "
             f"title {quote(kernel.name)}" for k, kernel in enumerate(campaign.kernels)]
    plots.append(f"'{name}.dat' using 5:(($3+$4)/2):6 with labels left offset 0.6,0 notitle")
    longest = max(value or 0 for _, _, value, _ in rows) or 1
    return Sketch(name, "", "TLB IPIs received per op, median over boots", 560,
                  90 + 26 * nr * len(labels), _group_axis(labels, longest)
                  + f"set xlabel 'IPIs received per op'\nplot {lines(plots)}\n",
                  "\n".join(dat) + "\n")


def _reasons(campaign: Campaign, labels: list[str], name: str) -> Sketch | None:
    """Stacked bars: flushes per op by reason, a bar per case and kernel."""
    bars = [(i, k, _flushes(collect(campaign, kernel.name, case)))
            for i, case in enumerate(labels) for k, kernel in enumerate(campaign.kernels)]
    reasons = list(dict.fromkeys(r for _, _, flushes in bars for r, v in flushes.items() if v))
    if not reasons:
        return None
    height = 0.76 / len(campaign.kernels)
    dat, longest = ["# reason  from  to  low  high"], 0.0
    marks = []
    for i, k, flushes in bars:
        low, at = i - 0.4 + k * (height + 0.02), 0.0
        for n, reason in enumerate(reasons):
            to = at + flushes.get(reason, 0)
            if to > at:
                dat.append(f"{n} {at:.10g} {to:.10g} {low:.4f} {low + height:.4f}")
            at = to
        said = campaign.kernels[k].name if flushes else f"{campaign.kernels[k].name}: absent"
        marks.append(f"{at:.10g} {low + height / 2:.4f} \"{said}\"")
        longest = max(longest, at)
    text = "\n".join(dat) + "\n\n\n# end  middle  kernel\n" + "\n".join(marks) + "\n"
    plots = [f"'{name}.dat' index 0 using 2:($1=={n}?$4:NaN):2:3:4:5 with boxxyerror "
             f"{colour(n)} fs pattern {PATTERNS_STACKED[n % 6]} "
             f"title {quote(reason.replace('_', ' '))}" for n, reason in enumerate(reasons)]
    plots.append(f"'{name}.dat' index 1 using 1:2:3 with labels left offset 0.6,0 notitle")
    return Sketch(name, "", "Flushes per op by reason, median over boots", 640,
                  110 + 30 * len(bars) + 12 * len(reasons), _group_axis(labels, longest * 1.25)
                  + "set key at screen 0.5, screen 0.99 center top vertical maxrows 3\n"
                  + f"set tmargin {3 + min(len(reasons), 3)}\n"
                  + f"set xlabel 'flushes per op'\nplot {lines(plots)}\n", text)


def _flushes(found: dict[str, Series]) -> dict[str, float]:
    """Return reason -> flushes per op; remote_ipi_send sends, and flushes nothing."""
    parts = {name.partition(".")[2]: series.value() for name, series in found.items()
             if name.startswith("flushes_per_") and "." in name}
    return {reason: value for reason, value in parts.items()
            if value is not None and reason != "remote_ipi_send"}


# --- sweeps ------------------------------------------------------------------


def _sweeps(campaign: Campaign, tables: list[Table]) -> Iterator[Sketch | None]:
    """Yield a figure per swept key and metric that is worth one."""
    names = tuple(cases(campaign))
    keys = dict.fromkeys(part.partition("=")[0] for name in names for part in name.split("/")
                         if "=" in part)
    for key in keys:
        for about, by_value in groups(names, key).items():
            points = sorted((x, case) for value, case in by_value.items()
                            if not isnan(x := as_number(value)) and x > 0)
            if len(points) >= MIN_POINTS:
                for metric in _worth(campaign, tables, points, key):
                    yield _sweep(campaign, about, key, points, metric)


def _worth(campaign: Campaign, tables: list[Table], points: list[tuple[float, str]],
           key: str) -> list[str]:
    """Return the metrics that are drawn over a key."""
    cost = _cost(tables, points[0][1])
    found = dict.fromkeys(name for k in campaign.kernels
                          for name in collect(campaign, k.name, points[0][1]))
    wanted = [cost.metric] if cost else [n for n in found if n in ("op_p50_ns", "op_instructions")]
    wanted += [n for n in found if n == IPIS and key == "cpus"]
    wanted += [n for n in found if "page_table" in n and key.startswith(("processes", "instances"))]
    return list(dict.fromkeys(wanted))


def _sweep(campaign: Campaign, about: str, key: str, points: list[tuple[float, str]],
           metric: str) -> Sketch | None:
    """Lines over a key, a line per kernel with all its boots, and where the medians bend."""
    name = f"sweep-{file_stem(0, about)[3:]}-{key.replace('.', '-')}-{metric.replace('_', '-')}"
    blocks, plots, marks, unit = [], [], [], ""
    for k, kernel in enumerate(campaign.kernels):
        found = [(x, collect(campaign, kernel.name, case).get(metric)) for x, case in points]
        known = [(x, s) for x, s in found if s and s.pairs]
        unit = next((s.metric.unit for _, s in known if s.metric), unit)
        blocks.append("".join(f"{x:g} {s.value():.10g} {min(s.values()):.10g} "
                              f"{max(s.values()):.10g}\n" for x, s in known) or "NaN NaN NaN NaN\n")
        bend = knee(np.array([x for x, _ in known]), np.array([s.value() for _, s in known]))
        said = f", bends at {bend.x:g}" if known and bend.x is not None else ""
        if said:
            marks.append(f"set arrow from {bend.x:g}, graph 0 to {bend.x:g}, graph 1 nohead "
                         f"{colour(k)} dt {DASHES[k % 4]}\n")
        plots.append(f"'{name}.dat' index {k} using 1:2:3:4 with yerrorlines {colour(k)} "
                     f"pt {POINTS[k % 4]} dt {DASHES[k % 4]} lw 1.8 "
                     f"title {quote(kernel.name + said)}")
    if not unit:
        return None
    dat = "".join(f"# {kernel.name}: {key}  {metric}  lowest  highest boot\n{block}\n\n"
                  for kernel, block in zip(campaign.kernels, blocks))
    return Sketch(name, "", f"{human(metric)} over {key}: {about}; median, lowest and highest boot",
                  560, 340, f"""set logscale x 2
set yrange [0:*]
set format y '%.6g'
{"".join(marks)}set xlabel {quote(key)}
set ylabel {quote(unit)}
plot {lines(plots)}
""", dat)


def _expected(campaign: Campaign, e: Expectation, name: str) -> Sketch | None:
    """Lines: medians over boots along a key of numbers, a line per kernel and group of cases."""
    found = [(about, curve) for about, _, curve in curves(campaign, e) if not curve.why
             and len(curve.points) > 2 and not isnan(sum(map(as_number, curve.points)))]
    if not found:
        return None
    dat = "".join(f"# {about}: {e.along}  {curve.metric}\n" + "".join(
        f"{as_number(x):g} {median(boot[i] for boot in curve.boots):.10g}\n"
        for i, x in enumerate(curve.points)) + "\n\n" for about, curve in found)
    plots = [f"'{name}.dat' index {i} using 1:2 with linespoints {colour(i)} pt {POINTS[i % 4]} "
             f"dt {DASHES[i // 4 % 4]} lw 1.8 title {quote(about)}"
             for i, (about, _) in enumerate(found)]
    points = [value for _, curve in found for boot in curve.boots for value in boot]
    gp = f"""set logscale x 2
{"set logscale y" if 0 < 30 * min(points) < max(points) else "set yrange [0:*]"}
set key at graph 0.02, graph 0.98 left top vertical
set tmargin 1
set format y '%.6g'
set xlabel {quote(e.along or "")}
set ylabel {quote(human(found[0][1].metric))}
plot {lines(plots)}
"""
    return Sketch(name, f"expect {e.name}", f"{human(found[0][1].metric)} along {e.along},"
                  " medians over boots", 560, 360, gp, dat)
