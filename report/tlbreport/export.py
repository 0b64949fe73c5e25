# SPDX-License-Identifier: GPL-2.0-only
"""Distributions of op costs for the tools of HdrHistogram: .hlog and .hgrm files.

The unit stays what it is, ns or instructions. An op enters at the lower bound of its bucket, which
is at most 0.8 % below its cost; the first bucket's ops enter at the exact minimum, one op at the
exact maximum, and those that overflowed at the maximum too. So a percentile lies in the bucket of
that of the record, and HdrHistogram's own buckets add 0.1 %.
"""
from __future__ import annotations

import time
from calendar import timegm
from dataclasses import dataclass
from itertools import chain
from typing import Iterator
from urllib.parse import quote

import numpy as np

from . import hdr
from .model import Campaign, Histogram, Repetition, Slot, file_stem
from .series import cases

PLACE = "ops enter at the lower bound of their bucket, at most 0.8 % below; min and max exactly"
LEGEND = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'


@dataclass(frozen=True)
class Sample:
    """What one role was timed at in one repetition; start: time measured before it in its case."""

    slot: Slot
    repetition: Repetition
    role: str
    histogram: Histogram
    start_ns: int

    def caveats(self) -> tuple[str, ...]:
        """Return the doubts about these numbers; only a whole slot has samples."""
        assert self.slot.boot
        return self.slot.boot.caveats + self.repetition.caveats


def files(campaign: Campaign, form: str, wanted: str | None) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of all files of a form, hlog or hgrm, for the wanted case or for all."""
    for number, case in enumerate(cases(campaign), 1):
        found = samples(campaign, case) if wanted in (None, case) else []
        stem = file_stem(number, case)
        if form == "hlog" and found:
            yield f"{stem}.hlog", log(campaign, case, found)
        elif form == "hgrm":
            for (kernel, role, unit), group in _by_kernel(found).items():
                yield (f"{stem}.{quote(kernel, '+')}.{quote(role, '')}.{unit}.hgrm",
                       percentiles(case, group))


def samples(campaign: Campaign, case: str) -> list[Sample]:
    """Return all that was timed of a case, in the order in which it ran."""
    found, now_ns = [], 0
    for slot in campaign.slots:
        for r in slot.boot.repetitions if slot.boot else ():
            if r.case == case and r.timed:
                found += [Sample(slot, r, role, histogram, now_ns)
                          for role, histogram in {"initiator": r.timed, **r.roles}.items()]
                now_ns += r.elapsed_ns
    return found


def values(h: Histogram) -> list[tuple[int, int]]:
    """Return (value, number of ops) pairs, see above.

    >>> values(Histogram("ns", 6, 1, ((256, 2), (512, 3)), min=257, max=1 << 41, sum=0))
    [(257, 2), (512, 3), (2199023255552, 1)]
    >>> values(Histogram("ns", 5, 0, ((256, 2), (512, 3)), min=257, max=515, sum=0))
    [(257, 2), (512, 2), (515, 1)]
    """
    if not h.count:
        return []
    pairs = [(max(low, h.min), nr) for low, nr in np.asarray(h.buckets).tolist()] or [(h.min, 1)]
    above = h.count - sum(nr for _, nr in pairs)
    if not above:
        low, nr = pairs.pop()
        pairs.append((low, nr - 1))
        above = 1
    return [(value, nr) for value, nr in (*pairs, (h.max, above)) if nr]


def log(campaign: Campaign, case: str, found: list[Sample]) -> str:
    """Return a V2 log: a line for each sample, with a tag kernel:case:slotN:role."""
    started = timegm(time.strptime(campaign.date, "%Y-%m-%d %H:%M:%S UTC")) if campaign.date else 0
    lines = [
        "#[Histogram log format version 1.3]",
        f"#[tlbbench campaign {campaign.name}, case {case}]",
        f"#[{PLACE}; Interval_Max is in the unit of the histogram]",
        "#[timestamps are the time measured before, in the order of the boots, not wall clock]",
        f"#[StartTime: {started}.000 (seconds since epoch),"
        f" {time.strftime('%a %b %d %H:%M:%S UTC %Y', time.gmtime(started))}]", LEGEND]
    for s in found:
        tag = ":".join((quote(s.slot.kernel, "+"), quote(case, "/=+"), f"slot{s.slot.number}",
                        quote(s.role, "")))
        lines += [f"#[{tag}: repetition {s.repetition.number}; {_exact(s.histogram)};"
                  f" soundness {s.repetition.soundness}]"]
        lines += [f"#[caveat: {caveat}]" for caveat in s.caveats()]
        lines += [f"Tag={tag},{s.start_ns / 1e9:.3f},{s.repetition.elapsed_ns / 1e9:.3f},"
                  f"{s.histogram.max}.000,{hdr.encode(hdr.counts(values(s.histogram)))}"]
    return "\n".join(lines) + "\n"


def percentiles(case: str, group: list[Sample]) -> str:
    """Return the percentile text of samples of one kernel and role, boots and repetitions pooled.

    What HdrHistogram would not print follows its footer, in lines that its readers skip.
    """
    first = group[0]
    pooled = [s.histogram for s in group]
    text = hdr.percentile_text(hdr.counts(chain.from_iterable(map(values, pooled))))
    timed = [h for h in pooled if h.count]
    exact = Histogram(
        first.histogram.unit, sum(h.count for h in pooled), sum(h.overflow for h in pooled), (),
        min((h.min for h in timed), default=0), max((h.max for h in timed), default=0),
        sum(h.sum for h in pooled))
    notes = [f"kernel {first.slot.kernel}, case {case}, role {first.role}:"
             f" boots {len({s.slot.number for s in group})}, repetitions {len(group)}, pooled",
             _exact(exact), PLACE,
             "soundness " + ", ".join(sorted({s.repetition.soundness for s in group})),
             *dict.fromkeys(f"caveat: {caveat}" for s in group for caveat in s.caveats())]
    return text + "".join(f"#[{note}]\n" for note in notes)


def _by_kernel(found: list[Sample]) -> dict[tuple[str, str, str], list[Sample]]:
    groups: dict[tuple[str, str, str], list[Sample]] = {}
    for s in found:
        groups.setdefault((s.slot.kernel, s.role, s.histogram.unit), []).append(s)
    return groups


def _exact(h: Histogram) -> str:
    """Return what the buckets of HdrHistogram round."""
    return (f"unit {h.unit}, count {h.count}, exact min {h.min}, max {h.max}, sum {h.sum},"
            f" overflow {h.overflow}")
