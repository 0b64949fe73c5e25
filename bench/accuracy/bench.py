# SPDX-License-Identifier: GPL-2.0-only
"""make bench: how accurate is tlbbench on this machine?

Runs all items in rounds, forwards and backwards in turn, and prints one table: the median over
rounds with minimum, maximum and coefficient of variation, and the bound where there is one. Then
runs each workload at its default, once, and prints its ops/s and its ledger ("ledger"). Writes
nothing. Exit status: 0 all bounds kept and all workloads ran or had a reason not to, 1 not so,
2 usage.
"""
import argparse
import os
import re
import sys
import time
from pathlib import Path

import numpy

import ledger
from items import ITEMS, Unavailable
from tools import Tools

ROOT = Path(__file__).resolve().parents[2]
HEAD = ("what", "median", "min", "max", "cv", "bound", "")
LEDGER = "ledger"
LAYOUT = "{:<62} {:>9} {:>9} {:>9} {:>6}  {:<9} {}"


def machine():
    """Return one line about this machine."""
    info = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.+)$", info, re.MULTILINE)
    virtual = "virtual" if " hypervisor" in info else "real"
    load = os.getloadavg()[0]
    user = "root" if not os.geteuid() else "no root"
    return (f"{model[1] if model else os.uname().machine}, {len(os.sched_getaffinity(0))} CPUs, "
            f"{virtual} machine, Linux {os.uname().release}, {user}, load {load:.1f}")


def holds(bound, values, every):
    """Tell whether the median, or every value, is within the bound."""
    relation, limit = bound
    judged = values if every else [numpy.median(values)]
    tests = {"<=": lambda x: x <= limit, ">=": lambda x: x >= limit,
             "~": lambda x: abs(x - 1) <= limit}
    return all(tests[relation](x) for x in judged)


def bound_text(bound):
    """Return a bound as it is printed."""
    if not bound:
        return ""
    return f"1 +- {bound[1]:g}" if bound[0] == "~" else f"{bound[0]} {bound[1]:g}"


def cells(row, values):
    """Return what is printed of a row, and whether its bound is kept."""
    if not values:
        return [row.label, "-", "", "", "", bound_text(row.bound), "not measured"], True
    mean, ok = numpy.mean(values), True
    cv = f"{100 * numpy.std(values, ddof=1) / abs(mean):.1f}%" \
        if len(values) > 1 and mean > 0 and min(values) > 0 else ""
    verdict = ""
    if row.bound:
        ok = holds(row.bound, values, row.every)
        verdict = "ok" if ok else "NOT OK"
    numbers = [row.form.format(x) for x in (numpy.median(values), min(values), max(values))]
    return [row.label, *numbers, cv, bound_text(row.bound), verdict], ok


class Bench:
    """The values of all rounds, and why some do not exist."""

    def __init__(self, names, tools):
        self.tools = tools
        self.values = {name: {} for name in names}
        self.missing = {}

    def run_round(self, number):
        """Run each item once, every other round backwards."""
        names = [name for name in self.values if not number or not ITEMS[name].once]
        for name in names[::-1] if number % 2 else names:
            if name in self.missing:
                continue
            try:
                found = ITEMS[name].run(self.tools)
            except Unavailable as reason:
                self.missing[name] = str(reason)
                continue
            for key, value in found.items():
                self.values[name].setdefault(key, []).append(value)

    def report(self):
        """Print the table; tell whether all bounds are kept."""
        print(LAYOUT.format(*HEAD))
        all_ok = True
        for name, values in self.values.items():
            if name in self.missing:
                print(f"{name}: not measured: {self.missing[name]}")
                continue
            for row in ITEMS[name].rows:
                texts, ok = cells(row, values.get(row.key, []))
                all_ok &= ok
                print(LAYOUT.format(*texts).rstrip())
        return all_ok


def run_ledger(tools):
    """Print the table of workloads; tell whether none failed."""
    print()
    try:
        for line in ledger.lines(tools, tools.workloads()):
            print(line, flush=True)
    except RuntimeError as error:
        print(error)
        return False
    return True


def main():
    """Run what is asked for. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("items", nargs="*", metavar="ITEM",
                        help=f"of {', '.join(ITEMS)}, {LEDGER}; all")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="directory (build)")
    parser.add_argument("--rounds", type=int, default=10, help="(10)")
    args = parser.parse_args()
    unknown = set(args.items) - {*ITEMS, LEDGER}
    if unknown or args.rounds < 1:
        parser.error(f"expected items of {', '.join(ITEMS)}, {LEDGER}, and at least one round")
    print(machine(), flush=True)
    begin = time.monotonic()
    asked = args.items or [*ITEMS, LEDGER]
    bench = Bench([name for name in asked if name != LEDGER], Tools(args.build.resolve()))
    for number in range(args.rounds):
        bench.run_round(number)
        if sys.stderr.isatty():
            print(f"\rround {number + 1} of {args.rounds}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    all_ok = not bench.values or bench.report()
    if LEDGER in asked:
        all_ok &= run_ledger(bench.tools)
    print(f"{args.rounds} rounds, {time.monotonic() - begin:.0f} s")
    return 0 if all_ok else 1


if __name__ == "__main__":
    sys.exit(main())
