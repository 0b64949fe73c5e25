# SPDX-License-Identifier: GPL-2.0-only
"""Numbers, sentences and columns as plain text, shared by the text and the HTML report."""
from __future__ import annotations

import textwrap
from collections import Counter
from statistics import stdev
from typing import Callable, Iterable, Sequence

from .compare import Row, Table, soundness
from .model import Campaign
from .series import collect
from .stats import MAX_BOOTS

WIDTH = 72  # of text, so that it survives "> > " in a mail
NOISE = ("sd of boots", "of runs", "sees", "boots")
soundness_of = soundness

ACCELS = {
    "exact": "exact: an emulated machine that repeats bit for bit; costs are instructions of all"
             " CPUs, not latency",
    "none": "native: the running kernel; costs are time",
    "kvm": "kvm: virtual machines on real CPUs; costs are time, with the hypervisor's part in it",
}
SOUNDNESS = {
    "sound": "the stale-TLB litmus tests passed on this kernel",
    "unsound": "a stale-TLB litmus test failed or hung (litmus/KERNEL/tests.ktap says which), or"
               " its strategy is wrong on purpose: its speed is void",
    "unchecked": "no litmus test ran: a kernel that forgets a flush would look fast here",
}


def accel(name: str) -> str:
    """Say what the way of running means for the numbers."""
    return ACCELS.get(name, f"{name}: this machine; costs are time")


def number(value: float | None) -> str:
    """Format a value: whole numbers in full, others to four digits, absent as a dash."""
    if value is None:
        return "-"
    if abs(value) >= 1e10:
        return f"{value:.3e}"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:.4g}"


def percent(value: float | None) -> str:
    """Format a signed percentage; two places below 0.1, none from 100 on."""
    if value is None:
        return "-"
    value = value if abs(value) >= 0.005 else 0.0
    places = 0 if abs(value) >= 100 else 2 if 0 < abs(value) < 0.1 else 1
    return f"{value:+.{places}f}%" if value else "0.0%"


def change(row: Row) -> str:
    """Format the change; where it has no percentage, the values themselves."""
    if row.change_pct is None and row.value_a is not None and row.value_b is not None:
        return "0" if row.value_a == row.value_b else arrow(row)
    return percent(row.change_pct)


def arrow(row: Row) -> str:
    """Format A -> B."""
    return f"{number(row.value_a)} -> {number(row.value_b)}"


def interval(row: Row) -> str:
    """Format the 95 % interval in percent."""
    if row.ci_low_pct is None or row.ci_high_pct is None:
        return "-"
    return f"[{percent(row.ci_low_pct)[:-1]},{percent(row.ci_high_pct)[:-1]}]"


def unit(row_unit: str, metric: str) -> str:
    """Shorten a unit to fit a column; none where the name says it.

    >>> unit("ipis/op", "ipis_received_per_op"), unit("requests/shootdown", "ipis")
    ('', '/shootdown')
    """
    if metric.endswith("_" + row_unit.partition("/")[2]) and "_per_" in metric:
        return ""
    what, slash, per = row_unit.partition("/")
    if slash and {what, {"requests": "ipis"}.get(what)} & set(metric.split("_")):
        return slash + per
    return row_unit.replace("instructions", "insns")


def cells(table: Table, headline: bool, notes: Footnotes,
          letter: Callable[[str], str]) -> tuple[list[str], list[list[str]]]:
    """Return head and rows of the headline rows or the others; adds to the notes."""
    heads = [letter(kernel) + notes.tag(texts) for kernel, texts in zip(
        (table.kernel_a, table.kernel_b), caveats(table))]
    head = ["metric" if headline else "detail", "unit", *heads, "change", "95% CI", "verdict"]
    return head, [[row.metric, unit(row.unit, row.metric),
                   number(row.value_a) + notes.tag(row.notes_a),
                   number(row.value_b) + notes.tag(row.notes_b),
                   change(row), interval(row), row.verdict + notes.tag(row.notes)]
                  for row in table.rows if row.headline == headline]


def noise(row: Row) -> list[str]:
    """Return the columns of NOISE."""
    plain = [percent(v).lstrip("+") for v in (row.sd_between_pct, row.sd_within_pct,
                                              row.detectable_pct)]
    return plain + [str(row.boots_needed) if row.boots_needed else f">{MAX_BOOTS}"]


def spread(campaign: Campaign, row: Row, kernel: str) -> float | None:
    """Return the standard deviation over the boots of a kernel; None for fewer than two."""
    series = collect(campaign, kernel, row.case).get(row.metric)
    values = series.values() if series and row.unit != "mixed" else []
    return stdev(values) if len(values) > 1 else None


def ascii_only(text: str) -> str:
    """Return text that every mailer and terminal can show."""
    return text.encode("ascii", "backslashreplace").decode()


def human(metric: str) -> str:
    """Turn the name of a metric into words."""
    return metric.replace("_", " ").replace("ipis", "IPIs").replace("tlb", "TLB")


def mechanism(table: Table) -> str:
    """Say in one sentence what one op does differently and what that costs."""
    shown = [r for r in table.rows if r.headline and r.value_a is not None
             and r.value_b is not None]
    counts = [r for r in shown if is_count(r, table)]
    moved = [f"{human(r.metric)} {arrow(r)}" for r in counts if r.value_a != r.value_b]
    cost = cost_row(table)
    costs = [f"{human(r.metric)} {arrow(r)} ({change(r)})" for r in shown if r is cost]
    if not counts and not costs:
        return ""
    what = ", ".join(moved) or ("no count per op differs" if counts else "not counted")
    return f"Mechanism: {what}{'; ' + costs[0] if costs else ''}."


def is_count(row: Row, table: Table) -> bool:
    """Tell whether a row counts something per op, or per another event."""
    return "/" in row.unit and not row.unit.endswith("/s") and not _is_cost(row, table)


def _is_cost(row: Row, table: Table) -> bool:
    return bool(table.cost_unit) and row.unit.split("/")[0] == table.cost_unit


def cost_row(table: Table) -> Row | None:
    """Return the row of the typical cost of an op: the first in the unit of the histograms.

    Where the op does not flush its time is no headline, and its rate is what matters.
    """
    costs = [r for r in table.rows if r.headline and _is_cost(r, table)]
    rates = [r for r in table.rows if r.headline and r.unit == "ops/s"]
    return next(iter(costs + rates), None)


def verdicts(table: Table) -> Counter[str]:
    """Count the headline rows by verdict."""
    return Counter("not judged" if r.verdict == "none" else r.verdict
                   for r in table.rows if r.headline)


def caveats(table: Table) -> list[list[str]]:
    """Return the caveats of A and of B, with the name of the kernel where only one has it."""
    both = set(table.caveats_a) & set(table.caveats_b)
    return [[text if text in both else f"{kernel}: {text}" for text in texts] for kernel, texts in
            ((table.kernel_a, table.caveats_a), (table.kernel_b, table.caveats_b))]


class Footnotes:
    """Numbered texts; the same text gets the same number."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def mark(self, texts: Iterable[str]) -> list[int]:
        """Return the numbers of the texts."""
        numbers = []
        for text in texts:
            if text not in self.texts:
                self.texts.append(text)
            numbers.append(self.texts.index(text) + 1)
        return numbers

    def tag(self, texts: Iterable[str]) -> str:
        """Return the mark for the end of a cell, such as [1][2]."""
        return "".join(f"[{n}]" for n in dict.fromkeys(self.mark(texts)))

    def lines(self, width: int) -> list[str]:
        """Return the footnotes themselves."""
        return [line for i, text in enumerate(self.texts, 1)
                for line in fill(f"[{i}] {text}", width, 2, 4)]


def grid(head: Sequence[str], rows: Sequence[Sequence[str]], width: int,
         left: Sequence[int] = (0,), indent: int = 2) -> list[str]:
    """Lay out columns within width; columns in left are flush left, the others right.

    Gaps shrink first; then a first cell that is too long stands on a line of its own.
    """
    body = [list(map(str, row)) for row in rows]
    sizes = [max(map(len, column)) for column in zip(head, *body)]
    room = width - indent - sum(sizes[1:])
    gap = 2 if sizes[0] + 2 * (len(sizes) - 1) <= room else 1
    sizes[0] = max(min(sizes[0], room - gap * (len(sizes) - 1)), 4)
    lines = []
    for cells in [list(head), *body]:
        if len(cells[0]) > sizes[0]:
            lines += fill(cells[0], width, indent)
            cells[0] = ""
        line = (" " * gap).join(c.ljust(n) if i in left else c.rjust(n)
                                for i, (c, n) in enumerate(zip(cells, sizes)))
        lines.append(" " * indent + line.rstrip())
    return lines


def fill(text: str, width: int, indent: int = 0, hang: int = 0) -> list[str]:
    """Wrap a text; lines after the first are indented by hang more."""
    return textwrap.wrap(text, width, initial_indent=" " * indent, break_on_hyphens=False,
                         subsequent_indent=" " * (indent + hang))
