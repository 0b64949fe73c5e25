# SPDX-License-Identifier: GPL-2.0-only
"""The report as Markdown, for an issue or a wiki."""
from __future__ import annotations

import re
from typing import Sequence

from . import tables as fmt
from .compare import Table
from .report import Report

# What Markdown or the HTML in it would take for more than text.
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")


def escape(text: str) -> str:
    r"""Return text that is shown as it is.

    >>> print(escape("a_b <c> | d"))
    a\_b \<c\> \| d
    """
    return SPECIAL.sub(r"\\\1", text)


def markdown(report: Report) -> str:
    """Return the whole report."""
    c = report.campaign
    lines = [f"# tlbbench: {escape(c.name)}", ""]
    lines += [f"**{escape(line)}**  " for line in report.warnings()]
    lines += _items([f"mode: {fmt.accel(c.accel)}", f"date: {c.date or '-'}",
                     f"machine: {report.machine()}; {report.settings()}",
                     *(f"{letter}: {name}, {version}, {len(c.boots(name))} boots"
                       for letter, name, version in report.kernels()),
                     f"boots: {report.order()}; {report.states()}", f"A/A: {report.aa or '-'}",
                     report.verdicts(), *report.families(), f"again: {report.command()}"])
    lines += _section("Differences besides the kernel", [str(d) for d in report.confounds])
    lines += _section("Expected, and seen or not", [
        f"{f.verdict.upper()}: {f.expectation.name}: {line.about}: {line.numbers}"
        for f in report.findings for line in f.lines])
    for table in report.tables:
        lines += _case(report, table)
    lines += _section("Not in the numbers", [line for line, _ in report.lost()])
    lines += _section("Caveats of the boots", report.boot_caveats())
    lines += _section("How to read it", [*report.how_to_read(), report.soundness()])
    return "\n".join(lines) + "\n"


def _items(texts: Sequence[str]) -> list[str]:
    return [f"- {escape(text)}" for text in texts if text]


def _section(title: str, texts: Sequence[str]) -> list[str]:
    items = _items(texts)
    return ["", f"## {title}", "", *items] if items else []


def _case(report: Report, table: Table) -> list[str]:
    notes = fmt.Footnotes()
    lines = ["", f"## {escape(table.case)}", "",
             escape(f"{report.letter(table.kernel_a)} {table.kernel_a} ({table.soundness_a}), "
                    f"{report.letter(table.kernel_b)} {table.kernel_b} ({table.soundness_b}). "
                    + fmt.mechanism(table)), ""]
    for headline in (True, False):
        head, rows = fmt.cells(table, headline, notes, report.letter)
        lines += _grid(head, rows) if rows else []
    noise = [[r.metric, *fmt.noise(r)] for r in table.rows if r.detectable_pct is not None]
    lines += _grid(["noise", *fmt.NOISE], noise) if noise else []
    return lines + [f"{i}. {escape(text)}" for i, text in enumerate(notes.texts, 1)]


def _grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table; numbers are flush right."""
    rule = ["---" if i < 2 or name == "verdict" else "--:" for i, name in enumerate(head)]
    return [f"| {' | '.join(cells)} |" for cells in (
        list(map(escape, head)), rule, *(list(map(escape, row)) for row in rows))] + [""]
