# SPDX-License-Identifier: GPL-2.0-only
"""What a campaign is, once its files have been read and believed."""
from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Metric:
    """One value of one repetition; value is None exactly when status is absent."""

    name: str
    unit: str
    better: str  # lower, higher or none
    status: str  # ok, scaled or absent
    value: float | None
    reason: str | None
    headline: bool


@dataclass(frozen=True, slots=True)
class Count:
    """One raw counter of the counted pass; status as in Metric."""

    name: str
    scope: str  # cpu, system or thread
    status: str
    value: float | None
    reason: str | None
    by_cpu: tuple[tuple[int, int], ...]  # (CPU, value), where it is told


@dataclass(frozen=True, slots=True, eq=False)
class Histogram:
    """Cost of single ops: an array of ascending (lower bound in unit, number of ops) pairs."""

    unit: str  # ns or instructions
    count: int
    overflow: int
    buckets: np.ndarray
    min: int
    max: int
    sum: int


@dataclass(frozen=True)
class Repetition:
    """One measured run of one case; metrics is empty unless state is ok."""

    case: str
    workload: str
    number: int
    state: str  # ok, skipped, failed, timeout or invalid
    reasons: tuple[str, ...]
    caveats: tuple[str, ...]
    soundness: str  # sound, unsound or unchecked
    settings: dict[str, str]  # parameters of workload and engine, as text
    ipis: tuple[tuple[int, int, int], ...]  # sender, receiver, number: of the traced ops
    timed: Histogram | None  # of the initiators
    roles: dict[str, Histogram]  # of the others, in the same pass
    elapsed_ns: int  # length of that pass
    metrics: dict[str, Metric]
    counters: tuple[Count, ...]


@dataclass(frozen=True)
class Boot:
    """One start of one kernel with everything that was measured in it."""

    tlbbench: str
    audit: dict[str, str | None]  # must be equal for all boots
    build: dict[str, str | None]  # must be equal for all boots of one kernel
    audit_sha256: str  # of both
    profile: str
    caveats: tuple[str, ...]  # of the boot record and of what happened later
    repetitions: tuple[Repetition, ...]

    def of(self, case: str) -> list[Repetition]:
        """Return the repetitions of a case."""
        return self._by_case.get(case, [])

    @cached_property
    def _by_case(self) -> dict[str, list[Repetition]]:
        found: dict[str, list[Repetition]] = {}
        for repetition in self.repetitions:
            found.setdefault(repetition.case, []).append(repetition)
        return found


@dataclass(frozen=True)
class Slot:
    """A place in the order; boot is None unless state is ok, so only whole slots are pooled.

    Besides the states of slot.json there are: "not run" (no directory), "cut off" (no slot.json)
    and "left out" (its files are not believed).
    """

    number: int
    pair: int
    kernel: str
    seed: int
    state: str
    reason: str = ""
    log_tail: tuple[str, ...] = ()
    records: int = 0
    boot: Boot | None = None


@dataclass(frozen=True)
class Kernel:
    """A kernel of the plan; release is what its boots had to report."""

    name: str
    kernel_id: str
    release: str
    append: str  # boot parameters of its own
    spec: str | None = None  # what was asked for
    commit: str | None = None  # of its tree, 40 hex digits
    image: dict[str, str] = field(default_factory=dict)  # where it came from, as far as recorded

    def is_foreign(self) -> bool:
        """Tell whether it was not made of our base, series and configuration."""
        return self.image.get("flavour") in ("file", "deb", "tree")

    def origin(self) -> str:
        """Return what the id does not say: a package's version, a commit, parameters; or ""."""
        changes = " and changes" * (self.image.get("dirty") == "yes")
        said = [self.image.get("version", ""),
                self.commit[:12] + changes if self.commit else "",
                f"with {self.append}" if self.append else ""]
        return ", ".join(filter(None, said))


@dataclass(frozen=True)
class Expectation:
    """What the campaign expects to see: two kernels compared, or the cases along a key."""

    name: str
    says: str
    source: str | None
    metrics: tuple[str, ...]  # the first that has values
    cases: tuple[str, ...]
    kernel_a: str | None
    kernel_b: str | None
    along: str | None
    start: str | None  # of along; None: the lowest
    end: str | None
    each: bool  # the metric over the key's value
    direction: str | None  # rises, falls or same
    factor: float
    knee: tuple[int, int] | None
    break_even: tuple[int, int] | None


@dataclass(frozen=True)
class Problem:
    """A file, or a line of it, that is not believed, and why."""

    file: str
    line: int | None
    reason: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{place}: {self.reason}"


@dataclass(frozen=True)
class Campaign:
    """A plan and what became of it."""

    path: Path
    name: str
    date: str  # from the name of the directory, "" when it has none
    backend: str
    accel: str
    reference: str
    kernels: tuple[Kernel, ...]
    cases: dict[str, str]  # case -> workload, in the order of the plan
    slots: tuple[Slot, ...]
    problems: tuple[Problem, ...]
    missing: dict[str, str]  # kernel -> strategy, of those that were left out
    expectations: tuple[Expectation, ...]
    headline_cases: tuple[str, ...]  # declared; empty: all
    may_differ: tuple[str, ...]  # facts that the campaign compares
    is_aa: bool  # one kernel under two names
    host: str | None  # who ran it, without saying who that is
    conf_sha256: str | None
    memo: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def boots(self, kernel: str) -> list[tuple[Slot, Boot]]:
        """Return the whole slots of a kernel in the order in which they ran."""
        return [(s, s.boot) for s in self.slots if s.kernel == kernel and s.boot]

    def bad_slots(self) -> list[Slot]:
        """Return the slots whose numbers are not in the report."""
        return [s for s in self.slots if s.state != "ok"]

    def bad_repetitions(self, *states: str) -> list[tuple[Slot, Repetition]]:
        """Return the repetitions of whole slots that ended in one of the states."""
        return [(s, r) for s in self.slots if s.boot
                for r in s.boot.repetitions if r.state in states]

    def lost(self) -> bool:
        """Tell whether anything that was planned is not in the numbers (a skip is not lost)."""
        return bool(self.problems or self.bad_slots()
                    or self.bad_repetitions("failed", "timeout", "invalid"))


def file_stem(number: int, case: str) -> str:
    """Return how files about the case with this number, from 1, begin.

    >>> file_stem(1, "lazy_idle-woken/cpus=4")
    '01-lazy-idle-woken-cpus-4'
    """
    return f"{number:02d}-" + re.sub(r"[^A-Za-z0-9.]+", "-", case)[:60].strip("-")
