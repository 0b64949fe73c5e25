# SPDX-License-Identifier: GPL-2.0-only
"""Draw with gnuplot: NAME.gp and NAME.dat make NAME.svg, by hand too: cd plots; gnuplot NAME.gp

On a terminal: gnuplot -e "term='dumb'" NAME.gp, or tlbreport plot --term dumb.
"""
from __future__ import annotations

import os
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import tables as fmt
from .compare import Table
from .model import Campaign
from .plots import sketches
from .sketch import Sketch

BATCH = 40  # scripts for one gnuplot, which is quick but slow to start
TIMEOUT_S = 120
WIDTH = 79  # of plots on a terminal


@dataclass(frozen=True)
class Figure:
    """A drawn figure; case is "" when it is about all of them, svg is "" when gnuplot failed."""

    name: str
    case: str
    caption: str
    svg: str


def draw(campaign: Campaign, tables: list[Table]) -> tuple[list[Figure], str]:
    """Draw all figures of a campaign. Returns them and why gnuplot failed ("" if it did not)."""
    return draw_into(campaign.path / "plots", sketches(campaign, tables))


def draw_into(directory: Path, found: list[Sketch]) -> tuple[list[Figure], str]:
    """Draw figures into a directory. Returns as draw(). Raises OSError."""
    if not found:
        return [], ""
    directory.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".plots-", dir=directory.parent) as scratch:
        _write(Path(scratch), found)
        error = _gnuplot(scratch, [f"{s.name}.gp" for s in found])
        svgs = {s.name: _read(Path(scratch, f"{s.name}.svg")) for s in found}
        for file in os.listdir(scratch):
            os.replace(Path(scratch, file), directory / file)
    return [Figure(s.name, s.case, s.caption, svgs[s.name]) for s in found], error


def as_text(campaign: Campaign, tables: list[Table], wanted: str) -> str:
    """Draw the figures with a word in their name with characters. Raises OSError."""
    found = [s for s in sketches(campaign, tables) if wanted in s.name]
    blocks = []
    with tempfile.TemporaryDirectory(prefix="tlbreport-") as scratch:
        _write(Path(scratch), found)
        for s in found:
            done = subprocess.run(["gnuplot", "-e", "term='dumb'", f"{s.name}.gp"], cwd=scratch,
                                  capture_output=True, text=True, errors="replace",
                                  timeout=TIMEOUT_S)
            lines = [line[:WIDTH].rstrip() for line in done.stdout.replace("\f", "").splitlines()]
            about = f"{s.case}: " if s.case else ""
            head = [s.name, *fmt.fill(about + s.caption, WIDTH)]
            blocks.append("\n".join([*head, *filter(None, lines)]) + "\n")
    return "\n".join(blocks)


def _write(scratch: Path, found: list[Sketch]) -> None:
    for s in found:
        Path(scratch, f"{s.name}.dat").write_text(s.dat, encoding="utf-8")
        Path(scratch, f"{s.name}.gp").write_text(_head(s) + s.gp, encoding="utf-8")


def _gnuplot(directory: str, scripts: list[str]) -> str:
    """Run gnuplot on all scripts; return one line about what went wrong.

    A script that fails takes the rest of its batch along, which then run one by one.
    """
    batches = [scripts[i:i + BATCH] for i in range(0, len(scripts), BATCH)]
    errors = _run_all(directory, batches)
    missing = [[s] for s in scripts if not Path(directory, s).with_suffix(".svg").exists()]
    return next(filter(None, _run_all(directory, missing) if any(errors) else errors), "")


def _run_all(directory: str, batches: list[list[str]]) -> list[str]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda batch: _run(directory, batch), batches))


def _run(directory: str, scripts: list[str]) -> str:
    try:
        done = subprocess.run(["gnuplot", *scripts], cwd=directory, capture_output=True,
                              text=True, errors="replace", timeout=TIMEOUT_S)
    except FileNotFoundError:
        return "gnuplot is not installed (package gnuplot-nox): plots/ has no images"
    except subprocess.TimeoutExpired:
        return f"gnuplot {scripts[0]} did not end within {TIMEOUT_S} s"
    lines = done.stderr.strip().splitlines()
    return f"gnuplot: {lines[-1].strip() if lines else 'failed'}" if done.returncode else ""


def _read(path: Path) -> str:
    """Return a finished image, "" for none."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return text if text.rstrip().endswith("</svg>") else ""


def _head(sketch: Sketch) -> str:
    return f"""# SPDX-License-Identifier: GPL-2.0-only
# Draw again with: gnuplot {sketch.name}.gp
reset
set encoding utf8
if (!exists("term")) term = "svg"
if (term eq "dumb") {{
    set terminal dumb noenhanced mono size {WIDTH},{max(18, sketch.height // 11)}
    set key at screen 0.5, screen 0.98 center top vertical samplen 3
}} else {{
    set key at screen 0.5, screen 0.98 center top horizontal samplen 3
    set terminal svg size {sketch.width},{sketch.height} dynamic font "sans-serif,14" noenhanced \
    background rgb "white"
    set output '{sketch.name}.svg'
}}
set border 3 lc rgb "#444444"
set tics nomirror
set grid lc rgb "#dddddd" dt 1 lw 0.7
set tmargin 3
"""
