# SPDX-License-Identifier: GPL-2.0-only
"""The report as text for a terminal, and the ledger; at most 72 columns."""
from __future__ import annotations

from statistics import median

from . import tables as fmt
from .compare import Table
from .mail import mail
from .model import Count
from .report import Report
from .series import Series, cases, collect

LedgerRow = tuple[str, str, list[float], tuple[str, ...]]  # name, unit, values, notes
WIDTH = fmt.WIDTH


def text(report: Report) -> str:
    """Return the text report."""
    lines = _header(report, report.verdicts())
    lines += _section("Differences besides the kernel", map(str, report.confounds))
    lines += _findings(report)
    for table in report.tables:
        lines += ["", *_case(report, table)]
    lines += _lost(report)
    lines += _section("Caveats of the boots", report.boot_caveats())
    lines += _section("How to read it", report.how_to_read())
    lines += _section("Soundness", [report.soundness()] if report.tables else [])
    lines += ["", "For a mail", "", *mail(report)] if report.tables else []
    return fmt.ascii_only("\n".join(lines) + "\n")


def _header(report: Report, verdicts: str = "") -> list[str]:
    """Return the title and the facts that hold for all tables."""
    c = report.campaign
    title = f"tlbbench: {c.name}" + (f", {c.date}" if c.date else "")
    lines = [*fmt.fill(title, WIDTH), "=" * WIDTH]
    facts = [("mode", fmt.accel(c.accel)), ("machine", f"{report.machine()}; backend {c.backend}")]
    facts += [("kernels" if i == 0 else "", f"{letter}  {name}  {version}")
              for i, (letter, name, version) in enumerate(report.kernels())]
    facts += [("boots", report.order()), ("", report.states())]
    facts += [("A/A", report.aa)] if report.aa else []
    facts += [("verdicts", verdicts)] if verdicts else []
    facts += [("", line) for line in report.families()]
    facts += [("WARNING", line) for line in report.warnings()]
    facts += [("plots", report.figure_error)] if report.figure_error else []
    for key, value in facts:
        first, *rest = fmt.fill(value, WIDTH - 10, hang=3 if key == "kernels" or not key else 0)
        lines += [f"{key:10}{first}", *(f"{'':10}{line}" for line in rest)]
    return lines


def _findings(report: Report) -> list[str]:
    """Return the section about what the campaign expects to see."""
    lines: list[str] = []
    for finding in report.findings:
        e = finding.expectation
        lines += ["", *fmt.fill(f"{finding.verdict.upper()}: {e.name}", WIDTH, 2)]
        lines += fmt.fill(e.says + (f" ({e.source})" if e.source else ""), WIDTH, 4)
        lines += fmt.fill(f"Expected: {finding.wanted}.", WIDTH, 4)
        for line in finding.lines:
            lines += fmt.fill(f"{line.about}: {line.numbers}: {line.verdict}", WIDTH, 6, 2)
    left = [f"{name}: there is no strategy {strategy} yet"
            for name, strategy in report.campaign.missing.items()]
    lines += ["", *fmt.fill("Left out: " + "; ".join(left) + ".", WIDTH, 2)] if left else []
    return ["", "Expected, and seen or not", "-" * WIDTH, *lines[1:]] if lines else []


def _section(title: str, items) -> list[str]:
    body = [line for item in items for line in fmt.fill(item, WIDTH, 2, 2)]
    return ["", title, *body] if body else []


def _case(report: Report, table: Table) -> list[str]:
    """Return the tables of one case with the sentence above and the footnotes below."""
    notes = fmt.Footnotes()
    a, b = report.letter(table.kernel_a), report.letter(table.kernel_b)
    boots = [len(report.campaign.boots(k)) for k in (table.kernel_a, table.kernel_b)]
    lines = fmt.fill(table.case, WIDTH)
    lines += ["-" * WIDTH]
    lines += fmt.fill(f"{a} {table.kernel_a} ({boots[0]} boots, {table.soundness_a}), "
                      f"{b} {table.kernel_b} ({boots[1]} boots, {table.soundness_b})", WIDTH, 2)
    lines += fmt.fill(fmt.mechanism(table), WIDTH, 2, 2) + [""]
    lines += _rows(report, table, True, notes, range(7)) or ["  no values"]
    noise = [[row.metric, *fmt.noise(row)] for row in table.rows if row.detectable_pct is not None]
    if noise:
        lines += [""] + fmt.grid(["noise", *fmt.NOISE], noise, WIDTH)
    details = _rows(report, table, False, notes, (0, 2, 3, 4, 6))
    return lines + ([""] + details if details else []) + notes.lines(WIDTH)


def _rows(report: Report, table: Table, headline: bool, notes: fmt.Footnotes,
          columns) -> list[str]:
    """Lay out the headline rows or the others, [] when there are none; adds to the notes."""
    head, rows = fmt.cells(table, headline, notes, report.letter)
    left = [at for at, column in enumerate(columns) if column in (0, 1, 6)]
    return fmt.grid([head[i] for i in columns], [[row[i] for i in columns] for row in rows],
                    WIDTH, left) if rows else []


def _lost(report: Report) -> list[str]:
    """Return the section about what is not in the numbers, with the ends of the logs."""
    lines = []
    for line, tail in report.lost():
        lines += fmt.fill(line, WIDTH, 2, 2)
        lines += [f"    | {entry[:WIDTH - 6]}".rstrip() for entry in tail]
    return ["", "Not in the numbers", *lines] if lines else []


def ledger(report: Report) -> str:
    """Return the ledger: every metric and counter of every kernel, nothing compared."""
    lines = _header(report)
    for case in cases(report.campaign):
        for kernel in report.campaign.kernels:
            said = fmt.soundness_of(report.campaign, kernel.name, case)
            lines += ["", *fmt.fill(f"{case}: {kernel.name} ({said})", WIDTH), "-" * WIDTH]
            lines += _ledger_grid("metric", "unit", "boots", [
                (name, *_values(s), s.notes())
                for name, s in collect(report.campaign, kernel.name, case).items()])
            lines += [""] + _ledger_grid("counter", "scope", "runs",
                                         _counters(report, kernel.name, case))
    lines += _lost(report) + _section("Caveats of the boots", report.boot_caveats())
    return fmt.ascii_only("\n".join(lines) + "\n")


def _values(series: Series) -> tuple[str, list[float]]:
    """Return unit and values of a metric; none when its records disagree about the unit."""
    units = {unit for unit, _, _ in series.meanings}
    return (units.pop(), series.values()) if len(units) == 1 else ("mixed", [])


def _counters(report: Report, kernel: str, case: str) -> list[LedgerRow]:
    """Return a row per counter: its totals in single repetitions."""
    found: dict[tuple[str, str], list[Count]] = {}
    for _, boot in report.campaign.boots(kernel):
        for counter in [c for r in boot.of(case) for c in r.counters]:
            found.setdefault((counter.name, counter.scope), []).append(counter)
    return [(name, scope, [c.value for c in counters if c.value is not None],
             tuple(sorted({f"{c.status}: {c.reason}" for c in counters if c.status != "ok"})))
            for (name, scope), counters in found.items()]


def _ledger_grid(what: str, column: str, unit: str, rows: list[LedgerRow]) -> list[str]:
    """Lay out the median and the range of values."""
    notes = fmt.Footnotes()
    cells = [[name, fmt.unit(second, name), str(len(values)),
              fmt.number(median(values) if values else None) + notes.tag(texts),
              fmt.number(min(values, default=None)), fmt.number(max(values, default=None))]
             for name, second, values, texts in rows]
    grid = fmt.grid([what, column, unit, "median", "min", "max"], cells, WIDTH, (0, 1))
    return grid + notes.lines(WIDTH) if rows else [f"  no {what}s"]
