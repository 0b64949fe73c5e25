# SPDX-License-Identifier: GPL-2.0-only
"""Turn a campaign into rows: two kernels, one case, one metric, one verdict."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any, Iterator

import numpy as np

from .model import Boot, Campaign, Metric, Slot
from .stats import ALPHA, MIN_PAIRS, Estimate, compare_paired, holm

JSON_KEYS = ("case", "workload", "metric", "unit", "kernel_a", "kernel_b", "value_a", "value_b",
             "change_pct", "ci_low_pct", "ci_high_pct", "boots_a", "boots_b", "verdict",
             "soundness")


@dataclass(frozen=True)
class Row:
    """One metric of one case for two kernels; A is the reference.

    Values are medians over boots, percentages are of A, None is "not defined".
    """

    case: str
    workload: str
    metric: str
    unit: str
    kernel_a: str
    kernel_b: str
    value_a: float | None
    value_b: float | None
    change_pct: float | None
    ci_low_pct: float | None
    ci_high_pct: float | None
    boots_a: int
    boots_b: int
    verdict: str  # better, worse, equivalent, inconclusive or none
    soundness: str  # the worse of the two kernels: unsound, unchecked, sound
    better: str
    headline: bool
    notes: tuple[str, ...]  # about the verdict
    notes_a: tuple[str, ...]  # about value_a
    notes_b: tuple[str, ...]
    estimate: Estimate | None

    def to_json(self) -> dict[str, Any]:
        """Return the keys of compare.json; percentages to six places."""
        data = {key: getattr(self, key) for key in JSON_KEYS}
        for key in "change_pct", "ci_low_pct", "ci_high_pct":
            data[key] = None if data[key] is None else round(data[key], 6) + 0.0
        return data


@dataclass(frozen=True)
class Table:
    """The rows of one case and two kernels."""

    case: str
    workload: str
    kernel_a: str
    kernel_b: str
    soundness_a: str
    soundness_b: str
    caveats_a: tuple[str, ...]
    caveats_b: tuple[str, ...]
    rows: tuple[Row, ...]
    cost_unit: str  # unit of the histograms, "" when there are none


@dataclass
class Series:
    """What the boots of one kernel say about one metric of one case."""

    pairs: dict[int, list[float]] = field(default_factory=dict)  # pair -> a value per boot
    seeds: dict[tuple[int, int], float] = field(default_factory=dict)  # (slot, seed) -> value
    nr_boots: int = 0
    metric: Metric | None = None
    meanings: set[tuple[str, str, bool]] = field(default_factory=set)  # unit, better, headline
    reasons: Counter[str] = field(default_factory=Counter)

    def value(self) -> float | None:
        """Return the median over all boots that have a value."""
        values = self.values()
        return float(median(values)) if values else None

    def values(self) -> list[float]:
        """Return the values of the boots."""
        return [v for boots in self.pairs.values() for v in boots]

    def notes(self) -> tuple[str, ...]:
        """Return why values are absent or less than exact."""
        if not self.metric:
            return ("no record of this metric",)
        return tuple(_times(text, nr, self.nr_boots) for text, nr in self.reasons.items())


def tables(campaign: Campaign) -> list[Table]:
    """Compare every other kernel with the reference, case by case; verdicts are final."""
    others = [k.name for k in campaign.kernels if k.name != campaign.reference]
    result = [_table(campaign, case, workload, other)
              for case, workload in cases(campaign).items() for other in others]
    return _apply_holm(result)


def cases(campaign: Campaign) -> dict[str, str]:
    """Return case -> workload: those of the plan, then any others that were recorded."""
    found = {r.case: r.workload for s in campaign.slots if s.boot for r in s.boot.repetitions}
    return {**campaign.cases, **{k: v for k, v in found.items() if k not in campaign.cases}}


def confounds(campaign: Campaign) -> list[str]:
    """Say what differs between the boots besides the kernel: each makes a verdict doubtful."""
    facts: dict[str, dict[str, set[str]]] = {}
    for key, kernel, value in _facts(campaign):
        values = facts.setdefault(key, {}).setdefault(kernel, set())
        values.add("could not be read" if value is None else value)
    lines = [f"{key}: " + "; ".join(f"{kernel} = {' | '.join(sorted(values))}"
                                    for kernel, values in by_kernel.items())
             for key, by_kernel in facts.items() if len(set().union(*by_kernel.values())) > 1]
    return lines + _changed_kernels(campaign) + _seed_confounds(campaign)


def _changed_kernels(campaign: Campaign) -> list[str]:
    """Name kernels whose boots do not all have the same audit, and what of their build differs."""
    lines = []
    for kernel in campaign.kernels:
        boots = [boot for _, boot in campaign.boots(kernel.name)]
        if len({boot.audit_sha256 for boot in boots}) > 1:
            keys = dict.fromkeys(k for boot in boots for k in boot.build)
            differ = [k for k in keys if len({boot.build.get(k) for boot in boots}) > 1]
            lines.append(f"{kernel.name}: its boots have different audits"
                         + f" and are not of one build: {', '.join(differ)}" * bool(differ))
    return lines


def _facts(campaign: Campaign) -> Iterator[tuple[str, str, str | None]]:
    """Yield (name, kernel, value) of all that should be equal; a kernel's own name is masked."""
    keys = dict.fromkeys(k for s in campaign.slots if s.boot for k in s.boot.audit)
    for kernel in campaign.kernels:
        for _, boot in campaign.boots(kernel.name):
            yield "tlbbench version", kernel.name, boot.tlbbench
            yield "profile", kernel.name, boot.profile
            for key in keys:
                value = boot.audit.get(key, "not recorded")
                for own in (kernel.release, kernel.kernel_id) if value else ():
                    value = value.replace(own, "<kernel>")
                yield f"audit: {key}", kernel.name, value
            for r in boot.repetitions:
                for key, setting in r.settings.items():
                    yield f"{r.case}: {key}", kernel.name, setting


def _seed_confounds(campaign: Campaign) -> list[str]:
    pairs: dict[int, set[int]] = {}
    for slot in campaign.slots:
        pairs.setdefault(slot.pair, set()).add(slot.seed)
    return [f"pair {pair}: its boots have different seeds" for pair, seeds in pairs.items()
            if len(seeds) > 1]


def inexact(campaign: Campaign) -> list[str]:
    """In exact mode: name the metrics that two boots of one kernel and seed do not agree on."""
    lines = []
    for case in cases(campaign) if campaign.accel == "exact" else ():
        for kernel in campaign.kernels:
            for name, series in collect(campaign, kernel.name, case).items():
                by_seed: dict[int, set[float]] = {}
                for (_, seed), value in series.seeds.items():
                    by_seed.setdefault(seed, set()).add(value)
                lines += [f"{case}, {kernel.name}, seed {seed}: {name} is "
                          + " and ".join(f"{v:.10g}" for v in sorted(values))
                          for seed, values in by_seed.items() if len(values) > 1]
    return lines


def collect(campaign: Campaign, kernel: str, case: str) -> dict[str, Series]:
    """Return metric -> Series of one kernel and case, in the order of the records."""
    result: dict[str, Series] = {}
    for slot, boot in campaign.boots(kernel):
        for name, metrics in _metrics(boot, case).items():
            _add_boot(result.setdefault(name, Series()), slot, metrics)
    return result


def _metrics(boot: Boot, case: str) -> dict[str, list[Metric]]:
    """Return metric name -> its values in the good repetitions of a case."""
    result: dict[str, list[Metric]] = {}
    for repetition in boot.repetitions:
        if repetition.case == case:
            for name, metric in repetition.metrics.items():
                result.setdefault(name, []).append(metric)
    return result


def _add_boot(series: Series, slot: Slot, metrics: list[Metric]) -> None:
    """Add the one value of a boot: the median over its repetitions that have one."""
    series.metric = series.metric or metrics[0]
    series.meanings |= {(m.unit, m.better, m.headline) for m in metrics}
    series.nr_boots += 1
    series.reasons.update({f"{m.status}: {m.reason or 'no reason recorded'}"
                           for m in metrics if m.status != "ok"})
    values = [m.value for m in metrics if m.value is not None]
    if values:
        series.pairs.setdefault(slot.pair, []).append(float(median(values)))
        series.seeds[slot.number, slot.seed] = float(median(values))


def _table(campaign: Campaign, case: str, workload: str, other: str) -> Table:
    """Compare one case of two kernels, before Holm."""
    a, b = (collect(campaign, k, case) for k in (campaign.reference, other))
    soundness_a, soundness_b = (_soundness(campaign, k, case) for k in (campaign.reference, other))
    draft = Row(case, workload, "", "", campaign.reference, other, None, None, None, None, None,
                0, 0, "none", min(soundness_a, soundness_b, key=_SOUNDNESS.index), "none", False,
                (), (), (), None)
    rows = [_row(replace(draft, metric=name), a.get(name, Series()), b.get(name, Series()))
            for name in {**a, **b}]
    units = [r.timed.unit for s in campaign.slots if s.boot for r in s.boot.repetitions
             if r.case == case and r.timed]
    return Table(case, workload, campaign.reference, other, soundness_a, soundness_b,
                 _caveats(campaign, campaign.reference, case), _caveats(campaign, other, case),
                 tuple(sorted(rows, key=lambda row: not row.headline)), units[0] if units else "")


_SOUNDNESS = ("unsound", "unchecked", "sound")


def _soundness(campaign: Campaign, kernel: str, case: str) -> str:
    """Return the worst that any repetition says; unchecked when there is none."""
    said = {r.soundness for _, boot in campaign.boots(kernel)
            for r in boot.repetitions if r.case == case}
    return min(said or {"unchecked"}, key=_SOUNDNESS.index)


def _caveats(campaign: Campaign, kernel: str, case: str) -> tuple[str, ...]:
    """Return the caveats and the lost repetitions of a case, with the number of boots."""
    boots = campaign.boots(kernel)
    count: Counter[str] = Counter()
    for _, boot in boots:
        count.update({text for r in boot.repetitions if r.case == case for text in [
            *r.caveats, *(f"{r.state}: {reason}" for reason in r.reasons if r.state != "ok")]})
    return tuple(_times(text, nr, len(boots)) for text, nr in count.items())


def _times(text: str, nr: int, of: int) -> str:
    return text if nr == of else f"{text} ({nr} of {of} boots)"


def _row(draft: Row, a: Series, b: Series) -> Row:
    """Fill a row from both sides, with the verdict before Holm."""
    metric = a.metric or b.metric
    row = replace(draft, unit=metric.unit, better=metric.better, headline=metric.headline,
                  boots_a=len(a.values()), boots_b=len(b.values()),
                  notes_a=a.notes(), notes_b=b.notes())
    if len(a.meanings | b.meanings) > 1:
        what = sorted({f"{unit}, {better} is better" for unit, better, _ in
                       a.meanings | b.meanings})
        return replace(row, unit="mixed", notes=(
            "not compared: the records disagree on what it is: " + "; ".join(what),))
    row = replace(row, value_a=a.value(), value_b=b.value())
    pairs = sorted(a.pairs.keys() & b.pairs.keys())
    if not pairs:
        both = bool(a.pairs and b.pairs)
        return replace(row, notes=("not judged: no pair of boots has both values",) * both)
    estimate = compare_paired(*(np.array([median(side.pairs[p]) for p in pairs])
                                for side in (a, b)))
    verdict, notes = _verdict(estimate, metric.better, len(pairs))
    if MIN_PAIRS <= len(pairs) < max(row.boots_a, row.boots_b):
        notes += (f"change and CI are those of the {len(pairs)} complete pairs",)
    percent = [None if v is None else 100 * v
               for v in (estimate.change, estimate.low, estimate.high)]
    return replace(row, change_pct=percent[0], ci_low_pct=percent[1], ci_high_pct=percent[2],
                   verdict=verdict, notes=notes, estimate=estimate)


def _verdict(estimate: Estimate, better: str, nr_pairs: int) -> tuple[str, tuple[str, ...]]:
    """Return the verdict of one row by itself and what has to be said about it.

    A change inside the band is equivalent even when it is significant.
    """
    if nr_pairs < MIN_PAIRS:
        return "none", (f"not judged: {nr_pairs} complete pair{'s' * (nr_pairs > 1)} of boots, "
                        f"{MIN_PAIRS} needed",)
    notes: tuple[str, ...] = ()
    if estimate.scale == "difference":
        notes = ("a boot has 0, which has no ratio: the differences decide",)
    if estimate.p_flip is not None and (estimate.p < ALPHA) != (estimate.p_flip < ALPHA):
        notes += (f"t test and exact sign flips disagree: p {estimate.p:.2g} and "
                  f"{estimate.p_flip:.2g}",)
    if estimate.equivalent:
        return "equivalent", notes
    if not estimate.direction:
        return "inconclusive", notes
    if better == "none":
        return "none", notes + ("it changed, but neither direction is better",)
    return ("better" if (estimate.direction > 0) == (better == "higher") else "worse"), notes


def _apply_holm(all_tables: list[Table]) -> list[Table]:
    """Correct the headline rows of a campaign for their number.

    Metrics that never vary within a kernel cannot be false alarms and are exempt. Those that
    vary with the seed in exact mode are not: seeds are a sample too.
    """
    family = [row for table in all_tables for row in table.rows
              if row.headline and row.estimate and row.boots_a >= MIN_PAIRS <= row.boots_b
              and row.estimate.scale != "constant"]
    adjusted = dict(zip(map(id, family), holm([row.estimate.p for row in family])))

    def correct(row: Row) -> Row:
        p = adjusted.get(id(row), 0.0)
        if p <= ALPHA or row.verdict not in ("better", "worse"):
            return row
        return replace(row, verdict="inconclusive", notes=row.notes + (
            f"{row.verdict} by itself (p {row.estimate.p:.2g}), not among {len(family)} "
            f"headline rows (Holm p {p:.2g})",))
    return [replace(t, rows=tuple(correct(r) for r in t.rows)) for t in all_tables]


def to_json(all_tables: list[Table]) -> list[dict[str, Any]]:
    """Return the rows of compare.json."""
    return [row.to_json() for table in all_tables for row in table.rows]
