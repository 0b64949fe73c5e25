# SPDX-License-Identifier: GPL-2.0-only
"""Write a synthetic campaign directory with known differences between its kernels.

By hand: python3 make_campaign.py DIR [exact|kvm]
"""
from __future__ import annotations

import hashlib
import json
import random
import sys
from pathlib import Path
from typing import Any, Callable

CASES = {"lazy_idle-woken/cpus=4": "lazy_idle", "lazy_idle-asleep/cpus=4": "lazy_idle"}
Edit = Callable[[str, dict[str, Any]], None]


def identity(kernel: str) -> str:
    """Return an image id that depends on the name alone."""
    return f"{kernel}-{hashlib.sha256(kernel.encode()).hexdigest()[:12]}"


def metric(name: str, unit: str, value: float | None, headline: bool = True,
           better: str = "lower", reason: str | None = None) -> dict[str, Any]:
    """Return one metric; a value of None makes it absent."""
    status = "ok" if value is not None else "absent"
    return {"name": name, "unit": unit, "better": better, "status": status, "value": value,
            "reason": reason, "headline": headline}


def histogram(unit: str, costs: list[int]) -> dict[str, Any]:
    """Return the sparse histogram of some costs, 16 buckets per power of two."""
    buckets: dict[int, int] = {}
    for cost in costs:
        step = max(1, 1 << max(0, cost.bit_length() - 5))
        buckets[cost // step * step] = buckets.get(cost // step * step, 0) + 1
    return {"unit": unit, "count": len(costs), "min": min(costs), "max": max(costs),
            "sum": sum(costs), "overflow": 0, "buckets": sorted(map(list, buckets.items()))}


def measure(exact: bool, kernel: str, case: str, pair: int, rng: random.Random) -> dict[str, Any]:
    """Invent the numbers of one repetition.

    baseline sends an IPI to every woken sleeper, 3 per op; any other kernel sends none to those
    that sleep on, and costs 8 % more instructions where they are woken.
    """
    ipis = 3 if "woken" in case and kernel != "baseline" else 0
    base = 15000 + 40 * pair + (1200 if ipis else 0)
    spread = 60 if exact else 900
    costs = [base + int(abs(rng.gauss(0, spread))) for _ in range(200)]
    if not exact:
        costs = [c + rng.randrange(400) for c in costs]
        costs[::50] = [4 * c for c in costs[::50]]
    costs.sort()
    unit = "instructions" if exact else "ns"
    metrics = [
        metric("ipis_received_per_op", "ipis/op", ipis),
        metric("ipis_sent_per_op", "ipis/op", None if exact else ipis,
               reason="this machine has no counter for it" if exact else None),
        metric("flushes_per_op", "flushes/op", 1.0),
        metric("ipis_received", "ipis", 200 * ipis, headline=False),
        metric("flushes_per_op.remote_shootdown", "flushes/op", float(ipis), False, "none"),
        metric("flushes_per_op.local_mm_shootdown", "flushes/op", 1.0, False, "none")]
    if exact:
        metrics.insert(3, metric("op_instructions", "instructions", costs[100]))
    else:
        metrics[3:3] = [metric(f"op_{name}_ns", "ns", costs[at])
                        for name, at in (("p50", 100), ("p99", 198), ("p999", 199))]
    return {
        "passes": {which: {"ops": 200, "dropped": 0, "elapsed_ns": 9_000_000,
                           "histogram": histogram(unit, costs)}
                   for which in ("timed", "counted")},
        "counters": [{"name": "irq_tlb", "scope": "cpu", "status": "ok", "value": 200 * ipis,
                      "reason": None},
                     {"name": "nr_tlb_remote_flush", "scope": "system", "status": "absent",
                      "value": None, "reason": "not in /proc/vmstat"}],
        "metrics": metrics}


def make(directory: Path, accel: str = "exact", kernels: tuple[str, ...] = ("baseline", "lazy-ipi"),
         pairs: int = 4, cases: dict[str, str] = CASES, repetitions: int = 1,
         states: dict[int, tuple[str, str, list[str]]] | None = None,
         edit: Edit = lambda kind, record: None) -> Path:
    """Write a campaign and return its directory.

    states: slot -> (state, reason, log tail) of slots that are not ok.
    edit(kind, record) may change any plan, slot, boot, repetition or audit_end before it is
    written.
    """
    exact = accel == "exact"
    common = {"schema": 1, "campaign": "demo", "backend": "vm", "accel": accel}
    order = [k for pair in range(pairs) for k in (kernels if pair % 2 == 0 else kernels[::-1])]
    slots = [{"slot": i, "pair": i // len(kernels), "kernel": k, "seed": 1 + i // len(kernels)}
             for i, k in enumerate(order)]
    plan = {**common, "type": "plan", "seed": 1, "reference": kernels[0], "slots": slots,
            "kernels": [{"name": k, "kernel_id": identity(k),
                         "release": f"6.12.117-{identity(k)}"} for k in kernels],
            "cases": [{"case": c, "workload": w} for c, w in cases.items()]}
    edit("plan", plan)
    directory.mkdir(parents=True)
    (directory / "plan.json").write_text(json.dumps(plan))
    for place in slots:
        same = {**common, **place, "kernel_id": identity(place["kernel"])}
        boot = {**same, "type": "boot", "release": f"6.12.117-{identity(place['kernel'])}",
                "tlbbench": "0.1.0", "strategy": {"lazy": place["kernel"]}, "caveats": [],
                "audit": {"cpu_model": "QEMU TCG CPU version 2.5+", "nr_cpus": "4",
                          "cmdline": f"tlbbench={identity(place['kernel'])} quiet",
                          "governor": None},
                "build": {"build_id": identity(place["kernel"])}, "audit_sha256": "0" * 64,
                "unknown": {"governor": "no cpufreq driver"}, "findings": [],
                "profile": "observe", "changes": []}
        edit("boot", boot)
        records = [boot]
        for case, workload in cases.items():
            for number in range(repetitions):
                rng = random.Random(f"{place['kernel'] if not exact else ''}{case}"
                                    f"{place['seed']}{number}")
                record = {**same, "type": "repetition", "case": case, "workload": workload,
                          "repetition": number, "state": "ok", "reasons": [], "caveats": [],
                          "soundness": "unchecked", "params": {"wake_every": 1},
                          "harness": {"cpus": 4, "ops": 200, "warmup_ops": 20},
                          "threads": [{"instance": 0, "role": "initiator", "index": 0,
                                       "process": None, "cpu": 0}],
                          "clock": {"source": "tsc"}, "observer_ratio": 1.02,
                          **measure(exact, place["kernel"], case, place["pair"], rng)}
                edit("repetition", record)
                records.append(record)
        end = {**same, "type": "audit_end", "drift": [], "kernel_messages": [], "findings": [],
               "caveats": []}
        edit("audit_end", end)
        records.append(end)
        state, reason, tail = (states or {}).get(place["slot"], ("ok", "", []))
        home = directory / "slots" / f"{place['slot']:02d}-{place['kernel'].replace('/', '_')}"
        home.mkdir(parents=True)
        lines = "".join(json.dumps(r) + "\n" for r in records)
        (home / "records.jsonl").write_text(lines)
        slot = {**same, "type": "slot", "state": state, "reason": reason, "log_tail": tail,
                "records": len(records), "host_seconds": 4.1, "host_first_record_seconds": 1.9,
                "records_sha256": hashlib.sha256(lines.encode()).hexdigest()}
        edit("slot", slot)
        (home / "slot.json").write_text(json.dumps(slot))
    reindex(directory)
    return directory


def reindex(directory: Path, slots: bool = False) -> None:
    """Write index.sha256 for the files as they are; slots: correct the slot.json files first."""
    if slots:
        for path in directory.glob("slots/*/slot.json"):
            raw = (path.parent / "records.jsonl").read_bytes()
            data = json.loads(path.read_text())
            data.update(records=raw.count(b"\n"), records_sha256=hashlib.sha256(raw).hexdigest())
            path.write_text(json.dumps(data))
    (directory / "index.sha256").write_text("".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(directory)}\n"
        for name in ("records.jsonl", "slot.json") for path in sorted(
            directory.glob(f"slots/*/{name}"))))


if __name__ == "__main__":
    make(Path(sys.argv[1]), *sys.argv[2:3])
