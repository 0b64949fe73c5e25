# SPDX-License-Identifier: GPL-2.0-only
"""Turn a campaign into rows: two kernels, one case, one metric, one verdict."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from .confounds import Difference, differences
from .model import Campaign
from .series import Series, cases, collect, times
from .stats import (ALPHA, BAND, MIN_PAIRS, Array, Estimate, adjust, boots_needed, compare_paired,
                    detectable)

JSON_KEYS = ("case", "workload", "metric", "unit", "kernel_a", "kernel_b", "value_a", "value_b",
             "status_a", "status_b", "change_pct", "ci_low_pct", "ci_high_pct", "boots_a",
             "boots_b", "p", "p_sign_flip", "p_adjusted", "family", "sd_between_pct",
             "sd_within_pct", "detectable_pct", "boots_needed", "verdict", "soundness", "notes")
HOLM, BH = "headline", "rest"
METHODS = {HOLM: ("holm", "Holm"), BH: ("fdr_bh", "Benjamini-Hochberg")}
SMALL = "small: inside the band of what is equivalent"
SOUNDNESS = ("unsound", "unchecked", "sound")


@dataclass(frozen=True)
class Rules:
    """What is decided before the numbers are looked at."""

    band: float = BAND  # changes inside +-band are equivalent
    allowed: frozenset[str] = frozenset()  # facts that may differ
    refusal: str = ""  # why no verdict may come from this host


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
    soundness: str  # the worse of the two kernels: unsound, unchecked, sound
    better: str
    headline: bool
    boots_a: int
    boots_b: int
    notes_a: tuple[str, ...]  # about value_a
    notes_b: tuple[str, ...]
    notes: tuple[str, ...] = ()  # about the verdict
    verdict: str = "none"  # better, worse, equivalent, inconclusive, none or void
    value_a: float | None = None
    value_b: float | None = None
    status_a: str = "absent"
    status_b: str = "absent"
    change_pct: float | None = None
    ci_low_pct: float | None = None
    ci_high_pct: float | None = None
    estimate: Estimate | None = None
    nr_pairs: int = 0
    sd_between_pct: float | None = None  # of A
    sd_within_pct: float | None = None
    detectable_pct: float | None = None  # smallest change that so many boots see
    boots_needed: int | None = None  # to see a change as large as the band
    family: str | None = None  # of p_adjusted
    p_adjusted: float | None = None

    @property
    def p(self) -> float | None:
        """Return the p of the paired t test; None where nothing varies or one pair has it all."""
        return self.estimate.p if self.is_judged() else None

    @property
    def p_sign_flip(self) -> float | None:
        """Return the p of the exact sign-flip test."""
        return self.estimate.p_flip if self.is_judged() else None

    def is_judged(self) -> bool:
        """Tell whether statistics decide; not where too few boots or none that vary."""
        return (self.estimate is not None and self.estimate.scale != "constant"
                and self.nr_pairs >= MIN_PAIRS)

    def to_json(self) -> dict[str, Any]:
        """Return the keys of compare.json; percentages to six places."""
        data = {key: getattr(self, key) for key in JSON_KEYS}
        for key, value in data.items():
            if key.endswith("_pct") and value is not None:
                data[key] = round(value, 6) + 0.0
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
    void: str = ""  # why nothing here can be compared


def others(campaign: Campaign) -> list[str]:
    """Return the kernels that are compared with the reference."""
    return [k.name for k in campaign.kernels if k.name != campaign.reference]


def tables(campaign: Campaign, rules: Rules = Rules()) -> list[Table]:
    """Compare every other kernel with the reference, case by case; verdicts are final."""
    differ = {other: differences(campaign, other, rules.allowed) for other in others(campaign)}
    found = [_table(campaign, case, workload, other, rules, differ[other])
             for case, workload in cases(campaign).items() for other in differ]
    return _correct(campaign, [t if t.void else _refused(t, rules.refusal) for t in found])


def confounds(campaign: Campaign, rules: Rules = Rules()) -> list[Difference]:
    """Return all that differs besides the kernels, each once, what voids first."""
    found = [d for other in others(campaign) or [campaign.reference]
             for d in differences(campaign, other, rules.allowed)]
    return sorted(dict.fromkeys(found), key=lambda d: not d.voids)


def _table(campaign: Campaign, case: str, workload: str, other: str, rules: Rules,
           differ: list[Difference]) -> Table:
    """Compare one case of two kernels, before its families are corrected."""
    a, b = (collect(campaign, k, case) for k in (campaign.reference, other))
    soundness_a, soundness_b = (soundness(campaign, k, case) for k in (campaign.reference, other))
    place = {"case": case, "workload": workload, "kernel_a": campaign.reference,
             "kernel_b": other, "soundness": min(soundness_a, soundness_b, key=SOUNDNESS.index)}
    exact, nothing = campaign.accel == "exact", Series()
    rows = [_row({**place, "metric": name}, a.get(name, nothing), b.get(name, nothing),
                 rules.band, exact) for name in {**a, **b}]
    void = [d.name for d in differ if d.voids and d.case in (None, case)]
    reason = f"void: the kernels also differ in {', '.join(void)}" if void else ""
    units = [r.timed.unit for s in campaign.slots if s.boot for r in s.boot.of(case) if r.timed]
    table = Table(case, workload, campaign.reference, other, soundness_a, soundness_b,
                  _caveats(campaign, campaign.reference, case), _caveats(campaign, other, case),
                  tuple(sorted(rows, key=lambda row: not row.headline)),
                  units[0] if units else "", reason)
    return _without_verdicts(table, "void", reason) if void else table


def _without_verdicts(table: Table, verdict: str, reason: str) -> Table:
    return replace(table, rows=tuple(
        replace(row, verdict=verdict, notes=(reason,)) for row in table.rows))


def _refused(table: Table, refusal: str) -> Table:
    return _without_verdicts(table, "none", refusal) if refusal else table


def soundness(campaign: Campaign, kernel: str, case: str) -> str:
    """Return the worst that any repetition says; unchecked when there is none."""
    said = {r.soundness for _, boot in campaign.boots(kernel) for r in boot.of(case)}
    return min(said or {"unchecked"}, key=SOUNDNESS.index)


def _caveats(campaign: Campaign, kernel: str, case: str) -> tuple[str, ...]:
    """Return the caveats and the lost repetitions of a case, with the number of boots."""
    boots = campaign.boots(kernel)
    count: Counter[str] = Counter()
    for _, boot in boots:
        count.update({text for r in boot.of(case) for text in [
            *r.caveats, *(f"{r.state}: {reason}" for reason in r.reasons if r.state != "ok")]})
    return tuple(times(text, nr, len(boots)) for text, nr in count.items())


def _row(place: dict[str, str], a: Series, b: Series, band: float, exact: bool) -> Row:
    """Make a row of both sides, with the verdict before its family is corrected."""
    metric = a.metric or b.metric
    known = {**place, "unit": metric.unit, "better": metric.better, "headline": metric.headline,
             "boots_a": len(a.values()), "boots_b": len(b.values()),
             "notes_a": a.notes(), "notes_b": b.notes()}
    if len(a.meanings | b.meanings) > 1:
        what = sorted({f"{unit}, {better} is better" for unit, better, _ in
                       a.meanings | b.meanings})
        return Row(**{**known, "unit": "mixed"}, notes=(
            "not compared: the records disagree on what it is: " + "; ".join(what),))
    known.update(value_a=a.value(), value_b=b.value(), status_a=a.status(), status_b=b.status())
    pairs = sorted(a.pairs.keys() & b.pairs.keys())
    if not pairs:
        both = bool(a.pairs and b.pairs)
        return Row(**known, notes=("not judged: no pair of boots has both values",) * both)
    values = a.paired(pairs), b.paired(pairs)
    estimate = compare_paired(*values, band, exact)
    verdict, notes = verdict_of(estimate, metric.better, len(pairs), exact)
    if exact:
        notes += _seeds(estimate, *values)
    if MIN_PAIRS <= len(pairs) < max(known["boots_a"], known["boots_b"]):
        notes += (f"change and CI are those of the {len(pairs)} complete pairs",)
    return _with_noise(Row(
        **known, change_pct=_percent(estimate.change), ci_low_pct=_percent(estimate.low),
        ci_high_pct=_percent(estimate.high), verdict=verdict, notes=notes, estimate=estimate,
        nr_pairs=len(pairs)), a, band)


def _percent(fraction: float | None) -> float | None:
    return None if fraction is None else 100 * fraction


def _with_noise(row: Row, a: Series, band: float) -> Row:
    """Add what boots and repetitions scatter by, and what such boots can see."""
    if not (row.headline and row.is_judged() and row.estimate and row.estimate.sd):
        return row
    between, within = a.noise()
    return replace(
        row, sd_between_pct=_percent(between), sd_within_pct=_percent(within),
        detectable_pct=_percent(detectable(row.estimate.sd, row.nr_pairs)),
        boots_needed=boots_needed(row.estimate.sd, band))


def _seeds(estimate: Estimate, a: Array, b: Array) -> tuple[str, ...]:
    """Say how the exact values compare seed by seed where they do not do so alike."""
    if estimate.scale == "constant" or len(a) < 2:
        return ()
    said = [(int((b > a).sum()), "higher"), (int((b < a).sum()), "lower"),
            (int((b == a).sum()), "the same")]
    return ("exactly, seed by seed: " + ", ".join(
        f"{word} in {nr} of {len(a)}" for nr, word in said if nr),)


def verdict_of(estimate: Estimate, better: str, nr_pairs: int,
               exact: bool = False) -> tuple[str, tuple[str, ...]]:
    """Return the verdict of one row by itself and what has to be said about it.

    A change that is significant is named, however small; in exact mode almost all are, so there
    one inside the band is equivalent.
    """
    if nr_pairs < MIN_PAIRS:
        return "none", (f"not judged: {nr_pairs} complete pair{'s' * (nr_pairs > 1)} of boots, "
                        f"{MIN_PAIRS} needed",)
    notes: tuple[str, ...] = ()
    if estimate.scale == "difference":
        notes = ("a boot has 0, which has no ratio: the differences decide",)
    if (estimate.p_flip is not None and estimate.scale != "constant"
            and (estimate.p < ALPHA) != (estimate.p_flip < ALPHA)):
        notes += (f"t test and exact sign flips disagree: p {estimate.p:.2g} and "
                  f"{estimate.p_flip:.2g}",)
    if estimate.equivalent and (exact or not estimate.direction):
        return "equivalent", notes
    if not estimate.direction:
        return "inconclusive", notes
    if estimate.equivalent:
        notes += (SMALL,)
    if better == "none":
        return "none", notes + ("it changed, but neither direction is better",)
    return ("better" if (estimate.direction > 0) == (better == "higher") else "worse"), notes


def family_of(campaign: Campaign, row: Row) -> str | None:
    """Return the family that a row is corrected in.

    Metrics that never vary within a kernel cannot be false alarms and are in none. Those that
    vary with the seed in exact mode can: seeds are a sample too.
    """
    if not row.is_judged() or row.verdict == "void":
        return None
    declared = campaign.headline_cases
    return HOLM if row.headline and (not declared or row.case in declared) else BH


def _correct(campaign: Campaign, all_tables: list[Table]) -> list[Table]:
    """Correct every family for the number of its rows."""
    families: dict[str, list[Row]] = {HOLM: [], BH: []}
    for row in (row for table in all_tables for row in table.rows):
        family = family_of(campaign, row)
        if family:
            families[family].append(row)
    corrected = {id(row): _adjusted(row, name, len(rows), p) for name, rows in families.items()
                 for row, p in zip(rows, adjust([r.estimate.p for r in rows], METHODS[name][0]))}
    return [replace(t, rows=tuple(corrected.get(id(r), r) for r in t.rows)) for t in all_tables]


def _adjusted(row: Row, family: str, size: int, p: float) -> Row:
    row = replace(row, family=family, p_adjusted=p)
    if p <= ALPHA or row.verdict not in ("better", "worse"):
        return row
    verdict = "equivalent" if row.estimate.equivalent else "inconclusive"
    notes = tuple(note for note in row.notes if note != SMALL)
    return replace(row, verdict=verdict, notes=notes + (
        f"{row.verdict} by itself (p {row.estimate.p:.2g}), not among {size} {family} rows "
        f"({METHODS[family][1]} p {p:.2g})",))


def to_json(all_tables: list[Table]) -> list[dict[str, Any]]:
    """Return the rows of compare.json."""
    return [row.to_json() for table in all_tables for row in table.rows]
