# SPDX-License-Identifier: GPL-2.0-only
"""All that is known about a campaign when it is written down, whatever the form."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from string import ascii_uppercase

from . import tables as fmt
from .aa import Judgement
from .compare import Row, Rules, Table
from .confounds import Difference
from .expect import Finding
from .figures import Figure
from .model import Campaign, Kernel
from .stats import MIN_PAIRS

SETTINGS = (("turbo", "turbo"), ("governor", "governor"), ("thp", "THP"), ("meltdown", "meltdown"))


@dataclass(frozen=True)
class Report:
    """A campaign and what was made of it."""

    campaign: Campaign
    tables: list[Table] = field(default_factory=list)
    confounds: list[Difference] = field(default_factory=list)
    inexact: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    rules: Rules = Rules()
    aa: str = ""  # what the last A/A of the host says, or why there is none
    own_aa: Judgement | None = None  # of this campaign, if it is one
    figures: list[Figure] = field(default_factory=list)
    figure_error: str = ""

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
        return f"{len(self.campaign.slots)} slots: " + counted(count)

    def verdicts(self) -> str:
        """Count the headline rows by verdict; without rows say why."""
        if not self.tables:
            return ("none: one kernel, so nothing is compared; tlbbench report show prints what was"
                    " measured")
        count = sum((fmt.verdicts(t) for t in self.tables), Counter())
        return f"{count.total()} headline rows: {counted(count)}".rstrip(": ")

    def families(self) -> list[str]:
        """Say which rows are corrected together."""
        rows = [r for t in self.tables for r in t.rows if r.family]
        declared = self.campaign.headline_cases
        which = "those of the declared cases" if declared else "no case is declared, so all"
        return [text for family, text in (
            ("headline", f"headline rows ({which}), corrected by Holm"),
            ("rest", "other rows, corrected by Benjamini and Hochberg"))
            for nr in [sum(r.family == family for r in rows)] if nr for text in [f"{nr} {text}"]]

    def worse(self) -> list[Row]:
        """Return the headline rows of the declared cases, or of all, that are worse."""
        return [r for t in self.headline_tables() for r in t.rows
                if r.headline and r.verdict == "worse"]

    def headline_tables(self) -> list[Table]:
        """Return the tables of the declared cases, or all."""
        declared = self.campaign.headline_cases
        return [t for t in self.tables if not declared or t.case in declared]

    def machine(self) -> str:
        """Describe the machine from the audit of the first whole boot."""
        audit = next((s.boot.audit for s in self.campaign.slots if s.boot), {})
        nr = audit.get("nr_cpus")
        parts = [audit.get("cpu_model") or "CPU model not recorded", f"{nr} CPUs" if nr else ""]
        return ", ".join(p for p in parts if p)

    def settings(self) -> str:
        """Return the switches that readers ask for, as the audit has them; - is not known."""
        audit = next((s.boot.audit for s in self.campaign.slots if s.boot), {})
        return ", ".join(f"{name} {audit.get(key) or '-'}" for key, name in SETTINGS)

    def command(self) -> str:
        """Return how to run this again."""
        c = self.campaign
        sums = f"  # sha256 {c.conf_sha256[:12]}" if c.conf_sha256 else ""
        name = c.name.removesuffix("-aa") if c.is_aa else c.name
        return f"tlbbench campaign {'--aa ' * c.is_aa}{name}.conf{sums}"

    def soundness(self) -> str:
        """Return which kernels are sound, unsound or unchecked in any case, and what that means."""
        return "; ".join(f"{', '.join(map(self.letter, names))} {state}: {fmt.SOUNDNESS[state]}"
                         for state in fmt.SOUNDNESS for names in [self.kernels_that_are(state)]
                         if names)

    def kernels_that_are(self, state: str) -> list[str]:
        """Return the kernels of which some case has this soundness."""
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
                  for s, r in c.bad_repetitions("failed", "timeout", "invalid")]
        # What cannot run cannot run in any boot.
        skipped = Counter((s.kernel, r.case, "; ".join(r.reasons))
                          for s, r in c.bad_repetitions("skipped"))
        return found + [(f"{kernel}: {case}, {n} x: skipped: {why}", ())
                        for (kernel, case, why), n in skipped.items()]

    def warnings(self) -> list[str]:
        """Return what must be known before any number is read."""
        c, bad = self.campaign, self.campaign.bad_slots()
        lines = [f"{len(bad)} of {len(c.slots)} slots are not in the numbers"] if bad else []
        if c.lost() and not bad:
            lines = ["some records are not in the numbers"]
        lines += dict.fromkeys(t.void for t in self.tables if t.void)
        lines += [f"no verdict is given; {self.rules.refusal}"] if self.rules.refusal else []
        if self.own_aa and not self.own_aa.is_inside():
            lines += ["this A/A is outside its band: no verdict from this host until one is inside"]
        lines += [f"{name} is unsound: {fmt.SOUNDNESS['unsound']}"
                  for name in self.kernels_that_are("unsound")]
        return lines + ["exact mode did not repeat: " + line for line in self.inexact]

    def how_to_read(self) -> list[str]:
        """Return the paragraphs that explain the tables."""
        tables = bool(self.tables)
        return [*_how_to_read(100 * self.rules.band) * tables, *[EXPECTED] * bool(self.findings),
                *[EXACT] * (tables and self.campaign.accel == "exact")]


def _version(kernel: Kernel) -> str:
    """Return the release, the id where the release does not hold it, and where it came from."""
    more = [kernel.kernel_id] if kernel.kernel_id not in kernel.release else []
    more += filter(None, [kernel.origin()])
    return f"{kernel.release} ({', '.join(more)})" if more else kernel.release


def counted(count: Counter[str]) -> str:
    """Return such as 2 better, 1 worse."""
    return ", ".join(f"{nr} {what}" for what, nr in sorted(count.items()))


def _kept(records: int) -> str:
    return f" ({records} records kept, not pooled)" if records else ""


def _how_to_read(band_pct: float) -> list[str]:
    return [
        "A boot gives one value per metric, the median of its repetitions; A and B are medians over"
        " boots. Boots are compared pair by pair.",
        "change: Hodges-Lehmann estimate from the paired log ratios; 95% CI: paired t on them,"
        " checked against exact sign flips. Where a boot has 0 there is no ratio: differences are"
        " used.",
        f"equivalent: the 90% interval is inside +-{band_pct:g}%, which is two one-sided tests at"
        " 5%; better, worse: the 95% CI excludes 0, after correction for the number of rows;"
        " inconclusive: neither is shown; none: not judged"
        f" (fewer than {MIN_PAIRS} pairs, or see the footnote); void: the kernels differ in more"
        " than the kernel.",
        "sd of boots, of runs: what the boots of A scatter by, and the runs within one; sees: the"
        f" smallest change that so many boots show in 4 of 5 campaigns; boots: how many of each"
        f" would show {band_pct:g}%.",
        "- is a value that could not be measured, never 0; its footnote says why."]


EXPECTED = ("Expected: x is the factor, [ ] its 95% interval over boots; seen: the interval lies on"
            " the expected side; not seen: on the other; cannot tell: neither, or no value.")
EXACT = ("Exact mode: counts and instructions repeat bit for bit, so they are compared exactly,"
         " seed by seed. What is the same for every seed has an interval without width and needs"
         " no correction; where seeds differ a footnote says how, and the interval takes the seeds"
         " for a sample.")
