# SPDX-License-Identifier: GPL-2.0-only
"""What `make bench` measures: one function per item, one call per round.

A function returns values by name; ITEMS says what they mean and how good they must be. What is
compared is run in the order A B B A, so that a drift of the machine meets both alike.
"""
import os
from dataclasses import dataclass
from statistics import median
from typing import Callable

import many
import reading
from tools import Unavailable, need_two_cpus, nr_cpus, stress_ng, tlb_interrupts

SPINS = {2000: 4000, 20000: 2000, 200000: 500}
EXACT_OPS = 1000


def abba(blocks, a, b):
    """Return the results of a and those of b, two of each per block."""
    results = [[run() for run in (a, b, b, a)] for _ in range(blocks)]
    return ([one for block in results for one in (block[0], block[3])],
            [one for block in results for one in block[1:3]])


def ratio(over, under, what):
    """Return the median of a method's results over that of others."""
    return (median(getattr(one, what)() for one in over) /
            median(getattr(one, what)() for one in under))


def spin(tools):
    """Burn a known time by another clock; report measured over asked."""
    values = {}
    for ns, ops in SPINS.items():
        record = tools.record("spin", ns=ns, ops=ops, counters="no")
        values[f"{ns}"] = record.p50_ns() / ns
    return values


def floor(tools):
    """Compare an op that does nothing with a bare pair of timestamps."""
    nulls, pairs = abba(1, lambda: tools.record("null", ops=100000, counters="no"),
                        lambda: tools.hand("pair", 100000, [min(os.sched_getaffinity(0))]))
    return {"null": nulls[0].p50_ns(), "pair": pairs[0].p50_ns(), "recorded": nulls[0].pair_ns(),
            "ratio": ratio(nulls, pairs, "p50_ns")}


def by_hand(tools, act, workload, cpus, nr_ops):
    """Compare a workload with the hand-written loop of the same act on the same CPUs."""
    first = tools.record(workload, ops=10, cpus=cpus, counters="no")
    ours, hands = abba(4, lambda: tools.record(workload, ops=nr_ops, cpus=cpus, counters="no"),
                       lambda: tools.hand(act, nr_ops, first.cpus))
    return {f"{act} {what}": ratio(ours, hands, what)
            for what in ("act_rate", "loop_rate", "p50_ns")}


def hand(tools):
    """Compare the harness with loops written by hand, with and without responders."""
    values = by_hand(tools, "madvise", "lazy_idle", 1, 20000)
    if nr_cpus() > 1:
        values.update(by_hand(tools, "munmap", "munmap", 2, 4000))
    return values


def observer(tools):
    """Compare the timed pass with and without the counted pass that follows it."""
    need_two_cpus()
    counted, bare = abba(3, lambda: tools.record("munmap", cpus=2, ops=2000, counters="yes"),
                         lambda: tools.record("munmap", cpus=2, ops=2000, counters="no"))
    return {what: ratio(counted, bare, what) - 1 for what in ("p50_ns", "act_rate")}


def exact(tools):
    """Count the IPIs that running responders receive."""
    need_two_cpus()
    record = tools.record("munmap", sched="fifo", ops=EXACT_OPS)
    expected = EXACT_OPS * (len(record.cpus) - 1)
    return {"received": record.metric("ipis_received"),
            "off": abs(record.metric("ipis_received") - expected)}


def peers(tools):
    """Run stress-ng and tlbbench for about a second each; count from outside."""
    need_two_cpus()
    before = tlb_interrupts()
    bogo_ops, rate = stress_ng(1)
    between = tlb_interrupts()
    record = tools.record("munmap", ops=15000, sched="auto")
    after = tlb_interrupts()
    return {"stress-ng rate": rate, "stress-ng ipis": (between - before) / bogo_ops,
            "tlbbench rate": record.loop_rate(), "tlbbench ipis": (after - between) / record.ops,
            "tlbbench p50": record.p50_ns(),
            "tlbbench reports": record.metric("ipis_received_per_op")}


def costs(tools):
    """Time what happens beside the ops."""
    return {"env": tools.env_s(), "hist": tools.histcost_ns()}


@dataclass(frozen=True)
class Row:
    """One line of the table: a value, how to print it, and what it must be.

    `bound` is (relation, limit), relation one of <= >= ~ (within a fraction of 1); `every` judges
    the worst round and not the median.
    """

    key: str
    label: str
    form: str = "{:.3f}"
    bound: tuple = None
    every: bool = False


@dataclass(frozen=True)
class Item:
    """A function, the rows that it fills, and whether one round is enough."""

    run: Callable
    rows: list
    once: bool = False


ITEMS = {
    "spin": Item(spin, [
        Row("2000", "spin 2 us: p50 / asked, with the pair in it"),
        Row("20000", "spin 20 us: p50 / asked", bound=("~", 0.01)),
        Row("200000", "spin 200 us: p50 / asked", bound=("~", 0.01))]),
    "floor": Item(floor, [
        Row("ratio", "null p50 / bare pair by hand", bound=("<=", 1.3)),
        Row("null", "null p50, ns", "{:.1f}"),
        Row("pair", "bare pair by hand p50, ns", "{:.1f}"),
        Row("recorded", "pair that tlbbench records, ns", "{:.1f}")]),
    "hand": Item(hand, [
        Row("munmap loop_rate", "munmap, 1 responder: whole loop ops/s, tlbbench / by hand",
            bound=(">=", 0.97)),
        Row("munmap act_rate", "munmap, 1 responder: ops per s of op time, same",
            bound=(">=", 0.97)),
        Row("munmap p50_ns", "munmap, 1 responder: p50, same"),
        Row("madvise loop_rate", "madvise, alone: whole loop ops/s, tlbbench / by hand",
            bound=(">=", 0.97)),
        Row("madvise act_rate", "madvise, alone: ops per s of op time, same",
            bound=(">=", 0.97)),
        Row("madvise p50_ns", "madvise, alone: p50, same")]),
    "observer": Item(observer, [
        Row("p50_ns", "observer: timed p50, counters yes / no, less 1", "{:+.4f}",
            ("<=", 0.01)),
        Row("act_rate", "observer: ops per s of op time, same", "{:+.4f}")]),
    "exact": Item(exact, [
        Row("off", f"IPIs off (n-1) * {EXACT_OPS}, SCHED_FIFO", "{:.0f}", ("<=", 0), True),
        Row("received", "IPIs received", "{:.0f}")]),
    "many": Item(many.measure, [
        Row("off", f"{many.INSTANCES} instances: ops off {many.OPS} each", "{:.0f}", ("<=", 0),
            True),
        Row("private_kib", "private memory of an idle instance, KiB", "{:.0f}",
            ("<=", many.PRIVATE_KIB), True),
        Row("wall", "wall time, s", "{:.1f}")], once=True),
    "peers": Item(peers, [
        Row("stress-ng ipis", "stress-ng: TLB interrupts per bogo op", "{:.4f}"),
        Row("tlbbench ipis", "tlbbench munmap: TLB interrupts per op", "{:.4f}"),
        Row("tlbbench reports", "tlbbench munmap: says itself", "{:.4f}"),
        Row("stress-ng rate", "stress-ng: bogo ops/s", "{:.0f}"),
        Row("tlbbench rate", "tlbbench munmap: ops/s", "{:.0f}"),
        Row("tlbbench p50", "tlbbench munmap: p50, ns", "{:.0f}")]),
    "costs": Item(costs, [
        Row("hist", "adding to a histogram, ns", "{:.2f}"),
        Row("env", "tlbbench env, s", "{:.3f}")]),
    "report": Item(reading.measure, [
        Row("seconds", f"report: {reading.RECORDS} records loaded and compared, s", "{:.2f}",
            ("<=", reading.SECONDS), True),
        Row("mib", "report: memory for it, MiB", "{:.0f}", ("<=", reading.MIB), True),
        Row("page_ms", f"report: page of {reading.PAGE_CASES} cases opens (chromium), ms", "{:.0f}",
            ("<=", reading.PAGE_MS), True)], once=True),
}

__all__ = ["ITEMS", "Unavailable"]
