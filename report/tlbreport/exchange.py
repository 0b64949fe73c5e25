# SPDX-License-Identifier: GPL-2.0-only
"""What was measured, in the formats of other tools. A boot is one value there too.

benchstat  lines of the Go benchmark format, one per boot: benchstat -col /kernel FILE
csv        one row per boot and metric, those without a value included
kcidb      KCIDB I/O schema v5: checkouts, builds and one test per case, metric and kernel
openmetrics  medians over boots, for node_exporter's textfile collector
"""
from __future__ import annotations

import csv
import io
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Iterator

from .compare import soundness
from .model import Boot, Campaign, Kernel, Slot
from .series import Series, cases, collect

ORIGIN = "tlbbench"
KCIDB_SCHEMA = Path(__file__).with_name("kcidb_v5.json")
CSV_HEAD = ("campaign", "date", "slot", "pair", "kernel", "kernel_id", "seed", "case", "workload",
            "metric", "unit", "better", "headline", "status", "value", "reason", "soundness")


def text(campaign: Campaign, form: str, wanted: str | None) -> tuple[str, str]:
    """Return (file name, text) of the wanted case or of all."""
    some = {case: workload for case, workload in cases(campaign).items() if wanted in (None, case)}
    name, function = {"benchstat": ("benchstat.txt", _benchstat), "csv": ("values.csv", _csv),
                      "kcidb": ("kcidb.json", _kcidb),
                      "openmetrics": ("tlbbench.prom", _openmetrics)}[form]
    return name, function(campaign, some)


def _boots(campaign: Campaign) -> Iterator[tuple[Kernel, Slot, Boot]]:
    for slot in campaign.slots:
        if slot.boot:
            yield next(k for k in campaign.kernels if k.name == slot.kernel), slot, slot.boot


def _word(text: str) -> str:
    """Return one word for a line of words: no blanks."""
    return re.sub(r"\s+", "_", text)


def _number(value: float) -> str:
    return f"{value:.10g}"


# --- benchstat ---------------------------------------------------------------


def _benchstat(campaign: Campaign, some: dict[str, str]) -> str:
    lines = [f"campaign: {campaign.name}", f"accel: {campaign.accel}"]
    units: dict[str, str] = {}
    body = []
    for kernel, slot, boot in _boots(campaign):
        for case in some:
            found = collect(campaign, kernel.name, case)
            values = [(name, s) for name, s in found.items() if (slot.number, slot.seed) in s.seeds]
            units.update({name: s.metric.better for name, s in values if s.metric})
            if values:
                pairs = "  ".join(f"{_number(s.seeds[slot.number, slot.seed])} {_word(name)}"
                                  for name, s in values)
                body.append(f"Benchmark{_word(case)}/kernel={_word(kernel.name)} "
                            f"{len(boot.of(case))}  {pairs}")
    lines += [f"Unit {_word(name)} better={better}" for name, better in units.items()
              if better != "none"]
    return "\n".join(lines + body) + "\n"


# --- CSV ---------------------------------------------------------------------


def _csv(campaign: Campaign, some: dict[str, str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_HEAD)
    for kernel, slot, _ in _boots(campaign):
        for case, workload in some.items():
            for name, series in collect(campaign, kernel.name, case).items():
                value = series.seeds.get((slot.number, slot.seed))
                metric = series.metric
                reason = "; ".join(series.reasons)
                status = series.status() if value is not None else "absent"
                row = [campaign.name, campaign.date, slot.number, slot.pair, kernel.name,
                       kernel.kernel_id, slot.seed, case, workload, name, metric.unit,
                       metric.better, int(metric.headline), status,
                       "" if value is None else _number(value), reason,
                       soundness(campaign, kernel.name, case)]
                writer.writerow([_plain(cell) for cell in row])
    return out.getvalue()


def _plain(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula."""
    return "'" + cell if isinstance(cell, str) and cell[:1] in "=+-@" and cell[:1] else cell


# --- KCIDB -------------------------------------------------------------------


def _kcidb(campaign: Campaign, some: dict[str, str]) -> str:
    checkouts, builds, tests = [], [], []
    for kernel in campaign.kernels:
        checkouts.append(_drop_none({
            "id": f"{ORIGIN}:{kernel.kernel_id}", "origin": ORIGIN, "valid": True,
            "git_commit_hash": kernel.commit, "comment": kernel.release}))
        builds.append({"id": f"{ORIGIN}:{kernel.kernel_id}", "origin": ORIGIN,
                       "checkout_id": f"{ORIGIN}:{kernel.kernel_id}", "status": "PASS",
                       "misc": {"release": kernel.release, "append": kernel.append}})
        for case, workload in some.items():
            tests += [_test(campaign, kernel, case, workload, name, series)
                      for name, series in collect(campaign, kernel.name, case).items()]
    unique = {tuple(sorted((k, str(v)) for k, v in c.items())): c for c in checkouts}
    report = {"version": {"major": 5, "minor": 3}, "checkouts": list(unique.values()),
              "builds": list({b["id"]: b for b in builds}.values()), "tests": tests}
    check_kcidb(report)
    return json.dumps(report, indent=1, allow_nan=False) + "\n"


def _test(campaign: Campaign, kernel: Kernel, case: str, workload: str, name: str,
          series: Series) -> dict[str, Any]:
    """Return one test: a number that was measured, or why it was not."""
    value = series.value()
    boot = next(boot for _, boot in campaign.boots(kernel.name))
    misc = {"case": case, "kernel": kernel.name, "unit": series.metric.unit,
            "better": series.metric.better, "boots": len(series.values()),
            "values": series.values(), "accel": campaign.accel,
            "soundness": soundness(campaign, kernel.name, case), "notes": list(series.notes())}
    return _drop_none({
        "id": f"{ORIGIN}:{campaign.path.name}:{kernel.name}:{case}:{name}", "origin": ORIGIN,
        "build_id": f"{ORIGIN}:{kernel.kernel_id}",
        "path": ".".join(re.sub(r"[^a-zA-Z0-9_-]", "_", part) for part in (
            ORIGIN, workload, name)),
        "environment": {"comment": boot.audit.get("cpu_model") or "CPU model not recorded"},
        "status": "MISS" if value is None else "DONE",
        "number": None if value is None else _drop_none(
            {"value": value, "unit": series.metric.unit or None}),
        "start_time": campaign.date.replace(" ", "T", 1).replace(" UTC", "+00:00") or None,
        "misc": misc})


def _drop_none(data: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in data.items() if v is not None}


@lru_cache(maxsize=None)
def _kcidb_validator():
    from jsonschema import Draft7Validator
    return Draft7Validator(json.loads(KCIDB_SCHEMA.read_text()))


def check_kcidb(report: dict[str, Any]) -> None:
    """Raise ValueError if a report breaks a rule of the schema, or refers to what is not there."""
    for error in _kcidb_validator().iter_errors(report):
        where = "/".join(map(str, error.absolute_path))
        raise ValueError(f"kcidb: {where}: {error.message[:200]}")
    for of, key, to in (("builds", "checkout_id", "checkouts"), ("tests", "build_id", "builds")):
        known = {entry["id"] for entry in report.get(to, [])}
        for entry in report.get(of, []):
            if entry[key] not in known:
                raise ValueError(f"kcidb: {entry['id']}: no {key} {entry[key]}")
    for name in ("checkouts", "builds", "tests"):
        ids = [entry["id"] for entry in report.get(name, [])]
        if len(set(ids)) != len(ids):
            raise ValueError(f"kcidb: {name}: an id stands twice")


# --- OpenMetrics -------------------------------------------------------------


def _openmetrics(campaign: Campaign, some: dict[str, str]) -> str:
    families = {"value": "Median over boots, in the unit of the label.",
                "boots": "Boots that have a value."}
    lines: dict[str, list[str]] = {name: [] for name in families}
    for kernel in campaign.kernels:
        for case, workload in some.items():
            for name, series in collect(campaign, kernel.name, case).items():
                labels = _labels(campaign=campaign.name, kernel=kernel.name, case=case,
                                 workload=workload, metric=name, unit=series.metric.unit,
                                 soundness=soundness(campaign, kernel.name, case))
                value = series.value()
                if value is not None:
                    lines["value"].append(f"tlbbench_value{labels} {_number(value)}")
                lines["boots"].append(f"tlbbench_boots{labels} {len(series.values())}")
    text = []
    for name, about in families.items():
        text += [f"# TYPE tlbbench_{name} gauge", f"# HELP tlbbench_{name} {about}", *lines[name]]
    return "\n".join([*text, "# EOF"]) + "\n"


def _labels(**labels: str) -> str:
    def escaped(text: str) -> str:
        return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return "{" + ",".join(f'{name}="{escaped(text)}"' for name, text in labels.items()) + "}"
