# SPDX-License-Identifier: GPL-2.0-only
"""Put the report together: as text for a terminal or a mail, and as one HTML file."""
from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from string import ascii_uppercase
from typing import Any

from . import tables as fmt
from .compare import Series, Table, cases, collect
from .expect import Finding
from .figures import Figure
from .model import Campaign, Count, Kernel
from .stats import BAND, MIN_PAIRS

LedgerRow = tuple[str, str, list[float], tuple[str, ...]]  # name, unit, values, notes
WIDTH = 78
MAIL_WIDTH = 72
HOW_TO_READ = (
    "A boot gives one value per metric, the median of its repetitions; A and B are medians over"
    " boots. Boots are compared pair by pair.",
    "change: Hodges-Lehmann estimate from the paired log ratios; 95% CI: paired t on them, checked"
    " against exact sign flips. Where a boot has 0 there is no ratio: differences are used.",
    f"equivalent: the 90% interval is inside +-{100 * BAND:.0f}%; better, worse: the 95% CI"
    " excludes 0, for headline rows also after Holm; inconclusive: neither is shown; none: not"
    f" judged (fewer than {MIN_PAIRS} pairs, or see the footnote).",
    "- is a value that could not be measured, never 0; its footnote says why.",
)
EXPECTED = ("Expected: x is the factor, [ ] its 95% interval over boots; seen: the interval lies on"
            " the expected side; not seen: on the other; cannot tell: neither, or no value.")
EXACT = ("Exact mode: counts and instructions repeat bit for bit, so they are compared exactly per"
         " seed. What is the same for every seed has an interval without width and needs no Holm;"
         " where seeds differ, the interval shows by how much.")


@dataclass(frozen=True)
class Report:
    """All that is known about a campaign when it is written down."""

    campaign: Campaign
    tables: list[Table]
    confounds: list[str]
    inexact: list[str]
    figures: list[Figure]
    figure_error: str
    findings: list[Finding]

    def letter(self, kernel: str) -> str:
        """Return A for the reference, B, C... for the others."""
        return dict(zip(self._names(), ascii_uppercase)).get(kernel, kernel)

    def _names(self) -> list[str]:
        c = self.campaign
        return [c.reference] + [k.name for k in c.kernels if k.name != c.reference]

    def kernels(self) -> list[tuple[str, str, str]]:
        """Return (letter, name, release with the id) of the kernels, the reference first."""
        by_name = {k.name: k for k in self.campaign.kernels}
        return [(self.letter(n), n, _version(by_name[n])) for n in self._names()]

    def order(self) -> str:
        """Return the order of the boots, such as A B | (B) A; brackets: not in the numbers."""
        words, pair = [], None
        for slot in self.campaign.slots:
            words += ["|"] if pair not in (None, slot.pair) else []
            letter = self.letter(slot.kernel)
            words.append(letter if slot.state == "ok" else f"({letter})")
            pair = slot.pair
        return " ".join(words)

    def states(self) -> str:
        """Count the slots by state."""
        count = Counter(s.state for s in self.campaign.slots)
        return f"{len(self.campaign.slots)} slots: " + _counted(count)

    def verdicts(self) -> str:
        """Count the headline rows by verdict."""
        count = sum((fmt.verdicts(t) for t in self.tables), Counter())
        return f"{count.total()} headline rows: {_counted(count)}".rstrip(": ")

    def machine(self) -> str:
        """Describe the machine from the audit of the first whole boot."""
        audit = next((s.boot.audit for s in self.campaign.slots if s.boot), {})
        nr = audit.get("nr_cpus")
        parts = [audit.get("cpu_model") or "CPU model not recorded", f"{nr} CPUs" if nr else ""]
        return ", ".join(p for p in parts if p)

    def soundness(self) -> str:
        """Return which kernels are sound, unsound or unchecked in any case, and what that means."""
        return "; ".join(f"{', '.join(map(self.letter, names))} {state}: {fmt.SOUNDNESS[state]}"
                         for state in fmt.SOUNDNESS for names in [self._kernels_that_are(state)]
                         if names)

    def _kernels_that_are(self, state: str) -> list[str]:
        said = {pair for t in self.tables for pair in (
            (t.kernel_a, t.soundness_a), (t.kernel_b, t.soundness_b))}
        return [name for name in self._names() if (name, state) in said]

    def boot_caveats(self) -> list[str]:
        """Return the caveats of the boot records, one line each."""
        count = Counter((s.kernel, text) for s in self.campaign.slots if s.boot
                        for text in s.boot.caveats)
        return [f"{kernel}: {text} ({nr} of {len(self.campaign.boots(kernel))} boots)"
                for (kernel, text), nr in count.items()]

    def lost(self) -> list[tuple[str, tuple[str, ...]]]:
        """Return (line, log tail) of every slot, file and run that is not in the numbers."""
        c = self.campaign
        found = [(f"slot {s.number} ({s.kernel}): {s.state}: {s.reason}{_kept(s.records)}",
                  s.log_tail) for s in c.bad_slots()]
        told = " ".join(line for line, _ in found)
        found += [(str(p), ()) for p in c.problems if str(p) not in told]
        found += [(f"slot {s.number} ({s.kernel}): {r.case}, repetition {r.number}: {r.state}: "
                   + "; ".join(r.reasons), ())
                  for s, r in c.bad_repetitions("failed", "timeout", "invalid", "skipped")]
        return found

    def warnings(self) -> list[str]:
        """Return what must be known before any number is read."""
        c, bad = self.campaign, self.campaign.bad_slots()
        lines = [f"{len(bad)} of {len(c.slots)} slots are not in the numbers"] if bad else []
        if c.lost() and not bad:
            lines = ["some records are not in the numbers"]
        lines += [f"{name} is unsound: {fmt.SOUNDNESS['unsound']}"
                  for name in self._kernels_that_are("unsound")]
        return lines + ["exact mode did not repeat: " + line for line in self.inexact]

    def how_to_read(self) -> list[str]:
        """Return the paragraphs that explain the tables."""
        return [*HOW_TO_READ, *[EXPECTED] * bool(self.findings),
                *[EXACT] * (self.campaign.accel == "exact")]


def _version(kernel: Kernel) -> str:
    """Return the release, and the id where the release does not hold it."""
    if kernel.kernel_id in kernel.release:
        return kernel.release
    return f"{kernel.release} ({kernel.kernel_id})"


def _counted(count: Counter[str]) -> str:
    return ", ".join(f"{nr} {what}" for what, nr in sorted(count.items()))


def _kept(records: int) -> str:
    return f" ({records} records kept, not pooled)" if records else ""


def text(report: Report) -> str:
    """Return the text report, at most 78 columns wide."""
    lines = _header(report)
    lines += _findings(report)
    lines += _section("Differences besides the kernel (each makes the verdicts doubtful)",
                      report.confounds)
    for table in report.tables:
        lines += ["", *_case(report, table)]
    lines += _lost(report)
    lines += _section("Caveats of the boots", report.boot_caveats())
    lines += _section("How to read it", report.how_to_read())
    lines += _section("Soundness", [report.soundness()] if report.tables else [])
    lines += ["", "For a mail", "", *mail(report)] if report.tables else []
    return _ascii("\n".join(lines) + "\n")


def _ascii(report: str) -> str:
    return report.encode("ascii", "backslashreplace").decode()


def _header(report: Report) -> list[str]:
    """Return the title and the facts that hold for all tables."""
    c = report.campaign
    title = f"tlbbench: {c.name}" + (f", {c.date}" if c.date else "")
    lines = [*fmt.fill(title, WIDTH), "=" * WIDTH]
    facts = [("mode", fmt.accel(c.accel)), ("machine", f"{report.machine()}; backend {c.backend}")]
    facts += [("kernels" if i == 0 else "", f"{letter}  {name}  {version}")
              for i, (letter, name, version) in enumerate(report.kernels())]
    facts += [("boots", report.order()), ("", report.states())]
    facts += [("verdicts", report.verdicts())] if report.tables else []
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


def _section(title: str, items: list[str]) -> list[str]:
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
    lines += _rows(report, table, True, notes, (0, 1, 2, 3, 4, 5, 6), WIDTH) or ["  no values"]
    details = _rows(report, table, False, notes, (0, 2, 3, 4, 6), WIDTH)
    return lines + ([""] + details if details else []) + notes.lines(WIDTH)


def _rows(report: Report, table: Table, headline: bool, notes: fmt.Footnotes,
          columns: tuple[int, ...], width: int) -> list[str]:
    """Lay out the headline rows or the others, [] when there are none; adds to the notes."""
    letters = report.letter(table.kernel_a), report.letter(table.kernel_b)
    heads = [letter + notes.tag(texts) for letter, texts in zip(letters, fmt.caveats(table))]
    head = ["metric" if headline else "detail", "unit", *heads, "change", "95% CI", "verdict"]
    rows = [[row.metric, fmt.unit(row.unit, row.metric),
             fmt.number(row.value_a) + notes.tag(row.notes_a),
             fmt.number(row.value_b) + notes.tag(row.notes_b),
             fmt.change(row), fmt.interval(row), row.verdict + notes.tag(row.notes)]
            for row in table.rows if row.headline == headline]
    left = [at for at, column in enumerate(columns) if column in (0, 1, 6)]
    return fmt.grid([head[i] for i in columns], [[row[i] for i in columns] for row in rows],
                    width, left) if rows else []


def _lost(report: Report) -> list[str]:
    """Return the section about what is not in the numbers, with the ends of the logs."""
    lines = []
    for line, tail in report.lost():
        lines += fmt.fill(line, WIDTH, 2, 2)
        lines += [f"    | {entry[:WIDTH - 6]}".rstrip() for entry in tail]
    return ["", "Not in the numbers", *lines] if lines else []


def mail(report: Report) -> list[str]:
    """Return a block to paste: the headline rows, at most 72 columns wide."""
    c = report.campaign
    lines = fmt.fill(f"tlbbench {c.name} {c.date[:10]}, {fmt.accel(c.accel)}", MAIL_WIDTH)
    lines += fmt.fill(f"{report.machine()}; boots {report.order()}", MAIL_WIDTH)
    for letter, name, version in report.kernels():
        lines += fmt.fill(f"{letter}  {name}  {version}", MAIL_WIDTH, 2, 3)
    for warning in report.warnings():
        lines += fmt.fill(f"WARNING: {warning}", MAIL_WIDTH, 0, 2)
    for table in report.tables:
        notes = fmt.Footnotes()
        lines += ["", *fmt.fill(table.case, MAIL_WIDTH),
                  *_rows(report, table, True, notes, (0, 2, 3, 4, 5, 6), MAIL_WIDTH),
                  *notes.lines(MAIL_WIDTH)]
    return lines + ["", *fmt.fill(report.soundness(), MAIL_WIDTH)]


def ledger(report: Report) -> str:
    """Return the ledger: every metric and counter of every kernel, nothing compared."""
    lines = _header(report)
    for case in cases(report.campaign):
        for kernel in report.campaign.kernels:
            lines += ["", *fmt.fill(f"{case}: {kernel.name}", WIDTH), "-" * WIDTH]
            lines += _ledger_grid("metric", "unit", "boots", [
                (name, *_values(s), s.notes())
                for name, s in collect(report.campaign, kernel.name, case).items()])
            lines += [""] + _ledger_grid("counter", "scope", "runs",
                                         _counters(report, kernel.name, case))
    lines += _lost(report) + _section("Caveats of the boots", report.boot_caveats())
    return _ascii("\n".join(lines) + "\n")


def _values(series: Series) -> tuple[str, list[float]]:
    """Return unit and values of a metric; none when its records disagree about the unit."""
    units = {unit for unit, _, _ in series.meanings}
    return (units.pop(), series.values()) if len(units) == 1 else ("mixed", [])


def _counters(report: Report, kernel: str, case: str) -> list[LedgerRow]:
    """Return a row per counter: its totals in single repetitions."""
    found: dict[tuple[str, str], list[Count]] = {}
    for _, boot in report.campaign.boots(kernel):
        for counter in [c for r in boot.repetitions if r.case == case for c in r.counters]:
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


def html(report: Report) -> str:
    """Return the HTML report, one file that needs nothing else."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals.update(report=report, fmt=fmt, Footnotes=fmt.Footnotes, svg=_inline,
                               mail="\n".join(mail(report)) if report.tables else "")
    return environment.get_template("report.html").render()


def _inline(figure: Figure) -> Any:
    """Return an image with ids of its own, so that two in one page do not share them.

    gnuplot escapes the text that it writes, so the image is markup that is safe.
    """
    from markupsafe import Markup
    svg = re.sub(r"(\bid=['\"]|href='#|url\(#)", rf"\g<1>{figure.name}-", figure.svg)
    label = Markup.escape(figure.caption)
    return Markup(svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1))
