# SPDX-License-Identifier: GPL-2.0-only
"""A/A: how often one kernel under two names is said to differ, and what follows for its host.

An honest host says so in 5 % of the rows. An A/A whose number of such rows is outside the range
that chance allows (95 % of the binomial distribution) shows that something else than the kernel
changes between the boots, or that the boots are not what they seem; then no verdict from this
host is worth anything, until an A/A is inside again.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

from .compare import tables
from .load import NotACampaign, load, read_plan
from .model import Campaign
from .stats import ALPHA


@dataclass(frozen=True)
class Judgement:
    """What an A/A says of its host; rows that never vary are not counted."""

    name: str  # of its directory
    nr_rows: int
    nr_alarms: int
    low: int  # of the band
    high: int

    def is_inside(self) -> bool:
        """Tell whether chance allows so many false alarms."""
        return self.low <= self.nr_alarms <= self.high

    def __str__(self) -> str:
        where = "inside" if self.is_inside() else "OUTSIDE"
        return (f"{self.nr_alarms} of {self.nr_rows} rows differ, {where} the band "
                f"{self.low} to {self.high}")


def judge(campaign: Campaign) -> Judgement | None:
    """Judge an A/A; None when it has no row that could be a false alarm."""
    from scipy.stats import binom
    judged = [row for table in tables(campaign) for row in table.rows if row.p is not None]
    if not judged:
        return None
    alarms = sum(row.p < ALPHA for row in judged)
    low, high = binom.interval(1 - ALPHA, len(judged), ALPHA)
    return Judgement(campaign.path.name, len(judged), alarms, int(low), int(high))


def of_host(campaign: Campaign, results: Path | None = None) -> tuple[Judgement | None, str]:
    """Return the judgement of the last A/A of a campaign's host, and what to say about it.

    It is looked for beside the campaign, or in the results directory that is given.
    """
    if campaign.accel == "exact":
        return None, "not needed: exact mode repeats bit for bit"
    if campaign.is_aa:
        return None, "this is one"
    if campaign.host is None:
        return None, "not known: the plan does not say which host it was"
    for path in _of(campaign, results or campaign.path.parent):
        judgement = judge(load(path))
        if judgement:
            return judgement, f"{judgement.name}: {judgement}"
    return None, "none of this host yet: run tlbbench campaign --aa"


def refusal(judgement: Judgement | None) -> str:
    """Return why no verdict may come from a host, "" if there is no reason."""
    if judgement is None or judgement.is_inside():
        return ""
    return f"refused: the last A/A of this host, {judgement.name}: {judgement}"


def _of(campaign: Campaign, results: Path) -> Iterator[Path]:
    """Yield the A/A campaigns of the same host and way of running, the newest first."""
    for path in sorted(results.glob("*-aa-*/plan.json"), key=_date, reverse=True):
        try:
            plan = read_plan(path.parent)
        except NotACampaign:
            continue
        same = all(plan.get(key) == getattr(campaign, key) for key in ("host", "backend", "accel"))
        if plan.get("aa") and same and not path.parent.is_symlink():
            yield path.parent


def _date(plan: Path) -> str:
    return plan.parent.name.rpartition("-aa-")[2]
