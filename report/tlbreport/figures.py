# SPDX-License-Identifier: GPL-2.0-only
"""Draw with gnuplot: NAME.gp and NAME.dat make NAME.svg, by hand too: cd plots; gnuplot NAME.gp

Kernels differ by point, dash and fill pattern as well as by colour, so that a print in black and
white can be read.
"""
from __future__ import annotations

import os
import subprocess
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import floor, isnan, log10
from pathlib import Path
from statistics import median

from .compare import Row, Table
from .expect import as_number, curves
from .model import Campaign, Expectation, Histogram, file_stem
from .series import cases, collect
from .tables import cost_row, human

COLOURS = ("#1f5a96", "#d1495b", "#2e7d4f", "#8a5a00")
POINTS = (6, 9, 4, 13)  # open circle, full triangle, open square, full diamond
DASHES = ("solid", '"-"', '"."', '"_."')
PATTERNS = (1, 3, 2, 6)
IPIS = "ipis_received_per_op"


@dataclass(frozen=True)
class Figure:
    """A drawn figure; case is "" when it is about all of them, svg is "" when gnuplot failed."""

    name: str
    case: str
    caption: str
    svg: str


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


def draw(campaign: Campaign, tables: list[Table]) -> tuple[list[Figure], str]:
    """Draw all figures into plots/. Returns them and why gnuplot failed ("" if it did not)."""
    sketches = [s for s in [_ipis(campaign)] if s]
    for i, case in enumerate(cases(campaign), 1):
        name = file_stem(i, case)
        cost = next((r for t in tables if t.case == case for r in [cost_row(t)] if r), None)
        sketches += [s for s in (_boots(campaign, case, name, cost),
                                 _costs(campaign, case, name)) if s]
    sketches += [s for i, e in enumerate(campaign.expectations, 1) for s in [_curves(
        campaign, e, f"expect-{file_stem(i, e.name)}")] if s]
    if not sketches:
        return [], ""
    plots = campaign.path / "plots"
    plots.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".plots-", dir=campaign.path) as scratch:
        for s in sketches:
            Path(scratch, f"{s.name}.dat").write_text(s.dat, encoding="utf-8")
            Path(scratch, f"{s.name}.gp").write_text(_head(s) + s.gp, encoding="utf-8")
        error = _gnuplot(scratch, [f"{s.name}.gp" for s in sketches])
        svgs = {s.name: _read(Path(scratch, f"{s.name}.svg")) for s in sketches}
        for file in os.listdir(scratch):
            os.replace(Path(scratch, file), plots / file)
    return [Figure(s.name, s.case, s.caption, svgs[s.name]) for s in sketches], error


def _gnuplot(directory: str, scripts: list[str]) -> str:
    """Run gnuplot on each script; return one line about what went wrong."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        errors = [e for e in pool.map(partial(_gnuplot_one, directory), scripts) if e]
    return errors[0] if errors else ""


def _gnuplot_one(directory: str, script: str) -> str:
    try:
        done = subprocess.run(["gnuplot", script], cwd=directory, capture_output=True,
                              text=True, errors="replace", timeout=60)
    except FileNotFoundError:
        return "gnuplot is not installed (package gnuplot-nox): plots/ has no images"
    except subprocess.TimeoutExpired:
        return f"gnuplot {script} did not end within 60 s"
    lines = done.stderr.strip().splitlines()
    return f"gnuplot: {lines[-1].strip() if lines else 'failed'}" if done.returncode else ""


def _read(path: Path) -> str:
    """Return the svg element of a finished image, "" for none."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return text[text.find("<svg"):] if text.rstrip().endswith("</svg>") else ""


def _quote(text: str) -> str:
    """Quote for gnuplot; nothing is expanded within single quotes."""
    return "'" + text.replace("'", "''") + "'"


def _head(sketch: Sketch) -> str:
    return f"""# SPDX-License-Identifier: GPL-2.0-only
# Draw again with: gnuplot {sketch.name}.gp
reset
set encoding utf8
set terminal svg size {sketch.width},{sketch.height} dynamic font "sans-serif,14" noenhanced \
    background rgb "white"
set output '{sketch.name}.svg'
set border 3 lc rgb "#444444"
set tics nomirror
set grid lc rgb "#dddddd" dt 1 lw 0.7
set key at screen 0.5, screen 0.98 center top horizontal samplen 3
set tmargin 3
"""


def _colour(i: int) -> str:
    return f'lc rgb "{COLOURS[i % len(COLOURS)]}"'


def _ipis(campaign: Campaign) -> Sketch | None:
    """Bars: IPIs received per op, one group per case, one bar per kernel."""
    labels, rows = list(cases(campaign)), []
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
    widest = max(value or 0 for _, _, value, _ in rows) or 1
    tics = ", ".join(f"{_quote(case.replace('%', '%%'))} {i}" for i, case in enumerate(labels))
    plots = [f"'ipis.dat' using (0):($2=={k}?$1:NaN):(0):5:3:4 with boxxyerror "
             f"{_colour(k)} fs pattern {PATTERNS[k % 4]} "
             f"title {_quote(kernel.name)}" for k, kernel in enumerate(campaign.kernels)]
    plots.append("'ipis.dat' using 5:(($3+$4)/2):6 with labels left offset 0.6,0 notitle")
    gp = f"""set yrange [{len(labels) - 0.4}:-0.6]
set ytics ({tics})
set xrange [0:{widest * 1.12:.6g}]
set xlabel 'IPIs received per op'
unset grid
set grid x lc rgb "#dddddd" dt 1 lw 0.7
plot {_lines(plots)}
"""
    return Sketch("ipis", "", "TLB IPIs received per op, median over boots", 560,
                  90 + 26 * nr * len(labels), gp, "\n".join(dat) + "\n")


def _lines(parts: list[str]) -> str:
    return ", \\\n     ".join(parts)


def _boots(campaign: Campaign, case: str, suffix: str, row: Row | None) -> Sketch | None:
    """Dots: the cost of an op in every boot, in the order in which they ran."""
    name, blocks, points = f"boots-{suffix}", [], []
    for kernel in campaign.kernels:
        series = collect(campaign, kernel.name, case).get(row.metric) if row else None
        seeds = series.seeds if series else {}
        points += [(slot, value) for (slot, _), value in seeds.items()]
        blocks.append("".join(f"{slot} {value:.10g}\n" for (slot, _), value in seeds.items()))
    if not points or not row:
        return None
    dat = "".join(f"# {k.name}: slot  {row.metric}\n{block or '0 NaN' + chr(10)}\n\n"
                  for k, block in zip(campaign.kernels, blocks))
    last = max(s.number for s in campaign.slots)
    plots = [f"'{name}.dat' index {k} using 1:2 with points {_colour(k)} "
             f"pt {POINTS[k % 4]} ps 1.1 lw 1.6 title {_quote(kernel.name)}"
             for k, kernel in enumerate(campaign.kernels)]
    gp = f"""set xrange [-0.5:{last + 0.5}]
set xtics {max(1, (last + 1) // 16)}
{_range("y", [value for _, value in points])}
set format y '%.6g'
set xlabel 'boot, in the order in which they ran'
set ylabel {_quote(row.unit)}
plot {_lines(plots)}
"""
    return Sketch(name, case, f"{human(row.metric)}: every boot", 560, 300, gp, dat)


def _costs(campaign: Campaign, case: str, suffix: str) -> Sketch | None:
    """Steps: the share of ops that cost more than x, per kernel, all its boots together."""
    name, blocks, unit, lows = f"costs-{suffix}", [], "", []
    for kernel in campaign.kernels:
        found = [r.timed for _, boot in campaign.boots(kernel.name) for r in boot.repetitions
                 if r.case == case and r.timed and r.timed.buckets]
        unit = found[0].unit if found else unit
        lows += [low for histogram in found for low, _ in histogram.buckets]
        blocks.append(_tail(found))
    if not lows:
        return None
    dat = "# the last op is drawn as half an op: 0 has no logarithm\n" + "".join(
        f"# {k.name}: {unit}  share of ops that cost more\n{block}\n\n"
        for k, block in zip(campaign.kernels, blocks))
    plots = [f"'{name}.dat' index {k} using 1:2 with steps {_colour(k)} dt {DASHES[k % 4]} "
             f"lw 2.2 title {_quote(kernel.name)}" for k, kernel in enumerate(campaign.kernels)]
    gp = f"""set logscale y
set yrange [*:1.2]
set ytics ('all' 1, '10 %%' 0.1, '1 %%' 0.01, '0.1 %%' 0.001, '0.01 %%' 1e-4, '10 ppm' 1e-5)
{_decades(lows) or _range("x", lows)}
set format x '%.6g'
set xlabel {_quote(unit + ' of one op (lower bound of its bucket)')}
set ylabel 'ops that cost more'
plot {_lines(plots)}
"""
    return Sketch(name, case, "Cost of single ops, all boots together: how many cost more than x",
                  560, 300, gp, dat)


def _curves(campaign: Campaign, e: Expectation, name: str) -> Sketch | None:
    """Lines: medians over boots along a key of numbers, a line per kernel and group of cases."""
    found = [(about, curve) for about, _, curve in curves(campaign, e) if not curve.why
             and len(curve.points) > 2 and not isnan(sum(map(as_number, curve.points)))]
    if not found:
        return None
    dat = "".join(f"# {about}: {e.along}  {curve.metric}\n" + "".join(
        f"{as_number(x):g} {median(boot[i] for boot in curve.boots):.10g}\n"
        for i, x in enumerate(curve.points)) + "\n\n" for about, curve in found)
    plots = [f"'{name}.dat' index {i} using 1:2 with linespoints {_colour(i)} pt {POINTS[i % 4]} "
             f"dt {DASHES[i // 4 % 4]} lw 1.8 title {_quote(about)}"
             for i, (about, _) in enumerate(found)]
    values = [value for _, curve in found for boot in curve.boots for value in boot]
    gp = f"""set logscale x 2
{"set logscale y" if 0 < 30 * min(values) < max(values) else "set yrange [0:*]"}
set key at graph 0.02, graph 0.98 left top vertical
set tmargin 1
set format y '%.6g'
set xlabel {_quote(e.along or "")}
set ylabel {_quote(human(found[0][1].metric))}
plot {_lines(plots)}
"""
    return Sketch(name, f"expect {e.name}", f"{human(found[0][1].metric)} along {e.along},"
                  " medians over boots", 560, 360, gp, dat)


def _range(axis: str, values: list[float]) -> str:
    """Return a range that holds the values, even all the same, with a margin and few tics."""
    low, high = min(values), max(values)
    margin = 0.12 * (high - low) or abs(high) * 0.02 or 1
    step = (high - low + 2 * margin) / 5
    power = 10 ** floor(log10(step))
    tic = next(n * power for n in (1, 2, 5, 10) if n * power >= step)
    return (f"set {axis}range [{low - margin:.10g}:{high + margin:.10g}]\n"
            f"set {axis}tics {tic:.10g}")


def _decades(lows: list[float]) -> str:
    """Return a logarithmic x axis where a long tail would squeeze the bulk; else ""."""
    low, high = min(lows) / 1.2, max(lows) * 1.2
    if low <= 0 or high < 10 * low:
        return ""
    tics = [n * 10 ** k for k in range(floor(log10(low)), floor(log10(high)) + 1)
            for n in (1, 2, 5) if low <= n * 10 ** k <= high]
    return (f"set logscale x\nset xrange [{low:.10g}:{high:.10g}]\n"
            f"set xtics ({', '.join(f'{tic:.10g}' for tic in tics)})")


def _tail(histograms: list[Histogram]) -> str:
    """Return lines of (lower bound of a bucket, share of ops above that bucket)."""
    count: Counter[float] = Counter()
    for histogram in histograms:
        count.update(dict(histogram.buckets))
    above = total = sum(count.values()) + sum(h.overflow for h in histograms)
    lines = [f"{min(count):.10g} 1\n"] if count else ["0 NaN\n"]
    for low in sorted(count):
        above -= count[low]
        lines.append(f"{low:.10g} {max(above, 0.5) / total:.10g}\n")
    return "".join(lines)
