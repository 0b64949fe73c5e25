# SPDX-License-Identifier: GPL-2.0-only
"""Read a campaign directory; believe only what its index and the schemas vouch for.

Every string that enters the model has lost its control characters here, and every number is
finite, so that no later layer needs to care.
"""
from __future__ import annotations

import gc
import hashlib
import re
from pathlib import Path
from typing import Any, NoReturn

from .model import Campaign, Kernel, Problem, Slot
from .records import adds_up, check, clean, expectation, parse
from .records import boot as as_boot
from .records import repetition as as_repetition

TAIL_LINES = 12
OLD_KINDS = ("plan", "slot", "boot", "repetition")


class NotACampaign(Exception):
    """The directory holds no plan that can be read; the text is one line for the user."""


class Unbelieved(Exception):
    """A file that must not be used; carries the Problem."""

    def __init__(self, file: str, line: int | None, reason: str) -> None:
        super().__init__(reason)
        self.problem = Problem(file, line, clean(reason))


def load(directory: Path, with_counters: bool = False) -> Campaign:
    """Read a campaign. Raises NotACampaign; everything else ends up in the model.

    Raw counters are checked, and kept only if asked for. Nothing that is read is garbage, and
    looking for some takes as long as reading.
    """
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        return _load(directory, with_counters)
    finally:
        gc.freeze()
        if is_enabled:
            gc.enable()


def _load(directory: Path, with_counters: bool) -> Campaign:
    if not directory.is_dir():
        raise NotACampaign(f"{directory}: no such directory")
    path = directory.resolve()
    plan = read_plan(directory)
    index, problems = _index(path)
    found, strays = _slot_directories(path, {s["slot"] for s in plan["slots"]})
    slots = []
    for planned in plan["slots"]:
        try:
            slot, more = _slot(path, found.get(planned["slot"]), _identity(plan, planned), index,
                               {c["case"] for c in plan["cases"]}, with_counters)
        except Unbelieved as error:
            slot = Slot(**_place(planned), state="left out", reason=str(error.problem))
            more = [error.problem]
        slots.append(slot)
        problems += more
    date = re.search(r"-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$", path.name)
    return Campaign(
        path=path, name=plan["campaign"], backend=plan["backend"], accel=plan["accel"],
        date="{}-{}-{} {}:{}:{} UTC".format(*date.groups()) if date else "",
        reference=plan["reference"],
        kernels=tuple(map(_kernel, plan["kernels"])),
        cases={c["case"]: c["workload"] for c in plan["cases"]},
        slots=tuple(slots), problems=tuple(problems + strays),
        missing={k["name"]: k["strategy"] for k in plan.get("missing_kernels", [])},
        expectations=tuple(map(expectation, plan.get("expectations", []))),
        headline_cases=tuple(plan.get("headline_cases", [])),
        may_differ=tuple(plan.get("may_differ", [])), is_aa=plan.get("aa", False),
        host=plan.get("host"), conf_sha256=plan.get("campaign_sha256"))


def _kernel(data: dict[str, Any]) -> Kernel:
    image = data.get("image", {})
    commit = image.get("commit", "")
    return Kernel(data["name"], data["kernel_id"], data["release"], data.get("append", ""),
                  data.get("spec"), commit if re.fullmatch("[0-9a-f]{40}", commit) else None,
                  image)


def read_plan(directory: Path) -> dict[str, Any]:
    """Read plan.json and check that its parts refer to each other. Raises NotACampaign."""
    try:
        plan = parse((directory / "plan.json").read_bytes())
        check("plan", plan)
        names = [k["name"] for k in plan["kernels"]]
        unknown = {plan["reference"], *(s["kernel"] for s in plan["slots"])} - set(names)
        if unknown:
            raise ValueError(f"kernel {unknown.pop()} is not in its list of kernels")
        for keys in names, [s["slot"] for s in plan["slots"]]:
            if len(set(keys)) != len(keys):
                raise ValueError("a kernel or a slot is listed twice")
    except FileNotFoundError:
        raise NotACampaign(f"{directory}: not a campaign: it has no plan.json") from None
    except (OSError, ValueError) as error:
        raise NotACampaign(f"{directory}/plan.json: {clean(str(error))}") from None
    return plan


def _index(path: Path) -> tuple[dict[str, str], list[Problem]]:
    """Read index.sha256 into {relative path: hex}; a path with two hashes keeps neither."""
    name = "index.sha256"
    try:
        lines = (path / name).read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = "missing" if isinstance(error, FileNotFoundError) else "cannot be read"
        return {}, [Problem(name, None, f"{reason}, so no file can be believed")]
    index: dict[str, str] = {}
    problems = []
    for number, line in enumerate(lines, 1):
        match = re.fullmatch(r"([0-9a-f]{64}) [ *](.+)", line)
        if not match:
            problems.append(Problem(name, number, "not a line of sha256sum"))
        elif index.setdefault(match[2], match[1]) != match[1]:
            problems.append(Problem(name, number, f"second hash for {clean(match[2])}"))
            index[match[2]] = "ambiguous"
    return index, problems


def _slot_directories(path: Path, planned: set[int]) -> tuple[dict[int, Path], list[Problem]]:
    """Map slot numbers to their directories; directories outside the plan are problems."""
    found: dict[int, Path] = {}
    problems = []
    base = path / "slots"
    for entry in sorted(base.iterdir()) if base.is_dir() else []:
        match = re.match(r"(\d+)-", entry.name)
        number = int(match[1]) if match else -1
        if number not in planned or number in found:
            problems.append(Problem(f"slots/{clean(entry.name)}", None,
                                    "not in plan.json, or a second directory of its slot"))
        else:
            found[number] = entry
    return found, problems


def _place(planned: dict[str, Any]) -> dict[str, Any]:
    return {"number": planned["slot"], **{k: planned[k] for k in ("pair", "kernel", "seed")}}


def _identity(plan: dict[str, Any], planned: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that every record of a slot must repeat."""
    kernel = next(k for k in plan["kernels"] if k["name"] == planned["kernel"])
    return {**{k: plan[k] for k in ("campaign", "backend", "accel")},
            **{k: planned[k] for k in ("slot", "pair", "kernel", "seed")},
            "kernel_id": kernel["kernel_id"], "release": kernel["release"]}


def _slot(path: Path, directory: Path | None, identity: dict[str, Any], index: dict[str, str],
          cases: set[str], with_counters: bool) -> tuple[Slot, list[Problem]]:
    """Read one slot. Raises Unbelieved; the problems returned leave the slot in."""
    place = _place(identity)
    if directory is None:
        return Slot(**place, state="not run", reason="no directory in slots/"), []
    name = f"slots/{directory.name}"
    if not (directory / "slot.json").exists():
        return Slot(**place, state="cut off", reason="it ended before its slot.json was written",
                    log_tail=_console(directory)), []
    outcome = _believed(path, f"{name}/slot.json", index)
    data = _records(f"{name}/slot.json", [(1, outcome)], "slot", identity)[0]
    if data["state"] != "ok":
        tail = tuple(data["log_tail"][-TAIL_LINES:]) or _console(directory)
        return Slot(**place, state=data["state"], reason=data["reason"], log_tail=tail,
                    records=data["records"]), []
    name += "/records.jsonl"
    raw = _believed(path, name, index)
    lines = _lines(name, raw)
    if hashlib.sha256(raw).hexdigest() != data["records_sha256"] or len(lines) != data["records"]:
        raise Unbelieved(name, None, "not the file that slot.json describes")
    first, *others = _records(name, lines, "boot", identity)
    repetitions = [r for r in others if r["type"] == "repetition"]
    ends = [r for r in others if r["type"] == "audit_end"]
    _no_twins(name, repetitions)
    problems = [Problem(name, None, f"no record of case {case}")
                for case in sorted(cases - {r["case"] for r in repetitions})]
    boot = as_boot(first, [as_repetition(r, with_counters) for r in repetitions], ends)
    return Slot(**place, state="ok", records=len(lines), boot=boot), problems


def _console(directory: Path) -> tuple[str, ...]:
    """Return the last lines of console.log; it proves nothing, so the index is not asked."""
    try:
        text = (directory / "console.log").read_bytes()[-8192:].decode(errors="replace")
    except OSError:
        return ()
    return tuple(clean(line) for line in text.splitlines()[-TAIL_LINES:])


def _believed(path: Path, name: str, index: dict[str, str]) -> bytes:
    """Return the content of a file that the index vouches for. Raises Unbelieved."""
    try:
        raw = (path / name).read_bytes()
    except OSError as error:
        raise Unbelieved(name, None, error.strerror or "cannot be read") from None
    if name not in index:
        raise Unbelieved(name, None, "not in index.sha256")
    if hashlib.sha256(raw).hexdigest() != index[name]:
        raise Unbelieved(name, None, "its sha256 is not the one in index.sha256")
    return raw


def _lines(name: str, raw: bytes) -> list[tuple[int, bytes]]:
    """Split JSON Lines into numbered lines. Raises Unbelieved when the last one is cut."""
    lines = raw.split(b"\n")
    if lines.pop():
        raise Unbelieved(name, len(lines) + 1, "the last line is cut")
    if not lines:
        raise Unbelieved(name, None, "empty")
    return list(enumerate(lines, 1))


def _kind(record: Any) -> str | None:
    """Return the type that a record after the boot record must have; None: of a later tlbbench."""
    kind = record.get("type") if isinstance(record, dict) else None
    if kind == "audit_end" or isinstance(kind, str) and kind not in OLD_KINDS:
        return "audit_end" if kind == "audit_end" else None
    return "repetition"  # or it is none, and will be named


def _records(name: str, lines: list[tuple[int, bytes]], first: str,
             identity: dict[str, Any]) -> list[dict[str, Any]]:
    """Parse and check lines, of which the first has a type of its own.

    Raises Unbelieved at the first bad one.
    """
    records = []
    for place, (number, line) in enumerate(lines):
        def refuse(reason: str) -> NoReturn:
            raise Unbelieved(name, number, reason) from None
        try:
            record = parse(line)
            kind = _kind(record) if place else first
            if kind is None:
                continue
            check(kind, record)
        except ValueError as error:
            refuse(str(error))
        for key, planned in identity.items():
            if record.get(key, planned) != planned:
                refuse(f"{key} is {record[key]}, the plan says {planned}")
        if not adds_up(record):
            refuse("a histogram whose buckets do not add up to its count, or lie outside its"
                   " minimum and maximum")
        records.append(record)
    return records


def _no_twins(name: str, repetitions: list[dict[str, Any]]) -> None:
    """Raise Unbelieved when a repetition, or a metric in one, is recorded twice."""
    seen = set()
    for line, record in enumerate(repetitions, 2):
        key = record["case"], record["repetition"]
        if key in seen:
            raise Unbelieved(name, line, f"case {key[0]}, repetition {key[1]} is recorded twice")
        seen.add(key)
        names = [m["name"] for m in record.get("metrics", [])]
        if len(set(names)) != len(names):
            raise Unbelieved(name, line, "a metric is recorded twice")
