# SPDX-License-Identifier: GPL-2.0-only
"""What the boots of one kernel say about one metric of one case."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from .model import Boot, Campaign, Metric, Slot
from .stats import Array, components


@dataclass
class Series:
    """The values of one metric; a boot is one value, the median over its repetitions."""

    pairs: dict[int, list[float]] = field(default_factory=dict)  # pair -> a value per boot
    seeds: dict[tuple[int, int], float] = field(default_factory=dict)  # (slot, seed) -> value
    repetitions: list[list[float]] = field(default_factory=list)  # of each boot
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

    def paired(self, pairs: list[int]) -> Array:
        """Return a value for each of these pairs."""
        return np.array([median(self.pairs[p]) for p in pairs])

    def noise(self) -> tuple[float | None, float | None]:
        """Return the sd between boots and within a boot, as fractions; None: not known."""
        boots = [np.array(values) for values in self.repetitions]
        if any(boot.min() <= 0 for boot in boots):
            return None, None
        return components([np.log(boot) for boot in boots])

    def notes(self) -> tuple[str, ...]:
        """Return why values are absent or less than exact."""
        if not self.metric:
            return ("no record of this metric",)
        return tuple(times(text, nr, self.nr_boots) for text, nr in self.reasons.items())

    def status(self) -> str:
        """Return ok, scaled or absent: of the value that stands for all boots."""
        if not self.pairs:
            return "absent"
        return "scaled" if any(text.startswith("scaled") for text in self.reasons) else "ok"


def times(text: str, nr: int, of: int) -> str:
    """Say of how many boots something holds, unless it is all."""
    return text if nr == of else f"{text} ({nr} of {of} boots)"


def cases(campaign: Campaign) -> dict[str, str]:
    """Return case -> workload: those of the plan, then any others that were recorded."""
    found = {r.case: r.workload for s in campaign.slots if s.boot for r in s.boot.repetitions}
    return {**campaign.cases, **{k: v for k, v in found.items() if k not in campaign.cases}}


def collect(campaign: Campaign, kernel: str, case: str) -> dict[str, Series]:
    """Return metric -> Series of one kernel and case, in the order of the records."""
    if (kernel, case) in campaign.memo:
        return campaign.memo[kernel, case]
    result: dict[str, Series] = campaign.memo.setdefault((kernel, case), {})
    for slot, boot in campaign.boots(kernel):
        for name, metrics in _metrics(boot, case).items():
            if name not in result:
                result[name] = Series()
            _add_boot(result[name], slot, metrics)
    return result


def _metrics(boot: Boot, case: str) -> dict[str, list[Metric]]:
    """Return metric name -> its values in the good repetitions of a case."""
    result: dict[str, list[Metric]] = {}
    for repetition in boot.of(case):
        for name, metric in repetition.metrics.items():
            result.setdefault(name, []).append(metric)
    return result


def _add_boot(series: Series, slot: Slot, metrics: list[Metric]) -> None:
    """Add the one value of a boot: the median over its repetitions that have one."""
    series.metric = series.metric or metrics[0]
    series.nr_boots += 1
    values, reasons = [], set()
    for metric in metrics:
        series.meanings.add((metric.unit, metric.better, metric.headline))
        if metric.status != "ok":
            reasons.add(f"{metric.status}: {metric.reason or 'no reason recorded'}")
        if metric.value is not None:
            values.append(metric.value)
    if reasons:
        series.reasons.update(reasons)
    if values:
        value = float(median(values))
        series.pairs.setdefault(slot.pair, []).append(value)
        series.seeds[slot.number, slot.seed] = value
        series.repetitions.append(values)


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
