# SPDX-License-Identifier: GPL-2.0-only
"""A block to paste into a mail: at most 72 columns, so that it survives being quoted.

The baseline stands left, the raw change behind the new value, and the word says which way is
better; then the interval, the boots, and what an op does differently.
"""
from __future__ import annotations

from . import tables as fmt
from .compare import Row, Table
from .report import Report

WIDTH = fmt.WIDTH
SPREAD = "values are medians over boots, +- the standard deviation over boots"


def mail(report: Report) -> list[str]:
    """Return the lines: the campaign, then each headline case."""
    c = report.campaign
    version = next((s.boot.tlbbench for s in c.slots if s.boot), "")
    lines = fmt.fill(f"tlbbench {version}: {c.name} {c.date[:10]}".rstrip(), WIDTH)
    for letter, name, release in report.kernels():
        sound = "/".join(s for s in fmt.SOUNDNESS if name in report.kernels_that_are(s))
        lines += fmt.fill(f"{letter}  {name}  {release}, {len(c.boots(name))} boots"
                          f"{', ' * bool(sound)}{sound}", WIDTH, 2, 3)
    order = f"boots {report.order()}; A/A: {report.aa}" if report.aa else f"boots {report.order()}"
    for line in (order, report.machine() + "; " + report.settings(), fmt.accel(c.accel), SPREAD):
        lines += fmt.fill(line, WIDTH, 2, 2)
    lines += fmt.fill(f"$ {report.command()}", WIDTH, 2, 4)
    for warning in [*report.warnings(), *(f"also differs: {d}" for d in report.confounds)]:
        lines += fmt.fill(f"WARNING: {warning}", WIDTH, 0, 2)
    for table in report.headline_tables():
        lines += ["", *_case(report, table)]
    return lines + ["", *fmt.fill(report.soundness(), WIDTH)]


def mail_text(report: Report) -> str:
    """Return the block as a file."""
    return fmt.ascii_only("\n".join(mail(report)) + "\n")


def _case(report: Report, table: Table) -> list[str]:
    """Return one case: a line per cost, and one about the mechanism."""
    notes = fmt.Footnotes()
    headline = [r for r in table.rows if r.headline and not fmt.is_count(r, table)]
    costs = [r for r in headline if r.value_a is not None or r.value_b is not None]
    counts = [r for r in table.rows if r.headline and fmt.is_count(r, table)]
    head = [table.case, *(kernel + notes.tag(texts) for kernel, texts in zip(
        (table.kernel_a, table.kernel_b), fmt.caveats(table))), ""]
    shown = costs or counts
    rows = [[f"  {_name(r)}",
             _value(report, r, r.kernel_a, r.value_a) + notes.tag(r.notes_a),
             _value(report, r, r.kernel_b, r.value_b) + notes.tag(r.notes_b),
             f"({fmt.change(r)})"] for r in shown]
    head_line, *value_lines = _grid(head, rows)
    lines = [*head_line]
    for row, value in zip(shown, value_lines):
        lines += value + fmt.fill(_verdict(report, row) + notes.tag(row.notes), WIDTH, 4, 2)
    if costs and counts:
        said = ", ".join(f"{_short(r)} {fmt.arrow(r)}" + notes.tag(r.notes_a + r.notes_b)
                         for r in counts)
        lines += fmt.fill(f"mechanism: {said}", WIDTH, 2, 2)
    absent = [f"{_name(r)} ({_why(r)})" for r in headline if r not in costs]
    lines += fmt.fill(f"absent: {'; '.join(absent)}", WIDTH, 2, 2) if absent else []
    return lines + (["  no values"] if not shown else []) + notes.lines(WIDTH)


def _why(row: Row) -> str:
    """Say why neither side has a value."""
    reasons = dict.fromkeys(note.removeprefix("absent: ") for note in
                            row.notes_a + row.notes_b + row.notes)
    return "; ".join(reasons) or "no value"


def _grid(head: list[str], rows: list[list[str]]) -> list[list[str]]:
    """Lay out each row, the head first, as one line or as two where the first cell is long."""
    sizes = [max(map(len, column)) for column in zip(head, *rows)]
    first = min(sizes[0], max(WIDTH - sum(sizes[1:]) - 2 * (len(sizes) - 1), 4))
    lines = []
    for cells in [head, *rows]:
        more = []
        if len(cells[0]) > first:
            blanks = len(cells[0]) - len(cells[0].lstrip())
            more, cells = fmt.fill(cells[0].strip(), WIDTH, blanks), ["", *cells[1:]]
        line = "  ".join([cells[0].ljust(first), *(c.rjust(n) for c, n in zip(
            cells[1:-1], sizes[1:-1])), cells[-1]]).rstrip()
        lines.append(more + (fmt.fill(line.strip(), WIDTH, 4) if len(line) > WIDTH else [line]))
    return lines


def _name(row: Row) -> str:
    """Name a cost with its unit, once."""
    unit = fmt.unit(row.unit, row.metric)
    name = fmt.human(row.metric.removesuffix(f"_{row.unit}"))
    return f"{name}, {unit}" if unit else name


def _short(row: Row) -> str:
    """Name a count as people write it: IPIs/op."""
    return fmt.human(row.metric).replace(" per op", "/op")


def _value(report: Report, row: Row, kernel: str, value: float | None) -> str:
    spread = fmt.spread(report.campaign, row, kernel)
    rounded = None if spread is None else float(f"{spread:.2g}")
    return fmt.number(value) + (f" +- {fmt.number(rounded)}" if spread is not None else "")


def _verdict(report: Report, row: Row) -> str:
    """Say what a row means, with the interval and the boots."""
    words = {"none": "not judged",
             "equivalent": f"equivalent (90% CI within +-{100 * report.rules.band:g}%)"}
    word = words.get(row.verdict, row.verdict)
    boots = (f"{row.boots_a} boots each" if row.boots_a == row.boots_b
             else f"{row.boots_a} and {row.boots_b} boots")
    better = f", {row.better} is better" if row.better != "none" else ""
    ci = f"95% CI {fmt.interval(row)}, " if row.ci_low_pct is not None else ""
    return f"{word}: {ci}{boots}{better}"
