# SPDX-License-Identifier: GPL-2.0-only
"""What differs between the boots of two kernels besides the kernel, and whether it may.

A difference that nobody declared makes the comparison void: nobody can say what was compared.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterator

from .model import Campaign, Kernel

# Of these facts the kernel is the cause, and a change to it may well change them: a doubt.
OF_THE_BUILD = ("config_flush",)
# Boot parameters are no way to change these.
OF_THE_MACHINE = ("bios", "cpu_groups", "cpu_model", "cpu_stepping", "dimms", "hypervisor",
                  "memory", "microcode")
# What a kernel leaves of the machine's memory, which dimms has, depends on how large it is.
FOREIGN = "a kernel from outside, with defaults of its own"
UNKNOWN = "could not be read"
NOT_RECORDED = "not recorded"
CHOSEN = re.compile(r"\btlb_strategy=\S+")


@dataclass(frozen=True)
class Difference:
    """Something that the boots of two kernels do not agree on."""

    name: str  # of the fact, or what it is about
    values: str  # kernel = value, for each kernel
    case: str | None  # None: it is about all of them
    voids: bool
    why: str  # it does not void, "" if it does

    def __str__(self) -> str:
        about = f"{self.case}: {self.name}" if self.case else self.name
        return f"{about}: {self.values}" + (f" ({self.why})" if self.why else "")


def differences(campaign: Campaign, other: str, allowed: frozenset[str]) -> list[Difference]:
    """Return what differs between the reference and the other kernel, or within one of them.

    allowed: names of facts that may differ, besides those that the campaign declares.
    """
    found: dict[tuple[str | None, str], dict[str, set[str]]] = {}
    kernels = [k for k in campaign.kernels if k.name in (campaign.reference, other)]
    for kernel in kernels:
        for case, name, value in _facts(campaign, kernel):
            found.setdefault((case, name), {}).setdefault(kernel.name, set()).add(value)
    declared = allowed | frozenset(campaign.may_differ)
    causes = _causes(kernels)
    lines = [_difference(case, name, values, declared, causes)
             for (case, name), values in found.items() if len(set().union(*values.values())) > 1]
    lines += [line for kernel in kernels for line in _rebuilt(campaign, kernel.name)]
    return sorted(lines + _seeds(campaign), key=lambda d: not d.voids)


def _causes(kernels: list[Kernel]) -> str:
    """Say why facts that a kernel decides may differ between these two on purpose, or ""."""
    if any(k.is_foreign() for k in kernels):
        return FOREIGN
    if len({k.append for k in kernels}) > 1:
        return "the boot parameters differ on purpose"
    return ""


def _difference(case: str | None, name: str, values: dict[str, set[str]],
                declared: frozenset[str], cause: str) -> Difference:
    known = set().union(*values.values()) - {UNKNOWN, NOT_RECORDED}
    why = ""
    if name in declared:
        why = "declared"
    elif name in OF_THE_BUILD:
        why = "a doubt: how the kernels were built"
    elif cause and case is None and (name not in OF_THE_MACHINE
                                     or (cause, name) == (FOREIGN, "memory")):
        why = f"a doubt: {cause}"
    elif len(known) < 2:
        why = "a doubt: it is not known of all boots"
    said = "; ".join(f"{kernel} = {' | '.join(sorted(texts))}" for kernel, texts in values.items())
    return Difference(name, said, case, not why, why)


def _facts(campaign: Campaign, kernel: Kernel) -> Iterator[tuple[str | None, str, str]]:
    """Yield (case, name, value) of all that should be equal; a kernel's own name is masked."""
    keys = dict.fromkeys(k for s in campaign.slots if s.boot for k in s.boot.audit)
    for _, boot in campaign.boots(kernel.name):
        yield None, "tlbbench", boot.tlbbench
        yield None, "profile", boot.profile
        for key in keys:
            value = boot.audit.get(key, NOT_RECORDED)
            yield None, key, UNKNOWN if value is None else _masked(value, kernel)
        for r in boot.repetitions:
            for key, setting in r.settings.items():
                yield r.case, key, setting


def _masked(value: str, kernel: Kernel) -> str:
    for own in (kernel.release, kernel.kernel_id):
        value = value.replace(own, "<kernel>")
    return CHOSEN.sub("<kernel>", value)


def _rebuilt(campaign: Campaign, kernel: str) -> list[Difference]:
    """Say it when the boots of one kernel are not of one build, or do not have one audit."""
    boots = [boot for _, boot in campaign.boots(kernel)]
    if len({boot.audit_sha256 for boot in boots}) < 2:
        return []
    keys = dict.fromkeys(k for boot in boots for k in boot.build)
    differ = [k for k in keys if len({boot.build.get(k) for boot in boots}) > 1]
    if differ:
        return [Difference(kernel, f"its boots are not of one build: {', '.join(differ)}", None,
                           True, "")]
    return [Difference(kernel, "its boots have different audits", None, False, "a doubt")]


def _seeds(campaign: Campaign) -> list[Difference]:
    pairs: dict[int, set[int]] = {}
    for slot in campaign.slots:
        pairs.setdefault(slot.pair, set()).add(slot.seed)
    return [Difference(f"pair {pair}", "its boots have different seeds", None, True, "")
            for pair, seeds in pairs.items() if len(seeds) > 1]
